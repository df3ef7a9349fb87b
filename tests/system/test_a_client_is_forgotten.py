"""A client is exported from all three services, and then forgotten by all three, whatever comes late."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import aio_pika
import pytest
from pymongo import MongoClient

from services.booking.domain.identity import client_ref
from shared.bus import EVENTS
from shared.events import Envelope, envelope
from shared.events.booking import (
    AppointmentConfirmed,
    AppointmentRequested,
    Client,
    ClientMerged,
    Consent,
    ServiceFacts,
)
from tests.support.phone import Phone
from tests.support.running import OPERATOR_KEY
from tests.support.story import Booking, Refused, daylight
from tests.support.waiting import until
from tests.system.conftest import PRACTICE, Stage
from tests.system.test_one_booking import answers, held

CLIENTS = f"/booking/v1/practices/{PRACTICE}/clients"
DATABASES = ("BOOKING", "SCREENING", "SCREENING_VAULT", "NOTIFY")


async def came(stage: Stage, booking: Booking, phone: Phone, name: str) -> Booking:
    """Booked, checked, texted, answered and cancelled: something of the client in every collection there is."""
    client = {"name": name, "phone": phone.number, "locale": "en", "zone": daylight()}
    body = {"client": client, "consent": {"texts": True, "wording": "Text me."}}
    await stage.widget.call("POST", f"/booking/v1/appointments/{booking.id}/request", token=booking.token, body=body)
    await booking.answer(await answers(stage))
    await until(lambda: phone.saw("your visit is booked for"), within=20)
    await phone.text("C")
    return booking


async def cancelled(booking: Booking, phone: Phone) -> None:
    await booking.cancel()
    await until(lambda: phone.saw("is cancelled"), within=20)


async def asked(stage: Stage, path: str) -> str:
    told = await stage.widget.call("POST", f"{CLIENTS}/{path}", token=OPERATOR_KEY, key=secrets.token_hex(8))
    return str(told["id"])


async def receipt(stage: Stage, ask: str) -> dict[str, Any]:
    """Once all three services have answered."""
    path = f"/booking/v1/practices/{PRACTICE}/asks/{ask}"

    async def complete() -> dict[str, Any] | None:
        found = await stage.widget.call("GET", path, token=OPERATOR_KEY)
        return found if "completed_at" in found else None

    found = await until(complete, within=20)
    assert found is not None
    return found


@contextmanager
def everything(stage: Stage) -> Iterator[MongoClient[dict[str, Any]]]:
    with MongoClient[dict[str, Any]](stage.system.environment["STILLPOINT_MONGO_URL"]) as client:
        yield client


def where(stage: Stage, *words: str) -> set[str]:
    """The collections, of all databases of the product, in whose bytes one of these is found."""
    found = set()
    with everything(stage) as client:
        for service in DATABASES:
            database = client[stage.system.environment[f"STILLPOINT_{service}_DATABASE"]]
            for name in database.list_collection_names():
                for batch in database[name].find_raw_batches():
                    found |= {f"{service}.{name}" for word in words if word.encode() in batch}
    return found


async def say(stage: Stage, *said: Envelope[Any]) -> None:
    connection = await aio_pika.connect(stage.system.environment["STILLPOINT_RABBIT_URL"])
    async with connection:
        channel = await connection.channel()
        exchange = await channel.get_exchange(EVENTS, ensure=False)
        for one in said:
            message = aio_pika.Message(
                one.to_json(), type=one.type, headers={"event-id": one.id}, message_id=secrets.token_hex(8)
            )
            await exchange.publish(message, one.type)


def late(booking: Booking, name: str, phone: str, ref: str) -> list[Envelope[Any]]:
    """What was on its way while the client was forgotten."""
    at = datetime.now(UTC)
    consent = Consent(texts=True, wording="Text me.", given_at=at - timedelta(hours=1))
    snapshot: dict[str, Any] = {
        "appointment": booking.id,
        "service": ServiceFacts(id="session", name="Session", length_minutes=60, screening="cst-core"),
        "practitioner": "ana",
        "practitioner_name": "Ana",
        "place_name": "Still Water",
        "place_address": "Seestrasse 1",
        "starts_at": at + timedelta(days=2),
        "ends_at": at + timedelta(days=2, hours=1),
        "zone": "Europe/Zurich",
        "client": Client(ref=ref, name=name, phone=phone, locale="en", zone="Europe/Zurich", consent=consent),
    }
    facts = (
        (AppointmentRequested(**snapshot, state="requested"), booking.id, 2),
        (AppointmentConfirmed(**snapshot, state="confirmed"), booking.id, 99),
        (ClientMerged(ref=ref, into="f" * 20), "f" * 20, 99),
    )
    return [envelope(fact, subject=about, practice=PRACTICE, sequence=n, at=at) for fact, about, n in facts]


async def test_a_client_is_exported_whole_and_then_forgotten_for_good(stage: Stage) -> None:
    phone, other = stage.new_phone(), stage.new_phone()
    name, others_name = f"Kim {secrets.token_hex(6)}", f"Pat {secrets.token_hex(6)}"
    one, two = await held(stage), await held(stage)  # each the first that is free, so not at once
    booking, others = await asyncio.gather(came(stage, one, phone, name), came(stage, two, other, others_name))
    ref, others_ref = client_ref(PRACTICE, phone.number), client_ref(PRACTICE, other.number)

    with pytest.raises(Refused) as refused:
        await asked(stage, f"{ref}/erase")
    assert (refused.value.code, refused.value.problem["visits"]) == ("has-upcoming-visits", [booking.id])
    await asyncio.gather(cancelled(booking, phone), cancelled(others, other))

    await _exported(stage, await asked(stage, f"{ref}/export"), booking, name, phone.number)
    seen = where(stage, name, phone.number)
    assert {"BOOKING.appointments", "BOOKING.clients", "NOTIFY.visits", "NOTIFY.messages", "NOTIFY.replies"} <= seen

    erasure = await receipt(stage, await asked(stage, f"{ref}/erase"))
    assert sorted(one["service"] for one in erasure["answers"]) == ["booking", "notify", "screening"]
    assert all(one["records"] > 0 for one in erasure["answers"])

    def forgotten() -> bool:
        return not where(stage, name, phone.number)

    async def is_forgotten() -> bool:
        return await asyncio.to_thread(forgotten)

    await until(is_forgotten)  # what has been published leaves its outbox a moment later
    assert where(stage, f"{PRACTICE}/{booking.id}") == set()  # the key of the health check

    await say(stage, *late(booking, name, phone.number, ref))
    await receipt(stage, await asked(stage, f"{others_ref}/export"))  # heard after all that came late

    await until(is_forgotten)
    assert where(stage, name, phone.number) == set()
    assert {"BOOKING.clients", "NOTIFY.visits"} <= where(stage, others_name, other.number)
    assert await _code(stage, f"{CLIENTS}/{ref}") == "no-such-client"
    assert (await booking.look())["state"] == "cancelled"


async def _exported(stage: Stage, ask: str, booking: Booking, name: str, number: str) -> None:
    parts = (await receipt(stage, ask))["parts"]
    own, health, texts = [
        await stage.widget.call("GET", parts[one], token=OPERATOR_KEY) for one in ("booking", "screening", "notify")
    ]

    assert [(one["name"], one["phone"]) for one in own["records"]] == [(name, number)]
    assert [one["id"] for one in own["visits"]] == [booking.id]
    assert [one["appointment"] for one in health["cases"]] == [booking.id]
    assert health["cases"][0]["answers"]["q_aneurysm"] == "no"
    assert any("your visit is booked for" in (one["body"] or "") for one in texts["texts"])
    assert [one["meaning"] for one in texts["replies"]] == ["confirm"]
    assert [one["word"] for one in texts["consents"]] == ["consented"]


async def _code(stage: Stage, path: str) -> str:
    with pytest.raises(Refused) as refused:
        await stage.widget.call("GET", path, token=OPERATOR_KEY)
    return refused.value.code
