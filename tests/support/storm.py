"""Clients who do everything at random at once, and a hand that kills the processes they talk to."""

from __future__ import annotations

import asyncio
import itertools
import random
import secrets
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp

from shared.mongo import Database
from shared.tokens import Tokens
from tests.support.running import Running
from tests.support.story import clear_answer
from tests.support.waiting import until

Json = dict[str, Any]
PRACTICE = "storm"
HOME = f"/booking/v1/practices/{PRACTICE}"
REPLICAS = ("booking", "booking-2")
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
CONSENT = {"texts": True, "wording": "Text me about my visit."}


class Refused(Exception):
    """The service said no."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class Storm:
    """`done` counts what succeeded, `refused` the codes of what did not; `broken` is what must never be answered."""

    system: Running
    http: aiohttp.ClientSession
    operator_key: str = field(repr=False)
    database: Database
    dice: random.Random
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    leaves: float = 0.6
    """How many give their time back; of courses a little more."""
    kills: int = 0
    answers: Json = field(default_factory=dict)
    phones: itertools.count[int] = field(default_factory=lambda: itertools.count(790000001))

    async def open(self) -> None:
        """Load a practice so small that everybody gets in everybody's way, and learn the health form."""
        await self.call("PUT", HOME, profile(), token=self.operator_key)
        await until(self._learn_form)

    async def _learn_form(self) -> bool:
        with suppress(Refused):
            form = await self.call("GET", f"/screening/v1/practices/{PRACTICE}/questionnaire?service=session")
            answers = {q["id"]: clear_answer(q) for q in form["questions"] if not q.get("shown_when") and q["required"]}
            self.answers = {"questionnaire": form["id"], "answers": answers}
            return True
        return False

    async def client(self, *, seconds: int) -> None:
        """One client after another, each with a story of chance."""
        ends = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < ends:
            story = self.dice.choices([self._visit, self._course, self._wait, self._idle_hold], weights=[6, 2, 2, 1])[0]
            try:
                await story()
            except Refused as refused:
                self.refused[refused.code] += 1

    async def kill_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(self.dice.uniform(1.5, 4))
            victim = self.dice.choice((*REPLICAS, "screening"))
            self.kills += 1
            await self.system.restart(victim)

    async def calm(self) -> None:
        """Everything runs again."""
        for name in (*REPLICAS, "screening"):
            if not self.system.children[name].running or not await self.system.is_ready(name):
                await self.system.restart(name)

    async def _visit(self) -> None:
        held = await self._hold()
        if self.dice.random() < 0.15:
            await self._turn(held, "cancel", "released")
            return
        await self._request(f"/booking/v1/appointments/{held['id']}", held["token"])
        await self._answer(held)
        for _ in range(self.dice.randrange(3)):
            with suppress(Refused):
                slot = self.dice.choice(await self._times())
                moved = await self._turn(held, "move", "moved", {k: slot[k] for k in ("starts_at", "practitioner")})
                held = {**held, "token": moved["token"]}
        if self.dice.random() < self.leaves:
            await self._turn(held, "cancel", "cancelled")

    async def _idle_hold(self) -> None:
        """Somebody who looks away and never asks for what they held, or asks for more time."""
        held = await self._hold()
        if self.dice.random() < 0.5:
            await self._turn(held, "renew", "renewed")
        await self._turn(held, "cancel", "released")

    async def _course(self) -> None:
        count = self.dice.randrange(3, 5)
        plan = await self.call("POST", f"{HOME}/courses/plan", {"service": "session", "count": count})
        wanted = [{k: v[k] for k in ("starts_at", "practitioner")} for v in plan["visits"]]
        course = await self.call("POST", f"{HOME}/courses", {"service": "session", "visits": wanted}, key=_key())
        self.done["course held"] += 1
        where = f"/booking/v1/courses/{course['id']}"
        await self._request(where, course["token"])
        self.done["course"] += 1
        lead = await self.call("GET", where, token=course["token"])
        first = lead["visits"][0]["appointment"]
        await self._answer({"id": first["id"], "token": self._token(first["id"])})
        if self.dice.random() < self.leaves + 0.1:
            await self.call("POST", f"{where}/cancel", token=course["token"])
            self.done["course cancelled"] += 1

    async def _wait(self) -> None:
        today = datetime.now(UTC).date()
        wish = {
            "service": "session",
            "client": self._client(),
            "consent": CONSENT,
            "ranges": [{"from": today.isoformat(), "until": (today + timedelta(days=20)).isoformat()}],
        }
        await self.call("POST", f"{HOME}/waitlist", wish, key=_key())
        self.done["waited"] += 1
        offers = await self.database["offers"].find({"state": "open"}, {"_id": 1}).to_list(5)
        for offer in offers:
            path = f"/booking/v1/offers/{offer['_id']}/claim"
            with suppress(Refused):
                claims = [self.call("POST", path, token=self._token(offer["_id"])) for _ in range(2)]
                await asyncio.gather(*claims)
                self.done["claimed"] += 1

    async def _hold(self) -> Json:
        slot = self.dice.choice(await self._times())
        wish = {"service": "session", "starts_at": slot["starts_at"], "practitioner": slot["practitioner"]}
        held = await self.call("POST", f"{HOME}/appointments", wish, key=_key())
        if "token" not in held:
            raise Refused("held before")
        self.done["held"] += 1
        self.accepted.append(held["id"])
        return held

    async def confirmed_visit(self) -> None:
        """From the first look to the confirmation, which takes all three services, the broker and the database."""
        held = await self._hold()
        where = f"/booking/v1/appointments/{held['id']}"
        await self._request(where, held["token"])
        await self.call("PUT", f"/screening/v1/appointments/{held['id']}/answers", self.answers, token=held["token"])

        async def confirmed() -> bool:
            return bool((await self.call("GET", where, token=held["token"]))["state"] == "confirmed")

        await until(confirmed, within=60)
        self.done["confirmed"] += 1

    async def _times(self) -> list[Json]:
        """The first few free times: where everybody wants to go."""
        found = await self.call("GET", f"{HOME}/availability?service=session&days=20")
        slots = [slot for day in found["days"] for slot in day["slots"]]
        if not slots:
            raise Refused("nothing free")
        return slots[:6] if self.dice.random() < 0.5 else slots

    async def _request(self, where: str, token: str) -> None:
        await self.call("POST", f"{where}/request", {"client": self._client(), "consent": CONSENT}, token=token)
        self.done["requested"] += 1

    async def _answer(self, held: Mapping[str, str]) -> None:
        if self.dice.random() < 0.85:
            await self.call(
                "PUT", f"/screening/v1/appointments/{held['id']}/answers", self.answers, token=held["token"]
            )
            self.done["answered"] += 1

    async def _turn(self, held: Mapping[str, str], deed: str, done: str, body: Json | None = None) -> Json:
        told = await self.call("POST", f"/booking/v1/appointments/{held['id']}/{deed}", body, token=held["token"])
        self.done[done] += 1
        return told

    def _client(self) -> Json:
        return {"name": "Example Client", "phone": f"+41{next(self.phones)}", "locale": "en", "zone": "Europe/Zurich"}

    def _token(self, subject: str) -> str:
        tokens = Tokens(self.system.environment["STILLPOINT_SIGNING_KEY"])
        return tokens.mint(subject, PRACTICE, datetime.now(UTC) + timedelta(days=1))

    async def call(self, method: str, path: str, body: Json | None = None, *, token: str = "", key: str = "") -> Json:
        """As a browser behind a gateway: the same request again, at another replica, while one is away."""
        headers = {n: v for n, v in {"Authorization": token and f"Bearer {token}", "Idempotency-Key": key}.items() if v}
        for _ in range(600):
            service = path.split("/")[1]
            origin = self.system.origins[self.dice.choice(REPLICAS) if service == "booking" else service]
            try:
                async with self.http.request(method, f"{origin}{path}", json=body, headers=headers) as answer:
                    told: Json = await answer.json(content_type=None)
            except (aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(0.05)
                continue
            if answer.status == 503:
                await asyncio.sleep(0.05)
                continue
            if answer.status >= 500:
                self.broken.append(f"{method} {path}: {told}")
            if answer.status >= 400:
                raise Refused(str(told.get("code", answer.status)))
            return told
        raise AssertionError(f"{method} {path} was never answered")


def _key() -> str:
    return secrets.token_hex(8)


def profile() -> Json:
    """Two practitioners, two rooms, eight hours a day, twenty days."""
    hours = [{"days": DAYS, "place": "lake", "starts": "09:00", "ends": "17:00"}]
    people = [
        {"id": who, "name": who.title(), "services": ["session"], "hours": hours, "load": {"most_in_a_row": 4}}
        for who in ("ana", "ben")
    ]
    return {
        "id": PRACTICE,
        "name": "Storm",
        "sms_name": "Storm",
        "country": "CH",
        "zone": "Europe/Zurich",
        "locale": "en",
        "phone": "+41440000000",
        "emergency_number": "112",
        "waitlist": {"batch": 2, "offer_minutes": 10},
        "places": [{"id": "lake", "name": "Lake", "address": "Seestrasse 1", "zone": "Europe/Zurich"}],
        "rooms": [{"id": "heron", "place": "lake"}, {"id": "kingfisher", "place": "lake"}],
        "services": [
            {
                "id": "session",
                "name": "Session",
                "buffer_after_minutes": 15,
                "needs_room": True,
                "horizon_days": 45,
                "course_days_from": 2,
                "course_days_until": 7,
            }
        ],
        "practitioners": people,
    }
