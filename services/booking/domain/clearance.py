"""A health check that still counts: whether what was decided about a client's earlier visits covers another one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from services.booking.domain.appointment import Appointment, By, Client, Deed, Offer, State, Turn

CLEARED: Final = frozenset({Deed.CONFIRMED, Deed.RECHECKED, Deed.POSTPONED})
AGAINST: Final = frozenset({Deed.DECLINED, Deed.REVIEWED})
ANOTHERS: Final = "another health check"  # whose hand it is when one visit is asked about because of another


@dataclass(frozen=True, slots=True, kw_only=True)
class Clearance:
    """The client is cleared until the end of that local day; `event` told it."""

    until: date
    event: str | None

    def covers(self, starts_at: datetime, offer: Offer) -> bool:
        return starts_at.astimezone(ZoneInfo(offer.zone)).date() <= self.until


def clearance(visits: Sequence[Appointment], client: Client, *, screening: str) -> Clearance | None:
    """What the newest decision about the client says, if it is a clearance by the same form and nothing is open.

    A number can be shared, so whoever comes must be told by name to be the same; for a child somebody else answered.
    """
    if client.guardian is not None or any(visit.state is State.IN_REVIEW for visit in visits):
        return None
    decided = max(_decisions(visits, screening), key=lambda one: (one[1].at, one[1].version), default=None)
    if decided is None or decided[1].deed not in CLEARED:
        return None
    visit, turn = decided
    if visit.cleared_until is None or not _same(visit.client, client):
        return None
    return Clearance(until=visit.cleared_until, event=turn.event)


def _decisions(visits: Iterable[Appointment], screening: str) -> Iterator[tuple[Appointment, Turn]]:
    """Clearances by this form, and whatever any form had against a visit."""
    for visit in visits:
        for turn in visit.history:
            cleared = turn.deed in CLEARED and visit.offer.screening == screening
            if cleared or turn.deed in AGAINST or is_voided(turn):
                yield visit, turn


def rests(visit: Appointment) -> bool:
    """Whether it is confirmed by the health check of another visit alone."""
    own = visit.checked or visit.was_asked_again
    return visit.state is State.CONFIRMED and not own and any(_rested(turn) for turn in visit.history)


def doubt(visit: Appointment, visits: Sequence[Appointment]) -> str | None:
    """The event that speaks against a confirmed visit, of another visit of the same person; None if there is none.

    The newest that was decided of the others counts, whatever the form, if the visit's own health check is not newer;
    a number can be shared. What was asked again only because of another visit is nothing new.
    """
    if visit.client is None or visit.offer.screening is None or visit.state is not State.CONFIRMED:
        return None
    if visit.follows and any(_leads(one, visit) and one.state is State.CONFIRMED for one in visits):
        return None  # it follows what becomes of the first
    resting, cleared_at = rests(visit), _cleared_at(visit)
    others = [one for one in visits if one.id != visit.id and not rests(one) and _same(one.client, visit.client)]
    told = [one for one in _decisions(others, visit.offer.screening) if resting or one[1].who != ANOTHERS]
    newest = max(told, key=lambda one: (one[1].at, one[1].version), default=None)
    if newest is None or (not resting and cleared_at is not None and newest[1].at <= cleared_at):
        return None
    of, turn = newest
    taken_back = resting and turn.deed is Deed.POSTPONED and of.cleared_until is None  # with the first of its course
    return (turn.event or f"{of.id}:doubted") if taken_back or turn.deed not in CLEARED else None


def _leads(lead: Appointment, visit: Appointment) -> bool:
    same = lead.seat is not None and visit.seat is not None and lead.seat.course == visit.seat.course
    return same and not lead.follows


def _cleared_at(visit: Appointment) -> datetime | None:
    """When its own health check cleared it last."""
    return next((turn.at for turn in reversed(visit.history) if turn.deed in CLEARED), None)


def was_noted(visit: Appointment, event: str) -> bool:
    return any(turn.event == event and turn.deed is Deed.VOIDED for turn in visit.history)


def _rested(turn: Turn) -> bool:
    """The client's own request confirmed it, because of what was told before."""
    return turn.deed is Deed.CONFIRMED and turn.by is By.CLIENT and turn.event is not None


def is_voided(turn: Turn) -> bool:
    """What was decided counts no longer; time also asks for the check once more, and takes nothing back."""
    return turn.deed is Deed.VOIDED or (turn.deed is Deed.CHECK_ASKED and turn.event is not None)


def _same(known: Client | None, client: Client) -> bool:
    if known is None or known.guardian is not None:
        return False
    return _plain(known.name) == _plain(client.name) and (known.born is None or known.born == client.born)


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()
