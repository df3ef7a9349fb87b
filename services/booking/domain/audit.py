"""Who did what to a visit, from where, and what it was before: written into the turn that did it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

from services.booking.domain.appointment import Appointment, Change, Hand


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One change of a setting. `id` is unique in its practice and derives from what was changed and its version.

    `subject` names what was changed, `deed` what was done with it; the values in `changes` are JSON.
    """

    id: str
    practice: str
    subject: str
    deed: str
    who: str
    where: str | None
    at: datetime
    changes: tuple[Change, ...] = ()


def marked(address: str) -> str:
    """The host of an address that may be a secret, with a mark that another one there does not have.

    The audit keeps for ever what it is told.
    """
    return f"{urlsplit(address).hostname} ({hashlib.sha256(address.encode()).hexdigest()[:8]})"


def signed(turned: Appointment, hand: Hand, *, was: Appointment | None) -> Appointment:
    """The same with its latest turn signed; `was` is what it turned from, None for a new one."""
    *earlier, turn = turned.history
    changes = tuple(_changes(was, turned))
    return replace(turned, history=(*earlier, replace(turn, who=hand.who, where=hand.where, changes=changes)))


def _changes(was: Appointment | None, turned: Appointment) -> Iterator[Change]:
    old, new = {} if was is None else _told(was), _told(turned)
    for field, value in new.items():
        if old.get(field) != value:
            yield Change(field=field, old=old.get(field), new=value)


def _told(appointment: Appointment) -> dict[str, str | None]:
    """What can change in the life of a visit; nothing that names the client."""
    offer = appointment.offer
    return {
        "state": appointment.state.value,
        "starts_at": appointment.starts_at.isoformat(),
        "practitioner": offer.practitioner,
        "room": offer.room,
        "held_until": None if appointment.held_until is None else appointment.held_until.isoformat(),
    }
