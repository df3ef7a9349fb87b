"""Who asks, and on which version of a thing they rely."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from services.booking.domain.appointment import By, Hand
from shared.httpkit import Ask, InvalidRequest

ETAG: Final = re.compile(r'"(\d{1,9})"')


def hand_of(ask: Ask[Any, Any]) -> Hand:
    """Whoever asks in the open or shows an appointment's token is a client; a key belongs to the practice."""
    who = ask.caller.who
    by = By.CLIENT if who in {"public", "client"} else By.PRACTICE
    return Hand(by=by, who=who, where=ask.caller.address)


def relied_on(ask: Ask[Any, Any]) -> int | None:
    """The version that `If-Match` names; None if whichever there is will do."""
    shown = ask.headers.get("If-Match", "*").strip()
    if shown == "*":
        return None
    found = ETAG.fullmatch(shown)
    if found is None:
        raise InvalidRequest('If-Match is not a version as an ETag names it, like "7"')
    return int(found[1])


def etag(version: int) -> Mapping[str, str]:
    return {"ETag": f'"{version}"'}
