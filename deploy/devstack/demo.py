"""`make demo`: one booking through the running system, each step and each text printed as it happens."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp

from deploy.devstack import home
from deploy.devstack.home import Running
from deploy.devstack.trouble import Trouble

Json = dict[str, Any]
CONFIRMED_WITHIN = timedelta(seconds=30)
TEXTED_WITHIN = timedelta(seconds=60)
POLL = timedelta(milliseconds=50)
# The demo's client lives where it is day now: texts wait for the end of the client's night.
ZONES = ("Europe/Zurich", "America/New_York", "America/Los_Angeles", "Asia/Tokyo", "Pacific/Auckland")
WORDING = "Yes, send me texts about this visit."
HEALTHY: Mapping[str, object] = {"tri": "no", "multi": ["none"]}
HEALTHY_ANSWERS = {"respondent_role": "self", "dob": "1985-05-05", "q_blood_thinners": "none"}
ADULT = 41  # years, at least, of whoever was born on that day


async def walk(folder: Path) -> None:
    """Hold, request, answer the health check, be confirmed, get the text."""
    running = home.where(folder)
    try:
        async with aiohttp.ClientSession(running.origin) as services:
            await _walk(services, running)
    except aiohttp.ClientConnectionError:
        raise Trouble("Stillpoint does not answer; in another terminal run: make run") from None
    except TimeoutError:
        raise Trouble(f"The last step takes too long; see {folder}/services.log") from None


async def _walk(services: aiohttp.ClientSession, running: Running) -> None:
    phone, zone = f"+4179{secrets.randbelow(10_000_000):07}", _daylight()
    practice = await _call(services, "GET", f"/booking/v1/practices/{running.practice}")
    service = next(offer for offer in practice["services"] if offer["screening"] != "off")
    slot = await _first_free(services, practice["id"], service["id"], zone)
    _say("free", f"{service['name']} with {slot['practitioner']} on {_local(slot['starts_at'], practice['zone'])}")

    held = await _hold(services, practice["id"], service["id"], slot)
    _say(held["state"], f"until {_local(held['held_until'], zone)}, appointment {held['id']}")
    services.headers["Authorization"] = f"Bearer {held['token']}"

    client = {"name": "Ada Demo", "phone": phone, "locale": "en-GB", "zone": zone}
    request = {"client": client, "consent": {"texts": True, "wording": WORDING}}
    asked = await _call(services, "POST", f"/booking/v1/appointments/{held['id']}/request", json=request)
    _say(asked["state"], f"for {client['name']}, {phone}, in {zone}")

    await _answer_health_check(services, practice["id"], service["id"], held["id"])
    async for state in _states(services, held["id"]):
        _say(state, "after screening's decision")
    read: set[str] = set()
    async for text in _texts(running.phone, phone):
        _say("text", text["status"] if text["sid"] in read else f"{text['status']}: {text['body']}")
        read.add(text["sid"])
    print(f"\nThe phone is at {running.phone}/ and can answer.")


async def _first_free(services: aiohttp.ClientSession, practice: str, service: str, zone: str) -> Json:
    """By day, from the day after tomorrow on, so that every reminder has its time ahead."""
    start = (datetime.now(UTC) + timedelta(days=2)).date()
    query = {"service": service, "from": start.isoformat(), "days": "21", "zone": zone}
    offered = await _call(services, "GET", f"/booking/v1/practices/{practice}/availability", params=query)
    there = ZoneInfo(offered["practice_zone"])
    slots: list[Json] = [slot for day in offered["days"] for slot in day["slots"]]
    by_day = [slot for slot in slots if 9 <= datetime.fromisoformat(slot["starts_at"]).astimezone(there).hour < 18]
    if not by_day:
        raise Trouble("The demo practice has no free time left; start anew with: rm -rf .devstack && make run")
    return by_day[0]


async def _hold(services: aiohttp.ClientSession, practice: str, service: str, slot: Json) -> Json:
    wanted = {"service": service, "starts_at": slot["starts_at"], "practitioner": slot["practitioner"]}
    once = {"Idempotency-Key": secrets.token_hex(16)}
    return await _call(services, "POST", f"/booking/v1/practices/{practice}/appointments", json=wanted, headers=once)


async def _answer_health_check(services: aiohttp.ClientSession, practice: str, service: str, appointment: str) -> None:
    form = await _call(
        services, "GET", f"/screening/v1/practices/{practice}/questionnaire", params={"service": service}
    )
    asked = [question for question in form["questions"] if question["required"] and _is_asked_of_an_adult(question)]
    answers = {question["id"]: HEALTHY_ANSWERS.get(question["id"], HEALTHY.get(question["type"])) for question in asked}
    body = {"questionnaire": form["id"], "answers": answers}
    outcome = await _call(services, "PUT", f"/screening/v1/appointments/{appointment}/answers", json=body)
    _say("health check", f"{len(answers)} questions answered: {outcome['status']}")
    for message in outcome["messages"]:
        _say("", message["text"])


def _is_asked_of_an_adult(question: Mapping[str, Any]) -> bool:
    """Always, or by age; what follows from another answer does not follow from a healthy one."""
    shown = question.get("shown_when")
    if shown is None:
        return True
    band = shown.get("age")
    return band is not None and band.get("from", 0) <= ADULT < band.get("below", ADULT + 1)


async def _states(services: aiohttp.ClientSession, appointment: str) -> AsyncIterator[str]:
    """Each state after `requested`, until it is confirmed."""
    seen = "requested"
    async with asyncio.timeout(CONFIRMED_WITHIN.total_seconds()):
        while seen != "confirmed":
            shown = await _call(services, "GET", f"/booking/v1/appointments/{appointment}")
            if shown["state"] != seen:
                seen = shown["state"]
                yield seen
            await asyncio.sleep(POLL.total_seconds())


async def _texts(origin: str, phone: str) -> AsyncIterator[Json]:
    """Each status of the texts to this phone, until one is delivered."""
    seen: set[tuple[str, str]] = set()
    async with asyncio.timeout(TEXTED_WITHIN.total_seconds()), aiohttp.ClientSession(origin) as emulator:
        while not any(status == "delivered" for _, status in seen):
            listed = await _call(emulator, "GET", "/emulator/messages", params={"phone": phone})
            for text in listed["messages"]:
                if (text["sid"], text["status"]) not in seen:
                    seen.add((text["sid"], text["status"]))
                    yield text
            await asyncio.sleep(POLL.total_seconds())


async def _call(session: aiohttp.ClientSession, method: str, path: str, **what: Any) -> Json:
    async with session.request(method, path, **what) as answer:
        body: Json = await answer.json(content_type=None)
        if answer.status >= 400:
            raise Trouble(f"{method} {path} was refused with {answer.status}: {body.get('detail') or body}")
        return body


def _daylight() -> str:
    return next(zone for zone in ZONES if 9 <= datetime.now(ZoneInfo(zone)).hour < 20)


def _local(instant: str, zone: str) -> str:
    return f"{datetime.fromisoformat(instant).astimezone(ZoneInfo(zone)):%A %d %B %H:%M} ({zone})"


def _say(what: str, more: str) -> None:
    print(f"{datetime.now():%H:%M:%S.%f}"[:-3], f"{what:>12}", more, flush=True)  # noqa: DTZ005 - the reader's wall clock
