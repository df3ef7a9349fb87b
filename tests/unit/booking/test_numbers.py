"""Proving a number: when a code may be asked for, how often it may be tried, and what it opens."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.booking.domain import proof
from services.booking.domain.appointment import Appointment, State
from services.booking.domain.identity import client_ref
from services.booking.domain.proof import NumberNotProven, Proof, TooMany, WrongCode
from services.booking.domain.turns import HoldExpired, WrongState
from services.booking.phone import CountryNotServed, NotAMobileNumber
from shared.errors import Refusal
from tests.support.booking import CLIENT, HOUR, MINUTE, NOW, STAFF, TEN, House, a_house, a_person, wants

PHONE = "+41791234567"
OTHER = "+41797654321"
SECOND = timedelta(seconds=1)
UNKNOWN = Proof(id="ref", practice="still-water")


def a_strict_house(**changes: Any) -> House:
    return House(a_house(verify_numbers=True, **changes))


def code_of(house: House) -> str:
    """As it is read in the newest text."""
    code = str(house.numbers.said[-1].data.code)
    assert re.fullmatch(r"\d{6}", code)
    return code


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


async def sent(house: House, held: Appointment, phone: str = PHONE) -> str:
    await house.booking.proving.send(held, phone, locale="en")
    return code_of(house)


async def request(house: House, held: Appointment, code: str | None = None, **person: Any) -> Appointment:
    return await house.booking.visits.request(held.id, a_person(**person), hand=CLIENT, code=code)


async def test_a_number_that_was_not_seen_before_is_proven_by_the_code_that_was_sent_there() -> None:
    house = a_strict_house()
    held = await house.hold()
    with pytest.raises(NumberNotProven):
        await request(house, held)

    code = await sent(house, held)

    said = house.numbers.said[0]
    assert (said.type, said.subject, said.data.phone) == ("booking.number.code_asked.v1", said.data.check, PHONE)
    assert said.data.expires_at == NOW + 10 * MINUTE
    with pytest.raises(WrongCode):
        await request(house, held, wrong(code))
    assert (await request(house, held, code)).state is State.REQUESTED


async def test_every_code_is_news_also_after_the_number_was_forgotten_because_nobody_showed_the_first() -> None:
    house = a_strict_house()
    for turn in range(4):
        held = await house.hold(wants(TEN + turn * 2 * HOUR), key=str(turn))
        await sent(house, held)
        house.time.pass_(proof.PAUSE)
        if turn == 1:
            house.numbers.kept.clear()
    assert len({said.id for said in house.numbers.said}) == 4
    sequences = [said.sequence for said in house.numbers.said]
    assert sequences == sorted(sequences)


async def test_a_proven_number_is_never_asked_again_but_every_other_one_is() -> None:
    house = a_strict_house()
    held = await house.hold()
    await request(house, held, await sent(house, held))
    house.time.pass_(HOUR)

    again = await house.hold(wants(TEN + 3 * HOUR), key="again")
    assert (await house.booking.proving.send(again, PHONE, locale="en")).expires_at is None
    assert (await request(house, again)).state is State.REQUESTED
    other = await house.hold(wants(TEN + 6 * HOUR), key="other")
    with pytest.raises(NumberNotProven):
        await request(house, other, phone=OTHER)
    assert len(house.numbers.said) == 1


async def test_the_same_request_again_needs_no_code() -> None:
    house = a_strict_house()
    held = await house.hold()
    requested = await request(house, held, await sent(house, held))

    assert await request(house, held) == requested


async def test_a_guardians_number_is_the_one_to_be_proven_because_the_texts_go_there() -> None:
    house = a_strict_house()
    held = await house.hold()
    family = {"guardian_name": "Pat", "guardian_phone": OTHER}
    with pytest.raises(WrongCode):
        await request(house, held, await sent(house, held, PHONE), **family)

    assert (await request(house, held, await sent(house, held, OTHER), **family)).client is not None


async def test_where_numbers_are_not_asked_about_nothing_is_sent_or_looked_up() -> None:
    house = House()
    held = await house.hold()

    assert (await house.booking.proving.send(held, PHONE, locale="en")).expires_at is None
    assert (await request(house, held)).state is State.REQUESTED
    assert (house.numbers.kept, house.numbers.said) == ({}, [])


async def test_the_practice_itself_proves_no_number() -> None:
    house = a_strict_house()
    held = await house.hold()

    assert (await house.booking.visits.request(held.id, a_person(), hand=STAFF)).state is State.REQUESTED


async def test_a_code_is_sent_only_while_a_time_is_held_and_only_to_numbers_that_are_taken() -> None:
    house = a_strict_house()
    held = await house.hold()

    for phone, why in (("+442079460000", NotAMobileNumber), ("+447400123456", CountryNotServed)):
        with pytest.raises(why):
            await house.booking.proving.send(held, phone, locale="en")
    house.time.pass_(10 * MINUTE)
    with pytest.raises(HoldExpired):
        await house.booking.proving.send(held, PHONE, locale="en")
    with pytest.raises(WrongState):
        await house.booking.proving.send(replace(held, state=State.REQUESTED), PHONE, locale="en")
    assert house.numbers.said == []


async def test_a_code_is_kept_only_as_a_fingerprint_and_the_number_not_at_all() -> None:
    house = a_strict_house()
    code = await sent(house, await house.hold())

    kept = str(house.numbers.kept)
    assert code not in kept
    assert PHONE[1:] not in kept
    assert list(house.numbers.kept) == [client_ref(house.practice.id, PHONE)]


async def test_codes_differ_from_one_another() -> None:
    house = a_strict_house()
    held = await house.hold()
    codes = set()
    for last in range(40):
        codes.add(await sent(house, held, f"+4179123{last:04d}"))

    assert len(codes) > 35


async def test_of_fifty_tries_at_once_five_are_looked_at() -> None:
    house = a_strict_house()
    held = await house.hold()
    code = await sent(house, held)

    answers = await asyncio.gather(*(request(house, held, wrong(code)) for _ in range(50)), return_exceptions=True)

    told = Counter(type(answer) for answer in answers)
    assert told == {WrongCode: 5, TooMany: 45}
    with pytest.raises(TooMany):
        await request(house, held, code)


async def test_two_requests_with_the_same_code_both_go_through_and_a_third_code_is_not_needed() -> None:
    house = a_strict_house()
    held = [await house.hold(wants(TEN + hours * HOUR), key=f"key {hours}") for hours in (0, 3)]
    code = await sent(house, held[0])

    answers = await asyncio.gather(*(request(house, one, code) for one in held))

    assert [answer.state for answer in answers] == [State.REQUESTED, State.REQUESTED]
    assert len([turn for turn in house.numbers.kept.values() if turn.proven_at is not None]) == 1


async def test_of_many_who_ask_for_a_code_at_once_one_sends_a_text() -> None:
    house = a_strict_house()
    held = await house.hold()

    answers = await asyncio.gather(*(sent(house, held) for _ in range(50)), return_exceptions=True)

    assert Counter(type(answer) for answer in answers) == {str: 1, TooMany: 49}
    assert len(house.numbers.said) == 1


async def test_a_wrong_birth_date_uses_up_no_try() -> None:
    house = a_strict_house(services=tuple(replace(one, age_from=20) for one in a_house().services))
    held = await house.hold()
    code = await sent(house, held)
    for _ in range(6):
        with pytest.raises(Refusal):
            await request(house, held, wrong(code))

    assert next(iter(house.numbers.kept.values())).tries == 0


def test_a_code_can_be_asked_for_every_half_minute_and_five_times_an_hour() -> None:
    known, at = UNKNOWN, NOW
    for _ in range(5):
        known = proof.ask(known, hashed="code", now=at)
        with pytest.raises(TooMany) as told:
            proof.ask(known, hashed="code", now=at + 29 * SECOND + timedelta(milliseconds=1))
        at += 30 * SECOND
        assert told.value.extra["retry_after"] in {1, 3600 - 149}

    with pytest.raises(TooMany) as told:
        proof.ask(known, hashed="code", now=at)
    assert told.value.extra["retry_after"] == 3600 - 150
    with pytest.raises(TooMany):
        proof.ask(known, hashed="code", now=NOW + HOUR - SECOND)
    assert len(proof.ask(known, hashed="code", now=NOW + HOUR).asked) == 5


def test_a_code_counts_for_ten_minutes() -> None:
    known = proof.ask(UNKNOWN, hashed="code", now=NOW)

    assert proof.show(known, hashed="code", now=NOW + 10 * MINUTE - SECOND).proven_at is not None
    with pytest.raises(WrongCode):
        proof.show(known, hashed="code", now=NOW + 10 * MINUTE)
    with pytest.raises(WrongCode):
        proof.show(UNKNOWN, hashed="code", now=NOW)


def test_a_new_code_replaces_the_one_before_and_can_be_tried_five_times_again() -> None:
    known = proof.ask(UNKNOWN, hashed="old", now=NOW)
    for _ in range(5):
        known = proof.show(known, hashed="wrong", now=NOW)
    with pytest.raises(TooMany) as told:
        proof.show(known, hashed="old", now=NOW + 10 * SECOND)
    assert told.value.extra["retry_after"] == 20

    renewed = proof.ask(known, hashed="new", now=NOW + MINUTE)

    assert proof.show(renewed, hashed="old", now=NOW + MINUTE).proven_at is None
    assert proof.show(renewed, hashed="new", now=NOW + MINUTE).proven_at == NOW + MINUTE


def test_a_code_that_proved_its_number_is_forgotten() -> None:
    proven = proof.show(proof.ask(UNKNOWN, hashed="code", now=NOW), hashed="code", now=NOW)

    assert (proven.hashed, proven.expires_at, proven.tries, proven.version) == (None, None, 0, 2)


@given(st.lists(st.integers(0, 1200), min_size=1, max_size=60))
def test_however_often_it_is_tried_no_hour_has_more_than_five_codes(gaps: list[int]) -> None:
    known, at, codes = UNKNOWN, NOW, []
    for gap in gaps:
        at += gap * SECOND
        try:
            known = proof.ask(known, hashed="code", now=at)
        except TooMany as told:
            wait = told.extra["retry_after"] * SECOND
            assert proof.ask(known, hashed="code", now=at + wait).version == known.version + 1
            continue
        codes.append(at)
        assert len([one for one in codes if one > at - HOUR]) <= 5
        assert all(later - earlier >= 30 * SECOND for earlier, later in pairwise(codes))
