"""What the desk and the gauges read of the texts, asked of the twin and of the real store alike."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from services.notify.actions.notices import planned
from services.notify.app import open_stores
from services.notify.domain.delivery import Message, State
from services.notify.domain.reply import Heard, Meaning
from services.notify.ports import Place, Reply, Stores
from shared import mongo
from shared.bus import Bus
from shared.clock import utc_now
from shared.relay import Relay
from tests.support.notify import OFFERED_AT, PHONE, code, message, offer, practice, steps, twins, visit

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
HOUSE = "still-waters"


@pytest.fixture(params=["twin", "real"])
async def stores(request: pytest.FixtureRequest, mongo_url: str, database_name: str) -> AsyncIterator[Stores]:
    if request.param == "twin":
        yield twins(utc_now)
        return
    async with AsyncExitStack() as opened:
        database = await opened.enter_async_context(mongo.connect(SecretStr(mongo_url), database_name))
        # Nothing is published here: the bus is never connected, and the relay keeps what it could not say.
        yield await open_stores(database, Relay(Bus(SecretStr("amqp://nobody"), "notify", 1)), b"k" * 32)


def text(number: int, **changes: Any) -> Message:
    base = message(steps(visit())["day_before"], visit(), code=secrets.token_hex(4))
    at = LONG_AGO + timedelta(seconds=number)
    facts: dict[str, Any] = {"id": f"{base.appointment}/day_before/{number:03d}", "planned_for": at}
    return replace(base, **(facts | changes))


async def saved(stores: Stores, *texts: Message) -> list[Message]:
    return list(await stores.messages.save(texts))


async def test_a_line_is_of_one_practice_and_number_newest_first_page_by_page(stores: Stores) -> None:
    mine = await saved(stores, *(text(number) for number in range(7)))
    await saved(stores, text(8, practice="others"), text(9, to="+15035550199"))

    seen, before = list[Message](), None
    while found := await stores.overview.line(HOUSE, PHONE, before=before, limit=3):
        seen.extend(found)
        before = found[-1].at, found[-1].id

    assert seen == mine[::-1]


async def test_texts_of_the_same_moment_are_told_apart_by_their_ids(stores: Stores) -> None:
    mine = await saved(stores, *(text(number, planned_for=LONG_AGO) for number in range(3)))
    [last] = await stores.overview.line(HOUSE, PHONE, before=None, limit=1)

    rest = await stores.overview.line(HOUSE, PHONE, before=(last.at, last.id), limit=5)

    assert [last, *rest] == mine[::-1]


async def test_a_text_stands_where_it_was_sent_not_where_it_was_planned(stores: Stores) -> None:
    late, early = await saved(stores, text(1, sent_at=LONG_AGO + timedelta(hours=1)), text(2))

    assert await stores.overview.line(HOUSE, PHONE, before=None, limit=5) == [late, early]


async def test_dead_letters_are_those_that_ended_without_arriving_since_a_time(stores: Stores) -> None:
    states = dict(enumerate(State))
    all_ = await saved(stores, *(text(number, state=state, why="x:1") for number, state in states.items()))
    old = text(50, planned_for=LONG_AGO - timedelta(days=1), state=State.FAILED, why="x:1")
    answer = text(51, state=State.FAILED, asked_at=LONG_AGO, why="x:1")
    other = text(52, state=State.FAILED, practice="others", why="x:1")
    aside = text(54, state=State.FAILED, why="x:1", aside="Ana")
    another_reason = text(53, state=State.DEAD, why="unresolved")
    [*_, unresolved] = await saved(stores, old, answer, other, aside, another_reason)
    dead = [m for m in all_ if m.state in {State.FAILED, State.UNDELIVERED, State.DEAD}]

    async def found(why: str | None, before: Place | None = None, limit: int = 9) -> list[Message]:
        page = await stores.overview.dead(HOUSE, since=LONG_AGO, before=before, limit=limit, why=why)
        return list(page)

    assert await found(None) == [unresolved, *dead[::-1]]
    assert await found("x:1") == dead[::-1]
    assert await found("x:1", (dead[-1].at, dead[-1].id), 1) == [dead[-2]]


async def test_a_code_that_did_not_arrive_is_no_dead_letter_and_an_offer_is(stores: Stores) -> None:
    told = replace(planned(offer(), practice(), "Ab3dEf9h"), state=State.FAILED, due=None)
    await saved(stores, told, replace(planned(code(), practice(), "Ab3dEf9i"), state=State.FAILED, due=None))

    found = await stores.overview.dead(HOUSE, since=OFFERED_AT - timedelta(days=1), before=None, limit=9)

    assert [one.id for one in found] == [told.id]


async def test_what_waits_is_counted_by_template_up_to_a_limit(stores: Stores) -> None:
    await saved(
        stores,
        *(text(number, why="paused") for number in range(4)),
        text(5, why="paused", template="booked"),
        text(6, why="quiet_hours"),
        text(7),
        text(8, why="paused", state=State.SKIPPED),
        text(9, why="paused", practice="others"),
    )

    assert await stores.overview.waiting(HOUSE, most=100) == {"day_before": 4, "booked": 1}
    assert sum((await stores.overview.waiting(HOUSE, most=2)).values()) == 2


async def test_the_backlog_is_what_is_due_and_what_is_unknown_and_since_when(stores: Stores) -> None:
    now = LONG_AGO + timedelta(minutes=5)
    assert await stores.overview.backlog(now, most=9) == replace(
        await stores.overview.backlog(now, most=9), due=0, due_since=None, unknown=0, unknown_since=None
    )
    await saved(
        stores,
        *(text(number, due=LONG_AGO + timedelta(minutes=number)) for number in range(9)),
        text(20, state=State.UNKNOWN, sent_at=LONG_AGO + timedelta(minutes=2)),
        text(21, state=State.UNKNOWN, sent_at=LONG_AGO + timedelta(minutes=1)),
        text(22, state=State.DEAD, due=None, sent_at=LONG_AGO),
    )

    seen, few = await stores.overview.backlog(now, most=9), await stores.overview.backlog(now, most=2)

    assert (seen.due, seen.due_since) == (6, LONG_AGO)
    assert (seen.unknown, seen.unknown_since) == (2, LONG_AGO + timedelta(minutes=1))
    assert (few.due, few.unknown) == (2, 2)


async def test_replies_of_a_number_are_read_newest_first_page_by_page(stores: Stores) -> None:
    for number in range(5):
        for phone in (PHONE, "+15035550199"):
            at = LONG_AGO + timedelta(seconds=number // 2)
            heard = Heard(Meaning.CONFIRM, by_keyword=True)
            await stores.replies.add(
                Reply(sid=f"SM{phone[-1]}{number}", phone=phone, heard=heard, opt_out_type=None, received_at=at)
            )

    seen, before = list[str](), None
    while found := await stores.replies.line(PHONE, before=before, limit=2):
        seen.extend(reply.sid for reply in found)
        before = found[-1].received_at, found[-1].sid

    assert seen == ["SM24", "SM23", "SM22", "SM21", "SM20"]


async def test_every_question_of_the_desk_is_answered_from_an_index(mongo_url: str, database_name: str) -> None:
    async with mongo.connect(SecretStr(mongo_url), database_name) as database:
        stores = await open_stores(database, Relay(Bus(SecretStr("amqp://nobody"), "notify", 1)), b"k" * 32)
        await stores.messages.save([text(number) for number in range(40)])
        await stores.messages.save([text(number, state=State.FAILED, why="x:1") for number in range(40, 50)])
        await stores.messages.save([text(number, why="paused", due=LONG_AGO) for number in range(50, 60)])
        await database.command("profile", 2)

        before = LONG_AGO + timedelta(seconds=45), "z"
        await stores.overview.line(HOUSE, PHONE, before=before, limit=5)
        await stores.overview.dead(HOUSE, since=LONG_AGO, before=before, limit=3)
        await stores.overview.waiting(HOUSE, most=100)
        await stores.overview.backlog(LONG_AGO, most=100)
        await database.command("profile", 0)

        seen = await database["system.profile"].find({"ns": f"{database_name}.messages"}).to_list(None)
        plans = [(one.get("planSummary", ""), one["docsExamined"], one.get("hasSortStage", False)) for one in seen]
        assert len(plans) >= 5
        assert all(plan.startswith(("IXSCAN", "COUNT_SCAN", "EOF")) and not sorts for plan, _, sorts in plans), plans
        assert max(examined for _, examined, _ in plans) <= 10
