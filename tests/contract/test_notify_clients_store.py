"""What notify's stores promise about one client, asked of the twins and of the real ones alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from services.notify.app import open_stores
from services.notify.domain.consent import Entry, Word, stopped
from services.notify.domain.notice import Notice, NoticeKind
from services.notify.domain.reply import Heard, Meaning
from services.notify.ports import AskKind, ClientAsk, Reply, Stores
from shared import mongo
from shared.bus import Bus
from shared.clock import utc_now
from shared.mongo import Database
from shared.relay import Relay
from tests.support.notify import APPOINTMENT, NEW_YORK, PHONE, STARTS, message, steps, twins, visit

HOUSE, OTHER = "still-waters", "+15035550143"
SECOND = "b" * 26
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Both:
    stores: Stores
    database: Database | None


@pytest.fixture(params=["twin", "real"])
async def both(request: pytest.FixtureRequest, mongo_url: str, database_name: str) -> AsyncIterator[Both]:
    if request.param == "twin":
        yield Both(twins(utc_now), None)
        return
    async with AsyncExitStack() as opened:
        database = await opened.enter_async_context(mongo.connect(SecretStr(mongo_url), database_name))
        # Nothing is published here: the bus is never connected, and the relay keeps what it could not say.
        relay = Relay(Bus(SecretStr("amqp://nobody"), "notify", 1))
        yield Both(await open_stores(database, relay, b"k" * 32), database)


@pytest.fixture
def stores(both: Both) -> Stores:
    return both.stores


def word(key: str, said: Word = Word.CONSENTED, at: datetime = STARTS) -> Entry:
    return Entry(key=key, word=said, at=at, source="test")


def asked(ask: str = "q" * 26, kind: AskKind = AskKind.ERASE, **changes: Any) -> ClientAsk:
    fields: dict[str, Any] = {"id": ask, "practice": HOUSE, "kind": kind, "appointments": (APPOINTMENT,)}
    # Not before the server's own clock gets there.
    return ClientAsk(**fields | {"records": 1, "begun_at": STARTS, "until": STARTS + 36_500 * DAY} | changes)


async def test_a_forgotten_visit_is_not_kept_again_whatever_is_heard_of_it(stores: Stores) -> None:
    await stores.visits.keep(visit())
    for _ in range(2):
        await stores.visits.forget(HOUSE, [APPOINTMENT, SECOND])

    assert await stores.visits.keep(visit(version=99)) is None
    assert await stores.visits.keep(visit(appointment=SECOND)) is None
    assert await stores.visits.many([APPOINTMENT, SECOND]) == {}
    assert await stores.visits.upcoming(PHONE, STARTS - DAY) == []
    assert not await stores.visits.note_reply(visit(replies=1, heard=("SM1",)), ())


async def test_what_a_number_said_to_all_is_found_though_it_is_hidden(both: Both) -> None:
    contacts = both.stores.contacts
    await contacts.enter_everywhere(PHONE, word("reply:1", Word.STOPPED))
    await contacts.enter_everywhere(PHONE, word("reply:1", Word.STOPPED))

    assert stopped(await contacts.of_number(PHONE))
    assert await contacts.of_number(OTHER) == []
    ledgers = await contacts.ledgers([(HOUSE, PHONE), (HOUSE, OTHER)])
    assert {number: len(ledger) for number, ledger in ledgers.items()} == {(HOUSE, PHONE): 1}
    if both.database is not None:
        (kept,) = await both.database["contacts"].find().to_list(None)
        assert PHONE not in repr(kept)


async def test_consents_are_forgotten_by_visit_and_by_number_and_others_stay(stores: Stores) -> None:
    contacts = stores.contacts
    for phone, key in (
        (PHONE, f"visit:{APPOINTMENT}:1"),
        (PHONE, f"visit:{APPOINTMENT}:2"),
        (PHONE, "waitlist:1"),
        (OTHER, f"visit:{APPOINTMENT}:3"),
        (OTHER, f"visit:{SECOND}:1"),
        (OTHER, "waitlist:2"),
    ):
        await contacts.enter(HOUSE, phone, word(key))
    await contacts.enter("elsewhere", PHONE, word(f"visit:{APPOINTMENT}:1"))
    await contacts.enter_everywhere(PHONE, word("reply:1", Word.STOPPED))
    for _ in range(2):
        await contacts.forget(HOUSE, [PHONE], [APPOINTMENT])

    mine, others = [await contacts.ledgers([(HOUSE, phone)]) for phone in (PHONE, OTHER)]
    assert [entry.key for entry in mine[HOUSE, PHONE]] == ["reply:1"]
    assert [entry.key for entry in others[HOUSE, OTHER]] == [f"visit:{SECOND}:1", "waitlist:2"]
    assert len(await contacts.of_number(PHONE)) == 2


async def test_texts_are_forgotten_by_visit_and_notices_by_number(stores: Stores) -> None:
    text = message(steps(visit())["day_before"], visit(), code="aaaaaaaa")
    notice = Notice(kind=NoticeKind.CODE, locale="en", zone=NEW_YORK, client_zone=NEW_YORK, expires_at=STARTS)
    told = replace(text, id="n", appointment="check", code="bbbbbbbb", notice=notice)
    others = replace(told, id="o", code="cccccccc", to=OTHER)
    elsewhere = replace(told, id="e", code="dddddddd", practice="elsewhere")
    await stores.messages.save([text, told, others, elsewhere])
    await stores.messages.forget_notices(HOUSE, [PHONE])

    left = {code: await stores.messages.by_code(code) for code in ("aaaaaaaa", "bbbbbbbb", "cccccccc", "dddddddd")}
    assert [code for code, one in left.items() if one is None] == ["bbbbbbbb"]
    await stores.messages.forget([APPOINTMENT])
    assert await stores.messages.by_code("aaaaaaaa") is None
    written = replace(text, fence=1, body="too late")
    assert await stores.messages.save([written]) == []  # a worker that had it in hand


async def test_replies_are_found_by_number_and_forgotten_by_number_or_name(stores: Stores) -> None:
    for n, phone in enumerate((PHONE, OTHER, OTHER)):
        heard = Heard(Meaning.CONFIRM, by_keyword=True)
        at = STARTS + timedelta(minutes=9 - n)
        reply = Reply(sid=f"SM{n}", phone=phone, heard=heard, opt_out_type=None, received_at=at)
        assert await stores.replies.add(reply)

    assert [reply.sid for reply in await stores.replies.of([PHONE, OTHER])] == ["SM2", "SM1", "SM0"]
    await stores.replies.forget([PHONE], ["SM2"])
    assert [reply.sid for reply in await stores.replies.of([PHONE, OTHER])] == ["SM1"]


async def test_an_ask_is_begun_once_and_its_receipt_written_once(stores: Stores) -> None:
    begun = await asyncio.gather(*(stores.asks.begin(asked(records=n), [PHONE]) for n in range(5)))
    there = await stores.asks.get("q" * 26)
    assert there in begun
    assert there is not None
    done = there.finished(STARTS)

    assert sorted(await asyncio.gather(*(stores.asks.done(done, ()) for _ in range(5)))) == [False] * 4 + [True]
    assert await stores.asks.get(done.id) == done
    assert await stores.asks.begin(asked(), [PHONE]) == done


async def test_an_erased_number_is_known_by_its_hidden_name_only(both: Both) -> None:
    asks = both.stores.asks
    await asks.begin(asked(), [PHONE])
    await asks.begin(asked("e" * 26, AskKind.EXPORT), [OTHER])

    told = [(HOUSE, PHONE, STARTS), (HOUSE, PHONE, STARTS + DAY), (HOUSE, OTHER, STARTS), ("else", PHONE, STARTS)]
    assert [await asks.has_erased(*one) for one in told] == [True, False, False, False]
    if both.database is not None:
        kept = await both.database["asks"].find().to_list(None)
        assert PHONE not in repr(kept)
        assert OTHER not in repr(kept)


async def test_exports_of_a_forgotten_client_are_gone(stores: Stores) -> None:
    await stores.asks.begin(asked("e" * 26, AskKind.EXPORT), ())
    await stores.asks.begin(asked(), [PHONE])
    await stores.asks.forget_exports([SECOND, APPOINTMENT])

    assert await stores.asks.get("e" * 26) is None
    assert await stores.asks.get("q" * 26) == asked()
