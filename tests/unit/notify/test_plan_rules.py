"""What holds of every plan: in every zone, over both clock changes, for every policy and after any run of changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from functools import cache
from itertools import count, cycle
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.domain.course import SETTLE
from services.notify.domain.delivery import NOT_BEGUN, Message, State, turned
from services.notify.domain.frame import Frame, Planned
from services.notify.domain.moments import ON_THE_WAY, PROMPT, USUAL
from services.notify.domain.plan import plan
from services.notify.domain.practice import Practice, Timing
from services.notify.domain.quiet import Quiet, resolved
from services.notify.domain.reconcile import reconcile
from services.notify.domain.steps import STEPS
from services.notify.domain.visit import Visit, VisitState
from tests.support.notify import FULL, practice, visit

ZONES = sorted(available_timezones() - {"Factory", "localtime"})
AFTER = {"aftercare", "check_in", "rebook"}
NEWS = {"moved", "cancelled"}
TABLE = {step.name: step for step in STEPS}
# From the design's count of what it checked.
TEXTS, PLACES = 272_000, 518

walls = st.builds(time, st.integers(0, 23), st.integers(0, 59))
timings = st.fixed_dictionaries(
    {},
    optional={
        "prepare": st.builds(Timing, days=st.none() | st.integers(1, 7), at=st.none() | walls),
        "two_days": st.builds(Timing, hours=st.integers(36, 72)),
        "day_before": st.builds(Timing, at=walls),
        "two_hours": st.builds(Timing, hours=st.integers(1, 6)),
        "aftercare": st.builds(Timing, hours=st.integers(1, 12)),
        "check_in": st.builds(Timing, days=st.none() | st.integers(1, 3), at=st.none() | walls),
        "rebook": st.builds(Timing, days=st.none() | st.integers(2, 30), at=st.none() | walls),
    },
)
policies = st.builds(
    practice,
    steps=st.frozensets(st.sampled_from(sorted(FULL))) | st.just(FULL),
    quiet=st.just(Quiet()) | st.builds(Quiet, walls, walls),
    timings=timings,
    wakes_for_changes=st.booleans(),
)
instants = st.datetimes(
    datetime.fromisoformat("2026-01-01"), datetime.fromisoformat("2030-01-01"), timezones=st.just(UTC)
).map(lambda at: at.replace(second=0, microsecond=0))
spans = st.timedeltas(timedelta(minutes=1), timedelta(days=8)) | st.timedeltas(timedelta(minutes=1), timedelta(days=90))


@st.composite
def visits(draw: st.DrawFn) -> Visit:
    starts = draw(instants)
    of = visit(
        state=draw(st.sampled_from(VisitState)),
        moved=draw(st.booleans()),
        notice=draw(spans),
        starts_at=starts,
        length=draw(st.timedeltas(timedelta(minutes=5), timedelta(hours=8))),
        zone=draw(st.sampled_from(ZONES)),
        client_zone=draw(st.sampled_from(ZONES)),
        again=draw(st.booleans()),
        by_practice=draw(st.booleans()),
        wants_offers=draw(st.booleans()),
        moved_from=draw(st.none() | instants),
        yes_to=draw(st.sampled_from([None, starts])),
    )
    if of.state in (VisitState.ATTENDED, VisitState.MISSED):
        of = replace(of, since=of.ends_at + draw(st.timedeltas(timedelta(), timedelta(days=3))))
    asked = of.state is VisitState.REQUESTED and draw(st.booleans())
    return replace(of, check_until=of.starts_at) if asked else of


def broken(of: Visit, policy: Practice, text: Planned) -> list[str]:
    """The rules that this text breaks."""
    zone, step = ZoneInfo(of.client_zone), TABLE[text.step]
    wakes = text.wakes_until is not None and text.due < text.wakes_until and _may_wake(of, policy, text)
    ends = of.ends_at + timedelta(days=40) if text.step in AFTER else of.starts_at
    rules = {
        "quiet": wakes or not policy.quiet.covers(text.due, zone),
        "asleep": text.wakes_until is None or _may_wake(of, policy, text),
        "due": of.since <= text.due < text.not_after,
        "until": text.not_after <= ends,
        "on the way": text.template != "two_hours" or text.not_after <= of.starts_at - ON_THE_WAY,
        "today": text.template not in ("two_hours", "booked_today") or _same_day(of, text.due),
        "switched off": not step.optional or text.step in policy.steps,
        "promotes": not step.promotes or of.wants_offers,
        "state": of.state in step.states,
    }
    return [rule for rule, kept in rules.items() if not kept]


def _may_wake(of: Visit, policy: Practice, text: Planned) -> bool:
    if text.step == "received":
        return text.wakes_until == of.since + PROMPT
    before = [at for at in (of.moved_from,) if at is not None and at > of.since]
    soonest = min([of.starts_at, *before]) - of.since
    return text.step in NEWS and policy.wakes_for_changes and of.by_practice and soonest < timedelta(hours=12)


def _same_day(of: Visit, instant: datetime) -> bool:
    there = ZoneInfo(of.zone)
    return instant.astimezone(there).date() == of.starts_at.astimezone(there).date()


@given(visits(), policies)
def test_every_text_keeps_every_rule(of: Visit, policy: Practice) -> None:
    texts = plan(of, policy)

    assert {text.step: rules for text in texts if (rules := broken(of, policy, text))} == {}
    assert len({text.id for text in texts}) == len(texts)
    assert [text.due for text in texts] == sorted(text.due for text in texts)
    assert plan(of, policy) == texts


@given(visits(), policies)
def test_two_texts_that_say_the_same_keep_apart(of: Visit, policy: Practice) -> None:
    due = {text.step: text.due for text in plan(of, policy)}

    if {"two_days", "day_before"} <= due.keys():
        assert due["day_before"] - due["two_days"] > timedelta(hours=12)
    if {"aftercare", "check_in"} <= due.keys():
        assert due["check_in"] - due["aftercare"] >= timedelta(hours=6)


@given(visits(), timings)
def test_days_keep_the_wall_time_and_hours_the_elapsed_time_over_every_clock_change(
    of: Visit, wanted: dict[str, Timing]
) -> None:
    """Without quiet hours in the way, so that every step comes at its own time."""
    awake = practice(steps=FULL, quiet=Quiet(time(3), time(3)), timings=wanted)
    zone = ZoneInfo(of.client_zone)
    for text in plan(of, awake):
        timing = wanted.get(text.step, Timing())
        usual = USUAL.get(text.step, Timing())
        if text.step in ("two_days", "two_hours"):
            assert of.starts_at - text.due == timedelta(hours=timing.hours or usual.hours or 0)
        if text.step in ("prepare", "day_before"):
            at = timing.at or usual.at or of.starts_at.astimezone(zone).time()
            day = of.starts_at.astimezone(zone).date() - timedelta(days=timing.days or usual.days or 0)
            assert text.due == resolved(datetime.combine(day, at), zone)
        if text.step in ("check_in", "rebook") and text.due > of.since:
            day = of.ends_at.astimezone(zone).date() + timedelta(days=timing.days or usual.days or 0)
            assert text.due == resolved(datetime.combine(day, timing.at or usual.at or time()), zone)


@st.composite
def histories(draw: st.DrawFn) -> list[Visit]:
    """What becomes of one visit: asked for, confirmed, moved to and fro, confirmed once more, cancelled, attended."""
    first = visit(state=VisitState.REQUESTED, version=1, starts_at=draw(instants), notice=draw(spans))
    starts = [first.starts_at, *draw(st.lists(instants, max_size=2))]
    turns = [first]
    for version in range(2, draw(st.integers(2, 7))):
        now = turns[-1].since + draw(st.timedeltas(timedelta(), timedelta(minutes=9)) | spans)
        start = draw(st.sampled_from(starts))
        turns.append(
            replace(
                first,
                version=version,
                state=draw(st.sampled_from([VisitState.CONFIRMED, *VisitState])),
                moved=start != turns[-1].starts_at,
                again=draw(st.booleans()),
                since=now,
                starts_at=start,
                ends_at=start + timedelta(hours=1),
                by_practice=draw(st.booleans()),
                wants_offers=draw(st.booleans()),
            )
        )
    return turns


@given(histories(), policies, st.data())
def test_after_any_run_of_changes_what_is_still_to_come_is_the_newest_plan(
    turns: list[Visit], policy: Practice, data: st.DataObject
) -> None:
    """Some of it was sent in between: what has begun is left alone, and none of it is planned a second time."""
    known: dict[str, Message] = {}
    begun: dict[str, tuple[str, datetime, bool]] = {}
    codes = (f"{number:08d}" for number in count())
    for of in turns:
        texts = plan(of, policy)
        known |= {
            change.id: change
            for change in reconcile(list(known.values()), texts, of, now=of.since, new_code=lambda: next(codes))
        }
        open_ = {one.id for one in known.values() if one.state in NOT_BEGUN}
        assert open_ == {text.id for text in texts} - begun.keys()
        for one in [known[name] for name in sorted(open_) if data.draw(st.booleans())]:
            sending = turned(turned(one, State.CLAIMED, of.since), State.SENDING, of.since)
            known[one.id] = sending
            begun[one.id] = (one.step, of.starts_at, of.moved or of.again)

    for step, start, news in begun.values():
        same = [facts for facts in begun.values() if facts[:2] == (step, start)]
        assert len(same) == 1 or news or any(facts[2] for facts in same)


@given(visits(), st.timedeltas(timedelta(seconds=1), SETTLE - timedelta(seconds=1)))
def test_a_second_move_within_the_settle_window_speaks_for_both(of: Visit, wait: timedelta) -> None:
    """Unless the first had to be told at once, because the wait would have cost the night or the visit."""
    first = replace(of, state=VisitState.CONFIRMED, moved=True, by_practice=False)
    second = replace(first, version=first.version + 1, since=first.since + wait)
    told = {text.due for text in plan(first, practice()) if text.step == "moved"}
    waited = {due for due in told if due > second.since}

    assert {text.id for text in plan(first, practice())}.isdisjoint(
        text.id for text in plan(second, practice()) if text.step == "moved"
    )
    assert waited == told or told == {Frame(first, practice()).in_time(first.since)}


@cache
def clock_changes(zone: str, year: int) -> tuple[datetime, ...]:
    """The days before which the offset was another."""
    there = ZoneInfo(zone)
    days = [datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(366)]
    offsets = [day.astimezone(there).utcoffset() for day in days]
    return tuple(day for day, before, now in zip(days[1:], offsets, offsets[1:], strict=False) if before != now)


POLICIES = (
    practice(steps=FULL),
    practice(steps=frozenset({"day_before", "aftercare"})),
    practice(steps=FULL, quiet=Quiet(time(20), time(9, 30)), timings={"prepare": Timing(days=1, at=time(18))}),
    practice(steps=FULL, timings={"two_days": Timing(hours=36), "two_hours": Timing(hours=6)}),
    practice(steps=FULL, quiet=Quiet(time(0), time(6)), timings={"rebook": Timing(days=2, at=time(6))}),
)
NOTICES = (timedelta(days=9), timedelta(hours=73), timedelta(hours=31), timedelta(hours=5), timedelta(minutes=50))


def swept(starts: Iterable[tuple[str, datetime]]) -> Iterator[tuple[Visit, Practice, Planned]]:
    """All texts of these visits, booked and attended, under policies and at notices that take turns."""
    for (zone, at), policy, notice in zip(starts, cycle(POLICIES), cycle((*NOTICES, NOTICES[0])), strict=False):
        booked = visit(starts_at=at, notice=notice, zone=zone, client_zone=zone, wants_offers=True)
        attended = replace(booked, state=VisitState.ATTENDED, since=booked.ends_at + timedelta(minutes=30))
        for of in (booked, attended):
            yield from ((of, policy, text) for text in plan(of, policy))


def test_every_zone_sleeps_undisturbed_over_both_its_clock_changes() -> None:
    """Seven visits about each, at another hour of the day in each zone."""
    starts = [
        (zone, day + timedelta(hours=n * 11 + len(zone)))
        for zone in ZONES
        for day in clock_changes(zone, 2027) or (datetime(2027, 4, 1, tzinfo=UTC),)
        for n in range(-2, 5)
    ]
    texts = list(swept(starts))

    assert [(of.client_zone, text) for of, policy, text in texts if broken(of, policy, text)] == []
    assert {text.step for _, _, text in texts} == FULL - {"received"} | {"booked"}
    assert len({of.client_zone for of, _, _ in texts}) >= PLACES


@pytest.mark.long
def test_every_zone_sleeps_undisturbed_for_two_years() -> None:
    """A visit every 37 hours, so that every hour of the day and every clock change comes up."""
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    starts = [(zone, begin + timedelta(hours=n + len(zone))) for zone in ZONES for n in range(0, 17520, 37)]
    seen, wrong = 0, []
    for of, policy, text in swept(starts):
        seen += 1
        if broken(of, policy, text):
            wrong.append((of.client_zone, text))

    assert wrong == []
    assert seen >= TEXTS
