"""Texts over Twilio's wire protocol and a real database: every fault ends with the text at the phone once."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # no types

from deploy.twilio_emulator.account import Account as EmulatedAccount
from deploy.twilio_emulator.app import Emulator, started
from deploy.twilio_emulator.faults import Fault, Kind
from services.notify import gateway
from services.notify.actions.posting import Habits
from services.notify.app import open_stores
from services.notify.domain.delivery import Message, State
from services.notify.domain.provider import Accepted, NotCreated, Refused, Unknown
from services.notify.domain.turns import Pace
from services.notify.gateway import Signatures, Twilio
from services.notify.ports import Outgoing, Stores
from shared import mongo
from shared.bus import Bus
from shared.clock import utc_now
from shared.mongo import Database
from shared.relay import Relay
from tests.support.notify import (
    CHECK,
    OFFER,
    PHONE,
    Clock,
    Worker,
    code,
    message,
    offer,
    practice,
    receipt_at,
    steps,
    visit,
)
from tests.support.waiting import until

SID, TOKEN, NUMBER = "AC" + "0" * 32, "token-of-the-emulator", "+15005550006"
NOTHING = receipt_at("none", "none")


@dataclass(frozen=True, slots=True)
class Sky:
    """A provider on the wire and a database, both real as far as notify can tell."""

    stores: Stores
    database: Database
    emulator: Emulator
    twilio: Twilio
    clock: Clock

    def worker(self, **habits: Any) -> Worker:
        return Worker(self.stores, self.twilio, self.clock, habits=Habits(**habits))

    @property
    def bodies(self) -> Counter[str]:
        return Counter(text.body for text in self.emulator.messages)

    async def states(self) -> dict[str, State]:
        return {text.step: text.state for text in await self.stores.messages.of(visit().appointment)}


@pytest.fixture
async def sky(mongo_url: str, database_name: str) -> AsyncIterator[Sky]:
    async with AsyncExitStack() as opened:
        database = await opened.enter_async_context(mongo.connect(SecretStr(mongo_url), database_name))
        stores = await open_stores(database, Relay(Bus(SecretStr("amqp://nobody"), "notify", 1)), b"k" * 32)
        running = await opened.enter_async_context(started(EmulatedAccount(sid=SID, auth_token=TOKEN, number=NUMBER)))
        account = gateway.Account(sid=SID, auth_token=SecretStr(TOKEN), base=running.url, number=NUMBER, service=None)
        twilio = await opened.enter_async_context(Twilio.open(account))
        await stores.practices.keep(practice())
        # The emulator lives in the present, and so does the clock of this test: the visit is a week ahead of it.
        yield Sky(stores, database, running.emulator, twilio, Clock(utc_now()))


def ahead(of: Clock, **changes: Any) -> Any:
    """A visit confirmed at this moment, in a zone where it is noon."""
    return visit(starts_at=of() + timedelta(days=7), since=of(), client_zone=noon(of), zone="UTC", **changes)


def noon(clock: Clock) -> str:
    hours = 12 - clock().hour
    return "UTC" if hours == 0 else f"Etc/GMT{-hours:+d}"


def outgoing(**changes: Any) -> Outgoing:
    text = Outgoing(to=PHONE, body="See you", receipt_url=NOTHING, validity=timedelta(hours=1))
    return replace(text, **changes)


async def test_a_text_is_accepted_and_listed(sky: Sky) -> None:
    accepted = await sky.twilio.send(outgoing())
    found = await sky.twilio.find(PHONE, "See you", frozenset())

    assert isinstance(accepted, Accepted)
    assert found is not None
    assert found.sid == accepted.sid
    assert await sky.twilio.find(PHONE, "See you not", frozenset()) is None
    assert await sky.twilio.find(PHONE, "See you", {found.sid}) is None


@pytest.mark.parametrize(
    ("fault", "kind", "arrives"),
    [
        (Fault(kind=Kind.TOO_MANY_REQUESTS, retry_after=7), NotCreated, 0),
        (Fault(kind=Kind.ERROR_BEFORE), Unknown, 0),
        (Fault(kind=Kind.ERROR_AFTER), Unknown, 1),
        (Fault(kind=Kind.RESET_BEFORE), Unknown, 0),
        (Fault(kind=Kind.RESET_AFTER), Unknown, 1),
        (Fault(kind=Kind.EMPTY), Unknown, 1),
        (Fault(kind=Kind.HTML), Unknown, 1),
    ],
    ids=lambda value: str(value.kind) if isinstance(value, Fault) else None,
)
async def test_each_fault_is_told_apart_and_nothing_is_posted_twice(
    sky: Sky, fault: Fault, kind: type, arrives: int
) -> None:
    sky.emulator.faults.add(fault)

    outcome = await sky.twilio.send(outgoing())

    assert isinstance(outcome, kind)
    assert len(sky.emulator.messages) == arrives
    if isinstance(outcome, NotCreated):
        assert outcome.retry_after == timedelta(seconds=7)


async def test_a_post_that_hangs_is_given_up_as_unknown(sky: Sky, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "WHOLE_POST", gateway.aiohttp.ClientTimeout(total=0.2))
    sky.emulator.faults.add(Fault(kind=Kind.TIMEOUT_AFTER, seconds=1))

    assert isinstance(await sky.twilio.send(outgoing()), Unknown)
    assert len(sky.emulator.messages) == 1


async def test_nobody_listening_means_that_nothing_was_made(sky: Sky) -> None:
    nowhere = gateway.Account(
        sid=SID, auth_token=SecretStr(TOKEN), base="http://127.0.0.1:9", number=NUMBER, service=None
    )
    async with Twilio.open(nowhere) as twilio:
        assert isinstance(await twilio.send(outgoing()), NotCreated)


async def test_wrong_credentials_and_bad_numbers_are_refusals(sky: Sky) -> None:
    account = gateway.Account(sid=SID, auth_token=SecretStr("wrong"), base=str(_base(sky)), number=NUMBER, service=None)
    async with Twilio.open(account) as twilio:
        assert await twilio.send(outgoing()) == Refused(20003)
    assert await sky.twilio.send(outgoing(to="+1500")) == Refused(21211)


def _base(sky: Sky) -> str:
    return sky.twilio._client.http_client._base.geturl()


# The emulator goes on with a text while the test goes on with its own.
THERE = frozenset({State.ACCEPTED, State.SENT, State.DELIVERED})
FAULTS = [
    Fault(kind=Kind.TOO_MANY_REQUESTS),
    Fault(kind=Kind.ERROR_BEFORE),
    Fault(kind=Kind.ERROR_AFTER),
    Fault(kind=Kind.RESET_BEFORE),
    Fault(kind=Kind.RESET_AFTER),
    Fault(kind=Kind.EMPTY),
    Fault(kind=Kind.HTML),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(fault.kind))
async def test_after_any_fault_the_text_is_at_the_phone_exactly_once(sky: Sky, fault: Fault) -> None:
    sky.emulator.faults.add(fault)
    worker = sky.worker()
    await worker.hears(ahead(sky.clock))

    for _ in range(8):
        await worker.sending.send_due()
        sky.clock.forward(timedelta(seconds=61))

    assert list(sky.bodies.values()) == [1]
    assert (await sky.states())["booked"] in THERE


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(fault.kind))
async def test_after_any_fault_an_offer_and_a_code_are_at_the_phone_exactly_once(sky: Sky, fault: Fault) -> None:
    at = sky.clock()
    for _ in range(2):
        sky.emulator.faults.add(fault)
    worker = sky.worker()
    later = at + timedelta(hours=1)
    await worker.told(offer(at=at, expires_at=later, starts_at=at + timedelta(days=1), client_zone=noon(sky.clock)))
    await worker.told(code(at=at, expires_at=later))

    for _ in range(8):
        await worker.sending.send_due()
        sky.clock.forward(timedelta(seconds=61))

    assert list(sky.bodies.values()) == [1, 1]
    for about in (OFFER, CHECK):
        assert [text.state in THERE for text in await sky.stores.messages.of(about)] == [True]


@pytest.mark.parametrize("apart", [timedelta(minutes=5), timedelta(minutes=-5)], ids=["ahead", "behind"])
async def test_no_text_comes_twice_because_the_clocks_are_apart(sky: Sky, apart: timedelta) -> None:
    sky.clock.forward(apart)
    sky.emulator.faults.add(Fault(kind=Kind.ERROR_AFTER))
    worker = sky.worker()
    await worker.hears(ahead(sky.clock))

    for _ in range(8):
        await worker.sending.send_due()
        sky.clock.forward(timedelta(seconds=61))

    assert list(sky.bodies.values()) == [1]


async def test_nobody_waits_longer_than_an_hour_when_told_to_slow_down(sky: Sky) -> None:
    sky.emulator.faults.add(Fault(kind=Kind.TOO_MANY_REQUESTS, retry_after=86_400))

    assert await sky.twilio.send(outgoing()) == NotCreated("slow_down", timedelta(hours=1))


async def test_two_faults_in_a_row_still_end_with_one_text(sky: Sky) -> None:
    for kind in (Kind.ERROR_BEFORE, Kind.RESET_BEFORE):
        sky.emulator.faults.add(Fault(kind=kind))
    worker = sky.worker()
    await worker.hears(ahead(sky.clock))

    for _ in range(16):
        await worker.sending.send_due()
        sky.clock.forward(timedelta(seconds=61))

    assert list(sky.bodies.values()) == [1]


async def test_an_opt_out_that_only_the_provider_knows_is_learned(sky: Sky) -> None:
    sky.emulator.messages.opt(PHONE, out=True)
    worker = sky.worker()
    await worker.hears(ahead(sky.clock))
    await worker.sending.send_due()

    assert (await sky.states())["booked"] is State.SKIPPED
    entries = await sky.stores.contacts.of_number(PHONE)
    assert [entry.word.value for entry in entries] == ["consented", "stopped"]


async def test_many_workers_share_the_due_texts_and_send_each_once(sky: Sky) -> None:
    of = ahead(sky.clock)
    await sky.stores.visits.keep(of)
    for n in range(60):
        each = replace(of, appointment=f"{n:02d}".translate(str.maketrans("0123456789", "abcdefghij")) + "a" * 24)
        await sky.stores.visits.keep(each)
        await sky.stores.messages.save([_booked(each)])

    await asyncio.gather(*(sky.worker(batch=7, at_once=5).sending.send_due() for _ in range(6)))

    assert len(sky.emulator.messages) == 60
    assert set(sky.bodies.values()) == {1}


def _booked(of: Any) -> Message:
    return message(steps(of)["booked"], of, code=secrets.token_hex(4))


async def test_a_worker_that_lost_its_lease_cannot_write_its_result(sky: Sky) -> None:
    of = ahead(sky.clock)
    await sky.stores.visits.keep(of)
    await sky.stores.messages.save([_booked(of)])
    [mine] = await sky.stores.messages.claim(sky.clock(), limit=1, lease=timedelta(milliseconds=1))
    other = sky.worker(pace=Pace())
    await until(lambda: sky.stores.messages.lapsed(1))
    await other.sending.send_due()

    assert await sky.stores.messages.save([replace(mine, state=State.SENDING)]) == []
    assert len(sky.emulator.messages) == 1


QUERIES = {
    "claim": {"state": "planned", "due": {"$lte": utc_now()}},
    "timeline": {"appointment": "a"},
    "code": {"code": "a"},
    "last_sent": {"to": PHONE, "sent_at": {"$lt": utc_now()}},
    "lapsed": {
        "state": {"$in": ["claimed", "sending"]},
        "due": {"$gt": utc_now()},
        "$expr": {"$lt": ["$until", "$$NOW"]},
    },
}


@pytest.mark.parametrize("query", QUERIES)
async def test_every_question_about_texts_is_answered_by_an_index(sky: Sky, query: str) -> None:
    plan = await sky.database.command(
        {"explain": {"find": "messages", "filter": QUERIES[query]}, "verbosity": "queryPlanner"}
    )

    assert "COLLSCAN" not in str(plan["queryPlanner"]["winningPlan"])


async def test_the_visits_of_a_course_are_found_by_an_index(sky: Sky) -> None:
    asked = {"seat.course": {"$in": ["c" * 26]}, "ends_at": {"$gt": utc_now()}}
    plan = await sky.database.command({"explain": {"find": "visits", "filter": asked}, "verbosity": "queryPlanner"})

    assert "of_course" in str(plan["queryPlanner"]["winningPlan"])


def test_webhooks_signed_with_either_token_get_in_while_they_change_places() -> None:
    other, path, form = "t" * 32, "/notify/v1/twilio/inbound", {"MessageSid": "SM1"}
    both = Signatures("https://still.example", SecretStr(TOKEN), SecretStr(other))
    alone = Signatures("https://still.example", SecretStr(TOKEN))
    signed = RequestValidator(other).compute_signature("https://still.example" + path, form)

    assert both.match(path, form, signed)
    assert not alone.match(path, form, signed)


def test_a_signature_covers_address_and_form() -> None:
    signatures = Signatures("https://still.example", SecretStr(TOKEN))
    form = {"MessageSid": "SM1", "Body": "", "From": PHONE}
    path = "/notify/v1/twilio/inbound?x=%2B1"
    signed = RequestValidator(TOKEN).compute_signature("https://still.example" + path, form)

    assert signatures.match(path, form, signed)
    assert not signatures.match(path, {**form, "Body": "C"}, signed)
    assert not signatures.match("/notify/v1/twilio/inbound", form, signed)
    assert not signatures.match(path, form, "")
