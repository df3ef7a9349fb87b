"""What does not arrive: the number is marked, the template waits for a person, the practice is told of lost news."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from services.notify.actions.alerts import is_lost
from services.notify.actions.notices import DAYS, MOST_ALERTS_A_DAY
from services.notify.domain.consent import Entry, Word
from services.notify.domain.delivery import State
from services.notify.domain.errors import TREATMENTS
from services.notify.domain.mark import Mark, holds
from services.notify.domain.provider import Outcome, Refused, Unknown
from services.notify.domain.visit import VisitState
from services.notify.ports import Outgoing
from tests.support.notify import (
    APPOINTMENT,
    PHONE,
    STARTS,
    Clock,
    Killed,
    Life,
    Phone,
    Worker,
    code,
    message,
    mortal,
    practice,
    steps,
    twins,
    visit,
)

BOOKED_AT = STARTS - timedelta(days=7)
DESK = "+15035550177"
MARKING = sorted(number for number, cure in TREATMENTS.items() if cure.marks)


class Day:
    """A practice that wants to be told, and a visit booked at ten in the morning."""

    def __init__(self, *, alerts_phone: str | None = DESK, phone: type[Phone] = Phone) -> None:
        self.clock = Clock(BOOKED_AT)
        self.phone = phone(self.clock)
        self.stores = twins(self.clock)
        self.worker = Worker(self.stores, self.phone, self.clock)
        self.practice = replace(practice(), alerts_phone=alerts_phone)

    async def begin(self, **changes: Any) -> Day:
        await self.stores.practices.keep(self.practice)
        await self.hears(since=BOOKED_AT, **changes)
        return self

    async def hears(self, **changes: Any) -> None:
        assert await self.worker.hears(visit(**changes))

    async def run(self, after: timedelta = timedelta()) -> None:
        self.clock.forward(after)
        await self.worker.sending.send_due()

    async def state(self, step: str, appointment: str = APPOINTMENT) -> tuple[State, str | None]:
        texts = await self.stores.messages.of(appointment)
        one = next(text for text in texts if text.step == step)
        return one.state, one.why

    @property
    def told(self) -> list[str]:
        return [text.body for text, _ in self.phone.arrived if text.to == DESK]


async def again(day: Day, **changes: Any) -> None:
    """Booking tells of a further visit of the same client, with an answer of its own."""
    of = visit(appointment="b" * 26, since=day.clock(), **changes)
    entry = Entry(key=f"visit:{of.appointment}:2", word=Word.CONSENTED, at=day.clock(), source="booking", wording="v1")
    await day.worker.planning.keep_visit(of, entry)


@pytest.mark.parametrize("number", MARKING)
async def test_a_number_that_takes_no_texts_gets_no_further_one(number: int) -> None:
    day = await Day(alerts_phone=None).begin()
    day.phone.answers = [lambda: Refused(number)]
    await day.run()
    await day.hears(since=BOOKED_AT + timedelta(minutes=1), version=4, moved=True)
    await day.run(timedelta(minutes=10))

    assert len(day.phone.posts) == 1
    assert await day.state("moved") == (State.SKIPPED, "bad_number")
    [mark] = await day.stores.marks.of_practice("still-waters", 9)
    assert (mark.appointment, mark.code, mark.why) == (APPOINTMENT, number, TREATMENTS[number].why)


async def test_a_newer_visit_with_that_number_is_tried() -> None:
    day = await Day(alerts_phone=None).begin()
    day.phone.answers = [lambda: Refused(21614)]
    await day.run()
    day.clock.forward(timedelta(hours=1))
    await again(day)
    await day.run()

    assert len(day.phone.posts) == 2


async def test_a_number_that_the_desk_clears_is_tried_and_others_never_stopped() -> None:
    day = await Day(alerts_phone=None).begin()
    day.phone.answers = [lambda: Refused(21614)]
    await day.run()
    await day.hears(appointment="c" * 26, since=BOOKED_AT, phone="+15035550143")
    await day.run()
    assert len(day.phone.posts) == 2

    await day.stores.marks.clear("still-waters", APPOINTMENT)
    await day.hears(since=BOOKED_AT + timedelta(minutes=1), version=4, moved=True)
    await day.run(timedelta(minutes=10))
    assert len(day.phone.posts) == 3


async def test_who_waits_for_a_code_has_given_the_number_at_this_minute() -> None:
    day = await Day(alerts_phone=None).begin()
    day.phone.answers = [lambda: Refused(21614)]
    await day.run()
    assert await day.worker.told(code(at=day.clock(), expires_at=day.clock() + timedelta(minutes=10)))
    await day.run()

    assert len(day.phone.posts) == 2


async def test_a_mark_goes_with_its_client() -> None:
    day = await Day(alerts_phone=None).begin()
    day.phone.answers = [lambda: Refused(21614)]
    await day.run()
    await day.worker.clients.erase("e" * 26, "still-waters", appointments=[APPOINTMENT], phones=[PHONE])

    assert await day.stores.marks.of_practice("still-waters", 9) == []


async def test_news_whose_words_stay_paused_until_it_is_of_no_use_is_told_to_the_practice() -> None:
    day = Day()
    await day.stores.practices.keep(day.practice)
    await day.stores.practices.pause("still-waters", "cancelled")
    await day.hears(since=BOOKED_AT, state=VisitState.CANCELLED)
    await day.run(timedelta(minutes=10))
    assert day.told == []
    day.clock.at = STARTS - timedelta(minutes=8)
    await day.run()
    await day.run()

    assert await day.state("cancelled") == (State.SKIPPED, "paused")
    assert len(day.told) == 1


def test_only_what_booking_tells_later_speaks_against_a_mark() -> None:
    mark = Mark(practice="p", appointment="a", why="landline", code=30006, at=BOOKED_AT)
    later, earlier = BOOKED_AT + timedelta(seconds=1), BOOKED_AT
    start = partial(Entry, key="k", word=Word.STARTED)

    assert holds(mark, [])
    assert holds(mark, [start(at=later, source="reply")])
    assert holds(mark, [start(at=earlier, source="booking")])
    assert not holds(mark, [start(at=later, source="booking")])


async def test_words_that_are_taken_for_spam_wait_for_a_person_and_other_words_do_not() -> None:
    day = await Day(alerts_phone=None).begin()
    day.phone.answers = [lambda: Refused(30007)]
    await day.run()
    await day.hears(appointment="c" * 26, since=day.clock(), phone="+15035550143")
    await day.hears(since=BOOKED_AT + timedelta(minutes=1), version=4, moved=True)
    await day.run(timedelta(minutes=10))

    assert [text.body.split(" ")[4] for text in day.phone.posts][1:] == ["moved"]
    assert await day.state("booked", "c" * 26) == (State.PLANNED, "paused")

    known = await day.stores.practices.get("still-waters")
    assert known is not None
    assert (known.paused, known.edits) == (frozenset({"booked"}), 1)


LOSING = [Refused(21211), Refused(30007), Refused(99999), Refused(21612)]


@pytest.mark.parametrize("outcome", LOSING, ids=str)
async def test_news_that_cannot_be_sent_is_told_to_the_practice_without_a_name(outcome: Refused) -> None:
    day = await Day().begin()
    day.phone.answers = [lambda: outcome]
    await day.run()
    await day.run(timedelta(minutes=1))

    [body] = day.told
    assert "did not arrive" in body
    assert f"Ref {APPOINTMENT[:6].upper()}-" in body
    assert PHONE[-4:] not in body
    assert "http" not in body


async def test_news_that_the_carrier_does_not_deliver_is_told_once_however_often_it_is_reported() -> None:
    day = await Day().begin()
    await day.run()
    [sent] = [text for text in await day.stores.messages.of(APPOINTMENT) if text.step == "booked"]
    assert sent.attempt is not None
    for _ in range(2):
        await day.worker.receipts.take(
            sent.code, sent.attempt.id, sid=str(sent.sid), status="undelivered", error_code=30006
        )
        await day.run(timedelta(minutes=1))

    assert len(day.told) == 1


async def test_what_is_tried_again_is_not_lost_yet() -> None:
    day = await Day().begin()
    await day.run()
    [sent] = [text for text in await day.stores.messages.of(APPOINTMENT) if text.step == "booked"]
    assert sent.attempt is not None
    await day.worker.receipts.take(sent.code, sent.attempt.id, sid=str(sent.sid), status="failed", error_code=30008)
    await day.run(timedelta(minutes=1))
    assert day.told == []

    await day.run(timedelta(minutes=30))
    [sent] = [text for text in await day.stores.messages.of(APPOINTMENT) if text.step == "booked"]
    assert sent.attempt is not None
    await day.worker.receipts.take(sent.code, sent.attempt.id, sid=str(sent.sid), status="failed", error_code=30008)
    await day.run(timedelta(minutes=1))
    assert len(day.told) == 1


async def test_news_of_which_nobody_knows_whether_it_arrived_is_told_when_it_is_given_up() -> None:
    day = await Day().begin()
    day.phone.answers = [lambda: Unknown("timeout")] * 3
    day.phone.arrives = False
    for _ in range(30):
        await day.run(timedelta(minutes=1))
        day.phone.arrives = len(day.phone.posts) >= 3

    assert await day.state("booked") == (State.DEAD, "unresolved")
    assert len(day.told) == 1


async def test_one_alert_a_day_for_a_visit_and_another_one_the_next_day_in_other_words() -> None:
    day = await Day().begin()
    day.phone.answers = [lambda: Refused(21612)]
    await day.run()
    await day.run(timedelta(minutes=1))
    for version, later in ((4, timedelta(hours=1)), (5, timedelta(days=1))):
        day.clock.at = BOOKED_AT + later
        moved_to = STARTS + timedelta(hours=1) if version == 4 else STARTS
        await day.hears(since=day.clock(), version=version, moved=True, starts_at=moved_to)
        day.phone.answers = [lambda: Refused(21612)]
        await day.run(timedelta(minutes=4))
        await day.run(timedelta(minutes=1))

    assert len(day.told) == len(set(day.told)) == 2


async def test_where_much_is_lost_together_the_practice_gets_ten_texts_a_day_and_not_one_for_each() -> None:
    day = Day()
    await day.stores.practices.keep(day.practice)
    for n in range(MOST_ALERTS_A_DAY + 5):
        day.phone.answers = [lambda: Refused(21612)]
        await day.hears(appointment=f"{n:026d}", since=day.clock(), phone=f"+150355502{n:02d}")
        await day.run()
        day.phone.answers = []
        await day.run(timedelta(minutes=1))
    assert len(day.told) == MOST_ALERTS_A_DAY

    day.clock.forward(timedelta(days=1))
    day.phone.answers = [lambda: Refused(21612)]
    await day.hears(appointment="n" * 26, since=day.clock(), phone="+15035550299")
    await day.run()
    await day.run(timedelta(minutes=1))
    assert len(day.told) == MOST_ALERTS_A_DAY + 1


async def test_a_reminder_that_is_lost_and_an_opt_out_are_no_news() -> None:
    day = await Day().begin()
    day.phone.answers = [lambda: Refused(21610)]
    await day.run()
    await day.run(timedelta(minutes=1))
    assert day.told == []

    day = await Day().begin()
    await day.run()
    day.phone.answers = [lambda: Refused(21612)] * 3
    day.clock.at = STARTS - timedelta(days=1)
    await day.run()
    await day.run(timedelta(minutes=1))
    assert (await day.state("day_before"))[0] is State.FAILED
    assert day.told == []


async def test_a_practice_that_gave_no_number_is_not_told() -> None:
    day = await Day(alerts_phone=None).begin()
    day.phone.answers = [lambda: Refused(21211)]
    await day.run()
    await day.run(timedelta(minutes=1))

    assert {text.step for text in await day.stores.messages.of(APPOINTMENT)} >= {"booked"}
    assert "undelivered" not in {text.step for text in await day.stores.messages.of(APPOINTMENT)}


async def test_an_alert_that_is_lost_itself_begins_no_other() -> None:
    day = await Day().begin()
    day.phone.answers = [lambda: Refused(21211)] * 9
    for _ in range(6):
        await day.run(timedelta(minutes=1))

    assert len(day.phone.posts) == 2


def test_news_that_came_too_late_anyway_is_not_lost() -> None:
    planned = message(steps(visit())["booked"], visit())
    failed = replace(planned, state=State.FAILED)

    assert is_lost(failed, planned.not_after - timedelta(seconds=1))
    assert not is_lost(failed, planned.not_after)
    assert not is_lost(replace(failed, state=State.DELIVERED), planned.due)
    assert not is_lost(replace(failed, state=State.SKIPPED, why="stale"), planned.due)
    assert is_lost(replace(failed, state=State.SKIPPED, why="bad_number"), planned.due)
    assert is_lost(replace(failed, state=State.SKIPPED, why="paused"), planned.due)
    assert not is_lost(replace(failed, step="day_before"), planned.due)


def test_the_letter_of_a_day_returns_after_three_weeks_at_the_earliest_and_is_none_that_is_misread() -> None:
    assert len(set(DAYS)) == len(DAYS) >= 21
    assert not set("IO") & set(DAYS)


class Unreached(Phone):
    """Whatever is for the client is refused for good."""

    async def send(self, text: Outgoing) -> Outcome:
        if text.to == PHONE:
            self.posts.append(text)
            return Refused(21612)
        return await super().send(text)


@pytest.mark.parametrize("where", range(1, 37, 2))  # after each call, which is before the next one
async def test_killed_anywhere_the_practice_is_told_of_lost_news_once(where: int) -> None:
    day = await Day(phone=Unreached).begin()
    dying = Worker(mortal(day.stores, Life(where)), day.phone, day.clock)
    with suppress(Killed):
        await dying.sending.send_due()
    for _ in range(3):
        await day.run(timedelta(minutes=5))

    assert (await day.state("booked"))[0] is State.FAILED
    assert len(day.told) == 1
