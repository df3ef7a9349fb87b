"""Planning and sending together, through days of made-up practice: what a client gets, whatever happens in between."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, partial
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notify.actions.posting import Habits
from services.notify.domain.consent import Entry, Purpose, Word
from services.notify.domain.delivery import Message, State
from services.notify.domain.frame import Planned
from services.notify.domain.moments import PROMPT
from services.notify.domain.plan import plan
from services.notify.domain.practice import Practice, Timing
from services.notify.domain.provider import Outcome
from services.notify.domain.quiet import Quiet, resolved
from services.notify.domain.reply import ANSWER_STEPS
from services.notify.domain.visit import Visit, VisitState
from services.notify.ports import Outgoing
from tests.support.notify import FULL, PHONE, Clock, Phone, Worker, inbound, practice, twins, visit

ZONES = sorted(available_timezones() - {"Factory", "localtime"})
NEWS = {"booked", "moved", "cancelled", "call_us", "check", "not_confirmed"}
# Of several visits on a day, the first speaks in these.
REMINDERS = {"prepare", "two_days", "day_before", "two_hours"}
ASKED_OR_AGREED = {VisitState.REQUESTED, VisitState.CONFIRMED}
ONLY_WHILE = {
    **dict.fromkeys(REMINDERS | {"booked"}, frozenset({VisitState.CONFIRMED})),
    **dict.fromkeys(("aftercare", "check_in", "rebook"), frozenset({VisitState.ATTENDED})),
    "received": {VisitState.REQUESTED},
    "moved": ASKED_OR_AGREED,
    "cancelled": {VisitState.CANCELLED},
}
WEEK = timedelta(days=7)
PLENTY = 99


@cache
def clock_changes(zone: str) -> tuple[date, ...]:
    """The days of a year on which the offset becomes another; where there is none, the middle of summer."""
    there = ZoneInfo(zone)
    days = [datetime(2027, 1, 1, tzinfo=UTC) + timedelta(days=n) for n in range(366)]
    offsets = [day.astimezone(there).utcoffset() for day in days]
    changed = [day.date() for day, before, now in zip(days[1:], offsets, offsets[1:], strict=False) if before != now]
    return tuple(changed) or (date(2027, 7, 1),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What becomes of one client's visits: turns by when they are heard, own texts, and when no worker was there."""

    policy: Practice
    turns: tuple[Visit, ...]
    words: tuple[tuple[datetime, str], ...] = ()
    away: tuple[tuple[datetime, timedelta], ...] = ()

    @property
    def moments(self) -> list[datetime]:
        return sorted({*(of.since for of in self.turns), *(at for at, _ in self.words), *(at for at, _ in self.away)})


@dataclass(frozen=True, slots=True)
class Post:
    """A text at the moment at which it left, and the visit as it was then."""

    at: datetime
    message: Message
    of: Visit
    others: tuple[Visit, ...]


@dataclass(slots=True)
class Told:
    """Everything that left, and everything there was at the end."""

    posts: list[Post] = field(default_factory=list)
    left: dict[str, Message] = field(default_factory=dict)
    visits: dict[str, Visit] = field(default_factory=dict)

    @property
    def own(self) -> list[Post]:
        """Without answers to the client's own texts."""
        return [post for post in self.posts if post.message.step not in ANSWER_STEPS]


class Watched(Phone):
    """A phone that notes what was true when a text left."""

    def __init__(self, clock: Clock, worker: list[Worker], told: Told) -> None:
        super().__init__(clock)
        self._at, self._worker, self._told = clock, worker, told

    async def send(self, text: Outgoing) -> Outcome:
        stores = self._worker[0].stores
        message = await stores.messages.by_code(text.receipt_url.split("/")[-2])
        assert message is not None
        visits = {
            of.appointment: of for of in await stores.visits.of_numbers([PHONE], datetime.min.replace(tzinfo=UTC))
        }
        of = visits.pop(message.appointment)
        self._told.posts.append(Post(self._at(), message, of, tuple(visits.values())))
        return await super().send(text)


async def through_time(story: Story, workers: int) -> Told:
    """Every worker begins one text at a time, so that two of them judge this client's texts side by side."""
    told, clock = Told(), Clock(story.moments[0])
    at_work: list[Worker] = []
    stores, phone = twins(clock), Watched(clock, at_work, told)
    habits = Habits(batch=1) if workers > 1 else None
    at_work += [Worker(stores, phone, clock, habits=habits) for _ in range(workers)]
    await stores.practices.keep(story.policy)
    moments = story.moments
    for _ in range(2_000):
        while moments and moments[0] <= clock():
            await _happens(story, at_work[0], moments.pop(0))
        if not any(at <= clock() < at + off for at, off in story.away):
            await asyncio.gather(*(worker.sending.send_due() for worker in at_work))
        due = await stores.messages.next_due(clock())
        back = [at + off for at, off in story.away if at <= clock() < at + off]
        ahead = [moment for moment in (*moments[:1], due, *back) if moment is not None]
        if not ahead:
            break
        clock.at = min(ahead)
    else:
        raise AssertionError("it never comes to an end")
    known = await stores.visits.of_numbers([PHONE], datetime.min.replace(tzinfo=UTC))
    told.visits = {of.appointment: of for of in known}
    told.left = {text.id: text for of in known for text in await stores.messages.of(of.appointment)}
    return told


async def _happens(story: Story, worker: Worker, now: datetime) -> None:
    for of in story.turns:
        if of.since == now:
            key = f"visit:{of.appointment}:{of.version}"
            care = Entry(key=key, word=Word.CONSENTED, at=now, source="booking", wording="v1")
            offers = replace(care, key=f"{key}:offers", purpose=Purpose.OFFERS)
            await worker.planning.keep_visit(of, care, *([offers] if of.wants_offers else []))
    for number, (at, body) in enumerate(story.words):
        if at == now:
            await worker.listening.hear(inbound(body, sid=f"SMin{number}"))


notices = st.sampled_from([timedelta(minutes=20)] + [timedelta(hours=h) for h in (3, 10, 28, 40, 60, 96, 216)])
spans = st.timedeltas(timedelta(seconds=1), timedelta(hours=30))
walls = st.builds(time, st.integers(5, 21), st.sampled_from([0, 30]))
policies = st.builds(
    practice,
    steps=st.just(FULL) | st.frozensets(st.sampled_from(sorted(FULL))),
    quiet=st.just(Quiet()) | st.builds(Quiet, st.just(time(20)), st.sampled_from([time(6), time(9, 30)])),
    timings=st.fixed_dictionaries(
        {}, optional={"prepare": st.builds(Timing, days=st.integers(1, 4)), "rebook": st.just(Timing(days=2))}
    ),
    most_a_day=st.sampled_from([2, 1, 3, PLENTY]),
    most_a_week=st.sampled_from([5, 2, 3, PLENTY]),
    wakes_for_changes=st.booleans(),
)


@st.composite
def stories(draw: st.DrawFn, *, undisturbed: bool = False) -> Story:
    """Some visits about a clock change, mostly on few days; `undisturbed` by stops, by absent workers and by caps."""
    zone = draw(st.sampled_from(ZONES))
    policy = draw(policies)
    anchor = draw(st.sampled_from(clock_changes(zone)))
    days = [anchor + timedelta(days=draw(st.integers(-3, 3))) for _ in range(2)]
    turns: list[Visit] = []
    for name in "abcde"[: draw(st.integers(1, 5))]:
        turns += draw(_lives(name * 26, zone, days))
    moments = [of.since for of in turns]
    if undisturbed:
        policy = replace(policy, most_a_day=PLENTY, most_a_week=PLENTY)
        return Story(policy=policy, turns=tuple(turns))
    late = st.tuples(st.sampled_from(moments), st.timedeltas(timedelta(), timedelta(days=3))).map(sum_of)
    words = draw(st.lists(st.tuples(late, st.sampled_from(["C", "STOP", "START", "R", "ok thanks"])), max_size=3))
    away = draw(st.lists(st.tuples(late, st.timedeltas(timedelta(minutes=1), timedelta(hours=30))), max_size=2))
    return Story(policy=policy, turns=tuple(turns), words=tuple(words), away=tuple(away))


@st.composite
def calm_stories(draw: st.DrawFn) -> Story:
    """Visits on few days that all take place as they were booked long before, and reminders alone."""
    zone = draw(st.sampled_from(ZONES))
    anchor = draw(st.sampled_from(clock_changes(zone)))
    policy = practice(
        steps=draw(st.frozensets(st.sampled_from(sorted(REMINDERS)), min_size=1)),
        most_a_day=draw(st.sampled_from([1, 2, 3])),
        most_a_week=PLENTY,
        timings={"prepare": Timing(days=draw(st.integers(1, 4)), at=draw(walls))},
    )
    turns = []
    for name in "abcde"[: draw(st.integers(2, 5))]:
        day = anchor + timedelta(days=draw(st.integers(-1, 2)))
        starts = resolved(datetime.combine(day, draw(walls)), ZoneInfo(zone))
        notice = timedelta(days=draw(st.integers(16, 19)))
        turns.append(visit(appointment=name * 26, starts_at=starts, notice=notice, zone=zone, client_zone=zone))
    return Story(policy=policy, turns=tuple(turns))


def sum_of(both: tuple[datetime, timedelta]) -> datetime:
    return both[0] + both[1]


@st.composite
def _lives(draw: st.DrawFn, appointment: str, zone: str, days: Sequence[date]) -> list[Visit]:
    """One visit from being booked to its end."""

    def start() -> datetime:
        return resolved(datetime.combine(draw(st.sampled_from(days)), draw(walls)), ZoneInfo(zone))

    first = visit(
        appointment=appointment,
        version=1,
        state=draw(st.sampled_from([VisitState.CONFIRMED, VisitState.REQUESTED])),
        starts_at=start(),
        notice=draw(notices),
        zone=zone,
        client_zone=zone,
        wants_offers=draw(st.booleans()),
    )
    turns = [first]
    if first.state is VisitState.REQUESTED and draw(st.booleans()):
        turns += turned(first, draw(st.sampled_from([timedelta(minutes=1), timedelta(hours=9)])), VisitState.CONFIRMED)
    for _ in range(draw(st.integers(0, 2))):
        last, wait, by = turns[-1], draw(spans), draw(st.booleans())
        if draw(st.integers(0, 3)) == 0:
            return turns + turned(last, wait, VisitState.CANCELLED, by_practice=by)
        new = start()
        if new != last.starts_at and last.since + wait < new:
            at = {"starts_at": new, "ends_at": new + timedelta(hours=1), "moved_from": last.starts_at}
            turns += turned(last, wait, last.state, moved=True, by_practice=by, **at)
    if turns[-1].state is VisitState.CONFIRMED:
        noted = turns[-1].ends_at + draw(st.sampled_from([timedelta(minutes=5), timedelta(hours=2), timedelta(days=1)]))
        end = draw(st.sampled_from([VisitState.ATTENDED, VisitState.ATTENDED, VisitState.MISSED, None]))
        turns += turned(turns[-1], timedelta(), end, since=noted) if end is not None else []
    return turns


def turned(last: Visit, wait: timedelta, state: VisitState, **changes: Any) -> list[Visit]:
    """The next turn, unless the visit would have begun by then."""
    since = last.since + wait
    if since >= last.starts_at and "since" not in changes:
        return []
    common: dict[str, Any] = {
        "version": last.version + 1,
        "state": state,
        "moved": False,
        "by_practice": False,
        "since": since,
    }
    return [replace(last, **(common | changes))]


def wrong(story: Story, told: Told) -> Iterator[str]:
    """Every rule that something which left did break."""
    stops = sorted(at for at, body in story.words if body == "STOP")
    starts = sorted(at for at, body in story.words if body == "START")
    for number, post in enumerate(told.own):
        text, at = post.message, post.at
        before = told.own[:number]
        rules = {
            "quiet": not story.policy.quiet.covers(at, ZoneInfo(post.of.client_zone)) or _may_wake(story, post),
            "in time": at < text.not_after and at < _end_of_use(post),
            "still so": post.of.state in ONLY_WHILE[text.step] and _start_in(text.id) == _stamp(post.of),
            "once": text.id not in {one.message.id for one in before},
            "caps": text.step in NEWS or _has_room(story.policy, post, before),
            "stopped": not any(s <= at and not any(s < again <= at for again in starts) for s in stops),
            "together": not _told_already(post, before),
            "comes again": text.step != "rebook" or not any(_is_to_come(other, at) for other in post.others),
            "said yes": text.step != "two_days" or not post.of.said_yes,
        }
        yield from (f"{rule}: {text.id} at {at}" for rule, kept in rules.items() if not kept)
    for post in told.posts:
        late = post.message.asked_at is not None and post.at - post.message.asked_at > PROMPT
        if late and story.policy.quiet.covers(post.at, ZoneInfo(post.of.client_zone)):
            yield f"answered at night: {post.message.id}"
    bodies = [post.message.body for post in told.posts]
    if len(set(bodies)) != len(bodies):
        yield "the same words twice"


def _may_wake(story: Story, post: Post) -> bool:
    of = post.of
    if post.message.step == "received":
        return post.at - of.since < PROMPT
    soonest = min(of.starts_at, of.moved_from or of.starts_at) - of.since
    short = story.policy.wakes_for_changes and of.by_practice and soonest < timedelta(hours=12)
    return short and post.message.step in ("moved", "cancelled")


def _end_of_use(post: Post) -> datetime:
    of, step = post.of, post.message.step
    if step in ("aftercare", "check_in", "rebook"):
        return of.ends_at + {"aftercare": timedelta(hours=20), "check_in": timedelta(days=2)}.get(
            step, timedelta(days=10)
        )
    near = {"day_before": timedelta(hours=2), "two_days": timedelta(hours=24)}
    near["two_hours"] = timedelta(minutes=45)
    return of.starts_at - near.get(step, timedelta())


def _start_in(id: str) -> str:  # noqa: A002  the field's own name
    return id.split("/")[2].partition(".")[0]


def _stamp(of: Visit) -> str:
    return f"{of.starts_at:%Y%m%dT%H%MZ}"


def _day(of: Visit) -> date:
    return of.starts_at.astimezone(ZoneInfo(of.zone)).date()


def _has_room(policy: Practice, post: Post, before: Sequence[Post]) -> bool:
    """Counted by hand: what left earlier on the client's day, and within the seven days that end here."""
    zone = ZoneInfo(post.of.client_zone)
    today = sum(one.at.astimezone(zone).date() == post.at.astimezone(zone).date() for one in before)
    week = sum(one.at > post.at - WEEK for one in before)
    return today < policy.most_a_day and week < policy.most_a_week


def _told_already(post: Post, before: Sequence[Post]) -> bool:
    """An earlier visit of the day that still stands has had this reminder, at its present time."""
    if post.message.step not in REMINDERS:
        return False
    had = {one.message.id for one in before if one.message.step == post.message.step}
    ahead = [other for other in post.others if _stands(other) and _day(other) == _day(post.of)]
    return any(
        f"{other.appointment}/{post.message.step}/{_stamp(other)}" in had and _order(other) < _order(post.of)
        for other in ahead
    )


def _stands(of: Visit) -> bool:
    return of.state in (VisitState.CONFIRMED, VisitState.ATTENDED, VisitState.MISSED)


def _is_to_come(of: Visit, now: datetime) -> bool:
    return of.state in (*ASKED_OR_AGREED, VisitState.IN_REVIEW) and of.starts_at > now


def unreminded(story: Story, told: Told) -> Iterator[str]:
    """Reminders that a visit should have had at its last time, and that nobody got for its day."""
    for of in told.visits.values():
        agreed = [turn for turn in story.turns if turn.appointment == of.appointment]
        last = next((turn for turn in reversed(agreed) if turn.state is VisitState.CONFIRMED), None)
        if last is not None and _stands(of):
            reminders = [text for text in plan(last, story.policy) if text.step in REMINDERS]
            yield from (f"{text.id} {told.left[text.id].why}" for text in reminders if not _was_had(story, told, text))


def needless(story: Story, told: Told) -> Iterator[str]:
    """Texts that gave way to others of their day, though in the end there was room for them."""
    for text in told.left.values():
        zone = ZoneInfo(told.visits[text.appointment].client_zone)
        day = text.turns[-1].at.astimezone(zone).date()
        if (
            text.why == "capped"
            and sum(p.at.astimezone(zone).date() == day for p in told.own) < story.policy.most_a_day
        ):
            yield text.id


def _was_had(story: Story, told: Told, text: Planned) -> bool:
    """It left, or that of an earlier visit of the day did which stood when this one was due."""
    had = {post.message.id for post in told.own}
    if text.id in had or told.left[text.id].why != "merged":
        return text.id in had
    then = {of.appointment: of for of in _as_at(story, text.due)}
    of = then[told.left[text.id].appointment]
    return any(
        f"{other.appointment}/{text.step}/{_stamp(other)}" in had
        for other in then.values()
        if _stands(other) and _day(other) == _day(of) and _order(other) < _order(of)
    )


def _order(of: Visit) -> tuple[datetime, str]:
    return of.starts_at, of.appointment


def _as_at(story: Story, now: datetime) -> list[Visit]:
    """Every visit as it was known then."""
    newest: dict[str, Visit] = {}
    for turn in story.turns:
        if turn.since <= now:
            newest[turn.appointment] = turn
    return list(newest.values())


def told_in(story: Story, workers: int = 1) -> Told:
    return asyncio.run(through_time(story, workers))


kept_to = partial(settings, deadline=None)


@kept_to(max_examples=200)
@given(stories(), st.integers(1, 2))
def test_whatever_happens_a_client_gets_nothing_that_breaks_a_rule(story: Story, workers: int) -> None:
    assert list(wrong(story, told_in(story, workers))) == []


@kept_to(max_examples=200)
@given(stories(undisturbed=True))
def test_of_every_day_with_a_visit_somebody_is_reminded(story: Story) -> None:
    told = told_in(story)

    assert list(wrong(story, told)) == []
    assert list(unreminded(story, told)) == []
    assert [text.id for text in told.left.values() if text.why == "capped"] == []
    assert [text.id for text in told.left.values() if text.state in (State.PLANNED, State.DEAD)] == []


def test_a_visit_does_not_stand_in_its_own_way() -> None:
    """Two texts of one visit on one day, the worthier later, are as many as a day has."""
    policy = practice(steps=frozenset({"prepare", "day_before"}), timings={"prepare": Timing(days=1, at=time(8))})
    told = told_in(Story(policy=policy, turns=(visit(),)))

    assert [post.message.step for post in told.own] == ["booked", "prepare", "day_before"]


@kept_to(max_examples=100)
@given(calm_stories(), st.integers(1, 2))
def test_where_nothing_comes_between_no_text_gives_way_without_need(story: Story, workers: int) -> None:
    told = told_in(story, workers)

    assert list(wrong(story, told)) == []
    assert list(needless(story, told)) == []


@pytest.mark.long
@kept_to(max_examples=5_000)
@given(stories(), st.integers(1, 3))
def test_whatever_happens_in_five_thousand_stories_no_rule_is_broken(story: Story, workers: int) -> None:
    assert list(wrong(story, told_in(story, workers))) == []


@pytest.mark.long
@kept_to(max_examples=5_000)
@given(stories(undisturbed=True))
def test_of_every_day_with_a_visit_in_five_thousand_stories_somebody_is_reminded(story: Story) -> None:
    assert list(unreminded(story, told_in(story))) == []
