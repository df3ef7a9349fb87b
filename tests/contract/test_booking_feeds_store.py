"""What the store of private calendar addresses promises, asked of the twin and of the real one alike."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from pydantic import SecretStr

from services.booking.domain.audit import Entry
from services.booking.domain.feed import Feed, Names
from services.booking.ports import Feeds
from services.booking.store import MongoFeeds
from shared import mongo
from tests.support.booking import NOW
from tests.support.booking_feeds import MemoryFeeds


@pytest.fixture(params=["twin", "real"])
async def feeds(request: pytest.FixtureRequest, mongo_url: str, database_name: str) -> AsyncIterator[Feeds]:
    if request.param == "twin":
        yield MemoryFeeds()
        return
    async with mongo.connect(SecretStr(mongo_url), database_name) as database:
        yield await MongoFeeds.open(database)


def a_feed(digest: str | None = "one", *, practitioner: str = "ana", practice: str = "still-water") -> Feed:
    changed = Entry(
        id=f"feed:{practitioner}:{digest}", practice=practice, subject="feed", deed="given", who="o", where=None, at=NOW
    )
    return Feed(
        practice=practice, practitioner=practitioner, names=Names.FULL, services=True, digest=digest, changed=changed
    )


async def test_an_address_is_found_by_its_digest_and_by_whose_it_is(feeds: Feeds) -> None:
    await feeds.put(a_feed())
    assert await feeds.known_by("one") == a_feed()
    assert await feeds.get("still-water", "ana") == a_feed()
    assert await feeds.known_by("two") is None
    assert await feeds.get("other", "ana") is None


async def test_the_next_address_takes_the_place_of_the_one_before(feeds: Feeds) -> None:
    await feeds.put(a_feed("one"))
    await feeds.put(a_feed("two"))
    assert await feeds.known_by("one") is None
    assert await feeds.known_by("two") == a_feed("two")


async def test_an_address_is_revoked_unless_another_was_given_meanwhile(feeds: Feeds) -> None:
    await feeds.put(a_feed("two"))
    gone = replace(a_feed(None), changed=None)
    assert not await feeds.revoke(gone, was="one")
    assert await feeds.revoke(gone, was="two")
    assert not await feeds.revoke(gone, was="two")
    assert await feeds.known_by("two") is None
    assert await feeds.get("still-water", "ana") == gone


async def test_any_number_of_practitioners_may_have_none(feeds: Feeds) -> None:
    await feeds.put(a_feed(None))
    await feeds.put(a_feed(None, practitioner="ben"))
    await feeds.put(a_feed("cy", practitioner="cy", practice="other"))
    changes = await feeds.last_changes("still-water")
    assert sorted(entry.id for entry in changes) == ["feed:ana:None", "feed:ben:None"]
