"""Who may have a service: ages in whole years on the day of the visit, guardians, new and returning clients."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.booking.domain import eligibility, turns
from services.booking.domain.appointment import Appointment, By, Client, Guardian, Offer, State
from services.booking.domain.checking import Outcome
from services.booking.domain.client import recorded
from services.booking.domain.eligibility import (
    AgeNotServed,
    BirthDateNeeded,
    GuardianNeeded,
    NewClientsOnly,
    ReturningClientsOnly,
    years,
)
from services.booking.domain.identity import client_ref
from services.booking.domain.practice import Audience, Practice
from services.booking.ports import Kept
from shared.errors import Refusal
from tests.support.booking import (
    CLIENT,
    HOUR,
    NOW,
    POLICY,
    TEN,
    House,
    a_client,
    a_hold,
    a_house,
    a_person,
    a_visit,
    wants,
)

PAT = Guardian(name="Pat", phone="+41797654321")
DAY = TEN.date()  # 2027-03-02


def terms(**changes: Any) -> Offer:
    return replace(a_hold().offer, **changes)


def born(day: date | None, guardian: Guardian | None = None) -> Client:
    return replace(a_client(), born=day, guardian=guardian)


def refused(offer: Offer, client: Client, at: datetime = TEN, *, attended: bool = False) -> type[Refusal] | None:
    try:
        eligibility.check(offer, client, at, attended=attended)
    except Refusal as refusal:
        return type(refusal)
    return None


@pytest.mark.parametrize(
    ("birth", "why"),
    [
        (date(1996, 3, 2), None),  # 31 today
        (date(1996, 3, 3), None),  # 31 tomorrow
        (date(2007, 3, 2), None),  # 20 today
        (date(2007, 3, 3), AgeNotServed),  # 20 tomorrow
        (date(1986, 3, 3), None),  # 41 tomorrow
        (date(1986, 3, 2), AgeNotServed),  # 41 today
        (DAY, AgeNotServed),
        (DAY + timedelta(days=1), BirthDateNeeded),
        (None, BirthDateNeeded),
    ],
)
def test_ages_are_whole_years_on_the_day_and_both_bounds_belong_to_them(
    birth: date | None, why: type[Refusal] | None
) -> None:
    assert refused(terms(age_from=20, age_until=40), born(birth, PAT)) is why


@pytest.mark.parametrize(
    ("bounds", "birth", "why"),
    [
        ({"age_from": 20}, date(1920, 1, 1), None),
        ({"age_until": 40}, date(2020, 1, 1), None),
        ({"age_from": 20}, None, BirthDateNeeded),
        ({"age_until": 40}, None, BirthDateNeeded),
        ({}, None, None),
        ({"age_from": 0}, DAY, None),
    ],
)
def test_one_bound_is_enough_and_none_asks_for_no_birth_date(
    bounds: dict[str, int], birth: date | None, why: type[Refusal] | None
) -> None:
    assert refused(terms(**bounds), born(birth, PAT)) is why


def test_the_date_of_a_visit_is_the_one_at_its_place() -> None:
    """Half past eleven in the evening in London is the next day in Zurich."""
    late = datetime(2027, 3, 1, 23, 30, tzinfo=UTC)
    client = born(date(2007, 3, 2))

    assert refused(terms(age_from=20, zone="Europe/Zurich"), client, late) is None
    assert refused(terms(age_from=20, zone="Europe/London"), client, late) is AgeNotServed


@pytest.mark.parametrize(
    ("birth", "guardian", "why"),
    [
        (date(2009, 3, 3), None, GuardianNeeded),  # 18 tomorrow
        (date(2009, 3, 2), None, None),
        (date(2009, 3, 3), PAT, None),
        (None, None, None),
    ],
)
def test_who_is_under_eighteen_that_day_needs_a_guardian_whatever_the_service(
    birth: date | None, guardian: Guardian | None, why: type[Refusal] | None
) -> None:
    assert refused(terms(), born(birth, guardian)) is why


@pytest.mark.parametrize(
    ("audience", "attended", "why"),
    [
        (Audience.ALL, False, None),
        (Audience.ALL, True, None),
        (Audience.NEW, False, None),
        (Audience.NEW, True, NewClientsOnly),
        (Audience.RETURNING, True, None),
        (Audience.RETURNING, False, ReturningClientsOnly),
    ],
)
def test_a_service_may_be_for_new_or_for_returning_clients_only(
    audience: Audience, *, attended: bool, why: type[Refusal] | None
) -> None:
    assert refused(terms(audience=audience), a_client(), attended=attended) is why


def test_who_was_born_on_a_leap_day_is_older_from_the_first_of_march() -> None:
    assert [years(date(2008, 2, 29), day) for day in (date(2027, 2, 28), date(2027, 3, 1), date(2028, 2, 29))] == [
        18,
        19,
        20,
    ]


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.integers(0, 40_000))
def test_nobody_gets_younger_and_each_year_lasts_a_year(birth: date, days: int) -> None:
    day = birth + timedelta(days=days)

    assert days / 365.25 - 1.01 < years(birth, day) <= days / 365.2
    assert years(birth, day + timedelta(days=1)) - years(birth, day) in {0, 1}


def test_the_request_and_a_move_by_the_client_look_at_the_age_on_that_day() -> None:
    held = a_hold(practice=ages(age_until=40))
    turning = born(date(1986, 3, 4))  # 41 on 4 March
    requested = turns.request(held, turning, asked="a", now=NOW, policy=POLICY)
    later = TEN + 2 * timedelta(days=1)

    with pytest.raises(AgeNotServed):
        turns.move(requested, offer=held.offer, starts_at=later, by=By.CLIENT, now=NOW)
    assert turns.move(requested, offer=held.offer, starts_at=later, by=By.PRACTICE, now=NOW).starts_at == later
    assert turns.move(requested, offer=held.offer, starts_at=TEN + HOUR, by=By.CLIENT, now=NOW).starts_at == TEN + HOUR
    with pytest.raises(AgeNotServed):
        turns.request(a_hold(later, practice=ages(age_until=40)), turning, asked="a", now=NOW, policy=POLICY)


def test_a_visit_without_a_birth_date_moves_where_none_was_asked_for() -> None:
    visit = a_visit()

    assert turns.move(visit, offer=visit.offer, starts_at=TEN + HOUR, by=By.CLIENT, now=NOW).starts_at == TEN + HOUR


def ages(**changes: Any) -> Practice:
    house = a_house()
    return replace(house, services=tuple(replace(service, **changes) for service in house.services))


async def asked(house: House, at: datetime = TEN, *, key: str = "key", **person: Any) -> Appointment:
    held = await house.hold(wants(at), key=key)
    return await house.booking.visits.request(held.id, a_person(**person), hand=CLIENT)


async def test_a_second_visit_of_a_service_for_new_clients_is_refused_once_the_first_took_place() -> None:
    house = House(ages(audience=Audience.NEW))
    first = await asked(house)
    await asked(house, TEN + 3 * HOUR, key="while the first is to come")
    await house.decide(first, Outcome.CLEARED)
    house.time.at = TEN
    await house.booking.visits.attended(first.id, hand=CLIENT)

    with pytest.raises(NewClientsOnly):
        await asked(house, TEN + 6 * HOUR, key="after it")
    assert (await asked(house, TEN + 6 * HOUR, key="after it", phone="+41797654321")).client is not None


async def test_returning_clients_are_those_of_this_practice_and_this_number() -> None:
    house = House(ages(audience=Audience.RETURNING))
    with pytest.raises(ReturningClientsOnly):
        await asked(house)
    regular = replace(a_visit(key="long ago"), state=State.ATTENDED, starts_at=NOW - HOUR, client=known(house))
    house.appointments.kept[regular.id] = regular

    assert (await asked(house)).client is not None
    house.appointments.kept[regular.id] = replace(regular, practice="elsewhere")
    with pytest.raises(ReturningClientsOnly):
        await asked(house, TEN + 3 * HOUR, key="other")


async def test_whoever_was_there_under_another_number_of_theirs_is_returning() -> None:
    house = House(ages(audience=Audience.RETURNING))
    regular = replace(a_visit(key="long ago"), state=State.ATTENDED, starts_at=NOW - HOUR, client=known(house))
    house.appointments.kept[regular.id] = regular
    now_at = replace(known(house), ref=client_ref(house.practice.id, "+41797654321"), phone="+41797654321")
    for client in (known(house), now_at):
        await house.clients.file(recorded(client, practice=house.practice.id))
    with pytest.raises(ReturningClientsOnly):
        await asked(house, phone=now_at.phone)

    await house.booking.clients.merge(house.practice.id, known(house).ref, now_at.ref)
    assert (await asked(house, phone=now_at.phone)).client is not None


def known(house: House) -> Client:

    return replace(a_client(), ref=client_ref(house.practice.id, a_client().phone))


async def test_the_terms_are_those_of_the_hold_and_stay_with_the_visit() -> None:
    house = House()
    held = await house.hold()
    house.practices.kept[house.practice.id] = Kept(ages(age_from=90, audience=Audience.RETURNING), 2)

    requested = await house.booking.visits.request(held.id, a_person(), hand=CLIENT)
    moved = await house.booking.visits.move(requested.id, TEN + 3 * HOUR, None, hand=CLIENT)

    assert (moved.offer.age_from, moved.offer.audience) == (None, Audience.ALL)


async def test_a_birth_date_is_kept_and_is_on_no_event() -> None:
    house = House(ages(age_from=20))
    requested = await asked(house, born=date(1990, 5, 31))

    assert requested.client is not None
    assert requested.client.born == date(1990, 5, 31)
    assert "1990" not in house.appointments.said[-1].to_json().decode()


async def test_the_same_request_with_another_birth_date_is_another_request() -> None:
    house = House()
    one = await asked(house, born=date(1990, 5, 31))

    assert await house.booking.visits.request(one.id, a_person(born=date(1990, 5, 31)), hand=CLIENT) == one
    with pytest.raises(turns.WrongState):
        await house.booking.visits.request(one.id, a_person(born=date(1990, 6, 1)), hand=CLIENT)
