"""Which texts a visit gets, when, and until when each is worth sending: a pure function of what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.notify.domain.frame import Frame, Planned
from services.notify.domain.practice import Practice
from services.notify.domain.steps import STEPS
from services.notify.domain.visit import Visit

NEWS_EACH_TIME: Final = frozenset({"moved", "check"})
NEWS_AGAIN: Final = frozenset({"booked", "call_us"})


def plan(visit: Visit, practice: Practice, course: Sequence[Visit] = ()) -> tuple[Planned, ...]:
    """Every text of this visit as it stands, in order of time; none for a client who did not agree to texts.

    What is said about a visit that does not take place depends on the other visits of its course; nothing else does.
    """
    frame = Frame(visit, practice, course)
    for step in STEPS if visit.consented else ():
        if (step.optional and step.name not in practice.steps) or not step.applies(frame):
            continue
        due = step.due(frame)
        not_after = step.until(frame, due)
        if visit.since <= due < not_after:
            frame.planned[step.name] = Planned(
                id=_identity(visit, step.name),
                step=step.name,
                template=step.words(frame, due),
                due=due,
                not_after=not_after,
                validity=step.validity,
                wakes_until=step.wakes(frame),
            )
    return tuple(sorted(frame.planned.values(), key=lambda text: text.due))


def _identity(visit: Visit, step: str) -> str:
    """`<appointment>/<step>/<start>`, so that planning twice is planning once.

    A visit can move to a time, away from it and back, or be confirmed a second time, and each of these is news: what
    tells of such a turn carries its version too.
    """
    news = step in NEWS_EACH_TIME or (visit.again and step in NEWS_AGAIN)
    start = f"{visit.starts_at:%Y%m%dT%H%MZ}"
    return f"{visit.appointment}/{step}/{start}" + (f".{visit.version}" if news else "")
