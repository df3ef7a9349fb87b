"""What the stores of the waitlist promise, asked of the twins and of the real ones alike."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from services.booking.domain.client import Subject
from services.booking.domain.freed import UNCLAIMED, Freed, Offered, OfferId, Seat, Standing
from services.booking.domain.identity import appointment_id
from services.booking.domain.waitlist import Hours, Range, Wait, Waiting, WaitingId
from services.booking.outbox import waitlist_ended, waitlist_offered
from services.booking.ports import Added, Could, Line, OfClients, Offers
from services.booking.store.waiting import MongoLine, MongoOffers
from shared import mongo
from shared.bus import Bus
from shared.relay import Relay
from tests.support.booking import HOUR, MINUTE, NOW, TEN, a_client
from tests.support.booking_waiting import MemoryLine, MemoryOffers

DAYS = Range(first=date(2027, 3, 2), last=date(2027, 3, 5), hours=(Hours(weekday=1, starts=540, ends=720),))
FREED = Freed(event="a:4:appointment.cancelled", practitioner="ana", starts_at=TEN, ends_at=TEN + HOUR)
COULD = Could(
    practice="still-water",
    practitioner="ana",
    services=("session", "call"),
    first=date(2027, 3, 1),
    last=date(2027, 3, 3),
)


@dataclass(frozen=True, slots=True)
class Stores:
    line: Line
    offers: Offers
    of_clients: OfClients


@pytest.fixture(params=["twin", "real"])
async def stores(request: pytest.FixtureRequest, mongo_url: str, database_name: str) -> AsyncIterator[Stores]:
    if request.param == "twin":
        offers = MemoryOffers()
        line = MemoryLine(offers)
        yield Stores(line, offers, line)
        return
    async with AsyncExitStack() as opened:
        database = await opened.enter_async_context(mongo.connect(SecretStr(mongo_url), database_name))
        relay = Relay(Bus(SecretStr("amqp://nobody"), "booking", 1))
        real = await MongoLine.open(database)
        yield Stores(real, await MongoOffers.open(database, relay), real)


def an_entry(n: int = 0, *ranges: Range, **changes: Any) -> Waiting:
    """The n-th in line."""
    fields: dict[str, Any] = {
        "id": WaitingId(appointment_id("still-water", f"waiting {n}")),
        "practice": "still-water",
        "service": "session",
        "practitioner": None,
        "client": replace(a_client(), ref=f"{n:020d}"),
        "ranges": ranges or (DAYS,),
        "since": NOW + n * MINUTE,
        "until": NOW + timedelta(days=5),
        "asked": f"asked {n}",
    }
    return Waiting(**fields | changes)


def an_offer(n: int = 0, **changes: Any) -> Offered:
    """To the n-th in line, in the n-th seat."""
    fields: dict[str, Any] = {
        "id": OfferId(appointment_id("still-water", f"offer {n}")),
        "practice": "still-water",
        "waiting": an_entry(n).id,
        "seat": Seat(freed=FREED, round=1, name=f"text-{n}"),
        "service": "session",
        "service_name": "Session",
        "practitioner": "ana",
        "practitioner_name": "Ana",
        "place_name": "At the lake",
        "place_address": "Seestrasse 1",
        "starts_at": TEN,
        "ends_at": TEN + HOUR,
        "zone": "Europe/Zurich",
        "made_at": NOW,
        "expires_at": NOW + HOUR,
        "instant": False,
        "due_at": NOW + HOUR,
    }
    return Offered(**fields | changes)


async def test_an_entry_is_found_as_it_was(stores: Stores) -> None:
    entry = an_entry(0, DAYS, Range(first=date(2027, 4, 1), last=date(2027, 4, 1)), practitioner="ana")
    assert await stores.line.add(entry) == entry
    assert await stores.line.get(entry.id) == entry
    assert await stores.line.get(an_entry(1).id) is None


async def test_the_same_id_or_the_same_open_wish_gives_what_is_there(stores: Stores) -> None:
    entry = an_entry(0)
    await stores.line.add(entry)
    assert await stores.line.add(replace(entry, asked="otherwise", service="call")) == entry
    again = replace(entry, id=an_entry(1).id, asked="otherwise")
    assert await stores.line.add(again) == entry
    with_ana = replace(again, practitioner="ana")
    assert await stores.line.add(with_ana) == with_ana


async def test_of_fifty_entries_for_one_wish_at_once_one_is_kept(stores: Stores) -> None:
    client = an_entry(0).client
    kept = await asyncio.gather(*(stores.line.add(an_entry(n, client=client)) for n in range(50)))
    assert len({entry.id for entry in kept}) == 1


async def test_who_has_left_may_come_back(stores: Stores) -> None:
    entry = an_entry(0)
    await stores.line.add(entry)
    assert await stores.line.end(entry.id, Wait.LEFT, NOW)
    assert not await stores.line.end(entry.id, Wait.CLAIMED, NOW)
    assert await stores.line.get(entry.id) == replace(entry, state=Wait.LEFT)
    again = replace(entry, id=an_entry(1).id)
    assert await stores.line.add(again) == again


async def test_the_line_is_in_order_and_told_page_by_page(stores: Stores) -> None:
    same_minute = an_entry(7, since=an_entry(2).since)
    entries = [an_entry(n) for n in (3, 0, 1, 2)]
    for entry in (*entries, same_minute, an_entry(9, practice="elsewhere")):
        await stores.line.add(entry)
    await stores.line.end(an_entry(1).id, Wait.LEFT, NOW)
    in_order = sorted([an_entry(0), an_entry(2), an_entry(3), same_minute], key=lambda one: (one.since, one.id))
    told: list[Waiting] = []
    while page := await stores.line.listed("still-water", after=told[-1].id if told else None, limit=2):
        told.extend(page)
    assert told == in_order


async def test_only_those_for_whom_a_time_may_be_are_looked_at(stores: Stores) -> None:
    fitting = [an_entry(0), an_entry(1, practitioner="ana"), an_entry(2, service="call")]
    others = [
        an_entry(3, practitioner="ben"),
        an_entry(4, service="long"),
        an_entry(5, Range(first=date(2027, 3, 4), last=date(2027, 3, 4))),
        an_entry(6, Range(first=date(2027, 2, 1), last=date(2027, 2, 28))),
        an_entry(7, practice="elsewhere"),
    ]
    for entry in (*others, *fitting):
        await stores.line.add(entry)
    assert list(await stores.line.who_could(COULD, after=None, limit=10)) == fitting
    assert list(await stores.line.who_could(COULD, after=fitting[0], limit=1)) == fitting[1:2]


async def test_entries_end_when_their_last_date_is_over(stores: Stores) -> None:
    over, going_on = an_entry(0, until=NOW), an_entry(1, until=NOW + MINUTE)
    await stores.line.add(over)
    await stores.line.add(going_on)
    await stores.line.end_over(NOW)
    assert list(await stores.line.listed("still-water", after=None, limit=10)) == [going_on]
    assert (await stores.line.get(over.id)) == replace(over, state=Wait.OVER)


async def test_an_offer_is_found_as_it_was_made(stores: Stores) -> None:
    offered = an_offer()
    assert await stores.offers.add(offered, waitlist_offered(offered, a_client())) is Added.MADE
    assert await stores.offers.get(offered.id) == offered
    assert await stores.offers.get(an_offer(1).id) is None


async def test_a_seat_an_offer_and_an_entry_are_taken_once(stores: Stores) -> None:
    await stores.offers.add(an_offer(0), ())
    assert await stores.offers.add(an_offer(0), ()) is Added.HAS_ONE
    assert await stores.offers.add(an_offer(1, waiting=an_entry(0).id), ()) is Added.HAS_ONE
    assert await stores.offers.add(an_offer(1, seat=an_offer(0).seat), ()) is Added.SEAT_TAKEN
    assert await stores.offers.turn(an_offer(0).id, Standing.EXPIRED, of={Standing.OPEN})
    assert await stores.offers.add(an_offer(1, waiting=an_entry(0).id), ()) is Added.MADE


async def test_of_fifty_offers_for_three_seats_at_once_three_are_made(stores: Stores) -> None:
    seats = [an_offer(n).seat for n in range(3)]
    adding = (stores.offers.add(an_offer(n, seat=seats[n % 3]), ()) for n in range(50))
    assert Counter(await asyncio.gather(*adding)) == {Added.MADE: 3, Added.SEAT_TAKEN: 47}


async def test_of_fifty_offers_for_one_entry_at_once_one_is_made(stores: Stores) -> None:
    adding = (stores.offers.add(an_offer(n, waiting=an_entry(0).id), ()) for n in range(50))
    assert Counter(await asyncio.gather(*adding)) == {Added.MADE: 1, Added.HAS_ONE: 49}


async def test_an_offer_turns_only_from_how_it_should_stand(stores: Stores) -> None:
    await stores.offers.add(an_offer(0), ())
    over = waitlist_ended(an_offer(0), a_client(), NOW)
    assert await stores.offers.turn(an_offer(0).id, Standing.LOST, of={Standing.OPEN}, due_at=NOW, said=over)
    assert not await stores.offers.turn(an_offer(0).id, Standing.LOST, of={Standing.OPEN}, due_at=NOW, said=over)
    assert not await stores.offers.turn(an_offer(0).id, Standing.EXPIRED, of={Standing.OPEN}, due_at=NOW)
    assert await stores.offers.get(an_offer(0).id) == an_offer(0, state=Standing.LOST, due_at=NOW)
    assert await stores.offers.turn(an_offer(0).id, Standing.CLAIMED, of=UNCLAIMED)
    assert await stores.offers.get(an_offer(0).id) == an_offer(0, state=Standing.CLAIMED, due_at=None)
    assert not await stores.offers.turn(an_offer(1).id, Standing.LOST, of={Standing.OPEN})


async def test_what_the_line_has_moved_on_from_is_due_no_more_but_what_is_open_stays(stores: Stores) -> None:
    late, early = an_offer(0, due_at=NOW), an_offer(1, due_at=NOW - HOUR)
    for offered in (late, early, an_offer(2, due_at=NOW + MINUTE)):
        await stores.offers.add(offered, ())
    assert list(await stores.offers.due(NOW, 10)) == [early, late]
    assert list(await stores.offers.due(NOW, 1)) == [early]
    await stores.offers.turn(early.id, Standing.EXPIRED, of={Standing.OPEN}, due_at=early.due_at)
    await stores.offers.moved_on([late.id, early.id])
    assert list(await stores.offers.due(NOW, 10)) == [late]


async def test_offers_are_found_by_what_was_freed_by_entry_and_by_start(stores: Stores) -> None:
    other = replace(FREED, event="b:4:appointment.cancelled")
    one, two = an_offer(0), an_offer(1, starts_at=TEN + HOUR, seat=Seat(freed=other, round=1, name="text-0"))
    for offered in (one, two, an_offer(2, practice="elsewhere")):
        await stores.offers.add(offered, ())
    assert list(await stores.offers.of_event("still-water", FREED.event)) == [one]
    assert list(await stores.offers.starting("still-water", TEN, TEN + HOUR)) == [one]
    assert list(await stores.offers.starting("still-water", TEN + MINUTE, TEN + 2 * HOUR)) == [two]
    await stores.offers.turn(one.id, Standing.LOST, of={Standing.OPEN})
    assert list(await stores.offers.open_of([one.waiting, two.waiting])) == [two]


async def test_an_entry_is_found_by_its_client_whether_or_not_they_wait_still(stores: Stores) -> None:
    await stores.line.add(an_entry(0))
    await stores.line.end(an_entry(0).id, Wait.LEFT, NOW)
    refs = [an_entry(0).client.ref, an_entry(2).client.ref]
    assert await stores.line.of_client("still-water", refs) == [replace(an_entry(0), state=Wait.LEFT)]
    assert await stores.line.of_client("elsewhere", refs) == []
    assert await stores.line.of_client("still-water", [an_entry(1).client.ref]) == []


async def test_what_an_entry_keeps_of_its_client_is_told(stores: Stores) -> None:
    client = an_entry(0).client
    await stores.line.add(an_entry(0))
    subject = Subject(practice="still-water", refs=(client.ref,), phones=(), appointments=())
    (told,) = await stores.of_clients.told(subject)
    assert told["client"] == {
        "ref": client.ref,
        "name": client.name,
        "phone": client.phone,
        "locale": client.locale,
        "zone": client.zone,
        "consent": {"texts": True, "wording": client.consent.wording, "given_at": client.consent.given_at.isoformat()},
    }


async def test_a_client_who_is_forgotten_leaves_neither_entry_nor_offer(stores: Stores) -> None:
    for n in range(2):
        await stores.line.add(an_entry(n))
        await stores.offers.add(an_offer(n), ())
    subject = Subject(practice="still-water", refs=(an_entry(0).client.ref,), phones=(), appointments=())
    assert [told["service"] for told in await stores.of_clients.told(subject)] == ["session"]
    for _ in range(2):
        await stores.of_clients.forget(subject)
    assert await stores.of_clients.told(subject) == []
    assert (await stores.line.get(an_entry(0).id), await stores.offers.get(an_offer(0).id)) == (None, None)
    assert (await stores.line.get(an_entry(1).id), await stores.offers.get(an_offer(1).id)) == (
        an_entry(1),
        an_offer(1),
    )
