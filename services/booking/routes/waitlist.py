"""The routes of the waitlist: getting into the line, and claiming what is offered."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

from services.booking.actions import Booking
from services.booking.actions.waitlist import Place
from services.booking.domain.freed import NoSuchOffer, OfferExpired, OfferId
from services.booking.domain.key import Scope
from services.booking.domain.proof import NumberNotProven, TooMany, WrongCode
from services.booking.domain.refusals import KeyReused, NoSuchPractice, NoSuchService, NotOffered
from services.booking.domain.turns import HoldExpired
from services.booking.domain.waitlist import AlreadyWaiting, NoSuchWaiting, NothingToWaitFor, Waiting, WaitingId
from services.booking.phone import CountryNotServed, NotAMobileNumber
from services.booking.routes import payloads, views
from services.booking.routes import waitlist_payloads as told
from services.booking.routes.appointments import NO_TIME, NOT_ADMITTED, OF_AGE, TURNING, Pass, person_of
from services.booking.routes.hand import hand_of
from services.booking.routes.holding import CodeBody, CodeView
from services.booking.routes.practices import PRACTICE
from shared.clock import Clock
from shared.httpkit import Answer, Ask, Route, Who

WAITLIST: Final = f"{PRACTICE}/waitlist"
WAITING: Final = "/v1/waiting/{waiting}"
OFFER: Final = "/v1/offers/{offer}"


class WaitlistRoutes:
    def __init__(self, booking: Booking, pass_: Pass, now: Clock) -> None:
        self._profiles = booking.profiles
        self._waitlist = booking.waitlist
        self._claims = booking.claims
        self._pass = pass_
        self._now = now

    def routes(self) -> Sequence[Route]:
        return [*self._waiting(), *self._entries(), *self._offers()]

    def _waiting(self) -> Sequence[Route]:
        return [
            Route(
                method="POST",
                path=WAITLIST,
                handler=self.join_waitlist,
                summary="Wait for a time that gets free",
                body=told.JoinBody,
                answers={201: told.WaitingView},
                refuses=(
                    *(NoSuchPractice, NoSuchService, NotOffered, NothingToWaitFor, AlreadyWaiting, KeyReused, TooMany),
                    *(NotAMobileNumber, CountryNotServed, NumberNotProven, WrongCode),
                    *OF_AGE,
                ),
                idempotent=True,
            ),
            Route(
                method="POST",
                path=f"{WAITLIST}/code",
                handler=self.send_code_to_wait,
                summary="Text a code to a number that the practice has not seen before, to be shown on joining",
                body=CodeBody,
                answers={202: CodeView},
                refuses=(NoSuchPractice, NotAMobileNumber, CountryNotServed, TooMany),
            ),
            Route(
                method="GET",
                path=WAITLIST,
                handler=self.list_waiting,
                summary="Who waits, the oldest first, and what they are offered right now",
                query=told.WaitlistQuery,
                answers={200: told.WaitlistPage},
                refuses=(NoSuchPractice,),
                who=Who.OPERATOR,
                scope=Scope.VISITS_READ,
            ),
        ]

    def _entries(self) -> Sequence[Route]:
        return [
            Route(
                method="GET",
                path=WAITING,
                handler=self.show_waiting,
                summary="An entry in the waitlist",
                answers={200: told.WaitingView},
                refuses=(NoSuchWaiting,),
                who=Who.TOKEN_OR_OPERATOR,
                scope=Scope.VISITS_READ,
            ),
            Route(
                method="DELETE",
                path=WAITING,
                handler=self.leave_waitlist,
                summary="Wait no longer; what is offered goes to the next in line",
                answers={200: told.WaitingView},
                refuses=(NoSuchWaiting,),
                who=Who.TOKEN_OR_OPERATOR,
                scope=Scope.VISITS_WRITE,
            ),
        ]

    def _offers(self) -> Sequence[Route]:
        return [
            Route(
                method="GET",
                path=OFFER,
                handler=self.show_offer,
                summary="What is offered, and until when",
                answers={200: told.OfferView},
                refuses=(NoSuchOffer,),
                who=Who.TOKEN_OR_OPERATOR,
                scope=Scope.VISITS_READ,
            ),
            Route(
                method="POST",
                path=f"{OFFER}/claim",
                handler=self.claim_offer,
                summary="Take the offered time, if nobody was faster",
                answers={200: payloads.AppointmentView},
                refuses=(NoSuchOffer, OfferExpired, *NO_TIME, *TURNING, *NOT_ADMITTED, KeyReused, HoldExpired),
                who=Who.TOKEN_OR_OPERATOR,
                scope=Scope.VISITS_WRITE,
            ),
        ]

    async def join_waitlist(self, ask: Ask[told.JoinBody, None]) -> Answer:
        waiting = await self._waitlist.join(
            ask.path["practice"],
            ask.body.wish(),
            person_of(ask.body.client, ask.body.consent),
            key=ask.idempotency_key or secrets.token_hex(16),
            hand=hand_of(ask),
            code=ask.body.code,
        )
        return Answer(201, told.waiting_view(Place(waiting, None), token=self._token(waiting)))

    async def send_code_to_wait(self, ask: Ask[CodeBody, None]) -> Answer:
        practice = ask.path["practice"]
        locale = ask.body.locale or (await self._profiles.get(practice)).practice.locale
        sent = await self._waitlist.send_code(practice, ask.body.phone, locale=locale, hand=hand_of(ask))
        return Answer(202, CodeView(needed=sent.expires_at is not None, expires_at=sent.expires_at))

    async def list_waiting(self, ask: Ask[None, told.WaitlistQuery]) -> Answer:
        after, limit = ask.query.after, ask.query.limit
        places = await self._waitlist.listed(
            ask.path["practice"], after=None if after is None else WaitingId(after), limit=limit
        )
        following = places[-1].waiting.id if len(places) == limit else None
        page = told.WaitlistPage(waiting=[told.waiting_entry(place) for place in places], next=following)
        return Answer(200, page)

    async def show_waiting(self, ask: Ask[None, None]) -> Answer:
        return Answer(200, told.waiting_view(await self._waitlist.get(WaitingId(ask.path["waiting"]))))

    async def leave_waitlist(self, ask: Ask[None, None]) -> Answer:
        return Answer(200, told.waiting_view(await self._waitlist.leave(WaitingId(ask.path["waiting"]))))

    async def show_offer(self, ask: Ask[None, None]) -> Answer:
        return Answer(200, told.offer_view(await self._claims.look(OfferId(ask.path["offer"]))))

    async def claim_offer(self, ask: Ask[None, None]) -> Answer:
        visit = await self._claims.claim(OfferId(ask.path["offer"]), hand=hand_of(ask))
        return Answer(200, views.appointment_view(visit, now=self._now(), token=self._pass.token(visit)))

    def _token(self, waiting: Waiting) -> str:
        """It outlives the entry as long as a visit's outlives the visit."""
        return self._pass.tokens.mint(waiting.id, waiting.practice, waiting.until + self._pass.term)
