"""The waitlist on real servers: from a cancellation to the claim, races for a freed time, and what is looked at."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from html import unescape
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr

from services.booking.actions import Booking
from services.booking.actions.waitlist import Wish
from services.booking.domain.appointment import Appointment
from services.booking.domain.freed import Freed, Offered, OfferId, Seat, Standing
from services.booking.domain.identity import appointment_id
from services.booking.domain.practice import WaitlistPolicy
from services.booking.domain.texting import Texting
from services.booking.domain.waitlist import Range, Wait, Waiting, WaitingId
from services.booking.inbox import subscriptions
from services.booking.outbox import announce
from services.booking.ports import Kept
from services.booking.store import open_stores
from services.booking.store.waitlist_documents import offered_document, waiting_document
from shared import mongo
from shared.bus import Bus
from shared.events import Envelope
from shared.mongo import Database
from shared.relay import Relay
from shared.tokens import Tokens
from tests.support.auditor import findings
from tests.support.backends import RabbitBackend, fresh_vhost
from tests.support.booking import CLIENT, HOUR, MINUTE, NOW, POLICY, TEN, Time, a_client, a_house, a_person, wants
from tests.support.booking_app import CLIENT as KIM
from tests.support.booking_app import CONSENT, PRACTICE, SIGNING_KEY, Answered, App, app
from tests.support.waiting import until

WAITLIST = f"{PRACTICE}/waitlist"
AWAKE = Texting(quiet_from=NOW.time(), quiet_until=NOW.time())
THAT_DAY = Range(first=date(2027, 3, 2), last=date(2027, 3, 2))
NOT_OLD = {"place_name": {"$ne": ""}}
days = count(2)


@pytest.fixture(scope="module")
async def booking(mongo_url: str, rabbit_server: RabbitBackend) -> AsyncIterator[App]:
    async with fresh_vhost(rabbit_server) as rabbit, app(mongo_url, f"test_{secrets.token_hex(6)}", rabbit) as one:
        yield one
        await one.database.client.drop_database(one.database)


@pytest.fixture
def at() -> datetime:
    """Ten in the morning in Zurich, on a day that belongs to this test alone."""
    day = datetime.now(ZoneInfo("Europe/Zurich")) + timedelta(days=next(days) * 2)
    return day.replace(hour=10, minute=0, second=0, microsecond=0).astimezone(UTC)


async def join(booking: App, at: datetime, n: int, **more: Any) -> Answered:
    day = at.date().isoformat()
    body = {
        "service": "session",
        "ranges": [{"from": day, "until": day}],
        "client": KIM | {"name": f"Client {n}", "phone": f"+4179100{n:04d}"} | more.pop("client", {}),
        "consent": CONSENT,
    }
    return await booking.call("POST", WAITLIST, body | more, Idempotency_Key=f"{at.isoformat()}/{n}")


async def offered_to(booking: App, phone: str) -> Envelope[Any]:
    """The event that offers something to that number."""

    def said() -> Envelope[Any] | None:
        named = (one for one in booking.heard if one.type == "booking.waitlist.offered.v1")
        return next((one for one in named if one.data.client.phone == phone), None)

    found = await until(said)
    assert found is not None
    return found


async def free(booking: App, at: datetime) -> Answered:
    held = await booking.hold(at, practitioner="ana")
    await booking.request(held, name="Ola Nord", phone="+41791239999")
    cancelled = await booking.call(
        "POST", f"/booking/v1/appointments/{held.body['id']}/cancel", token=held.body["token"]
    )
    assert cancelled.body["state"] == "cancelled"
    return held


def token_of(said: Envelope[Any]) -> str:
    """As notify makes it for the link in the text."""
    return Tokens(SIGNING_KEY).mint(said.data.offer, said.practice, said.data.ends_at + timedelta(days=30))


async def test_from_a_cancellation_to_the_claim(booking: App, at: datetime) -> None:
    joined = await join(booking, at, 1)
    assert (joined.status, joined.body["state"]) == (201, "waiting")
    await free(booking, at)
    said = await offered_to(booking, "+41791000001")
    path, token = f"/booking/v1/offers/{said.data.offer}", token_of(said)

    shown = await booking.call("GET", path, token=token)
    assert (shown.status, shown.body["state"], shown.body["instant"]) == (200, "open", False)
    assert datetime.fromisoformat(shown.body["starts_at"]) == at
    waiting = await booking.call("GET", f"/booking/v1/waiting/{joined.body['id']}", token=joined.body["token"])
    assert waiting.body["offered"]["id"] == said.data.offer

    claimed = await booking.call("POST", f"{path}/claim", token=token)
    assert (claimed.status, claimed.body["state"], claimed.body["next"]) == (200, "requested", "answer")
    assert (await booking.call("POST", f"{path}/claim", token=token)).body == claimed.body
    await booking.decide(claimed.body["id"], "cleared")
    await booking.becomes(claimed, "confirmed")
    shown = await booking.call("GET", path, token=token)
    assert (shown.body["state"], shown.body["appointment"]) == ("claimed", claimed.body["id"])
    waiting = await booking.call("GET", f"/booking/v1/waiting/{joined.body['id']}", token=joined.body["token"])
    assert waiting.body["state"] == "claimed"
    assert await findings(booking.database) == []


async def test_a_client_whose_health_check_still_counts_is_confirmed_by_the_claim(booking: App, at: datetime) -> None:
    kim = {"name": "Kim Doe", "phone": "+41791000002"}
    earlier = await booking.hold(at + 5 * HOUR, practitioner="ben")
    await booking.request(earlier, **kim)
    await booking.decide(earlier.body["id"], "cleared")
    await booking.becomes(earlier, "confirmed")
    await join(booking, at, 2, client=kim)
    await free(booking, at)
    said = await offered_to(booking, "+41791000002")
    assert said.data.instant
    claimed = await booking.call("POST", f"/booking/v1/offers/{said.data.offer}/claim", token=token_of(said))
    assert (claimed.status, claimed.body["state"]) == (200, "confirmed")
    await until(lambda: booking.said_of(claimed) == ["confirmed"])


async def test_a_freeing_event_heard_again_makes_no_second_offer(booking: App, at: datetime) -> None:
    await join(booking, at, 3)
    await join(booking, at, 4)
    held = await free(booking, at)
    first = await offered_to(booking, "+41791000003")
    await until(lambda: "cancelled" in booking.said_of(held))
    cancelled = next(one for one in booking.heard if one.subject == held.body["id"] and "cancelled" in one.type)
    for _ in range(3):
        await booking.broker.publish(cancelled.to_json(), event_id=cancelled.id, name=cancelled.type, traceparent=None)
    await free(booking, at + 3 * HOUR)  # said later, so heard later
    await offered_to(booking, "+41791000004")
    offers = booking.database["offers"]
    assert await offers.count_documents({"seat.freed.event": cancelled.id}) == 1
    assert await offers.count_documents({"waiting": {"$ne": None}, "_id": first.data.offer}) == 1


async def test_the_practice_sees_the_line_page_by_page_and_may_take_somebody_out(booking: App, at: datetime) -> None:
    joined = [await join(booking, at, n) for n in (5, 6)]
    seen: list[dict[str, Any]] = []
    after = ""
    while True:
        page = (await booking.as_operator("GET", f"{WAITLIST}?limit=1{after}")).body
        seen += page["waiting"]
        if "next" not in page:
            break
        after = f"&after={page['next']}"
    ours = [one for one in seen if one["id"] in {each.body["id"] for each in joined}]
    assert [(one["client"]["name"], one["texts"]) for one in ours] == [("Client 5", True), ("Client 6", True)]
    assert all("token" not in one for one in seen)
    left = await booking.as_operator("DELETE", f"/booking/v1/waiting/{joined[0].body['id']}")
    assert (left.status, left.body["state"]) == (200, "left")


async def test_a_token_opens_its_own_entry_or_offer_only(booking: App, at: datetime) -> None:
    one, other = await join(booking, at, 7), await join(booking, at, 8)
    path = f"/booking/v1/waiting/{one.body['id']}"
    assert (await booking.call("GET", path)).code == "token-invalid"
    assert (await booking.call("DELETE", path, token=other.body["token"])).code == "token-invalid"
    assert (await booking.call("GET", WAITLIST, token=one.body["token"])).code == "operator-only"
    offer = f"/booking/v1/offers/{one.body['id']}"
    assert (await booking.call("GET", offer, token=one.body["token"])).code == "no-such-offer"


@pytest.mark.parametrize(
    "wrong",
    [
        {"ranges": []},
        {"ranges": [{"from": "2027-03-02", "until": "2027-03-01"}]},
        {"ranges": [{"from": "2020-03-02", "until": "2020-03-02"}]},
        {"ranges": [{"from": "2027-03-02", "until": "2027-03-02", "hours": [{"days": ["tue"], "starts": "12:00"}]}]},
        {
            "ranges": [
                {
                    "from": "2027-03-02",
                    "until": "2027-03-02",
                    "hours": [{"days": ["tue"], "starts": "12:00", "ends": "12:00"}],
                }
            ]
        },
        {"service": "dance"},
    ],
)
async def test_wishes_that_make_no_sense_are_refused(booking: App, at: datetime, wrong: dict[str, Any]) -> None:
    assert (await join(booking, at, 9, **wrong)).status == 422


async def test_the_page_of_an_offer_takes_the_time_with_one_button(booking: App, at: datetime) -> None:
    await join(booking, at, 10)
    await join(booking, at, 11)
    await free(booking, at)
    said = await offered_to(booking, "+41791000010")
    page = f"/booking/offer/{said.data.offer}?token={token_of(said)}"
    shown = _read((await booking.call("GET", page)).body["text"])
    assert "A time got free" in shown
    assert "10:00 to 11:00" in shown
    assert "Ana" in shown
    assert "Take this time" in shown
    async with booking.http.post(page, data={}, allow_redirects=False) as taken:
        assert taken.status == 303
        assert taken.headers["Location"].startswith(f"/screening/check/{_visit_of(said)}?token=")
    assert "You have taken it already" in _read((await booking.call("GET", page)).body["text"])


async def test_the_page_says_plainly_when_the_time_is_gone(booking: App, at: datetime) -> None:
    await join(booking, at, 12)
    await free(booking, at)
    said = await offered_to(booking, "+41791000012")
    page = f"/booking/offer/{said.data.offer}?token={token_of(said)}"
    stranger = await booking.hold(at, practitioner="ana")
    shown = _read((await booking.call("GET", page)).body["text"])
    assert "Somebody was faster" in shown
    assert "Take this time" not in shown
    assert "Choose another time" in shown
    async with booking.http.post(page, data={}, allow_redirects=False) as taken:
        assert taken.status == 409
        assert "Somebody was faster" in _read(await taken.text())
    await booking.request(stranger, phone="+41791239998")
    refused = await booking.call("POST", f"/booking/v1/offers/{said.data.offer}/claim", token=token_of(said))
    assert refused.code == "slot-taken"
    wrong = await booking.call("GET", f"/booking/offer/{said.data.offer}?token=none")
    assert "This link does not work any more" in wrong.body["text"]


def _read(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def _visit_of(said: Envelope[Any]) -> str:
    return appointment_id(said.practice, f"offer {said.data.offer}")


@dataclass(frozen=True, slots=True)
class Desk:
    """Booking over the real store; nothing is published."""

    booking: Booking
    database: Database
    time: Time

    async def join(self, n: int) -> Waiting:
        self.time.pass_(timedelta(seconds=1))
        wish = Wish(service="session", practitioner=None, ranges=(THAT_DAY,))
        person = a_person(name=f"Client {n}", phone=f"+4179100{n:04d}")
        return await self.booking.waitlist.join("still-water", wish, person, key=f"{n}", hand=CLIENT)

    async def free(self, at: datetime = TEN, key: str = "key") -> Envelope[Any]:
        """Booked and cancelled; what that said, unheard."""
        held = await self.booking.visits.hold("still-water", wants(at), key=key, hand=CLIENT)
        await self.booking.visits.request(held.id, a_person(phone="+41791239999"), hand=CLIENT)
        [said] = announce(await self.booking.visits.cancel(held.id, hand=CLIENT))
        return said

    async def hears(self, said: Envelope[Any]) -> None:
        await subscriptions(self.booking)[type(said.data)](said)

    async def offers(self) -> list[Offered]:
        found = [OfferId(one["_id"]) async for one in self.database["offers"].find(NOT_OLD).sort("seat.name")]
        return [(await self.booking.claims.look(id_)).offered for id_ in found]


@pytest.fixture
async def desk(mongo_url: str, database_name: str) -> AsyncIterator[Desk]:
    async with AsyncExitStack() as opened:
        database = await opened.enter_async_context(mongo.connect(SecretStr(mongo_url), database_name))
        relay = Relay(Bus(SecretStr("amqp://nobody"), "booking", 1))
        stores = await open_stores(database, relay)
        house = a_house(texting=AWAKE, waitlist=WaitlistPolicy(batch=10, offer_minutes=120))
        await stores.practices.put(Kept(house, 1), ())
        time = Time()
        yield Desk(Booking.of(stores, POLICY, time), database, time)


async def test_of_fifty_claims_by_ten_entries_at_once_one_wins(desk: Desk) -> None:
    people = [await desk.join(n) for n in range(10)]
    said = await desk.free()
    await asyncio.gather(*(desk.hears(said) for _ in range(5)))
    offers = await desk.offers()
    assert len(offers) == 10
    claims = (desk.booking.claims.claim(offers[n % 10].id, hand=CLIENT) for n in range(50))
    answers = await asyncio.gather(*claims, return_exceptions=True)
    won = {answer.id for answer in answers if isinstance(answer, Appointment)}
    told = Counter(type(answer).__name__ for answer in answers if not isinstance(answer, Appointment))
    assert len(won) == 1
    assert set(told) <= {"SlotTaken", "OfferExpired"}
    states = Counter([(await desk.booking.waitlist.get(one.id)).waiting.state for one in people])
    assert states == {Wait.CLAIMED: 1, Wait.WAITING: 9}
    announced = [len(one["outbox"]) async for one in desk.database["offers"].find({})]
    assert sorted(announced) == [1] + [2] * 9  # who lost it is told so
    assert await findings(desk.database) == []


async def test_a_claim_and_a_stranger_race_for_the_same_time(desk: Desk) -> None:
    await desk.join(0)
    await desk.hears(await desk.free())
    [offered] = await desk.offers()
    stranger = desk.booking.visits.hold("still-water", wants(), key="stranger", hand=CLIENT)
    answers = await asyncio.gather(desk.booking.claims.claim(offered.id, hand=CLIENT), stranger, return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["Appointment", "SlotTaken"]
    assert await findings(desk.database) == []


async def test_many_replicas_go_on_to_one_next_round(desk: Desk) -> None:
    for n in range(15):
        await desk.join(n)
    await desk.hears(await desk.free())
    desk.time.pass_(timedelta(hours=2))
    await asyncio.gather(*(desk.booking.offering.keep_time() for _ in range(4)))
    rounds = Counter([(one.seat.round, one.state) for one in await desk.offers()])
    assert rounds == {(1, Standing.EXPIRED): 10, (2, Standing.OPEN): 5}


async def test_nothing_that_is_over_is_looked_at(desk: Desk) -> None:
    await desk.database["waiting"].insert_many([_entry_of_old(n) for n in range(2_000)])
    await desk.database["offers"].insert_many([_offer_of_old(n) for n in range(2_000)])
    people = [await desk.join(n) for n in range(3)]
    said = await desk.free()
    await desk.database.command("profile", 2)
    await desk.hears(said)
    offers = await desk.offers()
    await desk.booking.claims.claim(offers[0].id, hand=CLIENT)
    await desk.booking.offering.keep_time()
    await desk.booking.waitlist.leave(people[1].id)
    await desk.booking.waitlist.listed("still-water", after=people[0].id, limit=10)
    assert len(offers) == 3
    await desk.database.command("profile", 0)
    profile = desk.database["system.profile"].find({"op": {"$in": ["query", "update"]}})
    looked_at = [one async for one in profile if one["ns"].rpartition(".")[2] in {"waiting", "offers"}]
    assert len(looked_at) > 10
    for query in looked_at:
        if query.get("command", {}).get("filter") == NOT_OLD:
            continue  # the test's own look
        assert "COLLSCAN" not in str(query.get("planSummary")), query
        assert query["docsExamined"] <= 12, query
        assert query["keysExamined"] <= 40, query


def _entry_of_old(n: int) -> dict[str, Any]:
    client = replace(a_client(), ref=f"{n:020d}")
    entry = Waiting(
        id=WaitingId(f"old {n}"), practice="still-water", service="session", practitioner=None, client=client,
        ranges=(THAT_DAY,), since=NOW - n * MINUTE, until=NOW, asked="", state=Wait.LEFT,
    )  # fmt: skip
    return waiting_document(entry)


def _offer_of_old(n: int) -> dict[str, Any]:
    starts_at = NOW - n * HOUR
    freed = Freed(event=f"old {n}", practitioner="ana", starts_at=starts_at, ends_at=starts_at + HOUR)
    offered = Offered(
        id=OfferId(f"old {n}"), practice="still-water", waiting=WaitingId(f"old {n}"),
        seat=Seat(freed=freed, round=1, name="text-0"), service="session", service_name="Session", practitioner="ana",
        practitioner_name="Ana", place_name="", place_address="", starts_at=starts_at, ends_at=starts_at + HOUR,
        zone="Europe/Zurich", made_at=NOW, expires_at=NOW, instant=False, state=Standing.EXPIRED,
    )  # fmt: skip
    return offered_document(offered)
