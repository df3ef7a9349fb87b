"""Keys of the API: what they open, what they can give on, and how they end."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.booking.actions.keys import Wish
from services.booking.domain.appointment import By, Hand
from services.booking.domain.key import (
    EndsTooLate,
    Key,
    NoSuchKey,
    OutOfReach,
    Scope,
    ScopeMissing,
    check_gift,
    id_of,
    written,
)
from services.booking.domain.refusals import NoSuchPractice
from tests.support.booking import HOUR, NOW, STAFF, House

PRACTICE = "still-water"
SOON = NOW + HOUR
scopes = st.lists(st.sampled_from(Scope), unique=True).map(tuple)
ends = st.none() | st.datetimes(NOW.replace(tzinfo=None), NOW.replace(tzinfo=None, year=2030)).map(
    lambda at: at.replace(tzinfo=NOW.tzinfo)
)


async def made(house: House, *of: Scope, **wish: object) -> tuple[Key, str]:
    asked = Wish(**{"name": "till", "scopes": of or (Scope.VISITS_READ,), **wish})  # type: ignore[arg-type]  # a test's own wish
    return await house.booking.keys.make(PRACTICE, asked, hand=STAFF)


async def shown(
    house: House, secret: str, *, scope: str = "visits:read", practice: str | None = PRACTICE, **subjects: str
) -> str | None:
    return await house.booking.keys.holder(secret, scope=scope, practice=practice, subjects=subjects)


def a_key(of: tuple[Scope, ...], expires_at: object = None) -> Key:
    return Key(
        id="k", practice=PRACTICE, name="k", scopes=of, digest="", made_by="operator", made_at=NOW,
        expires_at=expires_at,  # type: ignore[arg-type]  # a datetime or None
    )  # fmt: skip


async def test_a_key_opens_its_scope_at_its_practice_and_is_named_in_the_audit() -> None:
    house = House()
    key, secret = await made(house)
    assert await shown(house, secret) == f"key:{key.id}"


async def test_only_a_digest_of_the_secret_is_kept() -> None:
    house = House()
    key, secret = await made(house)
    assert secret.rpartition("_")[2] not in repr(house.keys.kept)
    assert id_of(secret) == key.id


@pytest.mark.parametrize("spoil", [lambda s: s[:-1] + ("A" if s[-1] != "A" else "B"), str.upper, lambda s: s + "x"])
async def test_an_altered_key_is_nobodys(spoil: object) -> None:
    house = House()
    _, secret = await made(house)
    assert await shown(house, spoil(secret)) is None  # type: ignore[operator]  # a function of a string
    assert await shown(house, "sk_" + "a" * 16 + "_" + "b" * 43) is None


async def test_a_scope_that_the_key_lacks_is_refused_also_on_a_route_that_names_none() -> None:
    house = House()
    _, secret = await made(house)
    for scope in (Scope.VISITS_WRITE, ""):
        with pytest.raises(ScopeMissing, match=f"the scope {scope}$"):
            await shown(house, secret, scope=scope)


async def test_another_practice_and_things_of_others_are_out_of_reach_like_those_that_are_not_there() -> None:
    house = House()
    _, secret = await made(house)
    house.belonging.kept = {("appointment", "ours"): PRACTICE, ("appointment", "theirs"): "other"}
    assert await shown(house, secret, practice=None, appointment="ours")
    for practice, subjects in [
        ("other", {}),
        (None, {}),
        (None, {"appointment": "theirs"}),
        (None, {"appointment": "nobodys"}),
        (PRACTICE, {"appointment": "theirs"}),
        ("other", {"appointment": "ours"}),
        (None, {"course": "ours"}),
        (None, {"appointment": "ours", "course": "theirs"}),
    ]:
        with pytest.raises(OutOfReach):
            await shown(house, secret, practice=practice, **subjects)


async def test_a_key_ends_when_it_expires() -> None:
    house = House()
    _, secret = await made(house, expires_at=SOON)
    house.time.pass_(HOUR - timedelta(milliseconds=1))
    assert await shown(house, secret)
    house.time.pass_(timedelta(milliseconds=1))
    assert await shown(house, secret) is None


async def test_a_revoked_key_opens_nothing_from_that_moment_and_is_revoked_once() -> None:
    house = House()
    key, secret = await made(house)
    first = await house.booking.keys.revoke(PRACTICE, key.id, hand=STAFF)
    house.time.pass_(HOUR)
    assert await house.booking.keys.revoke(PRACTICE, key.id, hand=STAFF) == first
    assert await shown(house, secret) is None


async def test_of_two_who_revoke_at_once_one_is_in_the_audit() -> None:
    house = House()
    key, _ = await made(house)
    both = await asyncio.gather(*(house.booking.keys.revoke(PRACTICE, key.id, hand=STAFF) for _ in range(2)))
    assert both[0] == both[1]
    assert sorted(entry.deed for entry in house.audit.kept.values()) == ["made", "revoked"]


async def test_another_practices_key_cannot_be_revoked_and_no_key_made_for_nobody() -> None:
    house = House()
    key, _ = await made(house)
    with pytest.raises(NoSuchKey):
        await house.booking.keys.revoke("other", key.id, hand=STAFF)
    with pytest.raises(NoSuchPractice):
        await house.booking.keys.make("nowhere", Wish(name="x", scopes=(Scope.VISITS_READ,)), hand=STAFF)
    with pytest.raises(EndsTooLate):
        await made(house, expires_at=NOW)


async def test_a_key_makes_a_key_of_no_more_than_its_own_scopes_and_time() -> None:
    house = House()
    giver, _ = await made(house, Scope.KEYS_WRITE, Scope.VISITS_READ, expires_at=SOON)
    hand = Hand(by=By.PRACTICE, who=giver.holder)
    child = Wish(name="child", scopes=(Scope.VISITS_READ,), expires_at=SOON)
    key, _ = await house.booking.keys.make(PRACTICE, child, hand=hand)
    assert key.made_by == giver.holder
    with pytest.raises(ScopeMissing):
        await house.booking.keys.make(
            PRACTICE, Wish(name="more", scopes=(Scope.CLIENTS_READ,), expires_at=SOON), hand=hand
        )
    with pytest.raises(EndsTooLate):
        await house.booking.keys.make(PRACTICE, Wish(name="longer", scopes=(Scope.VISITS_READ,)), hand=hand)


@given(own=scopes, own_end=ends, wanted=scopes, wanted_end=ends)
def test_whatever_is_given_on_is_never_more(own: object, own_end: object, wanted: object, wanted_end: object) -> None:
    giver = a_key(own, own_end)  # type: ignore[arg-type]  # drawn as declared above
    fits = set(wanted) <= set(own) and (  # type: ignore[call-overload]  # drawn as declared above
        own_end is None or (wanted_end is not None and wanted_end <= own_end)  # type: ignore[operator]  # datetimes
    )
    try:
        check_gift(giver, wanted, wanted_end)  # type: ignore[arg-type]  # drawn as declared above
    except (ScopeMissing, EndsTooLate):
        assert not fits
    else:
        assert fits


async def test_when_a_key_was_used_last_is_written_later_and_never_turned_back() -> None:
    house = House()
    key, secret = await made(house)
    await shown(house, secret)
    house.time.pass_(HOUR)
    await shown(house, secret)
    assert house.keys.kept[key.id].used_at is None
    await house.booking.keys.note_uses()
    await house.keys.used({key.id: NOW})
    assert house.keys.kept[key.id].used_at == NOW + HOUR


async def test_a_key_whose_maker_was_killed_before_it_was_noted_is_in_the_audit_all_the_same() -> None:
    house = House()
    await made(house)
    house.audit.kept.clear()
    [entry] = await house.booking.auditing.of_practice(PRACTICE, before=None, limit=10)
    assert (entry.deed, entry.who) == ("made", "operator")


@given(st.binary(min_size=10, max_size=10), st.binary(min_size=32, max_size=32))
def test_every_key_that_is_made_is_recognised(id_: bytes, secret: bytes) -> None:
    key = written(id_, secret)
    assert len(key) == 63
    assert id_of(key) == key.split("_")[1]
