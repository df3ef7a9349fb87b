"""The bodies and answers of the waitlist."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from services.booking.actions.claiming import Shown
from services.booking.actions.waitlist import Place, Wish
from services.booking.domain.freed import Offered, Standing
from services.booking.domain.practice import wall_minutes, wall_text
from services.booking.domain.waitlist import Hours, Range, Wait
from services.booking.profile.documents import WEEKDAYS, WallTime, Weekday
from services.booking.routes.payloads import ClientBody, ClientView, Code, ConsentBody, Day, Id
from shared.httpkit import Payload

PlaceId = Annotated[str, Field(pattern="^[a-z2-7]{26}$")]


class HoursBody(Payload):
    """When a visit may begin on these weekdays, on the clocks of its place; half-open."""

    days: tuple[Weekday, ...] = Field(min_length=1, max_length=7)
    starts: WallTime
    ends: WallTime

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if wall_minutes(self.starts) >= wall_minutes(self.ends):
            raise ValueError("the hours end before they start")
        return self


class RangeBody(Payload):
    """Dates at the place, both included; any hour of theirs if none are given."""

    from_: Day = Field(alias="from")
    until: Day
    hours: tuple[HoursBody, ...] = Field((), max_length=14)

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.until < self.from_:
            raise ValueError("the dates end before they start")
        return self


class JoinBody(Payload):
    service: Id
    practitioner: Id | None = Field(None, description="any, if absent")
    ranges: tuple[RangeBody, ...] = Field(min_length=1, max_length=10)
    client: ClientBody
    consent: ConsentBody
    code: Code | None = Field(None, description="that was texted to the number, where it has to be proven")

    def wish(self) -> Wish:
        return Wish(
            service=self.service,
            practitioner=self.practitioner,
            ranges=tuple(Range(first=one.from_, last=one.until, hours=tuple(_hours(one.hours))) for one in self.ranges),
        )


class WaitlistQuery(Payload):
    """`after` is the `next` of the page before."""

    after: PlaceId | None = None
    limit: int = Field(50, ge=1, le=200)


class OfferedView(BaseModel):
    id: str
    starts_at: datetime
    practitioner: str
    expires_at: datetime


class WaitingView(BaseModel):
    """An entry; `until` is when it ends by itself, `offered` the time that is offered for it right now."""

    id: str
    practice: str
    state: Wait
    service: str
    practitioner: str | None = None
    ranges: list[RangeBody]
    since: datetime
    until: datetime
    offered: OfferedView | None = None
    token: str | None = Field(None, description="the bearer token for this entry; only on joining")


class WaitingEntry(WaitingView):
    """As the practice sees it; who gets no texts has to be called."""

    client: ClientView
    texts: bool


class WaitlistPage(BaseModel):
    waiting: list[WaitingEntry]
    next: str | None = Field(None, description="`after` of the next page; absent on the last one")


class OfferView(BaseModel):
    """`instant` says that claiming confirms it. `appointment` is the visit once it is claimed."""

    id: str
    practice: str
    state: Literal["open", "claimed", "expired", "lost", "withdrawn"]
    service: str
    service_name: str
    practitioner: str
    practitioner_name: str
    place_name: str
    place_address: str
    starts_at: datetime
    ends_at: datetime
    zone: str
    expires_at: datetime
    instant: bool
    appointment: str | None = None


def waiting_view(place: Place, *, token: str | None = None) -> WaitingView:
    return WaitingView.model_validate({**_told(place), "token": token})


def waiting_entry(place: Place) -> WaitingEntry:
    client = place.waiting.client
    shown = ClientView.model_validate(client, from_attributes=True)
    return WaitingEntry.model_validate({**_told(place), "client": shown, "texts": client.consent.texts})


def offer_view(shown: Shown) -> OfferView:
    offered = shown.offered
    claimed = offered.state is Standing.CLAIMED
    told = {name: getattr(offered, name) for name in OfferView.model_fields if name not in {"state", "appointment"}}
    return OfferView.model_validate(
        {**told, "state": state_of(shown), "appointment": offered.appointment if claimed else None}
    )


def state_of(shown: Shown) -> str:
    """As a reader has to see it: what has ended is not open any more, swept or not, nor what somebody else took."""
    if shown.offered.state is not Standing.OPEN or shown.can_be_had:
        return shown.offered.state.value
    return Standing.EXPIRED.value if shown.has_expired else Standing.LOST.value


def _told(place: Place) -> dict[str, object]:
    waiting = place.waiting
    named = ("id", "practice", "state", "service", "practitioner", "since", "until")
    told: dict[str, object] = {name: getattr(waiting, name) for name in named}
    return {**told, "ranges": [_range(one) for one in waiting.ranges], "offered": _offered(place.offered)}


def _offered(offered: Offered | None) -> OfferedView | None:
    return None if offered is None else OfferedView.model_validate(offered, from_attributes=True)


def _range(one: Range) -> RangeBody:
    hours = [
        {"days": (WEEKDAYS[each.weekday],), "starts": wall_text(each.starts), "ends": wall_text(each.ends)}
        for each in one.hours
    ]
    return RangeBody.model_validate({"from": one.first, "until": one.last, "hours": hours})


def _hours(several: Iterable[HoursBody]) -> Iterator[Hours]:
    for one in several:
        for day in one.days:
            yield Hours(weekday=WEEKDAYS.index(day), starts=wall_minutes(one.starts), ends=wall_minutes(one.ends))
