"""What the store of keys promises, asked of the twin and of the real one alike."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import SecretStr

from services.booking.domain.audit import Entry
from services.booking.domain.identity import seat_id
from services.booking.domain.key import Key, Scope
from services.booking.ports import Keys
from services.booking.store import MongoBelonging, MongoKeys
from shared import mongo
from tests.support.booking import HOUR, NOW
from tests.support.booking_keys import MemoryKeys


@pytest.fixture(params=["twin", "real"])
async def keys(request: pytest.FixtureRequest, mongo_url: str, database_name: str) -> AsyncIterator[Keys]:
    if request.param == "twin":
        yield MemoryKeys()
        return
    async with mongo.connect(SecretStr(mongo_url), database_name) as database:
        yield await MongoKeys.open(database)


def a_key(id_: str = "one", *, deed: str = "made", **fields: object) -> Key:
    changed = Entry(
        id=f"key:{id_}:{deed}",
        practice="still-water",
        subject=f"key:{id_}",
        deed=deed,
        who="operator",
        where=None,
        at=NOW,
    )
    key = Key(
        id=id_, practice="still-water", name="till", scopes=(Scope.VISITS_READ, Scope.KEYS_WRITE), digest="d" * 64,
        made_by="operator", made_at=NOW, changed=changed,
    )  # fmt: skip
    return replace(key, **fields)  # type: ignore[arg-type]  # the fields of a key


async def test_a_key_is_found_as_it_was_made(keys: Keys) -> None:
    plain, full = a_key(), a_key("two", expires_at=NOW + HOUR)
    await keys.add(plain)
    await keys.add(full)
    assert [await keys.get("one"), await keys.get("two"), await keys.get("none")] == [plain, full, None]


async def test_the_keys_of_a_practice_are_listed_the_newest_first(keys: Keys) -> None:
    for id_, age in (("old", 2), ("new", 0), ("middle", 1)):
        await keys.add(a_key(id_, made_at=NOW - age * HOUR))
    await keys.add(a_key("theirs", practice="other"))
    assert [key.id for key in await keys.of("still-water")] == ["new", "middle", "old"]


async def test_a_key_is_revoked_once(keys: Keys) -> None:
    await keys.add(a_key())
    revoked = a_key(deed="revoked", revoked_at=NOW + HOUR)
    assert await keys.revoke(revoked)
    assert not await keys.revoke(replace(revoked, revoked_at=NOW + 2 * HOUR))
    assert await keys.get("one") == revoked


async def test_the_last_use_only_goes_on(keys: Keys) -> None:
    await keys.add(a_key())
    await keys.add(a_key("two"))
    await keys.used({"one": NOW + HOUR, "two": NOW})
    await keys.used({"one": NOW, "two": NOW + timedelta(minutes=1)})
    used = [key.used_at for id_ in ("one", "two") if (key := await keys.get(id_)) is not None]
    assert used == [NOW + HOUR, NOW + timedelta(minutes=1)]


async def test_what_was_changed_last_is_told_for_the_audit(keys: Keys) -> None:
    await keys.add(a_key())
    await keys.add(a_key("two"))
    await keys.revoke(a_key("two", deed="revoked", revoked_at=NOW))
    assert {entry.id for entry in await keys.last_changes("still-water")} == {"key:one:made", "key:two:revoked"}
    assert await keys.last_changes("other") == []


@pytest.mark.parametrize("subject", ["appointment", "course", "offer", "waiting"])
async def test_a_thing_belongs_to_the_practice_that_its_document_names(
    subject: str, mongo_url: str, database_name: str
) -> None:
    lies_in = {"offer": "offers", "waiting": "waiting"}.get(subject, "appointments")
    kept_as = seat_id("it", 0) if subject == "course" else "it"
    async with mongo.connect(SecretStr(mongo_url), database_name) as database:
        await database[lies_in].insert_one({"_id": kept_as, "practice": "still-water"})
        belonging = MongoBelonging(database)
        assert await belonging.practice_of(subject, "it") == "still-water"
        assert await belonging.practice_of(subject, "another") is None
