"""Whose hand a request of the desk is, and on which state of its settings it relies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from shared.httpkit import Ask, InvalidRequest

PERSON: Final = "Stillpoint-Person"
NAME: Final = re.compile(r"[\w .,'’()-]{1,80}")
ETAG: Final = re.compile(r'"(\d{1,9})"')


def hand_of(ask: Ask[Any, Any]) -> str:
    """The person that the practice's system names in the header `PERSON`, or whoever's key it is."""
    name = ask.headers.get(PERSON)
    if name is not None and not NAME.fullmatch(name):
        raise InvalidRequest(f"{PERSON} is not a name of at most 80 letters")
    return name or ask.caller.who


def relied_on(ask: Ask[Any, Any]) -> int | None:
    """The count of edits that `If-Match` names; None if whatever is set will do."""
    shown = ask.headers.get("If-Match", "*").strip()
    if shown == "*":
        return None
    found = ETAG.fullmatch(shown)
    if found is None:
        raise InvalidRequest('If-Match is not a version as an ETag names it, like "7"')
    return int(found[1])


def etag(edits: int) -> Mapping[str, str]:
    return {"ETag": f'"{edits}"'}
