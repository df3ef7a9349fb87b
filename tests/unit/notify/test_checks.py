"""A visit whose form is wanted once more, a word left for the client, and a word awaited from the practice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.notify.domain.delivery import Message, State
from services.notify.domain.visit import Visit, VisitState
from tests.support.notify import APPOINTMENT, PHONE, STARTS, Clock, Phone, Worker, practice, steps, twins, visit

PRACTICE_PHONE = "+12125550199"
AFTERNOON = datetime(2027, 6, 1, 18, 0, tzinfo=UTC)  # two o'clock in New York
AT_NIGHT = datetime(2027, 6, 2, 3, 30, tzinfo=UTC)
CHECK_UNTIL = STARTS - timedelta(hours=48)


def asked_again(**changes: object) -> Visit:
    asked = visit(state=VisitState.REQUESTED, version=5, since=AFTERNOON, check_until=CHECK_UNTIL)
    return replace(asked, **changes)  # type: ignore[arg-type]  # the changes of a test


class Day:
    """A worker, its provider and its clock, with a practice that wants to be told."""

    def __init__(self, at: datetime = AFTERNOON, *, alerts_phone: str | None = PRACTICE_PHONE) -> None:
        self.clock = Clock(at)
        self.phone = Phone(self.clock)
        self.worker = Worker(twins(self.clock), self.phone, self.clock)
        self.practice = replace(practice(), alerts_phone=alerts_phone)

    async def begin(self, *visits: Visit) -> Day:
        await self.worker.stores.practices.keep(self.practice)
        for one in visits:
            assert await self.worker.hears(one)
        return self

    async def run(self) -> None:
        await self.worker.sending.send_due()

    async def text(self, step: str) -> Message | None:
        texts = await self.worker.stores.messages.of(APPOINTMENT)
        return next((text for text in texts if text.step == step), None)

    async def review_due(self, *, count: int = 4, until: datetime = AFTERNOON + timedelta(hours=12)) -> bool:
        return await self.worker.notices.review_due(APPOINTMENT, until=until, count=count, at=self.clock())

    async def word_left(self, *, count: int = 4) -> bool:
        return await self.worker.notices.word_left(APPOINTMENT, count=count, at=self.clock())


def test_who_is_filling_in_the_form_already_is_not_asked_by_text() -> None:
    (check,) = steps(asked_again()).values()

    assert check.due == AFTERNOON + timedelta(minutes=15)
    assert check.not_after == CHECK_UNTIL


def test_a_visit_that_was_only_asked_for_gets_no_text() -> None:
    assert steps(asked_again(check_until=None)) == {}


def test_whoever_knew_the_old_time_is_told_the_new_one_though_it_is_not_confirmed_for_that_day() -> None:
    assert [text.template for text in steps(asked_again(check_until=None, moved=True)).values()] == ["moved"]


async def test_a_form_that_is_asked_for_is_asked_for_also_when_the_visit_is_moved_before_anybody_was_told() -> None:
    day = await Day(AT_NIGHT).begin(asked_again(since=AT_NIGHT))
    later = AT_NIGHT + timedelta(hours=1)
    await day.worker.hears(asked_again(version=6, since=later, moved=True, starts_at=STARTS + timedelta(days=1)))
    texts = await day.worker.stores.messages.of(APPOINTMENT)
    assert [(one.step, one.version) for one in texts if one.state is State.PLANNED and one.step == "check"] == [
        ("check", 6)
    ]


async def test_what_was_planned_for_the_visit_waits_until_it_is_confirmed_again() -> None:
    day = await Day().begin(visit(since=AFTERNOON - timedelta(days=1)), asked_again())
    assert (await day.text("prepare")).state is State.CANCELLED  # type: ignore[union-attr]  # it is there

    await day.worker.hears(visit(version=6, since=AFTERNOON + timedelta(hours=1), again=True))
    assert (await day.text("prepare")).state is State.PLANNED  # type: ignore[union-attr]  # it is there
    assert (await day.text("check")).state is State.CANCELLED  # type: ignore[union-attr]  # it is there


async def test_a_second_confirmation_is_news_although_the_first_was_told() -> None:
    day = await Day().begin(visit(since=AFTERNOON, version=3))
    await day.run()
    await day.worker.hears(asked_again())
    await day.worker.hears(visit(version=6, since=AFTERNOON, again=True))
    await day.run()

    assert ["visit is booked" in body for body in day.phone.bodies] == [True, False]
    assert "is confirmed" in day.phone.bodies[1]


async def test_a_second_review_is_told_too() -> None:
    day = await Day().begin(visit(state=VisitState.IN_REVIEW, since=AFTERNOON, version=3))
    await day.run()
    await day.worker.hears(visit(version=4, since=AFTERNOON))
    await day.worker.hears(visit(state=VisitState.IN_REVIEW, version=5, since=AFTERNOON, again=True))
    await day.run()

    assert [body.count("message about your booking") for body in day.phone.bodies].count(1) == 2


async def test_a_word_left_is_one_text_however_often_it_is_heard_and_takes_nothing_from_the_plan() -> None:
    day = await Day().begin(visit(since=AFTERNOON - timedelta(days=1)))
    before = await day.text("prepare")
    assert await day.word_left()
    assert await day.word_left()
    await day.worker.hears(visit(since=AFTERNOON, version=4))
    await day.run()

    assert sum("a message for you" in body for body in day.phone.bodies) == 1
    assert (await day.text("prepare")).due == before.due  # type: ignore[union-attr]  # both are there
    assert (await day.text("message_left")).to == PHONE  # type: ignore[union-attr]  # it is there


async def test_every_word_is_told_but_an_older_one_that_was_not_sent_yet() -> None:
    day = await Day(AT_NIGHT).begin(visit(since=AFTERNOON))
    await day.word_left(count=4)
    await day.word_left(count=6)

    texts = [text for text in await day.worker.stores.messages.of(APPOINTMENT) if text.step == "message_left"]
    assert sorted(text.state for text in texts) == [State.CANCELLED, State.PLANNED]


async def test_the_link_of_a_word_leads_to_the_visit() -> None:
    day = await Day().begin(visit(since=AFTERNOON))
    await day.word_left()
    text = await day.text("message_left")
    assert text is not None
    page = await day.worker.pages.page(text.code)

    assert (page.leads_to, page.id) == ("visit", APPOINTMENT)


async def test_a_word_about_an_unknown_visit_waits_for_it() -> None:
    day = await Day().begin()

    assert await day.word_left() is False
    assert await day.review_due() is False


async def test_the_practice_is_texted_at_its_own_number_without_a_link() -> None:
    day = await Day().begin(visit(state=VisitState.IN_REVIEW, since=AFTERNOON))
    assert await day.review_due()
    assert await day.review_due()
    await day.run()

    text = await day.text("review_due")
    assert text is not None
    assert text.to == PRACTICE_PHONE
    bodies = [body for body in day.phone.bodies if "waits for your word" in body]
    assert len(bodies) == 1
    assert APPOINTMENT[:6].upper() in bodies[0]
    assert "http" not in bodies[0]


async def test_a_practice_without_such_a_number_is_not_texted() -> None:
    day = await Day(alerts_phone=None).begin(visit(state=VisitState.IN_REVIEW, since=AFTERNOON))

    assert await day.review_due()
    assert await day.text("review_due") is None


async def test_the_practice_is_not_woken_and_not_reminded_too_late() -> None:
    day = await Day(AT_NIGHT).begin(visit(state=VisitState.IN_REVIEW, since=AFTERNOON))
    await day.review_due(until=AT_NIGHT + timedelta(hours=12))
    await day.review_due(count=5, until=AT_NIGHT + timedelta(hours=1))
    await day.run()

    texts = [text for text in await day.worker.stores.messages.of(APPOINTMENT) if text.step == "review_due"]
    assert {text.version: text.state for text in texts} == {4: State.CANCELLED, 5: State.SKIPPED}
    assert not any("waits for your word" in body for body in day.phone.bodies)


@pytest.mark.parametrize("heard_first", [True, False])
async def test_what_was_decided_in_the_night_is_not_asked_for_in_the_morning(heard_first: bool) -> None:
    day = await Day(AT_NIGHT).begin(visit(state=VisitState.IN_REVIEW, since=AFTERNOON))
    if heard_first:
        await day.review_due(until=AT_NIGHT + timedelta(hours=12))
    await day.worker.hears(visit(version=9, since=AT_NIGHT))
    if not heard_first:
        await day.review_due(until=AT_NIGHT + timedelta(hours=12))
    day.clock.at = AT_NIGHT + timedelta(hours=9)
    await day.run()

    assert not any("waits for your word" in body for body in day.phone.bodies)


@pytest.mark.parametrize("first", ["word", "end"])
@pytest.mark.parametrize("state", [VisitState.CANCELLED, VisitState.LAPSED])
async def test_nobody_is_sent_to_read_a_word_about_a_visit_that_is_over(first: str, state: VisitState) -> None:
    day = await Day(AT_NIGHT).begin(visit(state=VisitState.IN_REVIEW, since=AFTERNOON))
    ended = visit(version=6, state=state, since=AT_NIGHT)
    if first == "word":
        assert await day.word_left()
        await day.worker.hears(ended)
    else:
        await day.worker.hears(ended)
        assert await day.word_left()
    assert (await day.text("message_left")).state is State.CANCELLED  # type: ignore[union-attr]  # it is there
