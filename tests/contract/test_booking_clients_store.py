"""What the stores of clients and of what is asked about them promise, asked of the twins and of the real ones."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from services.booking.domain import turns
from services.booking.domain.appointment import By, Guardian, State
from services.booking.domain.client import Answer, AskKind, ClientAsk, Record, Subject, answered, forgotten, record_of
from services.booking.outbox import client_asked, client_merged
from services.booking.ports import AlreadyAsked, Appointments, Asks, Clients, Counts, Histories
from services.booking.store import MongoAppointments, MongoAsks, MongoClients, MongoHistories
from shared import mongo
from shared.bus import Bus
from shared.mongo import Database
from shared.relay import Relay
from tests.support.booking import HOUR, NOW, TEN, MemoryAppointments, a_hold, a_visit
from tests.support.booking_clients import MemoryAsks, MemoryClients, MemoryHistories

DAY = timedelta(days=1)
HOUSE = "still-water"


@dataclass(frozen=True, slots=True)
class Stores:
    clients: Clients
    histories: Histories
    asks: Asks
    appointments: Appointments
    database: Database | None = None


@pytest.fixture(params=["twin", "real"])
async def stores(request: pytest.FixtureRequest, mongo_url: str, database_name: str) -> AsyncIterator[Stores]:
    if request.param == "twin":
        appointments = MemoryAppointments()
        yield Stores(MemoryClients(), MemoryHistories(lambda: appointments.kept), MemoryAsks(), appointments)
        return
    async with AsyncExitStack() as opened:
        database = await opened.enter_async_context(mongo.connect(SecretStr(mongo_url), database_name))
        # Nothing is published here: the bus is never connected, and the relay keeps what it could not say.
        relay = Relay(Bus(SecretStr("amqp://nobody"), "booking", 1))
        yield Stores(
            await MongoClients.open(database, relay),
            MongoHistories(database),
            await MongoAsks.open(database, relay),
            await MongoAppointments.open(database, relay),
            database,
        )


def a_record(ref: str = "a" * 20, **changes: Any) -> Record:
    fields: dict[str, Any] = {
        "practice": HOUSE,
        "ref": ref,
        "name": "Kim Doe",
        "phone": f"+4179{ref[0] * 7}",
        "locale": "en-GB",
        "zone": "Europe/Zurich",
        "told_at": NOW,
        "first_seen": NOW,
    }
    return Record(**fields | changes)


def an_ask(id_: str = "q" * 26, kind: AskKind = AskKind.ERASE, **changes: Any) -> ClientAsk:
    subject = Subject(practice=HOUSE, refs=("a" * 20,), phones=("+41791111111",), appointments=("v" * 26,))
    fields: dict[str, Any] = {"id": id_, "practice": HOUSE, "kind": kind, "by": "operator", "asked_at": NOW}
    if kind is AskKind.EXPORT:
        fields["until"] = NOW + 300 * 365 * DAY  # not before the server's own clock gets there
    return ClientAsk(**fields | {"subject": subject} | changes)


async def filed(stores: Stores, *records: Record) -> None:
    for record in records:
        await stores.clients.file(record)


async def names(stores: Stores, **query: Any) -> list[str]:
    found = await stores.clients.listed(HOUSE, **{"named": "", "after": None, "limit": 10} | query)
    return [record.name for record in found]


async def test_a_record_is_read_back_as_it_was_filed(stores: Stores) -> None:
    record = a_record(guardian=Guardian(name="Pat Doe", phone="+41790000000"), born=date(2015, 2, 3))
    await filed(stores, record)

    assert await stores.clients.get(HOUSE, record.ref) == record
    assert await stores.clients.get("elsewhere", record.ref) is None


@pytest.mark.parametrize("order", [*itertools.permutations(range(3))])
async def test_what_was_told_last_counts_in_whatever_order_it_is_filed(stores: Stores, order: tuple[int, ...]) -> None:
    told = [
        a_record(name=f"Kim {n}", told_at=NOW + n * DAY, first_seen=NOW + n * DAY, guardian=guardian)
        for n, guardian in enumerate((Guardian(name="Pat", phone="+41790000000"), None, None))
    ]
    await filed(stores, *(told[n] for n in order), told[order[0]])

    assert await stores.clients.get(HOUSE, told[0].ref) == replace(told[2], first_seen=NOW)


async def test_clients_are_found_by_number_and_by_the_beginning_of_a_name_in_any_case(stores: Stores) -> None:
    await filed(
        stores,
        a_record("a" * 20, name="Ärni Straße"),
        a_record("b" * 20, name="ÄRNI  STRASSER"),
        a_record("c" * 20, name="Berta"),
        a_record("d" * 20, name="Ärni Straße", practice="elsewhere"),
    )

    assert await names(stores, named="ärni strass") == ["Ärni Straße", "ÄRNI  STRASSER"]
    assert await names(stores) == ["Berta", "Ärni Straße", "ÄRNI  STRASSER"]
    found = await stores.clients.of_number(HOUSE, "+4179ccccccc")
    assert found is not None
    assert found.name == "Berta"


async def test_a_list_is_paged_without_gap_or_repetition_also_among_equal_names(stores: Stores) -> None:
    refs = [letter * 20 for letter in "fbdace"]
    await filed(stores, *(a_record(ref) for ref in refs))
    seen: list[str] = []
    after = None
    while page := await stores.clients.listed(HOUSE, named="kim", after=after, limit=2):
        seen += [record.ref for record in page]
        after = "kim doe", seen[-1]

    assert seen == sorted(refs)


async def test_a_merged_record_is_no_longer_listed_but_found_and_still_filed(stores: Stores) -> None:
    old, new = a_record("a" * 20, name="Kim"), a_record("b" * 20, name="Kim Doe")
    await filed(stores, old, new)
    said = client_merged(HOUSE, old.ref, into=new.ref, sequence=1, at=NOW)

    assert await stores.clients.merge(old, new.ref, (said,))
    await filed(stores, replace(old, name="Kim D.", told_at=NOW + DAY))

    assert await names(stores) == ["Kim Doe"]
    assert [one.name for one in await stores.clients.merged_into(HOUSE, [new.ref])] == ["Kim D."]
    found = await stores.clients.of_number(HOUSE, old.phone)
    assert found is not None
    assert (found.merged_into, found.turn) == (new.ref, 1)


async def test_of_many_mergers_and_touches_of_the_same_record_one_gets_through(stores: Stores) -> None:
    record = a_record()
    await filed(stores, record)

    done = await asyncio.gather(
        *(stores.clients.merge(record, letter * 20, ()) for letter in "bcdef"),
        *(stores.clients.touch(record) for _ in range(5)),
    )

    assert sorted(done) == [False] * 9 + [True]


async def test_what_was_told_before_an_erasure_does_not_come_back_and_what_is_told_after_it_does(
    stores: Stores,
) -> None:
    record = a_record()
    await filed(stores, record)
    await stores.clients.forget(HOUSE, [record.ref, "b" * 20], asked_at=NOW + DAY)
    await filed(stores, record, a_record("b" * 20, told_at=NOW + DAY))

    assert await stores.clients.get(HOUSE, record.ref) is None
    assert await stores.clients.of_number(HOUSE, record.phone) is None
    assert await names(stores) == []

    anew = replace(record, told_at=NOW + 2 * DAY, first_seen=NOW + 2 * DAY)
    await filed(stores, anew)
    await stores.clients.forget(HOUSE, [record.ref], asked_at=NOW + DAY)  # the same erasure, repeated

    assert await stores.clients.get(HOUSE, record.ref) == anew


async def test_the_visits_of_a_client_are_counted_and_listed_for_all_their_records(stores: Stores) -> None:
    late = turns.cancel(a_visit(key="late", starts_at=TEN), by=By.CLIENT, now=TEN - HOUR)
    early = turns.cancel(a_visit(key="early", starts_at=TEN), by=By.CLIENT, now=NOW)
    by_us = turns.cancel(a_visit(key="us", starts_at=TEN), by=By.PRACTICE, now=TEN - HOUR)
    came = [turns.attend(a_visit(key=f"came{n}", starts_at=TEN + n * DAY), now=TEN + n * DAY) for n in range(2)]
    missed = turns.miss(a_visit(key="missed", starts_at=TEN + 3 * DAY), now=TEN + 3 * DAY)
    for visit in (late, early, by_us, *came, missed):
        await _kept(stores.appointments, visit)
    await stores.appointments.add(a_hold(TEN + 9 * DAY, key="held"), ())

    assert await stores.histories.counts(HOUSE, ["0" * 20, "f" * 20]) == Counts(
        visits=2, missed=1, cancelled_late=1, last_visit=TEN + DAY
    )
    assert await stores.histories.counts(HOUSE, ["f" * 20]) == Counts()
    newest = await stores.histories.newest(HOUSE, ["0" * 20], before=TEN + 3 * DAY, limit=1)
    assert [one.id for one in newest] == [came[1].id]
    assert set((await stores.histories.states(HOUSE, ["0" * 20])).values()) == {
        State.CANCELLED, State.ATTENDED, State.MISSED
    }  # fmt: skip


async def test_a_forgotten_visit_keeps_its_times_and_state_and_no_client(stores: Stores) -> None:
    visit = turns.attend(a_visit(), now=TEN)
    await _kept(stores.appointments, visit)
    after = forgotten(visit, ask="q" * 26, at=TEN + DAY)

    assert await stores.appointments.save(after, ())

    found = await stores.appointments.get(visit.id)
    assert found == after
    assert found is not None
    assert (found.client, found.requested_with, found.state) == (None, None, State.ATTENDED)
    assert record_of(found) is None
    assert await stores.histories.states(HOUSE, ["0" * 20]) == {}


async def test_an_ask_is_read_back_at_every_turn_until_an_erasure_names_nobody_any_more(stores: Stores) -> None:
    ask = an_ask()
    await stores.asks.add(ask, client_asked(ask))
    for service in ("screening", "booking", "notify"):
        assert await stores.asks.get(HOUSE, ask.id) == ask
        ask = answered(ask, Answer(service, NOW, 3))
        assert await stores.asks.save(ask)
        assert not await stores.asks.save(ask)

    assert await stores.asks.get(HOUSE, ask.id) == ask
    assert (ask.completed_at, ask.subject) == (NOW, None)
    assert await stores.asks.get("elsewhere", ask.id) is None


async def test_only_one_erasure_of_a_client_is_under_way(stores: Stores) -> None:
    asks = [an_ask(letter * 26) for letter in "abcdef"]
    told = await asyncio.gather(*(stores.asks.add(ask, ()) for ask in asks), return_exceptions=True)

    there = {one.ask for one in told if isinstance(one, AlreadyAsked)}
    assert told.count(None) == 1
    assert len(there) == 1
    ask = await stores.asks.get(HOUSE, there.pop())
    assert ask is not None
    for service in ("booking", "screening", "notify"):
        ask = answered(ask, Answer(service, NOW, 1))
        await stores.asks.save(ask)
    await stores.asks.add(an_ask("z" * 26), ())


async def test_the_same_ask_is_not_made_twice(stores: Stores) -> None:
    ask = an_ask(kind=AskKind.EXPORT)
    await stores.asks.add(ask, ())

    with pytest.raises(AlreadyAsked):
        await stores.asks.add(ask, ())
    await stores.asks.add(replace(ask, id="r" * 26), ())


async def test_only_erasures_that_booking_has_not_done_are_to_do(stores: Stores) -> None:
    done = an_ask("d" * 26, subject=replace(an_ask().subject, refs=("d" * 20,)))  # type: ignore[type-var]  # never None
    for ask in (an_ask("e" * 26, AskKind.EXPORT), an_ask(), done):
        await stores.asks.add(ask, ())
    await stores.asks.save(answered(done, Answer("booking", NOW, 1)))

    assert [ask.id for ask in await stores.asks.open_erasures(10)] == ["q" * 26]


async def test_exports_of_a_forgotten_client_are_gone(stores: Stores) -> None:
    for id_, kind in (("e" * 26, AskKind.EXPORT), ("q" * 26, AskKind.ERASE)):
        await stores.asks.add(an_ask(id_, kind), ())
    await stores.asks.forget_exports(HOUSE, ["a" * 20, "b" * 20])

    assert await stores.asks.get(HOUSE, "e" * 26) is None
    assert await stores.asks.get(HOUSE, "q" * 26) is not None


async def test_many_who_are_filed_at_once_are_all_filed_also_when_the_first_gives_up(stores: Stores) -> None:
    filing = [
        asyncio.create_task(stores.clients.file(a_record(f"{n % 20:020d}", name=f"Kim {n % 20}"))) for n in range(40)
    ]
    await asyncio.sleep(0)
    filing[0].cancel()
    await asyncio.gather(*filing[1:])

    found = await stores.clients.listed(HOUSE, named="kim", after=None, limit=100)
    assert {record.ref for record in found} == {f"{n:020d}" for n in range(20)}


@pytest.mark.parametrize("stores", ["real"], indirect=True)
async def test_no_query_about_clients_reads_more_than_it_finds(stores: Stores) -> None:
    assert stores.database is not None
    await filed(stores, *(a_record(f"{n:020d}", name=f"Kim {n}", phone=f"+4179{n:07d}") for n in range(300)))
    for wanted in (
        {"practice": HOUSE, "listed": True, "folded": {"$gte": "kim 29", "$lt": "kim 29" + chr(0x10FFFF)}},
        {"practice": HOUSE, "phone": "+41790000007"},
        {"practice": HOUSE, "merged_into": {"$in": ["0" * 20]}},
    ):
        told = await stores.database.command(
            {"explain": {"find": "clients", "filter": wanted}, "verbosity": "executionStats"}
        )
        stats = told["executionStats"]
        assert stats["totalDocsExamined"] == stats["nReturned"] < 20, wanted


async def _kept(appointments: Appointments, visit: Any) -> None:
    held = a_hold(visit.starts_at, key=visit.asked.removeprefix("asked with "))
    await appointments.add(held, ())
    for version in range(2, visit.version + 1):
        assert await appointments.save(replace(visit, version=version), ())
