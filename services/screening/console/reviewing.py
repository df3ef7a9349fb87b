"""The review queue for people: who waits until when, one case with all that is in it, and the decision in two steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from aiohttp import web

from services.screening.actions import Reviews
from services.screening.console import decision
from services.screening.domain.audit import Hand, Role
from services.screening.domain.catalogue import Catalogue
from services.screening.routes import case_payloads as c
from services.screening.routes import case_view
from services.screening.routes.parts import PRIVATE
from shared import staff as roles
from shared.console import Console, NotYours, see
from shared.errors import Refusal
from shared.httpkit import Answer, Ask, Route
from shared.staff import Staff

QUEUE: Final = "/console/reviews"
CASE: Final = "/console/cases/{appointment}"
HERE: Final = "/screening/console/reviews"
AT_ONCE: Final = 100
LOOKED_AT: Final = 1000  # in the order of deadlines; a visit may come before its own
LAST: Final = datetime.max.replace(tzinfo=UTC)
REVIEWERS: Final = frozenset({roles.Role.OWNER, roles.Role.PRACTITIONER})


class Reviewing:
    def __init__(self, reviews: Reviews, catalogue: Catalogue, console: Console) -> None:
        self._reviews, self._catalogue, self._console = reviews, catalogue, console

    def routes(self) -> Sequence[Route]:
        route = self._console.route
        return [
            route("GET", QUEUE, self.show_queue, "What waits for a person", REVIEWERS),
            route("GET", CASE, self.show_case, "One case with its answers", REVIEWERS),
            route("POST", f"{CASE}/decision", self.decide, "Decide about a case, after a second look", REVIEWERS),
            route(
                "GET", f"{CASE}/attachments/{{attachment}}", self.attachment, "A file that the client added", REVIEWERS
            ),
        ]

    async def show_queue(self, _: Ask[None, None], staff: Staff) -> Answer:
        """Deadlines for every owner; the answers behind them for who gives visits."""
        now = self._reviews.now
        found = [case_view.review(case, now) for case in await self._reviews.waiting(staff.practice, limit=LOOKED_AT)]
        flagged = await self._reviews.flagged(staff.practice)
        return self._console.show(
            "reviews.html",
            staff,
            here=HERE,
            reviews=sorted(found, key=lambda one: (soonest(one) or LAST, one.appointment))[:AT_ONCE],
            has_more=len(found) > AT_ONCE,
            flagged=[case_view.flagged(case) for case in flagged],
            told=clock(await self._zone(staff)),
            soonest=soonest,
        )

    async def show_case(self, ask: Ask[None, None], staff: Staff) -> Answer:
        return await self._case(ask, staff)

    async def decide(self, ask: Ask[None, None], staff: Staff) -> Answer:
        """First what the client will read is shown once more; with `sure` it is decided."""
        await self._admit(ask, staff)
        word, version, wrong = decision.read(ask.form, staff)
        if word is None:
            return await self._case(ask, staff, 422, wrong=wrong)
        if ask.form.get("sure") != "yes":
            asked = {name: ask.form.get(name, "") for name in decision.ASKED}
            return self._console.show(
                "decide.html", staff, here=HERE, word=word, asked=asked, appointment=ask.path["appointment"]
            )
        try:
            await self._reviews.rule(ask.path["appointment"], word, version=version, hand=_hand(ask, staff))
        except Refusal as refusal:
            field = decision.FIELDS.get(refusal.slug)
            if field is None:
                raise
            return await self._case(ask, staff, 422, wrong={field: f"refused:{refusal.slug}"})
        return see(HERE)

    async def attachment(self, ask: Ask[None, None], staff: Staff) -> Any:
        """As a file to be saved, under a name of ours, and never to be shown as part of a page."""
        await self._admit(ask, staff)
        kept, content = await self._reviews.attachment(
            ask.path["appointment"], ask.path["attachment"], _hand(ask, staff)
        )
        named = f"attachment; filename=note-{kept.id}.{kept.kind.rpartition('/')[2]}"
        guarded = {"Content-Disposition": named, "Content-Security-Policy": "sandbox; default-src 'none'"}
        return web.Response(body=content, content_type=kept.kind.value, headers={**PRIVATE, **guarded})

    async def _case(
        self, ask: Ask[None, None], staff: Staff, status: int = 200, *, wrong: dict[str, str] | None = None
    ) -> Answer:
        """Whoever opens it is noted, and the client can see who it was."""
        await self._admit(ask, staff)
        opened = await self._reviews.open(ask.path["appointment"], _hand(ask, staff))
        wanted = staff.locale if staff.locale in self._catalogue.texts else await self._reviews.locale(opened.case)
        locale = self._catalogue.texts_for(wanted).locale
        speak = self._console.translated(staff)
        shown: c.CaseOut = case_view.case(opened, locale, self._reviews.now)
        return self._console.show(
            "case.html",
            staff,
            status,
            here=HERE,
            case=shown,
            told=clock(await self._zone(staff)),
            soonest=soonest,
            problems={field: speak(key) for field, key in (wrong or {}).items()},
            form=ask.form,
        )

    async def _admit(self, ask: Ask[None, None], staff: Staff) -> None:
        if not staff.sees_answers:
            raise NotYours("only who gives visits sees answers")
        await self._reviews.check_own(ask.path["appointment"], staff.practice)

    async def _zone(self, staff: Staff) -> ZoneInfo:
        return ZoneInfo(await self._reviews.zone(staff.practice))


def clock(zone: ZoneInfo) -> Callable[[datetime | None], str]:
    def told(at: datetime | None) -> str:
        return "" if at is None else f"{at.astimezone(zone):%Y-%m-%d %H:%M}"

    return told


def soonest(case: c.ReviewOut | c.CaseOut) -> datetime | None:
    """The deadline, or the visit if that comes before it: from then on booking has given the time back."""
    return min((at for at in (case.deadline, case.starts_at) if at is not None and case.deadline), default=None)


def _hand(ask: Ask[None, None], staff: Staff) -> Hand:
    return Hand(role=Role.STAFF, who=staff.who, where=ask.caller.address, name=staff.name)
