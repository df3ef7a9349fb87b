"""Whose hand a request is."""

from __future__ import annotations

import re
from typing import Any, Final

from services.screening.domain.audit import CLIENT, Hand, Role, coarse
from shared.httpkit import Ask, InvalidRequest

PERSON: Final = "Stillpoint-Person"
NAME: Final = re.compile(r"[\w .,'’()-]{1,80}")


def hand_of(ask: Ask[Any, Any]) -> Hand:
    """A token belongs to a client; a key to the practice, whose system may name the person in the header `PERSON`."""
    who, address = ask.caller.who, ask.caller.address
    if who in {"public", "client"}:
        return Hand(role=Role.CLIENT, who=CLIENT.who, where=coarse(address) if address else None)
    name = ask.headers.get(PERSON)
    if name is not None and not NAME.fullmatch(name):
        raise InvalidRequest(f"{PERSON} is not a name of at most 80 letters")
    return Hand(role=Role.STAFF, who=who, where=address, name=name)
