"""The list of texts as Twilio filters and pages it: newest first, each page found again by a token."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from itertools import islice

from deploy.twilio_emulator import resource
from deploy.twilio_emulator.account import Account
from deploy.twilio_emulator.checks import Refused, instant
from deploy.twilio_emulator.message import Message

COMPARED: Mapping[str, Callable[[float, float], bool]] = {
    "DateSent": operator.eq,
    "DateSent<": operator.le,
    "DateSent>": operator.ge,
}
FILTERS = ("To", "From", *COMPARED)
LARGEST_PAGE, USUAL_PAGE = 1000, 50


def listed(texts: Iterable[Message], query: Mapping[str, str], account: Account, *, now: datetime) -> resource.Json:
    """`PageToken` is PA (after) or PB (before) and the id of the text next to the page."""
    size = min(_number(query, "PageSize", USUAL_PAGE, least=1), LARGEST_PAGE)
    number = _number(query, "Page", 0, least=0)
    filters = {name: query[name] for name in FILTERS if name in query}
    wanted = [_wanted(name, value) for name, value in filters.items()]
    matching = [text for text in texts if _listed(text, now) and all(fits(text) for fits in wanted)]
    start = _start(matching, query.get("PageToken", ""), number, size)
    chosen = list(islice(matching, start, start + size))
    more = start + size < len(matching)
    return resource.page(chosen, account, query=filters, number=number, size=size, more=more)


def _listed(text: Message, now: datetime) -> bool:
    return text.listed_at is None or text.listed_at <= now


def _start(texts: list[Message], token: str, number: int, size: int) -> int:
    if not token:
        return number * size
    place = next((index for index, text in enumerate(texts) if text.sid == token[2:]), None)
    if place is None or token[:2] not in {"PA", "PB"}:
        raise Refused(400, 20001, "Invalid PageToken")
    return place + 1 if token.startswith("PA") else max(place - size, 0)


def _wanted(name: str, value: str) -> Callable[[Message], bool]:
    if name == "To":
        return lambda text: text.to == value
    if name == "From":
        return lambda text: text.sender == value
    return _sent(COMPARED[name], value)


def _sent(compared: Callable[[float, float], bool], value: str) -> Callable[[Message], bool]:
    """Days of Greenwich, both ends counted; a text that was not sent yet has no day and matches none."""
    if (exactly := instant(value)) is not None:
        limit = exactly.timestamp()
        return lambda text: text.sent_at is not None and compared(int(text.sent_at.timestamp()), limit)
    day = _day(value).toordinal()
    return lambda text: text.sent_at is not None and compared(text.sent_at.date().toordinal(), day)


def _day(value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise Refused(400, 20001, f"Invalid DateSent: {value}") from None


def _number(query: Mapping[str, str], name: str, usual: int, *, least: int) -> int:
    value = query.get(name, str(usual))
    if not value.isdecimal() or int(value) < least:
        raise Refused(400, 20001, f"Invalid {name}: {value}")
    return int(value)
