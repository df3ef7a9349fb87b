"""What differs between two versions of a profile, field by field, for the audit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from services.booking.domain.appointment import Change

LONGEST_VALUE: Final = 1000
MOST_CHANGES: Final = 200
KEYS: Final = ("id", "day", "starts_at")
"""What the parts of a list are known by; a list of anything else is one value."""

Json = Mapping[str, Any]


def differences(old: Json, new: Json) -> tuple[Change, ...]:
    """Paths like `practitioners[ana].exceptions[2027-12-24].note`, with both values as JSON; None is nothing.

    Bounded: a long value is cut, and of very many changes the last entry says only how many more there are.
    """
    found = tuple(_between("", old, new))
    if len(found) <= MOST_CHANGES:
        return found
    more = Change(field="", old=None, new=f"{len(found) - MOST_CHANGES} more changes")
    return (*found[:MOST_CHANGES], more)


def _between(path: str, old: Any, new: Any) -> Iterator[Change]:
    if old == new:
        return
    olds, news = _parts(path, old), _parts(path, new)
    if olds is None or news is None:
        yield Change(field=path, old=_text(old), new=_text(new))
        return
    for name in dict.fromkeys((*olds, *news)):
        yield from _between(name, olds.get(name), news.get(name))


def _parts(path: str, value: Any) -> dict[str, Any] | None:
    """What a value consists of, by its paths; None if it is looked at as a whole."""
    if isinstance(value, Mapping):
        return {f"{path}.{name}".lstrip("."): one for name, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _named(path, value)
    return None


def _named(path: str, values: Sequence[Any]) -> dict[str, Any] | None:
    for key in KEYS:
        names = [one[key] for one in values if isinstance(one, Mapping) and key in one]
        if len(names) == len(set(names)) == len(values):
            return {f"{path}[{name}]": one for name, one in zip(names, values, strict=True)}
    return None


def _text(value: Any) -> str | None:
    if value is None:
        return None
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"
