"""How the time machine tells what it saw: a line a text or what a change of rules changes, and how many of each."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

from services.notify.domain.practice import Practice
from services.notify.domain.simulation import Foreseen, Span, simulated
from services.notify.domain.traffic import BY_NAME
from services.notify.domain.visit import Visit

GOES: Final = "goes"


class Form(StrEnum):
    LINES = "lines"
    JSON = "json"
    TOTALS = "totals"


class Change(StrEnum):
    """What other rules make of a text."""

    MORE = "+"
    LESS = "-"
    MOVED = "~"


@dataclass(frozen=True, slots=True)
class Told:
    """Lines behind their times, in any order; how many texts by step, and by what becomes of them or changes."""

    lines: list[tuple[datetime, str]] = field(default_factory=list)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, other: Told) -> None:
        self.lines.extend(other.lines)
        self.counts.update(other.counts)


def told(
    clients: Iterable[Sequence[Visit]], *, practice: Practice, other: Practice | None, span: Span | None, form: Form
) -> Told:
    """Of these clients' texts in this span; only what `other` rules would change, if there are any."""
    whole = Told()
    for visits in clients:
        seen = [text for text in simulated(visits, practice) if span is None or span.holds(text.at)]
        if other is None:
            rows: Iterator[tuple[str, Foreseen, Foreseen | None]] = ((text.why or GOES, text, None) for text in seen)
        else:
            after = [text for text in simulated(visits, other) if span is None or span.holds(text.at)]
            rows = _changes(seen, after)
        for what, text, was in rows:
            whole.counts[text.text.step, what] += 1
            if form is not Form.TOTALS:
                line = _object(what, text, was) if form is Form.JSON else _line(what, text, was)
                whole.lines.append((text.at, line))
    return whole


def _changes(before: Sequence[Foreseen], after: Sequence[Foreseen]) -> Iterator[tuple[str, Foreseen, Foreseen | None]]:
    """What goes under one set of rules and not, at another time or in other words under the other."""
    old, new = ({text.text.id: text for text in texts if text.why is None} for texts in (before, after))
    not_any_more = {text.text.id: text for text in after if text.why is not None}
    for name, text in old.items():
        if name not in new:
            yield Change.LESS, not_any_more.get(name, text), text
        elif (new[name].at, new[name].text.template) != (text.at, text.text.template):
            yield Change.MOVED, new[name], text
    for name in new.keys() - old.keys():
        yield Change.MORE, new[name], None


def _line(what: str, one: Foreseen, was: Foreseen | None) -> str:
    sign = f"{what} " if what in tuple(Change) else ""
    line = f"{sign}{_local(one)}  {one.text.step:<13} {one.text.template:<18} {one.visit.appointment}"
    if one.why is not None:
        line += f"  not sent: {one.why}"
    if what == Change.MOVED and was is not None:
        line += f"  was {_local(was)} {was.text.template}"
    return line


def _object(what: str, one: Foreseen, was: Foreseen | None) -> str:
    fields: dict[str, Any] = {
        "at": one.at.astimezone(UTC).isoformat(),
        "local": _local(one),
        "step": one.text.step,
        "template": one.text.template,
        "appointment": one.visit.appointment,
        "why": one.why,
    }
    if what in tuple(Change):
        fields["change"] = what
        fields["was"] = None if was is None else was.at.astimezone(UTC).isoformat()
    return json.dumps(fields)


def _local(one: Foreseen) -> str:
    return one.at.astimezone(ZoneInfo(one.visit.client_zone)).isoformat(" ", "minutes")


def totals(counts: Counter[tuple[str, str]]) -> Iterator[str]:
    """A line a step, in the order of the plan."""
    steps: dict[str, Counter[str]] = {}
    for (step, what), number in counts.items():
        steps.setdefault(step, Counter())[what] += number
    for step in (name for name in BY_NAME if name in steps):
        yield f"{step}: " + ", ".join(f"{what} {number}" for what, number in sorted(steps[step].items()))
