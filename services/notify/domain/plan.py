"""Which texts a visit gets, when, and until when each is worth sending: a pure function of what is known of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Final

from services.notify.domain.frame import Frame, Planned, Step
from services.notify.domain.practice import Practice
from services.notify.domain.steps import STEPS
from services.notify.domain.visit import Visit, VisitState

NEWS_EACH_TIME: Final = frozenset({"moved", "check"})
NEWS_AGAIN: Final = frozenset({"booked", "call_us"})
# A visit that is moved while a person looks at it still has the one message that its client was told of.
ONCE_FOR_ANY_START: Final = frozenset({"call_us"})


_STEPS: Final[Mapping[VisitState, tuple[Step, ...]]] = {
    state: tuple(step for step in STEPS if state in step.states) for state in VisitState
}
_BY_TIME: Final = attrgetter("due")


def plan(visit: Visit, practice: Practice, course: Sequence[Visit] = ()) -> tuple[Planned, ...]:
    """Every text of this visit as it stands, in order of time; none for a client who did not agree to texts.

    What is said about a visit that does not take place depends on the other visits of its course; nothing else does.
    """
    if not visit.consented:
        return ()
    frame = Frame(visit, practice, course)
    start = _start(visit)
    for step in _STEPS[visit.state]:
        if (step.optional and step.name not in practice.steps) or not step.applies(frame):
            continue
        due = step.due(frame)
        not_after = step.until(frame, due)
        if visit.since <= due < not_after:
            frame.planned[step.name] = Planned(
                id=_identity(visit, step.name, start),
                step=step.name,
                template=step.words(frame, due),
                due=due,
                not_after=not_after,
                validity=step.validity,
                wakes_until=step.wakes(frame),
            )
    return tuple(sorted(frame.planned.values(), key=_BY_TIME))


def identity(visit: Visit, step: str) -> str:
    """Of this visit's text at its present time, whether or not it has one."""
    return _identity(visit, step, _start(visit))


def _start(visit: Visit) -> str:
    return _stamp(visit.starts_at)


@lru_cache(maxsize=4096)
def _stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%MZ}"


def _identity(visit: Visit, step: str, start: str) -> str:
    """`<appointment>/<step>/<start>`, so that planning twice is planning once.

    A visit can move to a time, away from it and back, or be confirmed a second time, and each of these is news: what
    tells of such a turn carries its version too.
    """
    news = step in NEWS_EACH_TIME or (visit.again and step in NEWS_AGAIN)
    part = "once" if step in ONCE_FOR_ANY_START else start
    return f"{visit.appointment}/{step}/{part}" + (f".{visit.version}" if news else "")
