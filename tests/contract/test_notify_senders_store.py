"""What is shared of a sender, and the numbers that take no texts: asked of the twins and of the real stores alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from pydantic import SecretStr

from services.notify.domain.consent import hidden
from services.notify.domain.mark import BELIEVED, Mark
from services.notify.domain.sender import BREAKS_AT, FIRST_BREAK, PROBE, Limits, Pause, Standing, Want
from services.notify.ports import Stores
from services.notify.store import MongoMarks, MongoPractices, MongoSenders
from shared import mongo
from shared.clock import utc_now
from shared.mongo import Database
from tests.support.notify import PHONE, SENDER, practice, twins
from tests.support.waiting import until

AT = datetime(2027, 6, 9, 18, 0, tzinfo=UTC)
SLOW = Limits(per_second=0.001)
NEWS, OTHER = Want(1), Want(1, first=False)


@pytest.fixture
async def database(mongo_url: str, database_name: str) -> AsyncIterator[Database]:
    async with mongo.connect(SecretStr(mongo_url), database_name) as opened:
        yield opened


async def real(database: Database) -> Stores:
    """Those that are asked of here; the others are twins."""
    return replace(
        twins(utc_now),
        senders=await MongoSenders.open(database),
        marks=await MongoMarks.open(database, partial(hidden, key=b"k" * 32)),
        practices=await MongoPractices.open(database),
    )


@pytest.fixture(params=["twin", "real"])
async def stores(request: pytest.FixtureRequest, database: Database) -> Stores:
    return twins(utc_now) if request.param == "twin" else await real(database)


async def test_a_sender_that_nobody_used_is_open_and_is_not_listed(stores: Stores) -> None:
    assert (await stores.senders.get(SENDER)).standing is Standing.OPEN
    assert await stores.senders.all() == []


async def test_a_group_takes_what_is_in_the_bucket_and_the_next_finds_the_rest(stores: Stores) -> None:
    known, granted = await stores.senders.take(SENDER, [Want(1)], SLOW)
    assert (list(granted), round(known.tokens or 0, 1)) == ([True], 1.0)

    _, granted = await stores.senders.take(SENDER, [Want(2), NEWS], SLOW)
    assert list(granted) == [False, False]
    _, granted = await stores.senders.take(SENDER, [NEWS, NEWS], SLOW)
    assert list(granted) == [True, False]


async def test_the_bucket_fills_with_the_time_of_the_store(stores: Stores) -> None:
    quick = Limits(per_second=50)
    _, granted = await stores.senders.take(SENDER, [NEWS] * 101, quick)
    assert sum(granted) == 100

    async def has_run_in() -> bool:
        _, granted = await stores.senders.take(SENDER, [NEWS], quick)
        return granted[0]

    await until(has_run_in)


@pytest.mark.parametrize("per_second", [0, 1_000])
async def test_the_days_last_fifth_is_for_news(stores: Stores, per_second: float) -> None:
    day = Limits(per_second=per_second, per_day=10)
    known, granted = await stores.senders.take(SENDER, [OTHER, Want(2, first=False)] * 3, day)
    assert list(granted) == [True, True, True, True, True, False]
    assert known.spent == 7

    known, granted = await stores.senders.take(SENDER, [OTHER, OTHER, NEWS, NEWS, NEWS], day)
    assert list(granted) == [True, False, True, True, False]
    assert (known.spent, known.day) == (10, known.at.date().isoformat())


async def test_a_new_day_begins_with_nothing_spent(stores: Stores) -> None:
    await stores.senders.take(SENDER, [NEWS] * 3, Limits(per_day=3))
    elsewhere = Limits(per_day=3, zone="Pacific/Kiritimati")
    far = Limits(per_day=3, zone="Pacific/Pago_Pago")  # 25 hours behind: of the three zones two differ in the day

    sums = [sum((await stores.senders.take(SENDER, [NEWS] * 3, zone))[1]) for zone in (elsewhere, far)]
    assert 3 in sums


async def test_posts_without_an_answer_shut_the_line_for_everybody_until_one_is_answered(stores: Stores) -> None:
    await stores.senders.unanswered(SENDER, BREAKS_AT - 1)
    assert (await stores.senders.get(SENDER)).standing is Standing.OPEN
    await stores.senders.unanswered(SENDER, 1)
    await stores.senders.unanswered(SENDER, 3)

    shut = await stores.senders.get(SENDER)
    assert (shut.standing, shut.failures, shut.trips) == (Standing.SHUT, BREAKS_AT + 3, 1)
    assert shut.shut_until is not None
    assert timedelta(0) < shut.shut_until - shut.at <= FIRST_BREAK
    assert not await stores.senders.probe(SENDER)

    await stores.senders.answered(SENDER)
    known = await stores.senders.get(SENDER)
    assert (known.standing, known.failures, known.trips) == (Standing.OPEN, 0, 0)
    assert not await stores.senders.probe(SENDER)


async def test_after_a_break_one_of_many_tries_and_its_failure_shuts_the_line_for_longer(database: Database) -> None:
    stores = await real(database)
    await stores.senders.unanswered(SENDER, BREAKS_AT)
    await database["senders"].update_one({"_id": SENDER}, {"$set": {"shut_until": AT - timedelta(days=3000)}})
    assert (await stores.senders.get(SENDER)).standing is Standing.HALF_OPEN

    tries = await asyncio.gather(*(stores.senders.probe(SENDER) for _ in range(20)))
    assert sum(tries) == 1
    await stores.senders.unprobe(SENDER)
    assert await stores.senders.probe(SENDER)

    await stores.senders.unanswered(SENDER, 1)
    shut = await stores.senders.get(SENDER)
    assert (shut.standing, shut.trips, shut.probe_until) == (Standing.SHUT, 2, None)
    assert shut.shut_until is not None
    assert FIRST_BREAK < shut.shut_until - shut.at <= 2 * FIRST_BREAK


async def test_who_tries_and_does_not_come_back_is_followed_by_another(database: Database) -> None:
    stores = await real(database)
    await stores.senders.unanswered(SENDER, BREAKS_AT)
    long_ago = AT - timedelta(days=3000)
    await database["senders"].update_one({"_id": SENDER}, {"$set": {"shut_until": long_ago, "probe_until": long_ago}})

    assert await stores.senders.probe(SENDER)
    known = await stores.senders.get(SENDER)
    assert known.probe_until is not None
    assert known.probe_until - known.at <= PROBE


@pytest.mark.parametrize("ends", ["answered", "let go"])
async def test_after_a_break_is_over_nothing_of_it_is_left_for_the_next_one(database: Database, ends: str) -> None:
    stores = await real(database)
    for _ in range(2):
        await stores.senders.unanswered(SENDER, BREAKS_AT)
        await database["senders"].update_one({"_id": SENDER}, {"$set": {"shut_until": AT - timedelta(days=3000)}})
    assert await stores.senders.probe(SENDER)

    if ends == "answered":
        await stores.senders.answered(SENDER)
    else:
        await stores.senders.resume(SENDER, by="kim", at=AT)

    known = await stores.senders.get(SENDER)
    assert (known.standing, known.failures, known.trips) == (Standing.OPEN, 0, 0)
    assert (known.shut_until, known.probe_until) == (None, None)
    assert not known.has_failed


async def test_a_rest_is_not_cut_short_by_a_shorter_one(stores: Stores) -> None:
    await stores.senders.rest(SENDER, timedelta(minutes=5), "credentials:20003")
    before = (await stores.senders.get(SENDER)).rests_until
    await stores.senders.rest(SENDER, timedelta(minutes=1), "credentials:20003")

    known = await stores.senders.get(SENDER)
    assert (known.standing, known.rests_until, known.rests_why) == (Standing.RESTING, before, "credentials:20003")


async def test_a_pause_names_who_and_why_and_ends_when_somebody_says_so(stores: Stores) -> None:
    pause = Pause(by="kim", why="rate $too high", at=AT)
    assert await stores.senders.pause(SENDER, pause)
    assert not await stores.senders.pause(SENDER, replace(pause, by="provider"))
    await stores.senders.rest(SENDER, timedelta(minutes=5), "credentials:20003")
    await stores.senders.unanswered(SENDER, BREAKS_AT)

    [paused] = await stores.senders.all()
    assert (paused.standing, paused.paused) == (Standing.PAUSED, pause)

    await stores.senders.resume(SENDER, by="$kim", at=AT + timedelta(hours=1))
    known = await stores.senders.get(SENDER)
    assert (known.standing, known.resumed_by, known.resumed_at) == (Standing.OPEN, "$kim", AT + timedelta(hours=1))


async def test_what_is_heard_late_of_a_text_from_before_the_pause_ended_stops_nothing(stores: Stores) -> None:
    pause = Pause(by="provider", why="sender_not_registered:30034", at=AT)
    await stores.senders.pause(SENDER, pause, begun_at=AT)
    await stores.senders.resume(SENDER, by="kim", at=AT + timedelta(hours=1))

    assert not await stores.senders.pause(SENDER, pause, begun_at=AT + timedelta(minutes=59))
    assert await stores.senders.pause(SENDER, pause, begun_at=AT + timedelta(minutes=61))


async def test_many_workers_together_never_take_more_than_the_bucket_and_the_day_hold(database: Database) -> None:
    stores = await real(database)
    limits, began = Limits(per_second=20, per_day=60), utc_now()

    async def worker() -> int:
        taken = 0
        for _ in range(15):
            _, granted = await stores.senders.take(SENDER, [NEWS, Want(2), NEWS], limits)
            taken += sum(size for size, goes in zip((1, 2, 1), granted, strict=True) if goes)
        return taken

    taken = sum(await asyncio.gather(*(worker() for _ in range(4))))

    seconds = (utc_now() - began).total_seconds()
    known = await stores.senders.get(SENDER)
    assert taken == known.spent <= 60
    assert limits.burst <= taken + 2
    assert taken <= limits.burst + limits.per_second * seconds + 0.01


def mark(**changes: Any) -> Mark:
    facts: dict[str, Any] = {
        "practice": "still-waters",
        "appointment": "a" * 26,
        "why": "landline",
        "code": 30006,
        "at": AT,
    }
    return Mark(**(facts | changes))


async def test_a_mark_is_of_one_practices_number_and_the_newest_counts(stores: Stores) -> None:
    await stores.marks.put(PHONE, mark(at=AT - timedelta(days=1)))
    await stores.marks.put(PHONE, mark())
    await stores.marks.put("+15035550143", mark(appointment="b" * 26, at=AT - timedelta(hours=1)))

    numbers = [("still-waters", PHONE), ("others", PHONE), ("still-waters", "+15035550199")]
    assert await stores.marks.of(numbers) == {("still-waters", PHONE): mark()}
    assert [one.appointment[0] for one in await stores.marks.of_practice("still-waters", 9)] == ["a", "b"]
    assert len(await stores.marks.of_practice("still-waters", 1)) == 1
    assert await stores.marks.of_practice("others", 9) == []


async def test_a_mark_is_cleared_by_the_visit_it_was_learned_from(stores: Stores) -> None:
    await stores.marks.put(PHONE, mark())

    assert not await stores.marks.clear("others", "a" * 26)
    assert await stores.marks.clear("still-waters", "a" * 26)
    assert not await stores.marks.clear("still-waters", "a" * 26)
    assert await stores.marks.of([("still-waters", PHONE)]) == {}


@pytest.mark.parametrize(("phones", "appointments"), [([PHONE], []), ([], ["a" * 26])])
async def test_marks_are_forgotten_with_their_client(
    stores: Stores, phones: list[str], appointments: list[str]
) -> None:
    await stores.marks.put(PHONE, mark())
    await stores.marks.put("+15035550143", mark(appointment="b" * 26))

    await stores.marks.forget("others", phones, appointments)
    assert len(await stores.marks.of_practice("still-waters", 9)) == 2
    await stores.marks.forget("still-waters", phones, appointments)
    assert [one.appointment[0] for one in await stores.marks.of_practice("still-waters", 9)] == ["b"]


async def test_a_mark_holds_no_number_and_ends_by_itself(database: Database) -> None:
    stores = await real(database)
    await stores.marks.put(PHONE, mark())

    [kept] = await database["marks"].find().to_list(2)
    assert PHONE.lstrip("+") not in str(kept)
    assert kept["until"] == AT + BELIEVED
    indexes = await database["marks"].index_information()
    assert indexes["expire"]["expireAfterSeconds"] == 0


async def test_a_template_is_paused_once_and_stays_so_when_booking_tells_of_the_practice(stores: Stores) -> None:
    await stores.practices.keep(practice())
    await asyncio.gather(*(stores.practices.pause("still-waters", "booked") for _ in range(3)))
    await stores.practices.pause("nobody", "booked")
    await stores.practices.keep(practice(version=2))

    known = await stores.practices.get("still-waters")
    assert known is not None
    assert (known.version, known.paused, known.edits) == (2, frozenset({"booked"}), 1)
    assert await stores.practices.get("nobody") is None
