"""One client's way through the JSON API, as a widget walks it: find a time, hold it, ask for it, answer, look."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp

ADULT = 41  # the age of whoever gives clear answers
CONSENT = "Text me about this visit: what to wear, reminders and aftercare. Reply STOP to end."


class Refused(Exception):
    """The API said no; `code` is the problem's."""

    def __init__(self, status: int, code: str, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{status} {code}: {problem}")
        self.status, self.code, self.problem = status, code, problem


@dataclass(slots=True)
class Widget:
    """A booking widget of one practice. `origins` maps a service to where it answers; one gateway serves all."""

    http: aiohttp.ClientSession
    origins: Mapping[str, str]
    practice: str
    operator_key: str = field(default="", repr=False)

    async def call(
        self, method: str, path: str, *, token: str = "", body: Any = None, key: str = "", **query: str
    ) -> dict[str, Any]:
        """`path` begins with the service's name."""
        headers = {
            name: v for name, v in {"Authorization": token and f"Bearer {token}", "Idempotency-Key": key}.items() if v
        }
        url = f"{self.origins[path.split('/')[1]]}{path}"
        async with self.http.request(method, url, json=body, headers=headers, params=query) as answer:
            told = await answer.json(content_type=None)
            if answer.status >= 400:
                raise Refused(answer.status, told.get("code", ""), told)
            return dict(told)

    async def times(self, service: str, **query: str) -> list[dict[str, str]]:
        path = f"/booking/v1/practices/{self.practice}/availability"
        found = await self.call("GET", path, service=service, **query)
        return [slot for day in found["days"] for slot in day["slots"]]

    async def hold(self, service: str, slot: Mapping[str, str], *, key: str = "") -> Booking:
        body = {"service": service, "starts_at": slot["starts_at"], "practitioner": slot["practitioner"]}
        path = f"/booking/v1/practices/{self.practice}/appointments"
        held = await self.call("POST", path, body=body, key=key or secrets.token_hex(8))
        return Booking(self, held["id"], held["token"])

    async def clear_answers(self, service: str) -> dict[str, Any]:
        """Answers to the practice's form that nobody needs to look at."""
        path = f"/screening/v1/practices/{self.practice}/questionnaire"
        form = await self.call("GET", path, service=service)
        answers = {q["id"]: clear_answer(q) for q in form["questions"] if q["required"] and is_asked(q, ADULT)}
        return {"questionnaire": form["id"], "answers": answers}


def is_asked(question: Mapping[str, Any], age: int) -> bool:
    """Always, or at that age; what follows from another answer does not follow from a clear one."""
    shown = question.get("shown_when")
    band = {} if shown is None else shown.get("age")
    return band is not None and band.get("from", 0) <= age < band.get("below", age + 1)


def clear_answer(question: Mapping[str, Any]) -> Any:
    """What nobody needs to look at."""
    match question["type"]:
        case "tri":
            return "no"
        case "date":
            return "1985-04-12"
        case "multi":
            return ["none"]
        case "choice":
            return question["options"][0]["value"]
        case kind:
            raise AssertionError(f"no clear answer known for {question['id']}, a {kind}")


def daylight() -> str:
    """A zone in which it is day, so that a confirmation does not wait for the end of the night."""
    hour = datetime.now(UTC).hour
    return f"Etc/GMT{hour - 13:+d}" if hour != 13 else "Etc/GMT"


@dataclass(slots=True)
class Booking:
    """One appointment in the client's hand."""

    widget: Widget
    id: str
    token: str = field(repr=False)

    async def look(self) -> dict[str, Any]:
        return await self.widget.call("GET", f"/booking/v1/appointments/{self.id}", token=self.token)

    async def request(self, phone: str, *, texts: bool = True, zone: str = "") -> dict[str, Any]:
        client = {"name": "Example Client", "phone": phone, "locale": "en", "zone": zone or daylight()}
        body = {"client": client, "consent": {"texts": texts, "wording": CONSENT}}
        return await self.widget.call(
            "POST", f"/booking/v1/appointments/{self.id}/request", token=self.token, body=body
        )

    async def answer(self, answers: Mapping[str, Any]) -> dict[str, Any]:
        path = f"/screening/v1/appointments/{self.id}/answers"
        return await self.widget.call("PUT", path, token=self.token, body=answers)

    async def cancel(self) -> dict[str, Any]:
        return await self.widget.call("POST", f"/booking/v1/appointments/{self.id}/cancel", token=self.token)

    async def is_(self, state: str) -> bool:
        return bool((await self.look())["state"] == state)
