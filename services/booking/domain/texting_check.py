"""The rules for how a practice texts; every broken one by its field."""

from __future__ import annotations

from services.booking.domain.field_checks import Problems, whole
from services.booking.domain.texting import (
    MOST_A_DAY,
    MOST_A_WEEK,
    OPTIONAL_TEXTS,
    SETTABLE,
    Settable,
    StepTiming,
    Texting,
)


def problems(path: str, texting: Texting) -> Problems:
    for index, step in enumerate(texting.steps):
        yield from _step(f"{path}.steps[{index}]", step)
    seen: set[str] = set()
    for index, timing in enumerate(texting.timings):
        here = f"{path}.timings[{index}]"
        yield from _step(f"{here}.step", timing.step)
        if timing.step in seen:
            yield f"{here}.step", f"{timing.step!r} has a timing already"
        seen.add(timing.step)
        if timing.step in SETTABLE:
            yield from _timing(here, timing, SETTABLE[timing.step], texting)
    yield from whole(f"{path}.most_a_day", texting.most_a_day, 1, MOST_A_DAY)
    yield from whole(f"{path}.most_a_week", texting.most_a_week, 1, MOST_A_WEEK)


def _step(path: str, step: str) -> Problems:
    if step not in OPTIONAL_TEXTS:
        yield path, f"{step!r} is none of {', '.join(OPTIONAL_TEXTS)}"


def _timing(path: str, timing: StepTiming, settable: Settable, texting: Texting) -> Problems:
    if (timing.days, timing.hours, timing.at) == (None, None, None):
        yield path, "sets nothing"
    for name, given, bounds in (("days", timing.days, settable.days), ("hours", timing.hours, settable.hours)):
        if given is not None and bounds is None:
            yield f"{path}.{name}", f"{timing.step!r} does not go by {name}"
        elif given is not None and bounds is not None:
            yield from whole(f"{path}.{name}", given, *bounds)
    if timing.at is not None and not settable.at:
        yield f"{path}.at", f"{timing.step!r} does not go by the clock"
    elif timing.at is not None and texting.is_quiet(timing.at):
        yield f"{path}.at", f"{timing.at:%H:%M} is in the quiet hours"
