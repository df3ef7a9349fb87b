"""A health check that still counts: whether what was decided about a client's earlier visits covers another one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from services.booking.domain.appointment import Appointment, Client, Deed, Offer, State, Turn

CLEARED: Final = frozenset({Deed.CONFIRMED, Deed.RECHECKED, Deed.POSTPONED})
AGAINST: Final = frozenset({Deed.DECLINED, Deed.REVIEWED})


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
    decided = max(_decisions(visits, screening), key=lambda one: one[1].at, default=None)
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


def is_voided(turn: Turn) -> bool:
    """What was decided counts no longer; time also asks for the check once more, and takes nothing back."""
    return turn.deed is Deed.VOIDED or (turn.deed is Deed.CHECK_ASKED and turn.event is not None)


def _same(known: Client | None, client: Client) -> bool:
    if known is None or known.guardian is not None:
        return False
    return _plain(known.name) == _plain(client.name) and (known.born is None or known.born == client.born)


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()
