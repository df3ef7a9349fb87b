"""A client's other visits and texts: which text gives way, which stands for others; one is always told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from services.notify.actions.measures import GAVE_WAY
from services.notify.domain.delivery import State
from services.notify.domain.frame import Planned
from services.notify.domain.plan import identity, plan
from services.notify.domain.practice import Practice, Timing
from services.notify.domain.quiet import Quiet
from services.notify.domain.traffic import Sent, Traffic, gives_way
from services.notify.domain.truth import Truth, judge
from services.notify.domain.verdict import Drop, Send, Wait
from services.notify.domain.visit import Visit, VisitState
from services.notify.domain.whys import WORDS
from tests.support.notify import FULL, STARTS, message, practice, steps, visit

MERGED, CAPPED = Drop(State.SKIPPED, "merged"), Drop(State.SKIPPED, "capped")
POLICY = practice(steps=FULL)
MORNING = visit(appointment="m" * 26)
AFTERNOON = visit(appointment="p" * 26, starts_at=STARTS + timedelta(hours=5), since=MORNING.since)


def text(of: Visit, step: str, policy: Practice = POLICY) -> Planned:
    return steps(of, policy)[step]


def verdict(of: Visit, step: str, *others: Visit, policy: Practice = POLICY, **traffic: Any) -> Wait | Drop | None:
    """At the moment at which this text is due; what was due before is over."""
    one = text(of, step, policy)
    ahead = {planned.id for each in (of, *others) for planned in plan(each, policy) if planned.due >= one.due}
    return gives_way(one, of, policy, Traffic(others, **({"there": ahead} | traffic)), one.due)


def sent(*at: datetime, step: str = "booked") -> tuple[Sent, ...]:
    return tuple(Sent(f"x/{step}/{moment:%Y%m%dT%H%MZ}", step, "x", moment) for moment in at)


def reminded(of: Visit, step: str) -> tuple[Sent, ...]:
    return (Sent(identity(of, step), step, of.appointment, text(of, step).due),)


def attended(of: Visit, **changes: Any) -> Visit:
    return replace(of, state=VisitState.ATTENDED, since=of.ends_at + timedelta(minutes=5), **changes)


@pytest.mark.parametrize("step", ["prepare", "two_days", "day_before", "two_hours"])
def test_of_two_visits_on_a_day_the_first_is_told_of(step: str) -> None:
    due = text(MORNING, step).due

    assert verdict(MORNING, step, AFTERNOON) is None
    assert gives_way(text(AFTERNOON, step), AFTERNOON, POLICY, Traffic([MORNING]), due) == MERGED


def test_of_two_children_s_visits_at_the_same_time_one_is_told_of() -> None:
    twin = replace(MORNING, appointment="t" * 26)

    assert verdict(MORNING, "day_before", twin) is None
    assert verdict(twin, "day_before", MORNING) == MERGED


def test_a_day_of_visits_is_that_of_the_place() -> None:
    """Ten in the morning and half past eight in the evening in New York, which is tomorrow in Greenwich."""
    evening = replace(AFTERNOON, starts_at=STARTS + timedelta(hours=10, minutes=30))
    assert evening.starts_at.date() > STARTS.date()

    assert verdict(evening, "day_before", MORNING, sent=reminded(MORNING, "day_before")) == MERGED


def test_what_the_desk_sent_once_more_tells_of_the_day_as_well() -> None:
    [first] = reminded(MORNING, "day_before")

    assert verdict(AFTERNOON, "day_before", MORNING, sent=[replace(first, id=f"{first.id}~1")]) == MERGED


def test_a_visit_on_another_day_has_texts_of_its_own() -> None:
    tomorrow = replace(AFTERNOON, starts_at=STARTS + timedelta(days=1), ends_at=STARTS + timedelta(days=1, hours=1))

    assert verdict(tomorrow, "day_before", MORNING) is None
    assert verdict(tomorrow, "day_before", MORNING, sent=reminded(MORNING, "day_before")) is None
    assert verdict(tomorrow, "day_before", MORNING, there=None) is None


@pytest.mark.parametrize(
    "first",
    [
        replace(MORNING, state=VisitState.CANCELLED, version=4),
        replace(MORNING, consented=False),
        replace(MORNING, since=MORNING.starts_at - timedelta(hours=5)),
    ],
    ids=["cancelled", "not to be texted", "too short notice for a reminder"],
)
def test_where_the_first_visit_has_no_such_text_the_next_one_is_told_of(first: Visit) -> None:
    assert verdict(AFTERNOON, "day_before", first) is None


def test_where_the_text_of_the_first_visit_was_given_up_the_next_one_is_told_of() -> None:
    gone = frozenset({text(MORNING, "day_before").id})
    there = {text(of, "day_before").id for of in (MORNING, AFTERNOON)}

    assert verdict(AFTERNOON, "day_before", MORNING, there=there, gone=gone) is None
    assert verdict(AFTERNOON, "day_before", MORNING, there=there) == MERGED


def test_a_text_that_the_first_visit_never_had_speaks_for_nobody() -> None:
    """The practice switched the step on when that visit had its texts already."""
    assert verdict(AFTERNOON, "day_before", MORNING, there={text(AFTERNOON, "day_before").id}) is None


def test_a_first_visit_that_is_agreed_late_is_told_of_though_another_one_was() -> None:
    assert verdict(MORNING, "two_hours", AFTERNOON, sent=reminded(AFTERNOON, "two_hours")) is None


@pytest.mark.parametrize("state", [VisitState.CANCELLED, VisitState.LAPSED, VisitState.DECLINED])
def test_what_was_told_of_a_visit_that_came_to_nothing_stands_for_no_other(state: VisitState) -> None:
    off = replace(MORNING, state=state, version=4)

    assert verdict(AFTERNOON, "day_before", off, sent=reminded(MORNING, "day_before")) is None


def test_what_was_told_of_another_time_of_a_visit_stands_for_no_other() -> None:
    """It was on the Tuesday, and its client has heard so, before it moved to this morning."""
    was = replace(MORNING, starts_at=STARTS - timedelta(days=1), ends_at=STARTS - timedelta(hours=23))
    told = reminded(was, "day_before")

    assert verdict(AFTERNOON, "day_before", MORNING, sent=told, gone={text(MORNING, "day_before").id}) is None
    assert verdict(AFTERNOON, "day_before", MORNING, sent=reminded(MORNING, "day_before")) == MERGED


def test_what_was_told_of_the_first_visit_stands_for_the_day_when_that_visit_is_over() -> None:
    told = reminded(MORNING, "two_hours")

    assert verdict(AFTERNOON, "two_hours", attended(MORNING), sent=told) == MERGED
    assert verdict(AFTERNOON, "two_hours", attended(MORNING)) is None


def test_aftercare_follows_the_last_visit_of_the_day_and_waits_for_one_that_is_still_to_come() -> None:
    evening = replace(AFTERNOON, starts_at=STARTS + timedelta(hours=4), ends_at=STARTS + timedelta(hours=5))
    later = steps(attended(evening), POLICY)["aftercare"].due

    assert verdict(attended(MORNING), "aftercare", evening) == Wait(later, "merged")
    assert verdict(attended(MORNING), "aftercare", attended(evening)) == MERGED
    assert verdict(attended(MORNING), "aftercare", replace(evening, state=VisitState.CANCELLED)) is None
    assert verdict(attended(evening), "aftercare", attended(MORNING)) is None
    assert verdict(
        attended(evening), "aftercare", attended(MORNING), sent=reminded(attended(MORNING), "aftercare")
    ) == (MERGED)


def test_aftercare_waits_for_the_last_of_the_visits_that_are_still_to_come() -> None:
    noon, evening = (
        replace(AFTERNOON, appointment=name * 26, starts_at=STARTS + timedelta(hours=n), ends_at=ends)
        for name, n in (("n", 2), ("e", 4))
        for ends in [STARTS + timedelta(hours=n + 1)]
    )
    last = steps(attended(evening), POLICY)["aftercare"].due
    assert steps(attended(noon), POLICY)["aftercare"].due < last

    assert verdict(attended(MORNING), "aftercare", noon, evening) == Wait(last, "merged")


@pytest.mark.parametrize("state", [VisitState.REQUESTED, VisitState.IN_REVIEW, VisitState.MISSED])
def test_aftercare_waits_for_no_visit_that_is_not_agreed(state: VisitState) -> None:
    assert verdict(attended(MORNING), "aftercare", replace(AFTERNOON, state=state)) is None


def test_aftercare_does_not_wait_until_it_is_of_no_use() -> None:
    """What is said of a visit late in the evening comes the next morning, 20 hours after the first had ended."""
    dawn = replace(MORNING, starts_at=STARTS - timedelta(hours=5), ends_at=STARTS - timedelta(hours=4))
    night = replace(AFTERNOON, starts_at=STARTS + timedelta(hours=11), ends_at=STARTS + timedelta(hours=12))
    one = text(attended(dawn), "aftercare")
    assert steps(attended(night), POLICY)["aftercare"].due >= one.not_after

    assert verdict(attended(dawn), "aftercare", night) is None


def test_a_visit_that_nobody_noted_as_attended_holds_up_no_aftercare_for_ever() -> None:
    one = text(attended(MORNING), "aftercare")
    later = steps(attended(AFTERNOON), POLICY)["aftercare"].due

    assert gives_way(one, attended(MORNING), POLICY, Traffic([AFTERNOON]), later) is None


@pytest.mark.parametrize("state", [VisitState.REQUESTED, VisitState.IN_REVIEW, VisitState.CONFIRMED])
def test_nobody_who_comes_again_is_offered_a_further_visit(state: VisitState) -> None:
    past = attended(MORNING, wants_offers=True)
    next_month = visit(appointment="n" * 26, starts_at=STARTS + timedelta(days=30), state=state)

    assert verdict(past, "rebook", next_month) == Drop(State.SKIPPED, "visit_ahead")
    assert verdict(past, "rebook", replace(next_month, state=VisitState.CANCELLED)) is None
    assert verdict(past, "rebook", replace(AFTERNOON, state=state)) is None


def test_two_texts_a_day_are_enough_unless_they_are_news() -> None:
    due = text(MORNING, "two_hours").due
    earlier_today = sent(due - timedelta(hours=1), due - timedelta(hours=2))

    assert verdict(MORNING, "two_hours", sent=earlier_today) == CAPPED
    assert verdict(MORNING, "two_hours", sent=earlier_today[:1]) is None
    booked = text(MORNING, "booked").due
    assert verdict(MORNING, "booked", sent=sent(*(booked - timedelta(minutes=n) for n in range(1, 9)))) is None
    assert verdict(MORNING, "two_hours", sent=sent(*(s.at - timedelta(days=1) for s in earlier_today))) is None


def test_a_day_is_the_client_s_own() -> None:
    """Eight in the morning in New York; half past eleven at night, and half past midnight, both hours before."""
    due = text(MORNING, "two_hours").due
    assert due.hour == 12
    last_night, today = due - timedelta(hours=8, minutes=30), due - timedelta(hours=7, minutes=30)

    assert verdict(MORNING, "two_hours", sent=sent(last_night, today)) is None
    assert verdict(MORNING, "two_hours", sent=sent(today, today)) == CAPPED


def test_a_day_is_as_long_as_the_clocks_make_it() -> None:
    """On the first Sunday of November New York has 25 hours: from ten past midnight until ten to midnight."""
    late = datetime(2027, 11, 8, 4, 50, tzinfo=UTC)
    early = late - timedelta(hours=24, minutes=40)
    of = visit(starts_at=late + timedelta(hours=12))
    timings = {"day_before": Timing(days=1, at=time(23, 50))}
    awake = practice(steps=FULL, quiet=Quiet(time(0), time(0)), most_a_day=1, timings=timings)
    assert text(of, "day_before", awake).due == late

    assert verdict(of, "day_before", policy=awake, sent=sent(early)) == CAPPED
    assert verdict(of, "day_before", policy=awake, sent=sent(early - timedelta(minutes=11))) is None


def test_a_worthier_text_that_is_overdue_takes_its_place_today() -> None:
    """Nobody was at work yesterday, when the afternoon was to be reminded of."""
    of, policy = attended(visit(appointment="y" * 26, starts_at=STARTS - timedelta(days=1))), practice(steps=FULL)
    check_in, overdue = text(of, "check_in"), text(AFTERNOON, "day_before")
    assert overdue.due.date() < check_in.due.date()
    one = replace(policy, most_a_day=1)

    assert verdict(of, "check_in", AFTERNOON, policy=one, there={check_in.id}) is None
    assert verdict(of, "check_in", AFTERNOON, policy=one, there={check_in.id, overdue.id}) == CAPPED


def test_five_texts_in_seven_days_are_enough_unless_they_are_news() -> None:
    due = text(MORNING, "day_before").due
    week = sent(*(due - timedelta(days=n, hours=1) for n in range(2, 7)))

    assert verdict(MORNING, "day_before", sent=week) == CAPPED
    assert verdict(MORNING, "day_before", sent=week[1:]) is None
    assert verdict(MORNING, "day_before", sent=(*week[1:], *sent(due - timedelta(days=7)))) is None
    assert verdict(MORNING, "day_before", sent=sent(*(s.at - timedelta(days=1, hours=2) for s in week[-1:]))) is None


def test_a_text_takes_no_place_that_a_worthier_one_needs_later_in_the_day() -> None:
    """The preparation for the day after tomorrow gives way to what is to be said of tomorrow."""
    day_after = replace(MORNING, starts_at=STARTS + timedelta(hours=27), ends_at=STARTS + timedelta(hours=28))
    of = replace(day_after, appointment="d" * 26)
    policy = practice(steps=FULL, timings={"prepare": Timing(days=2, at=time(9))})
    due = steps(of, policy)["prepare"].due
    assert due < steps(MORNING, policy)["day_before"].due < due + timedelta(hours=8)

    assert verdict(of, "prepare", MORNING, policy=policy, sent=sent(due - timedelta(minutes=5))) == CAPPED
    assert verdict(of, "prepare", policy=policy, sent=sent(due - timedelta(minutes=5))) is None
    assert verdict(MORNING, "day_before", of, policy=policy, sent=sent(due - timedelta(minutes=5))) is None


def test_a_text_takes_no_place_that_its_own_visit_needs_later_in_the_day() -> None:
    policy = practice(steps=FULL, most_a_day=1, timings={"prepare": Timing(days=1, at=time(9))})

    assert verdict(MORNING, "prepare", policy=policy) == CAPPED
    assert verdict(MORNING, "day_before", policy=policy) is None


def test_a_text_takes_no_place_that_a_worthier_one_needs_later_in_the_week() -> None:
    """Unless what went has left the seven days by then."""
    policy = practice(steps=frozenset({"check_in", "day_before"}), most_a_week=2)
    of = attended(visit(appointment="c" * 26, starts_at=STARTS - timedelta(days=2)))
    due = text(of, "check_in", policy).due
    ahead = replace(MORNING, starts_at=STARTS + timedelta(days=2), ends_at=STARTS + timedelta(days=2, hours=1))
    assert text(ahead, "day_before", policy).due == due + timedelta(days=2)

    assert verdict(of, "check_in", policy=policy, sent=sent(due - timedelta(days=2))) is None
    assert verdict(of, "check_in", ahead, policy=policy, sent=sent(due - timedelta(days=2))) == CAPPED
    assert verdict(of, "check_in", ahead, policy=policy, sent=sent(due - timedelta(days=6))) is None


def test_news_that_is_still_to_go_has_its_place_in_the_day() -> None:
    """A confirmation that waits in the same group, or for the end of the night, and one of a week ago."""
    due = text(MORNING, "two_hours").due
    news = visit(appointment="n" * 26, starts_at=STARTS + timedelta(days=20), since=due - timedelta(minutes=1))
    there = {text(news, "booked").id, text(MORNING, "two_hours").id}
    one = practice(steps=FULL, most_a_day=1)
    long_ago = replace(news, since=due - timedelta(days=8))

    assert verdict(MORNING, "two_hours", replace(news, ends_at=STARTS), policy=one, there=there) == CAPPED
    assert verdict(MORNING, "two_hours", replace(long_ago, ends_at=STARTS), policy=one, there=there) is None


def test_what_is_due_in_more_than_a_week_needs_no_place_in_this_one() -> None:
    policy = practice(steps=FULL, most_a_week=1)
    past = attended(visit(appointment="c" * 26, starts_at=STARTS - timedelta(days=2)))
    due = text(past, "check_in", policy).due
    of = replace(MORNING, starts_at=due + timedelta(days=10), ends_at=due + timedelta(days=10, hours=1))
    prepared = text(replace(of, since=due), "prepare", policy)
    assert due + timedelta(days=7) < prepared.due

    assert verdict(past, "check_in", replace(of, since=due), policy=policy, there={prepared.id}) is None


def test_a_merged_text_keeps_no_place() -> None:
    """Of two day-before texts of one day only one will go, so the third text of the day may."""
    policy = practice(steps=frozenset({"day_before", "prepare"}), timings={"prepare": Timing(days=2, at=time(8))})
    later = replace(MORNING, starts_at=STARTS + timedelta(days=1), ends_at=STARTS + timedelta(days=1, hours=1))
    of = replace(later, appointment="l" * 26)
    prepared = frozenset(text(one, "prepare", policy).id for one in (MORNING, AFTERNOON))

    assert verdict(of, "prepare", MORNING, AFTERNOON, policy=policy, gone=prepared) is None


def test_only_visits_of_the_next_days_are_planned_for_a_text() -> None:
    """However many a course has."""
    weekly = [
        replace(
            MORNING,
            appointment=f"w{week:025d}",
            starts_at=STARTS + timedelta(weeks=week),
            ends_at=STARTS + timedelta(weeks=week, hours=1),
        )
        for week in range(1, 53)
    ]
    planned: list[Visit] = []

    def plans(of: Visit, policy: Practice) -> tuple[Planned, ...]:
        planned.append(of)
        return plan(of, policy)

    one = text(MORNING, "day_before")
    gives_way(one, MORNING, POLICY, Traffic(weekly), one.due, plans=plans)

    assert {of.appointment for of in planned} <= {of.appointment for of in (MORNING, *weekly[:2])}


@pytest.mark.parametrize("why", [CAPPED.why, MERGED.why, "visit_ahead"])
def test_the_desk_has_words_for_it_and_it_is_counted(why: str) -> None:
    assert why in WORDS
    assert why in GAVE_WAY


def test_a_text_that_gives_way_to_one_that_went_keeps_no_place() -> None:
    """Of tomorrow's two visits the first was reminded of this morning, so the preparation may go at noon."""
    policy = practice(steps=frozenset({"day_before", "prepare"}), timings={"prepare": Timing(days=2, at=time(12))})
    later = replace(MORNING, starts_at=STARTS + timedelta(days=1), ends_at=STARTS + timedelta(days=1, hours=1))
    of, told = replace(later, appointment="l" * 26), reminded(MORNING, "day_before")
    assert text(of, "prepare", policy).due < text(AFTERNOON, "day_before", policy).due

    assert verdict(of, "prepare", MORNING, AFTERNOON, policy=policy, sent=told) is None
    assert verdict(of, "prepare", AFTERNOON, policy=policy, sent=told) == CAPPED
    assert verdict(AFTERNOON, "day_before", MORNING, of, policy=policy, sent=told) == MERGED


def test_what_the_desk_sends_once_more_gives_way_to_nothing() -> None:
    one = message(text(MORNING, "two_hours"), MORNING)
    again = replace(one, id=f"{one.id}~1")
    full = Truth(MORNING, POLICY, (), traffic=Traffic((), sent(one.planned_for, one.planned_for)))

    assert judge(one, full, one.planned_for) == CAPPED
    assert judge(again, full, one.planned_for) == Send("two_hours")


def test_what_is_overdue_at_night_waits_for_the_day_whose_texts_are_counted() -> None:
    """Two were sent today; the check-in that nobody sent in the morning goes tomorrow."""
    of = attended(MORNING)
    one = message(text(of, "check_in"), of)
    night = STARTS + timedelta(days=1, hours=12)
    full = Truth(of, POLICY, (), traffic=Traffic((), sent(night - timedelta(hours=4), night - timedelta(hours=5))))

    assert isinstance(held := judge(one, full, night), Wait)
    assert judge(one, full, held.until) == Send("check_in")


def test_a_text_that_is_tried_again_does_not_stand_in_its_own_way() -> None:
    one = text(MORNING, "two_hours")
    own = (Sent(one.id, one.step, MORNING.appointment, one.due),)

    assert verdict(MORNING, "two_hours", policy=practice(steps=FULL, most_a_day=1), sent=own) is None


def test_of_texts_that_are_due_together_as_many_go_as_there_are_places_whoever_is_asked_first() -> None:
    """Two workers that see nothing of each other's writes let the same ones go."""
    asked = visit(state=VisitState.REQUESTED)
    visits = [
        replace(asked, appointment=name * 26, starts_at=STARTS + timedelta(days=n)) for n, name in enumerate("abcd")
    ]
    texts = {of.appointment: text(of, "received") for of in visits}
    now = texts["a" * 26].due

    def goes(of: Visit, sent: tuple[Sent, ...] = ()) -> bool:
        others = [other for other in visits if other is not of]
        return gives_way(texts[of.appointment], of, POLICY, Traffic(others, sent), now) is None

    assert [goes(of) for of in visits] == [True, True, False, False]
    first = Sent(texts["a" * 26].id, "received", "a" * 26, now)
    assert [goes(of, (first,)) for of in visits] == [True, True, False, False]


def test_of_texts_that_are_due_together_the_one_that_was_due_first_goes() -> None:
    later = visit(appointment="a" * 26, state=VisitState.REQUESTED)
    first = replace(later, appointment="b" * 26, since=later.since - timedelta(minutes=1))
    policy, now = practice(steps=FULL, most_a_day=1), text(later, "received").due

    assert gives_way(text(first, "received"), first, policy, Traffic([later]), now) is None
    assert gives_way(text(later, "received"), later, policy, Traffic([first]), now) == CAPPED
