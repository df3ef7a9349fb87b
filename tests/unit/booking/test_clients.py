"""The clients of a practice: filed, merged, exported and erased, whoever dies or comes late meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.booking.actions.asks import Asks, HasUpcomingVisits, NoSuchAsk
from services.booking.actions.clients import Clients, MergedAlready, NoSuchClient, SameClient
from services.booking.actions.waitlist import Wish
from services.booking.domain.appointment import Appointment, Deed, State
from services.booking.domain.client import Answer, AskKind, Subject
from services.booking.domain.identity import client_ref
from services.booking.domain.waitlist import Range
from services.booking.inbox import subscriptions
from services.booking.outbox import client_merged
from services.booking.ports import Kept, Stores
from shared.events import Envelope, Event, envelope, notify, screening
from shared.events.booking import ClientEraseAsked, ClientExportAsked
from shared.retry import DONE, Park
from tests.support.booking import CLIENT, HOUR, NOW, STAFF, TEN, House, a_person, wants

DAY = timedelta(days=1)
AT_HOME = replace(CLIENT, where="203.0.113.7")
PHONE = "+41791234567"
OTHER = "+41791234568"
HOUSE = "still-water"
REF, OTHER_REF = client_ref(HOUSE, PHONE), client_ref(HOUSE, OTHER)


class Practice(House):
    """Booking that hears what it says itself, and the others' answers."""

    async def called(self, phone: str = PHONE, *, at: Any = TEN, name: str = "Kim Doe") -> Appointment:
        """A visit without a health check, so it is booked at once."""
        held = await self.hold(wants(at, service="call"), key=f"{phone} {at}")
        booked = await self.booking.visits.request(held.id, a_person(name=name, phone=phone), hand=AT_HOME)
        await self.hears_itself()
        return booked

    async def came(self, phone: str = PHONE, *, at: Any = TEN) -> Appointment:
        booked = await self.called(phone, at=at)
        self.time.at = at + HOUR
        attended = await self.booking.visits.attended(booked.id, hand=STAFF)
        await self.hears_itself()
        return attended

    async def hears_itself(self) -> None:
        """Everything it ever said, once more."""
        for said in list(self.appointments.said):
            for react in self.booking.reactions:
                await react(said, self.appointments.kept[said.data.appointment])

    async def answers(self, fact: Callable[..., Event], ask: str) -> None:
        about = fact(ask=ask, records=2)
        said = envelope(about, subject=ask, practice=HOUSE, sequence=1, at=self.time())
        assert await subscriptions(self.booking)[type(about)](said) == DONE

    async def family(self, ref: str = REF) -> list[str]:
        return list((await self.booking.clients.family(HOUSE, ref)).refs)


@pytest.fixture
def house() -> Practice:
    return Practice()


async def test_whoever_asks_for_a_visit_is_a_client_from_then_on(house: Practice) -> None:
    await house.called()
    family = await house.booking.clients.family(HOUSE, REF)

    assert (family.speaker.name, family.speaker.phone, family.others) == ("Kim Doe", PHONE, ())
    assert await house.booking.clients.of_number(HOUSE, "079 123 45 67") == [family.speaker]


async def test_a_number_of_another_country_is_found_whether_or_not_it_is_served_today(house: Practice) -> None:
    house.practices.kept[HOUSE] = Kept(replace(house.practice, countries=("CH", "DE")), 1)
    await house.called("+49 1512 3456789")
    found = await house.booking.clients.of_number(HOUSE, "+49 1512 3456789")
    house.practices.kept[HOUSE] = Kept(house.practice, 1)

    assert [one.phone for one in found] == ["+4915123456789"]
    assert await house.booking.clients.of_number(HOUSE, "+49 1512 3456789") == found


async def test_a_mere_hold_makes_nobody_a_client(house: Practice) -> None:
    await house.hold()
    await house.hears_itself()

    assert house.clients.kept == {}


async def test_the_name_told_last_counts_though_older_events_come_again(house: Practice) -> None:
    await house.called(name="Kim")
    house.time.pass_(HOUR)
    await house.called(at=TEN + DAY, name="Kim Doe-Smith")
    await house.hears_itself()

    assert house.clients.kept[HOUSE, REF].name == "Kim Doe-Smith"
    assert house.clients.kept[HOUSE, REF].first_seen == NOW


async def test_merged_records_are_one_client_with_the_visits_of_both(house: Practice) -> None:
    await house.came()
    await house.came(OTHER, at=TEN + DAY)
    family = await house.booking.clients.merge(HOUSE, OTHER_REF, REF)

    assert family.refs == (REF, OTHER_REF)
    assert (await house.booking.clients.counts(family)).visits == 2
    assert await house.family(OTHER_REF) == [REF, OTHER_REF]
    assert await house.booking.clients.of_number(HOUSE, OTHER) == [family.speaker]
    said = house.clients.said
    assert [(one.subject, one.data.ref, one.data.into) for one in said] == [(REF, OTHER_REF, REF)]


async def test_merging_again_changes_nothing_and_says_nothing(house: Practice) -> None:
    await house.came()
    await house.came(OTHER, at=TEN + DAY)
    once = await house.booking.clients.merge(HOUSE, OTHER_REF, REF)

    assert await house.booking.clients.merge(HOUSE, OTHER_REF, REF) == once
    assert len(house.clients.said) == 1


async def test_chains_lead_to_their_end_and_circles_are_refused(house: Practice) -> None:
    refs = []
    for n in range(3):
        await house.called(f"+4179123450{n}", at=TEN + n * HOUR)
        refs.append(client_ref(HOUSE, f"+4179123450{n}"))
    first, second, third = refs
    clients = house.booking.clients
    await clients.merge(HOUSE, first, second)
    await clients.merge(HOUSE, second, third)

    assert set((await clients.family(HOUSE, first)).refs) == set(refs)
    assert (await clients.family(HOUSE, first)).speaker.ref == third
    for into in (first, second, third):
        with pytest.raises(SameClient):
            await clients.merge(HOUSE, third, into)
    await house.called("+41791234509", at=TEN + 4 * HOUR)
    with pytest.raises(MergedAlready):
        await clients.merge(HOUSE, first, client_ref(HOUSE, "+41791234509"))
    with pytest.raises(NoSuchClient):
        await clients.merge(HOUSE, third, "0" * 20)


@pytest.mark.parametrize("size", [2, 3, 5])
async def test_of_mergers_at_once_that_would_close_a_circle_one_is_refused(house: Practice, size: int) -> None:
    refs = []
    for n in range(size):
        await house.called(f"+4179123450{n}", at=TEN + n * HOUR)
        refs.append(client_ref(HOUSE, f"+4179123450{n}"))
    circle = [(ref, refs[(n + 1) % size]) for n, ref in enumerate(refs)]

    told = await asyncio.gather(
        *(house.booking.clients.merge(HOUSE, ref, into) for ref, into in circle), return_exceptions=True
    )

    assert sum(isinstance(one, Exception) for one in told) >= 1
    speakers = [ref for ref in refs if house.clients.kept[HOUSE, ref].merged_into is None]
    assert speakers, "a circle was closed"
    assert {(await house.family(ref))[0] for ref in refs} == set(speakers)
    assert any(not isinstance(one, Exception) for one in told), told
    ids = [one.id for one in house.clients.said]
    assert len(ids) == len(set(ids))


async def test_a_client_with_open_visits_is_not_erased(house: Practice) -> None:
    await house.came()
    coming = await house.called(at=TEN + DAY)
    with pytest.raises(HasUpcomingVisits) as refused:
        await house.booking.asks.erase(HOUSE, REF, key="k", hand=STAFF)
    assert refused.value.extra == {"visits": [coming.id]}

    await house.booking.visits.cancel(coming.id, hand=STAFF)
    assert (await house.booking.asks.erase(HOUSE, REF, key="k", hand=STAFF)).kind is AskKind.ERASE


async def test_an_erasure_is_complete_when_all_three_have_answered_and_then_names_nobody(house: Practice) -> None:
    visit = await house.came()
    asked = await house.booking.asks.erase(HOUSE, REF, key="k", hand=STAFF)
    (said,) = house.asks.said
    assert said.data == ClientEraseAsked(ask=asked.id, refs=(REF,), phones=(PHONE,), appointments=(visit.id,))

    await house.answers(screening.ClientErased, asked.id)
    await house.answers(notify.ClientErased, asked.id)
    await house.answers(notify.ClientErased, asked.id)
    assert (await house.booking.asks.get(HOUSE, asked.id)).awaits == ("booking",)
    await house.booking.asks.carry_out()
    await house.booking.asks.carry_out()

    receipt = await house.booking.asks.get(HOUSE, asked.id)
    assert [(one.service, one.records) for one in receipt.answers] == [("screening", 2), ("notify", 2), ("booking", 2)]
    assert receipt.completed_at == house.time()
    left = house.appointments.kept[visit.id]
    assert (left.client, left.pseudonym, left.state, left.starts_at) == (None, asked.id, State.ATTENDED, TEN)
    for name in (PHONE, REF, "Kim", "203.0.113.7"):
        assert name not in repr(receipt) + repr(house.appointments.kept) + repr(house.clients.kept)


async def test_whoever_only_waited_for_a_time_is_exported_and_forgotten_too(house: Practice) -> None:
    day = (TEN + DAY).date()
    wish = Wish(service="session", practitioner=None, ranges=(Range(first=day, last=day),))
    await house.booking.waitlist.join(HOUSE, wish, a_person(name="Kim Doe", phone=PHONE), key="k", hand=AT_HOME)

    asked = await house.booking.asks.export(HOUSE, REF, key="k", hand=STAFF)
    assert "Kim Doe" in repr((await house.booking.asks.exported(HOUSE, asked.id)).more)
    await erased(house)

    said = house.asks.said[-1].data
    assert said == ClientEraseAsked(ask=said.ask, refs=(REF,), phones=(PHONE,), appointments=())
    assert house.line.kept == {}
    with pytest.raises(NoSuchClient):
        await house.booking.asks.erase(HOUSE, REF, key="again", hand=STAFF)


async def test_the_numbers_of_guardians_go_with_the_child_unless_they_are_clients_themselves(house: Practice) -> None:
    await house.called(OTHER)
    day = (TEN + DAY).date()
    child = a_person(phone=PHONE, guardian_name="Pat", guardian_phone="+41791234599")
    held = await house.hold(wants(TEN + DAY, service="call"), key="child")
    visit = await house.booking.visits.request(held.id, child, hand=AT_HOME)
    for number, phone in (("1", "+41791234598"), ("2", OTHER)):
        wish = Wish(
            service=("session", "call")[phone == OTHER], practitioner=None, ranges=(Range(first=day, last=day),)
        )
        await house.booking.waitlist.join(HOUSE, wish, replace(child, guardian_phone=phone), key=number, hand=AT_HOME)
    await house.hears_itself()
    await house.booking.visits.cancel(visit.id, hand=STAFF)
    await erased(house)

    assert house.asks.said[-1].data.phones == (PHONE, "+41791234598", "+41791234599")


async def test_asking_twice_is_one_erasure(house: Practice) -> None:
    await house.came()
    asks = house.booking.asks
    first, again, other = [await asks.erase(HOUSE, REF, key=key, hand=STAFF) for key in ("k", "k", "l")]

    assert first.id == again.id == other.id
    assert len(house.asks.said) == 1


async def test_late_news_of_a_forgotten_client_brings_nothing_back(house: Practice) -> None:
    visit = await house.came()
    await erased(house)
    await house.hears_itself()
    await house.booking.visits.missed(visit.id, hand=STAFF)
    await house.hears_itself()

    assert house.clients.kept == {}
    assert house.appointments.kept[visit.id].client is None
    assert house.said[-1] == "attended"  # a correction of a visit without a client is told to nobody
    with pytest.raises(NoSuchClient):
        await house.booking.asks.erase(HOUSE, REF, key="again", hand=STAFF)


async def test_what_a_process_remembers_does_not_bring_a_client_back(house: Practice) -> None:
    visit = await house.came()  # written last by the very actions that take the next turn
    await erased(house)
    missed = await house.booking.visits.missed(visit.id, hand=STAFF)

    assert missed.client is None


async def test_nothing_that_is_heard_of_a_forgotten_visit_is_told_to_anybody(house: Practice) -> None:
    await house.came()
    told: list[str] = []
    belongings = Belongings()

    async def tells(heard: Envelope[Any], _: Appointment) -> None:
        told.append(heard.id)
        belongings.kept.add(PHONE)
        if len(told) == 1:  # the erasure goes by while this one is told
            belongings.kept.discard(PHONE)
            await erased(house)
            belongings.kept.add(PHONE)

    stores = replace(house.stores, of_clients=(belongings,))
    booking = replace(house.booking, reactions=(tells,), asks=Asks(stores, Clients(stores, house.time), house.time))
    attended = house.appointments.said[-1]
    for _ in range(2):
        assert await subscriptions(booking)[type(attended.data)](attended) == DONE

    assert told == [attended.id]
    assert PHONE not in belongings.kept


async def test_whoever_comes_back_after_an_erasure_is_a_new_client(house: Practice) -> None:
    await house.came()
    await erased(house)
    house.time.pass_(DAY)
    again = await house.called(at=TEN + 3 * DAY, name="Kim Again")

    family = await house.booking.clients.family(HOUSE, REF)
    assert (family.speaker.name, family.speaker.first_seen) == ("Kim Again", house.time())
    assert [one.id for one in await house.booking.clients.visits(family, before=None, limit=9)] == [again.id]


async def test_an_erasure_covers_all_records_that_were_merged(house: Practice) -> None:
    await house.came()
    await house.came(OTHER, at=TEN + DAY)
    await house.booking.clients.merge(HOUSE, OTHER_REF, REF)
    await erased(house, OTHER_REF)

    assert house.clients.kept == {}
    assert all(visit.client is None for visit in house.appointments.kept.values())
    assert set(house.asks.said[0].data.phones) == {PHONE, OTHER}


async def test_an_export_is_read_when_it_is_fetched_until_its_time_is_over(house: Practice) -> None:
    visit = await house.came()
    asked = await house.booking.asks.export(HOUSE, REF, key="k", hand=STAFF)
    assert isinstance(house.asks.said[0].data, ClientExportAsked)
    for fact in (screening.ClientExported, notify.ClientExported):
        await house.answers(fact, asked.id)

    receipt = await house.booking.asks.get(HOUSE, asked.id)
    assert receipt.completed_at == house.time()
    export = await house.booking.asks.exported(HOUSE, asked.id)
    assert ([one.ref for one in export.records], [one.id for one in export.visits]) == ([REF], [visit.id])

    house.time.pass_(7 * DAY)
    with pytest.raises(NoSuchAsk):
        await house.booking.asks.exported(HOUSE, asked.id)


async def test_an_erasure_is_no_export_and_forgets_those_there_are(house: Practice) -> None:
    await house.came()
    exported = await house.booking.asks.export(HOUSE, REF, key="k", hand=STAFF)
    asked = await erased(house)
    for ask in (exported.id, asked):
        with pytest.raises(NoSuchAsk):
            await house.booking.asks.exported(HOUSE, ask)
    about = screening.ClientExported(ask=exported.id, records=1)
    said = envelope(about, subject=exported.id, practice=HOUSE, sequence=1, at=NOW)
    assert await subscriptions(house.booking)[screening.ClientExported](said) == DONE
    lost = screening.ClientErased(ask="nobody", records=1)
    said_of_nothing = envelope(lost, subject="nobody", practice=HOUSE, sequence=1, at=NOW)
    assert await subscriptions(house.booking)[screening.ClientErased](said_of_nothing) == Park("no such ask")


class Killed(BaseException):
    """The process is gone; nothing may catch this."""


class Mortal:
    """Stands before a port; the `dies_at`-th half of a call to any of them is the last."""

    def __init__(self, port: object, life: list[int]) -> None:
        self._port, self._life = port, life

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._port, name)

        async def mortal(*args: object, **kwargs: object) -> object:
            self._half()
            result = await call(*args, **kwargs)
            self._half()
            return result

        return mortal

    def _half(self) -> None:
        self._life[0] -= 1
        if self._life[0] == 0:
            raise Killed


class Belongings:
    """A further store that holds something of clients."""

    def __init__(self) -> None:
        self.kept = {PHONE, "somebody else's"}

    async def told(self, subject: Subject) -> list[dict[str, object]]:
        return [{"number": phone} for phone in subject.phones if phone in self.kept]

    async def forget(self, subject: Subject) -> None:
        self.kept -= set(subject.phones)


async def erasing(dies_at: int) -> tuple[Practice, Belongings, int]:
    """An erasure whose process dies once, and what is left of its life."""
    house, belongings = Practice(), Belongings()
    for n in range(3):
        await house.came(at=TEN + n * DAY)
    life = [dies_at]
    ports = ("appointments", "clients", "histories", "asks")
    mortal = replace(house.stores, of_clients=(Mortal(belongings, life),))  # type: ignore[arg-type]  # stands for it
    mortal = replace(mortal, **{name: Mortal(getattr(house.stores, name), life) for name in ports})

    def process(stores: Stores) -> Asks:
        return Asks(stores, Clients(stores, house.time), house.time)

    async def through() -> None:
        await process(mortal).erase(HOUSE, REF, key="k", hand=STAFF)
        await process(mortal).carry_out()

    try:
        await through()
    except Killed:
        await through()
    return house, belongings, life[0]


async def test_killed_at_any_step_an_erasure_is_whole_once_it_is_repeated() -> None:
    _, _, left = await erasing(dies_at=10_000)
    halves = 10_000 - left
    assert halves > 20
    for dies_at in range(1, halves + 1):
        house, belongings, _ = await erasing(dies_at)
        assert house.clients.kept == {}, dies_at
        assert belongings.kept == {"somebody else's"}, dies_at
        visits = house.appointments.kept.values()
        assert {visit.client for visit in visits} == {None}, dies_at
        assert [[turn.deed for turn in visit.history].count(Deed.FORGOTTEN) for visit in visits] == [1, 1, 1], dies_at
        (ask,) = house.asks.kept.values()
        assert [(one.service, one.records) for one in ask.answers] == [("booking", 4)], dies_at
        assert len(house.asks.said) == 1, dies_at


async def test_every_service_answers_at_once_and_each_is_noted_once(house: Practice) -> None:
    await house.came()
    asked = await house.booking.asks.erase(HOUSE, REF, key="k", hand=STAFF)
    answers = [Answer(service, NOW, 1) for service in ("screening", "notify", "booking")] * 2
    await asyncio.gather(*(house.booking.asks.answered(HOUSE, asked.id, one) for one in answers))

    receipt = await house.booking.asks.get(HOUSE, asked.id)
    assert sorted(one.service for one in receipt.answers) == ["booking", "notify", "screening"]
    assert receipt.completed_at == NOW


def test_a_merger_is_told_under_an_id_of_its_own() -> None:
    ids = {client_merged(HOUSE, ref, into="b" * 20, sequence=n, at=NOW).id for n, ref in enumerate("ac", 1)}
    assert len(ids) == 2


async def erased(house: Practice, ref: str = REF) -> str:
    asked = await house.booking.asks.erase(HOUSE, ref, key="k", hand=STAFF)
    for fact in (screening.ClientErased, notify.ClientErased):
        await house.answers(fact, asked.id)
    await house.booking.asks.carry_out()
    return asked.id
