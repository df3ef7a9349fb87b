"""The rules for how a practice texts; every broken one by its field."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Final

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

HOUR: Final = timedelta(hours=1)
DEAD_OF_NIGHT: Final = time(3)
LONGEST_QUIET: Final = 16 * HOUR


def problems(path: str, texting: Texting) -> Problems:
    for index, step in enumerate(texting.steps):
        yield from _step(f"{path}.steps[{index}]", step)
    yield from _quiet(path, texting)
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


def _quiet(path: str, texting: Texting) -> Problems:
    """Turned round, they would have clients texted all night and never by day."""
    if texting.quiet_from == texting.quiet_until:
        return
    if not texting.is_quiet(DEAD_OF_NIGHT):
        yield f"{path}.quiet_from", f"{DEAD_OF_NIGHT:%H:%M} is not in the quiet hours; are they turned round?"
    elif texting.quiet_for > LONGEST_QUIET:
        yield f"{path}.quiet_from", f"quiet for more than {LONGEST_QUIET // HOUR} hours, which leaves too few for texts"


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
