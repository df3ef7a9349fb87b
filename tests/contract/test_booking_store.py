"""What booking's stores promise, asked of the twins and of the real ones alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from pydantic import SecretStr

from services.booking.domain import turns
from services.booking.domain.appointment import Appointment, By, Deed, State
from services.booking.domain.checking import Outcome, obey
from services.booking.domain.refusals import SlotTaken
from services.booking.outbox import announce, practice_changed
from services.booking.ports import AlreadyMade, Appointments, Kept, Practices
from services.booking.store import MongoAppointments, MongoPractices
from shared import mongo
from shared.bus import Bus
from shared.relay import Relay
from tests.support.booking import (
    HOUR,
    MINUTE,
    NOW,
    POLICY,
    TEN,
    MemoryAppointments,
    MemoryPractices,
    a_client,
    a_hold,
    a_house,
    a_request,
    a_visit,
    a_word,
)

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Stores:
    appointments: Appointments
    practices: Practices


@pytest.fixture(params=["twin", "real"])
async def stores(request: pytest.FixtureRequest, mongo_url: str, database_name: str) -> AsyncIterator[Stores]:
    if request.param == "twin":
        yield Stores(MemoryAppointments(), MemoryPractices())
        return
    async with AsyncExitStack() as opened:
        database = await opened.enter_async_context(mongo.connect(SecretStr(mongo_url), database_name))
        # Nothing is published here: the bus is never connected, and the relay keeps what it could not say.
        relay = Relay(Bus(SecretStr("amqp://nobody"), "booking", 1))
        yield Stores(await MongoAppointments.open(database, relay), await MongoPractices.open(database, relay))


async def kept(stores: Stores, *appointments: Appointment) -> None:
    """Walk each to where it is, turn by turn, as the actions do."""
    for appointment in appointments:
        held = a_hold(
            appointment.starts_at,
            key=appointment.asked.removeprefix("asked with "),
            service=appointment.offer.service,
            practitioner=appointment.offer.practitioner,
            room=appointment.offer.room,
            now=appointment.history[0].at,
        )
        await stores.appointments.add(held, ())
        for version in range(2, appointment.version + 1):
            step = replace(appointment, version=version)
            assert await stores.appointments.save(step, announce(step))


async def test_what_was_added_is_found_as_it_was(stores: Stores) -> None:
    held = a_hold()
    await stores.appointments.add(held, announce(held))
    assert await stores.appointments.get(held.id) == held


async def test_nobody_is_found_under_an_id_that_was_never_given(stores: Stores) -> None:
    assert await stores.appointments.get(a_hold().id) is None
    assert await stores.practices.get("nowhere") is None


async def test_a_turn_is_found_with_everything_it_brought(stores: Stores) -> None:
    visit = turns.move(
        a_visit(), offer=replace(a_visit().offer, room="kingfisher"), starts_at=TEN + HOUR, by=By.CLIENT, now=NOW
    )
    await kept(stores, visit)
    assert await stores.appointments.get(visit.id) == visit


@pytest.mark.parametrize("gone", [State.CANCELLED, State.DECLINED, State.LAPSED])
async def test_a_visit_that_ended_early_gives_its_time_back(stores: Stores, gone: State) -> None:
    request = a_request()
    await kept(stores, request)
    ended = {
        State.CANCELLED: turns.cancel(request, by=By.CLIENT, now=NOW),
        State.DECLINED: turns.decline(request, event="no", now=NOW),
        State.LAPSED: turns.lapse(request, now=NOW + HOUR),
    }[gone]
    assert await stores.appointments.save(ended, announce(ended))
    await stores.appointments.add(a_hold(key="next"), ())
    assert (await stores.appointments.get(request.id)) == ended


async def test_the_second_attempt_under_one_id_is_told_from_a_taken_slot(stores: Stores) -> None:
    await stores.appointments.add(a_hold(), ())
    with pytest.raises(AlreadyMade):
        await stores.appointments.add(a_hold(), ())
    with pytest.raises(SlotTaken):
        await stores.appointments.add(a_hold(key="other"), ())


@pytest.mark.parametrize(
    ("other", "fits"),
    [
        (a_hold(TEN, key="o", service="long"), False),
        (a_hold(TEN + 15 * MINUTE, key="o"), False),
        (a_hold(TEN - 15 * MINUTE, key="o", service="long"), False),
        (a_hold(TEN + 15 * MINUTE, key="o", service="call"), False),
        (a_hold(TEN + HOUR, key="o"), False),
        (a_hold(TEN + HOUR + 15 * MINUTE, key="o"), True),
        (a_hold(TEN - 90 * MINUTE, key="o", service="long"), True),
        (a_hold(TEN - 75 * MINUTE, key="o", service="long"), False),
        (a_hold(TEN, key="o", practitioner="ben"), False),
        (a_hold(TEN, key="o", practitioner="ben", room="kingfisher"), True),
    ],
    ids=[
        "same start, longer",
        "a quarter later",
        "contains it",
        "contained, another service",
        "touches, within the buffer",
        "touches the buffer's end",
        "ends where it begins",
        "reaches into it",
        "another practitioner in the same room",
        "another practitioner in another room",
    ],
)
async def test_overlapping_visits_are_refused_and_touching_ones_fit(
    stores: Stores, other: Appointment, fits: bool
) -> None:
    await kept(stores, a_visit())
    if fits:
        await stores.appointments.add(other, ())
    else:
        with pytest.raises(SlotTaken):
            await stores.appointments.add(other, ())


async def test_a_visit_may_move_onto_its_own_old_time(stores: Stores) -> None:
    visit = a_visit()
    await kept(stores, visit)
    moved = turns.move(visit, offer=visit.offer, starts_at=TEN + 15 * MINUTE, by=By.CLIENT, now=NOW)
    assert await stores.appointments.save(moved, announce(moved))
    assert (await stores.appointments.get(visit.id)) == moved


async def test_what_a_health_check_came_to_is_kept_and_forgotten_when_it_is_voided(stores: Stores) -> None:
    """Saved turn by turn: what the next one takes away must not stay behind."""
    visit, until = a_request(starts_at=TEN + 60 * DAY), (NOW + 27 * DAY).date()
    await kept(stores, visit)
    told = [
        a_word(Outcome.CLEARED, version=2, until=until + 90 * DAY),
        a_word(None, version=3),
        a_word(Outcome.CLEARED, version=4, until=until),
        a_word(Outcome.NEEDS_REVIEW, version=5),
        a_word(Outcome.DECLINED, version=6),
    ]
    for word in told:
        visit = obey(visit, word, now=NOW)
        assert await stores.appointments.save(visit, announce(visit))
        assert await stores.appointments.get(visit.id) == visit
    assert visit.checked == 6


async def test_what_waits_for_its_check_is_due_when_that_is_asked_for(stores: Stores) -> None:
    visit = a_request(starts_at=TEN + 60 * DAY)
    await kept(stores, visit)
    visit = obey(visit, a_word(Outcome.CLEARED, until=NOW.date()), now=NOW)
    assert await stores.appointments.save(visit, ())
    asking = TEN + 46 * DAY
    assert list(await stores.appointments.due(asking - MINUTE, 9)) == []
    assert list(await stores.appointments.due(asking, 9)) == [visit]
    asked = turns.ask_check(visit, now=asking)
    assert await stores.appointments.save(asked, announce(asked))
    assert list(await stores.appointments.due(TEN + 58 * DAY - MINUTE, 9)) == []
    assert list(await stores.appointments.due(TEN + 58 * DAY, 9)) == [asked]


async def test_a_move_onto_another_visit_changes_nothing(stores: Stores) -> None:
    visit = a_visit()
    await kept(stores, visit, a_hold(TEN + 3 * HOUR, key="other"))
    moved = turns.move(visit, offer=visit.offer, starts_at=TEN + 3 * HOUR, by=By.CLIENT, now=NOW)
    with pytest.raises(SlotTaken):
        await stores.appointments.save(moved, announce(moved))
    assert (await stores.appointments.get(visit.id)) == visit


async def test_of_two_turns_from_one_version_the_slower_is_refused(stores: Stores) -> None:
    visit = a_visit()
    await kept(stores, visit)
    cancelled, replied = (
        turns.cancel(visit, by=By.CLIENT, now=NOW),
        turns.reply(visit, Deed.SAID_YES, event="yes", at=NOW),
    )
    assert await stores.appointments.save(cancelled, announce(cancelled))
    assert not await stores.appointments.save(replied, announce(replied))
    assert (await stores.appointments.get(visit.id)) == cancelled


async def test_of_fifty_claims_at_once_one_wins(stores: Stores) -> None:
    claims = [a_hold(TEN + (n % 3) * 5 * MINUTE, key=f"claim {n}") for n in range(50)]
    answers = await asyncio.gather(*(stores.appointments.add(claim, ()) for claim in claims), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["NoneType"] + ["SlotTaken"] * 49
    standing = await stores.appointments.agenda("still-water", TEN - HOUR, TEN + HOUR)
    assert len(standing) == 1


async def test_busy_is_what_stands_in_the_window_but_no_expired_hold_and_not_oneself(stores: Stores) -> None:
    visit, fresh = a_visit(), a_hold(TEN, key="fresh", practitioner="ben", room="kingfisher", now=NOW + 5 * MINUTE)
    stale, later = a_hold(TEN + 2 * HOUR, key="stale"), a_hold(TEN + 4 * HOUR, key="later")
    attended = turns.attend(a_visit(key="past", starts_at=TEN - 4 * HOUR), now=TEN)
    cancelled = turns.cancel(a_visit(key="off", starts_at=TEN - 2 * HOUR), by=By.CLIENT, now=NOW)
    await kept(stores, visit, fresh, stale, later, attended, cancelled)
    now = NOW + 12 * MINUTE
    busy = await stores.appointments.busy("still-water", TEN - 5 * HOUR, TEN + 4 * HOUR, now=now, but=visit.id)
    assert [one.footprint for one in sorted(busy, key=lambda one: one.footprint.starts)] == [
        attended.footprint,
        fresh.footprint,
    ]
    elsewhere = await stores.appointments.busy("elsewhere", TEN - 5 * HOUR, TEN + 4 * HOUR, now=now, but=None)
    assert list(elsewhere) == []


async def test_what_is_overdue_and_shares_a_cell_is_in_the_way(stores: Stores) -> None:
    overlapping, apart = a_hold(TEN, key="a"), a_hold(TEN + 4 * HOUR, key="b")
    await kept(stores, overlapping, apart)
    wanted = a_hold(TEN + 30 * MINUTE, key="c", practitioner="ben", now=NOW + HOUR)
    assert list(await stores.appointments.in_the_way(wanted, NOW + 9 * MINUTE)) == []
    assert list(await stores.appointments.in_the_way(wanted, NOW + 10 * MINUTE)) == [overlapping]


async def test_the_longest_due_comes_first_and_no_more_than_asked_for(stores: Stores) -> None:
    held, requested = a_hold(TEN, key="a"), a_request(key="b", starts_at=TEN + 2 * HOUR)
    past = a_visit(NOW - timedelta(days=3), key="c", starts_at=NOW - timedelta(days=2))
    await kept(stores, requested, held, past)
    assert list(await stores.appointments.due(NOW, 10)) == [past]
    assert list(await stores.appointments.due(NOW + HOUR, 10)) == [past, held, requested]
    assert list(await stores.appointments.due(NOW + HOUR, 2)) == [past, held]


async def test_an_agenda_holds_what_stands_in_order(stores: Stores) -> None:
    late, early = a_visit(key="late", starts_at=TEN + 3 * HOUR), a_visit(key="early")
    cancelled = turns.cancel(a_visit(key="off", starts_at=TEN + 6 * HOUR), by=By.PRACTICE, now=NOW)
    await kept(stores, late, early, cancelled)
    assert list(await stores.appointments.agenda("still-water", TEN, TEN + 24 * HOUR)) == [early, late]
    assert list(await stores.appointments.agenda("still-water", TEN + MINUTE, TEN + 24 * HOUR)) == [late]


async def test_a_practice_is_replaced_one_version_after_the_other(stores: Stores) -> None:
    first, second = Kept(a_house(), 1), Kept(a_house(name="Stiller Water"), 2)

    async def put(one: Kept) -> bool:
        return await stores.practices.put(one, (practice_changed(one.practice, version=one.version, at=NOW),))

    assert not await put(second)
    assert await put(first)
    assert not await put(first)
    assert await stores.practices.get("still-water") == first
    assert await put(second)
    assert not await put(second)
    assert await stores.practices.get("still-water") == second


async def test_who_was_there_before_and_what_a_client_has_coming_is_known_per_practice(stores: Stores) -> None:
    visit, ref = a_visit(), a_client().ref
    later = a_visit(starts_at=TEN + 3 * HOUR, key="later")
    await kept(stores, visit, later)
    assert not await stores.appointments.has_attended(visit.practice, ref)
    assert await stores.appointments.coming(visit.practice, ref, now=NOW, most=5) == 2
    assert await stores.appointments.coming(visit.practice, ref, now=NOW, most=1) == 1

    attended = turns.attend(visit, now=TEN)
    await stores.appointments.save(attended, announce(attended))

    assert await stores.appointments.has_attended(visit.practice, ref)
    assert await stores.appointments.coming(visit.practice, ref, now=TEN, most=5) == 1
    assert await stores.appointments.coming(visit.practice, ref, now=TEN + 3 * HOUR, most=5) == 0
    for practice, client in (("elsewhere", ref), (visit.practice, "f" * 20)):
        assert not await stores.appointments.has_attended(practice, client)
        assert await stores.appointments.coming(practice, client, now=NOW, most=5) == 0


async def test_a_renewed_hold_is_read_as_it_was_saved(stores: Stores) -> None:
    held = a_hold()
    await stores.appointments.add(held, ())
    renewed = turns.renew(held, now=NOW + 5 * MINUTE, policy=POLICY)

    assert await stores.appointments.save(renewed, announce(renewed))
    assert await stores.appointments.get(held.id) == renewed
    assert [one.id for one in await stores.appointments.due(NOW + 14 * MINUTE, 9)] == []


async def test_the_agenda_is_of_everybody_or_of_one_practitioner(stores: Stores) -> None:
    ana, ben = a_visit(key="ana"), a_visit(key="ben", practitioner="ben", room="kingfisher")
    await kept(stores, ana, ben)
    day = ("still-water", TEN - HOUR, TEN + HOUR)
    assert {one.id for one in await stores.appointments.agenda(*day)} == {ana.id, ben.id}
    assert list(await stores.appointments.agenda(*day, practitioner="ben")) == [ben]
    assert list(await stores.appointments.agenda(*day, practitioner="cy")) == []
