"""What the stores of users and sessions promise, asked of the twins and of the real ones alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from pydantic import SecretStr

from services.booking.domain.team import Role, Session, User
from services.booking.ports import Sessions, Users
from services.booking.store import MongoSessions, MongoUsers
from shared import mongo
from tests.support.booking import HOUR, NOW
from tests.support.booking_team import MemorySessions, MemoryUsers


@dataclass(frozen=True, slots=True)
class Stores:
    users: Users
    sessions: Sessions


@pytest.fixture(params=["twin", "real"])
async def stores(request: pytest.FixtureRequest, mongo_url: str, database_name: str) -> AsyncIterator[Stores]:
    if request.param == "twin":
        yield Stores(MemoryUsers(), MemorySessions())
        return
    async with mongo.connect(SecretStr(mongo_url), database_name) as database:
        yield Stores(await MongoUsers.open(database), await MongoSessions.open(database))


ANA = User(id="a", practice="still-water", name="Ana", login="ana@x.example", role=Role.OWNER, digest="d", made_at=NOW)
SESSION = Session(
    id="s", user="a", practice="still-water", agent="x", made_at=NOW, seen_at=NOW, expires_at=NOW + 24 * HOUR * 365
)


async def test_a_user_is_found_as_they_were_kept(stores: Stores) -> None:
    full = replace(
        ANA, id="b", login="b@x.example", name="Ben", practitioner="ben", is_off=True, slips=2, locked_until=NOW + HOUR
    )
    assert await stores.users.add(ANA)
    assert await stores.users.add(full)

    assert [await stores.users.get("a"), await stores.users.get("b"), await stores.users.get("c")] == [ANA, full, None]
    assert await stores.users.by_login("b@x.example") == full
    assert await stores.users.by_login("c@x.example") is None
    assert [user.id for user in await stores.users.of("still-water")] == ["a", "b"]
    assert await stores.users.of("another") == []


async def test_of_many_who_ask_for_a_login_at_once_one_gets_it(stores: Stores) -> None:
    added = await asyncio.gather(*(stores.users.add(replace(ANA, id=f"u{n}")) for n in range(20)))

    assert added.count(True) == 1


async def test_of_writes_of_the_same_version_one_counts(stores: Stores) -> None:
    await stores.users.add(ANA)
    put = await asyncio.gather(*(stores.users.put(replace(ANA, slips=n, version=2)) for n in range(20)))

    assert put.count(True) == 1
    assert not await stores.users.put(replace(ANA, id="nobody", version=2))


async def test_sessions_are_seen_later_only_and_ended_by_their_user(stores: Stores) -> None:
    await stores.sessions.add(SESSION)
    await stores.sessions.add(replace(SESSION, id="t"))
    await stores.sessions.seen("t", NOW + HOUR)
    await stores.sessions.seen("t", NOW + timedelta(minutes=1))

    assert await stores.sessions.get("s") == SESSION
    assert [(one.id, one.seen_at) for one in await stores.sessions.of("a")] == [("t", NOW + HOUR), ("s", NOW)]
    assert not await stores.sessions.end("b", "s")
    assert await stores.sessions.end("a", "s")
    assert not await stores.sessions.end("a", "s")
    assert await stores.sessions.get("s") is None
