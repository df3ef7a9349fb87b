"""Nothing of an answer or a note is anywhere but in the vault's ciphers, whatever way it came and went wrong."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import aio_pika
import aiohttp
import pytest
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient

from deploy.devstack import broker, database
from deploy.devstack.broker import Broker
from deploy.devstack.database import Database
from services.booking.domain.identity import client_ref
from shared.bus import EVENTS
from tests.support.backends import RabbitBackend
from tests.support.marks import found_in
from tests.support.running import OPERATOR_KEY, SERVICES, Running, running
from tests.support.story import Booking, Refused, Widget
from tests.support.waiting import until
from tests.system.conftest import PRACTICE, load_demo_practice

WORDS = {
    "answer": 'Quokkawörter "über" <alles> & 7f3a-Zyx',
    "wrong": "Wombatzahl 9b1c",
    "note": "Numbatnotiz der Praxis",
    "to_client": "Potoroobitte an dich",
    "profession": "Bilbyheilkunde",
    "given_by": "Dr Quollinger",
    "appeal": "Dibblerwunsch",
    "reason": "Kowarigrund",
    "attachment": "Phascogalebefund",
    "birth": "1931-07-19",
}
"""What no program says of itself."""
DATABASES = ("BOOKING", "SCREENING", "SCREENING_VAULT", "NOTIFY")
CODES = ("anticoagulant", "ANTICOAGULANT", "thunderclap", "RED_FLAG", "OTHER_TEXT", "WITHHELD:", "UNSURE:q_")
"""What the rules say, and what is chosen from a list; it stands in the answers to those who may read them."""


@dataclass(slots=True)
class Watched:
    """The whole product, and everything that came out of it."""

    system: Running
    http: aiohttp.ClientSession
    widget: Widget
    folder: Path
    heard: list[bytes] = field(default_factory=list)
    refusals: list[bytes] = field(default_factory=list)
    headers: list[bytes] = field(default_factory=list)
    statuses: set[int] = field(default_factory=set)
    shown: list[str] = field(default_factory=list)

    @property
    def mongo_url(self) -> str:
        return self.system.environment["STILLPOINT_MONGO_URL"]

    async def send(
        self, method: str, path: str, *, token: str = OPERATOR_KEY, **sent: Any
    ) -> tuple[int, dict[str, Any]]:
        """One request as it is; `json` or `data` is its body. 0 if the connection broke."""
        url = f"{self.system.origins[path.split('/')[1]]}{path}"
        given = {"Authorization": f"Bearer {token}", **sent.pop("headers", {})}
        with suppress(aiohttp.ClientError):
            async with self.http.request(method, url, headers=given, allow_redirects=False, **sent) as answer:
                raw = await answer.read()
                self.headers.append(repr(answer.headers).encode())
                if answer.status >= 400:
                    self.refusals.append(raw)
                self.statuses.add(answer.status)
                if answer.status < 400 and found_in({"body": raw}, [WORDS["answer"]]):
                    self.shown.append(path)
                told = json.loads(raw) if "json" in answer.content_type and raw else {}
                return answer.status, told if isinstance(told, dict) else {}
        return 0, {}

    async def answer(self, booking: Booking, answers: dict[str, Any]) -> int:
        path = f"/screening/v1/appointments/{booking.id}/answers"
        status, _ = await self.send(
            "PUT", path, token=booking.token, json={"questionnaire": "cst-core", "answers": answers}
        )
        return status

    async def everything(self) -> dict[str, bytes]:
        """All that somebody without a key of the vault could find."""
        places = {"events": b"\n".join(self.heard), "refusals": b"\n".join(self.refusals)}
        places["headers"] = b"\n".join(self.headers)
        for log in self.folder.rglob("*.log*"):
            if log.is_file():
                places[f"log {log.name}"] = log.read_bytes()
        for service, origin in self.system.origins.items():
            async with self.http.get(f"{origin}/{service}/metrics") as answer:
                places[f"metrics of {service}"] = await answer.read()
        return places | await asyncio.to_thread(self._stored)

    def _stored(self) -> dict[str, bytes]:
        as_stored = CodecOptions(document_class=RawBSONDocument)
        ours = {self.system.environment[f"STILLPOINT_{name}_DATABASE"] for name in DATABASES}
        with MongoClient[RawBSONDocument](self.mongo_url, document_class=RawBSONDocument) as client:
            return {
                f"collection {name}.{collection}": b"".join(
                    one.raw for one in client[name].get_collection(collection, codec_options=as_stored).find()
                )
                for name in ours
                for collection in client[name].list_collection_names()
            }


@pytest.fixture
async def watched(mongo_url: str, rabbit: RabbitBackend, tmp_path: Path) -> AsyncIterator[Watched]:
    async with watching(tmp_path, mongo_url, rabbit) as seen:
        yield seen


@asynccontextmanager
async def watching(folder: Path, mongo_url: str, rabbit: RabbitBackend) -> AsyncIterator[Watched]:
    async with AsyncExitStack() as opened:
        system = await opened.enter_async_context(talkative(folder, mongo_url, rabbit))
        http = await opened.enter_async_context(aiohttp.ClientSession())
        seen = Watched(system, http, Widget(http, system.origins, PRACTICE, OPERATOR_KEY), folder)
        await opened.enter_async_context(listening(seen, rabbit.url))
        await load_demo_practice(seen.widget)
        yield seen


@asynccontextmanager
async def talkative(folder: Path, mongo_url: str, rabbit: RabbitBackend) -> AsyncIterator[Running]:
    """Everything that any library logs is kept."""
    async with running(
        folder,
        mongo_url=mongo_url,
        rabbit=rabbit,
        services=(),
        log_level="DEBUG",
        notify_quiet_from="",
        booking_tick_seconds="0.5",
    ) as system:
        system.environment["PYTHONASYNCIODEBUG"] = "1"
        for service in SERVICES:
            system.commands[service] = (sys.executable, "-m", "tests.support.talkative", service)
        await asyncio.gather(*(system.start(service) for service in SERVICES))
        yield system


@asynccontextmanager
async def listening(seen: Watched, url: str) -> AsyncIterator[None]:
    """Hears every event there is, with all its headers, for as long as the broker is there."""
    connection = await aio_pika.connect(url)
    try:
        channel = await connection.channel()
        for exchange in (EVENTS, "stillpoint.dead"):
            queue = await channel.declare_queue(exclusive=True)
            await queue.bind(exchange, "#")
            await queue.consume(partial(_hear, seen), no_ack=True)
        yield
    finally:
        with suppress(Exception):  # it was killed with its broker
            await connection.close()


async def _hear(seen: Watched, message: aio_pika.abc.AbstractIncomingMessage) -> None:
    seen.heard.append(repr(message.info()).encode() + message.body)


async def booked(seen: Watched, phone: str) -> Booking:
    after = datetime.now(UTC) + timedelta(hours=30)
    slots = await seen.widget.times("session", days="7")
    slot = next(slot for slot in slots if datetime.fromisoformat(slot["starts_at"]) > after)
    booking = await seen.widget.hold("session", slot)
    await booking.request(phone)
    return booking


async def marked(seen: Watched) -> dict[str, Any]:
    form = await seen.widget.clear_answers("session")
    own = {"dob": WORDS["birth"], "q_other_text": WORDS["answer"], "q_blood_thinners": "anticoagulant"}
    return {**form["answers"], **own}


def misfits(answers: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Of every kind there is."""
    word = WORDS["wrong"]
    yield answers | {"q_aneurysm": word}
    yield answers | {"q_aneurysm": [word, {word: word}]}
    yield answers | {"q_red_flags": [word]}
    yield answers | {"q_red_flags": word}
    yield answers | {"dob": word}
    yield answers | {"dob": "1831-07-19"}
    yield answers | {f"{word} illness": "yes"}
    yield answers | {"q_other_text": word * 200}
    yield answers | {"q_head_injury": "yes", "q_head_injury_date": {"kind": word, "value": word}}


def mangled(word: str) -> Iterator[dict[str, Any]]:
    """Bodies that are none."""
    yield {"json": {"questionnaire": word, "answers": {word: word}, word: word}}
    yield {"json": {"answers": word, "note": {word: word}, "reason": [word], "dob": word, "proof": word}}
    yield {"json": [word]}
    yield {"data": f'{{"answers": {{"q_other_text": "{word}'.encode(), "headers": {"Content-Type": "application/json"}}
    yield {"data": b"\xff\xfe" + word.encode("utf-16"), "headers": {"Content-Type": "application/json"}}
    yield {"data": (f'{{"answers": "{word}' + "x" * 300_000).encode(), "headers": {"Content-Type": "application/json"}}
    yield {"data": word.encode(), "headers": {"Content-Type": "text/plain"}}
    yield {"data": word.encode(), "headers": {"Content-Type": "application/pdf"}}
    yield {"data": {word: word}}
    yield {"json": {}, "params": {"locale": word, "service": word, word: word}}


async def storm(seen: Watched, booking: Booking) -> None:
    """Mangled bodies to every operation that screening describes, also those that come after this was written."""
    _, described = await seen.send("GET", "/screening/v1/openapi.json")
    known = {"appointment": booking.id, "practice": PRACTICE}
    for path, operations in described["paths"].items():
        filled = re.sub(r"\{(\w+)\}", lambda found: known.get(found[1], "x" * 20), path)
        address = filled if filled.startswith("/screening") else f"/screening{filled}"
        for method in operations.keys() & {"get", "put", "post", "patch", "delete"}:
            for token in (booking.token, OPERATOR_KEY):
                for body in mangled(WORDS["wrong"]) if method != "get" else ({"params": {"locale": WORDS["wrong"]}},):
                    await seen.send(method.upper(), address, token=token, **body)
    for body in mangled(WORDS["wrong"]):
        await seen.send("POST", f"/screening/check/{booking.id}?token={booking.token}", **body)


async def decide(seen: Watched, booking: Booking, **said: Any) -> int:
    _, case = await seen.send("GET", f"/screening/v1/cases/{booking.id}")
    body = {"note": WORDS["note"], "version": case.get("version", 0), "decided_by": "Ines", **said}
    path = f"/screening/v1/cases/{booking.id}/decision"
    status, _ = await seen.send("POST", path, json=body)
    if status == 422:  # while whoever decides is not named in the body
        status, _ = await seen.send(
            "POST", path, json={name: part for name, part in body.items() if name != "decided_by"}
        )
    return status


async def optional(seen: Watched, booking: Booking) -> None:
    """What a client or the practice may do besides; not every state allows it."""
    at = f"/screening/v1/appointments/{booking.id}"
    for method, path, body in (
        ("POST", f"{at}/recognise", {"dob": WORDS["birth"]}),
        ("POST", f"{at}/review", {"words": WORDS["appeal"]}),
        ("POST", f"{at}/words", {"words": WORDS["appeal"]}),
    ):
        await seen.send(method, path, token=booking.token, json=body)
    pdf = b"%PDF-1.4 " + WORDS["attachment"].encode()
    for kind in ("application/pdf", "image/png", "text/plain"):
        await seen.send("POST", f"{at}/attachments", token=booking.token, data=pdf, headers={"Content-Type": kind})
    form = aiohttp.FormData({"file": WORDS["attachment"]})
    form.add_field("file", pdf, filename=f"{WORDS['attachment']}.pdf", content_type="application/pdf")
    await seen.send("POST", f"{at}/attachments", token=booking.token, data=form)
    await seen.send(
        "POST",
        f"/screening/v1/cases/{booking.id}/corrections",
        json={"questions": ["q_aneurysm"], "note": WORDS["note"], "corrected_by": "Ines"},
    )
    client = "x" * 20
    held = f"/screening/v1/practices/{PRACTICE}/clients/{client}/hold"
    await seen.send("PUT", held, json={"reason": WORDS["reason"] * 2})
    await seen.send("DELETE", held)


async def evaluate(seen: Watched, answers: dict[str, Any]) -> int:
    body = {
        "questionnaire": "cst-core",
        "practice_tz": "Europe/Zurich",
        "submitted_at": "2026-11-20T09:30:00Z",
        "client": {"dob": answers["dob"]},
        "respondent_role": "self",
        "answers": {name: value for name, value in answers.items() if name not in {"dob", "respondent_role"}},
    }
    status, _ = await seen.send("POST", f"/screening/v1/practices/{PRACTICE}/evaluate", json=body)
    return status


async def ordinary_days(seen: Watched) -> list[Booking]:
    """Handed in, asked back, answered again, approved, declined, urgent, exported, erased."""
    answers = await marked(seen)
    first, second, third = [await booked(seen, f"+4179000000{n}") for n in range(3)]
    for wrong in misfits(answers):
        assert await seen.answer(first, wrong) == 422
    await storm(seen, first)
    assert await evaluate(seen, answers) == 200
    assert await seen.answer(first, answers) in {200, 202}
    await until(lambda: first.is_("in_review"))
    await optional(seen, first)
    assert await decide(seen, first, decision="approve", note="x", to_client=WORDS["to_client"]) == 422
    assert await decide(seen, first, decision="more_info", to_client=WORDS["to_client"]) == 200
    assert await seen.answer(first, answers | {"q_other_text": f"{WORDS['answer']} again"}) == 200
    clearance = {
        "given_by": WORDS["given_by"],
        "profession": WORDS["profession"],
        "given_on": "2026-11-19",
        "form": "verbal",
    }
    assert await decide(seen, first, decision="approve", clearance=clearance) == 200
    await until(lambda: first.is_("confirmed"))
    assert await seen.answer(second, answers | {"q_aneurysm": "yes"}) in {200, 202}
    await until(lambda: second.is_("declined"))
    await optional(seen, second)
    assert await decide(seen, second, decision="approve") in {409, 422}
    assert await seen.answer(third, answers | {"q_red_flags": ["thunderclap"], "q_aneurysm": "skip"}) in {200, 202}
    await until(lambda: third.is_("declined"))
    await seen.send("GET", f"/screening/v1/appointments/{third.id}/outcome", token=third.token)
    return [first, second, third]


async def damaged(seen: Watched, booking: Booking) -> None:
    """Errors of which nobody thought: what is stored no longer opens, or no longer fits."""
    name = seen.system.environment["STILLPOINT_SCREENING_DATABASE"]
    for change in ({"submission.outcome": "odd"}, {"submission.sealed": b"\x02" + b"x" * 80}, {"state": "odd"}):

        def spoil(change: dict[str, Any] = change) -> None:
            with MongoClient[dict[str, Any]](seen.mongo_url) as client:
                client[name]["cases"].update_one({"_id": booking.id}, {"$set": change}, bypass_document_validation=True)

        await asyncio.to_thread(spoil)
        status, _ = await seen.send("GET", f"/screening/v1/cases/{booking.id}")
        assert status == 500
        assert await seen.answer(booking, await marked(seen)) == 500


async def outages(seen: Watched, mongo: Database, rabbit: Broker) -> Booking:
    """The database and then the broker end in the middle of it, as in a power cut, and come back."""
    answers = await marked(seen)
    one, other = [await booked(seen, f"+4179000001{n}") for n in range(2)]
    under_way = asyncio.gather(
        *(seen.answer(one, answers | {"q_other_text": f"{WORDS['answer']} {n}"}) for n in range(6))
    )
    await mongo.kill()
    await under_way
    assert await seen.answer(one, answers) in {0, 500, 503}
    await seen.send("GET", f"/screening/v1/cases/{one.id}")
    await mongo.start()
    await until(lambda: _takes(seen, one, answers), within=40)
    await rabbit.kill()
    assert await seen.answer(other, answers) in {200, 202}
    await until(lambda: b"not_published" in (seen.folder / "screening.log").read_bytes() or None, within=20)
    return one


async def _takes(seen: Watched, booking: Booking, answers: dict[str, Any]) -> bool:
    return await seen.answer(booking, answers) in {200, 202, 409}


async def export_and_erase(seen: Watched, booking: Booking) -> None:
    clients = f"/booking/v1/practices/{PRACTICE}/clients"
    ref = client_ref(PRACTICE, "+41790000000")
    key = secrets.token_hex(8)
    asked = await seen.widget.call("POST", f"{clients}/{ref}/export", token=OPERATOR_KEY, key=key)
    path = f"/screening/v1/practices/{PRACTICE}/exports/{asked['id']}"

    async def fetched() -> bool:
        status, _ = await seen.send("GET", path)
        return status == 200

    await until(fetched, within=20)
    for form in ("fhir", "html"):
        assert (await seen.send("GET", f"{path}?format={form}"))[0] == 200
    await seen.send("GET", f"/screening/v1/cases/{booking.id}/fhir")
    foreign = {"resourceType": "Questionnaire", "title": WORDS["wrong"], "item": [{"linkId": WORDS["wrong"]}]}
    imported = f"/screening/v1/practices/{PRACTICE}/forms/import?form=cst-core"
    assert (await seen.send("POST", imported, json=foreign))[0] == 422
    with suppress(Refused):
        await booking.cancel()
    await seen.send("POST", f"{clients}/{ref}/erase", headers={"Idempotency-Key": f"{key}e"})


async def every_reading_is_noted(seen: Watched) -> None:
    """What was handed out of what is stored, by whichever operation, is as often in the audit."""
    read = [path for path in seen.shown if not path.endswith("/evaluate")]

    def noted() -> int:
        with MongoClient[dict[str, Any]](seen.mongo_url) as client:
            audit = client[seen.system.environment["STILLPOINT_SCREENING_DATABASE"]]["audit"]
            return audit.count_documents({"deed": {"$in": ["view", "export"]}})

    assert len(read) >= 4
    assert {path.split("/")[3] for path in read} >= {"cases", "practices"}
    assert await asyncio.to_thread(noted) >= len(read)


async def nothing_is_found(seen: Watched, bookings: Sequence[Booking]) -> None:
    places = await seen.everything()
    assert {"log screening.log", "log booking.log", "log notify.log"} <= places.keys()
    raw = b"".join(content for name, content in places.items() if name.startswith("collection"))
    assert all(booking.id.encode() in raw for booking in bookings)
    assert found_in(places, WORDS.values()) == []
    assert found_in(places, CODES) == []


async def test_nothing_that_was_answered_or_noted_is_found_anywhere(watched: Watched) -> None:
    bookings = await ordinary_days(watched)
    await export_and_erase(watched, bookings[0])
    await every_reading_is_noted(watched)
    await damaged(watched, bookings[2])

    assert len(watched.heard) > 8
    assert {200, 401, 404, 409, 413, 415, 422, 500} <= watched.statuses
    log = (watched.folder / "screening.log").read_bytes()
    assert b"request.failed" in log
    assert b"Traceback" in log
    assert b"Command started" in log  # the driver's own lines
    await nothing_is_found(watched, bookings)


@pytest.mark.long
async def test_nothing_is_found_either_where_database_and_broker_ended_in_the_middle(tmp_path: Path) -> None:
    async with AsyncExitStack() as opened:
        broken = await opened.enter_async_context(broker.started(tmp_path / "broker"))
        mongo = await opened.enter_async_context(database.started(tmp_path / "database"))
        rabbit = RabbitBackend(broken.url, broken.management_url)
        seen = await opened.enter_async_context(watching(tmp_path, mongo.url, rabbit))
        booking = await outages(seen, mongo, broken)

        assert 503 in seen.statuses
        await nothing_is_found(seen, [booking])
