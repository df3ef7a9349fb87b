"""What a client would be texted, gone through in time by the rules of planning and of the last look."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from heapq import heappop, heappush
from operator import attrgetter
from typing import Final
from zoneinfo import ZoneInfo

from services.notify.domain.delivery import State
from services.notify.domain.frame import Planned
from services.notify.domain.plan import plan
from services.notify.domain.practice import Practice
from services.notify.domain.traffic import LONGEST_DAY, LOOKS_BACK, WEEK, Sent, Traffic, attended, day_of, gives_way
from services.notify.domain.truth import STALE, held_by_night, held_by_pause
from services.notify.domain.verdict import Drop, Wait
from services.notify.domain.visit import Visit, VisitState

# No text comes sooner before its visit, or before the end of another that it may give way to.
FORESEES: Final = timedelta(days=45)


@dataclass(frozen=True, slots=True)
class Span:
    since: datetime
    until: datetime

    def holds(self, at: datetime) -> bool:
        return self.since <= at < self.until


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A text that would go at `at`, or about which it would be decided then that it does not, for `why`."""

    at: datetime
    visit: Visit
    text: Planned
    why: str | None = None


Plans = dict[tuple[str, VisitState], tuple[Planned, ...]]
_BY_TIME: Final = attrgetter("at")


def simulated(visits: Sequence[Visit], practice: Practice) -> list[Foreseen]:
    """All texts to one number, in order of time: each visit is known from its `since` on.

    A visit that is agreed is taken to be attended, noted at its end, whoever stopped texts to have not, and every text
    to arrive.
    """
    turns = [turn for visit in visits for turn in _turns(visit)]
    plans = {_key(turn): plan(turn, practice) for turn in turns if turn.seat is None}
    texts = [Foreseen(text.due, turn, text) for turn in turns for text in plans.get(_key(turn), ())]
    if not any(visit.seat for visit in visits) and (len(visits) == 1 or _are_apart(visits)):
        texts.sort(key=_BY_TIME)
        if _are_few([text.at for text in texts], practice):
            return texts
    return list(_Run(practice, plans).through(turns))


def _key(turn: Visit) -> tuple[str, VisitState]:
    return turn.appointment, turn.state


def _are_few(times: Sequence[datetime], practice: Practice) -> bool:
    """So few and so far apart that no rule can hold one back: most clients' texts need not be gone through singly."""
    return not practice.paused and not any(
        later - earlier < span
        for most, span in ((practice.most_a_day, LONGEST_DAY), (practice.most_a_week, WEEK))
        for earlier, later in zip(times, times[most:], strict=False)
    )


def _are_apart(visits: Sequence[Visit]) -> bool:
    """None of them on another's day, or followed by an offer that another visit would make needless."""
    days = {day_of(visit) for visit in visits}
    return len(days) == len(visits) and not any(visit.wants_offers for visit in visits)


def _turns(visit: Visit) -> tuple[Visit, ...]:
    return (visit, attended(visit)) if visit.state is VisitState.CONFIRMED else (visit,)


class _Run:
    """`plans` are those that are made already."""

    def __init__(self, practice: Practice, plans: Plans) -> None:
        self._practice = practice
        self._now: dict[str, Visit] = {}
        self._waiting: list[tuple[datetime, str, Planned]] = []
        self._seen: set[str] = set()
        self._sent: deque[Sent] = deque()
        self._gone: set[str] = set()
        self._plans = plans
        self._ids = {key: {text.id for text in texts} for key, texts in plans.items()}
        self._days: Counter[date] = Counter()
        self._undecided: Counter[str] = Counter()
        self._over: set[str] = set()

    def through(self, turns: Sequence[Visit]) -> Iterator[Foreseen]:
        self._days.update(day_of(visit) for visit in {turn.appointment: turn for turn in turns}.values())
        for visit in sorted(turns, key=lambda turn: (turn.since, turn.appointment)):
            yield from self._until(visit.since)
            self._turn(visit)
        yield from self._until(None)

    def _turn(self, visit: Visit) -> None:
        self._now[visit.appointment] = visit
        for text in self._planned(visit, self._practice):
            if text.id not in self._seen:
                self._seen.add(text.id)
                self._undecided[visit.appointment] += 1
                heappush(self._waiting, (text.due, text.id, text))

    def _until(self, end: datetime | None) -> Iterator[Foreseen]:
        while self._waiting and (end is None or self._waiting[0][0] < end):
            at, name, text = heappop(self._waiting)
            visit = self._now[name.partition("/")[0]]
            if name in self._ids[_key(visit)]:
                verdict = self._verdict(at, text, visit)
                if isinstance(verdict, Wait):
                    heappush(self._waiting, (verdict.until, name, text))
                else:
                    yield self._noted(at, visit, text, verdict)

    def _noted(self, at: datetime, visit: Visit, text: Planned, verdict: Drop | None) -> Foreseen:
        self._undecided[visit.appointment] -= 1
        if self._is_over(visit):
            self._over.add(visit.appointment)
        if verdict is None:
            self._sent.append(Sent(text.id, text.step, visit.appointment, at))
            return Foreseen(at, visit, text)
        self._gone.add(text.id)
        return Foreseen(at, visit, text, verdict.why)

    def _verdict(self, at: datetime, text: Planned, visit: Visit) -> Wait | Drop | None:
        zone = ZoneInfo(visit.client_zone)
        if at >= text.not_after:
            return Drop(State.SKIPPED, STALE)
        held = held_by_pause(text.template, text.not_after, self._practice, at) or held_by_night(
            text.wakes_until, text.not_after, self._practice, zone, at
        )
        return held or gives_way(text, visit, self._practice, self._traffic(at, visit), at, plans=self._planned)

    def _is_over(self, visit: Visit) -> bool:
        """Nothing depends on it any more: it was attended, alone on its day, and all its texts are decided."""
        is_last_turn = visit.state is VisitState.ATTENDED and self._undecided[visit.appointment] == 0
        return is_last_turn and visit.seat is None and self._days[day_of(visit)] == 1

    def _traffic(self, at: datetime, visit: Visit) -> Traffic:
        back = at - LOOKS_BACK
        others = [o for name, o in self._now.items() if name not in self._over and o is not visit and o.ends_at > back]
        while self._sent and self._sent[0].at < at - WEEK:
            self._sent.popleft()
        return Traffic(others, self._sent, self._gone)

    def _planned(self, visit: Visit, practice: Practice) -> tuple[Planned, ...]:
        """Made once for each turn of a visit: planning is most of the work."""
        key = _key(visit)
        if key not in self._plans:
            texts = self._plans[key] = plan(visit, practice, self._course(visit))
            self._ids[key] = {text.id for text in texts}
        return self._plans[key]

    def _course(self, visit: Visit) -> Sequence[Visit]:
        if visit.seat is None:
            return ()
        course = visit.seat.course
        return [one for one in self._now.values() if one.seat is not None and one.seat.course == course]
