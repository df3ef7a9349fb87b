"""A practice's own words over HTTP: seen, tried, set, sent, and dropped."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from tests.support import notify_app
from tests.support.backends import RabbitBackend
from tests.support.notify_app import OPERATOR_KEY, PRACTICE, App, an_appointment, practice_changed
from tests.support.waiting import until

ALL = f"/v1/practices/{PRACTICE}/wordings"
OWN = "{practice}: we look forward to {date}, {time}. {link} STOP to opt out."


@pytest.fixture
async def app(mongo_url: str, database_name: str, rabbit: RabbitBackend) -> AsyncIterator[App]:
    async with notify_app.app(mongo_url, database_name, rabbit) as one:
        await one.say(practice_changed(), subject=PRACTICE, sequence=1)
        await until(lambda: one.database["practices"].find_one({"_id": PRACTICE}))
        yield one


async def asked(app: App, method: str, path: str, json: Any = None, **headers: str) -> tuple[int, Any, str | None]:
    headers = {"Authorization": f"Bearer {OPERATOR_KEY}"} | {name.replace("_", "-"): of for name, of in headers.items()}
    async with app.http.request(method, f"/notify{path}", json=json, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None), answer.headers.get("ETag")


async def test_the_words_of_a_practice_are_set_sent_and_dropped(app: App) -> None:
    status, listed, read = await asked(app, "GET", ALL)
    assert (status, read, listed["country"], listed["edits"]) == (200, '"0"', "US", 0)
    booked = next(one for one in listed["wordings"] if (one["locale"], one["template"]) == ("en", "booked"))
    assert booked["sent"] == booked["built_in"]
    cost = booked["longest"]
    assert (cost["encoding"], cost["currency"], cost["price_known"]) == ("GSM-7", "USD", True)
    assert (cost["least"], cost["as_of"]) == (str(Decimal("0.0108") * cost["segments"]), "2026-07-05")

    put = await asked(
        app, "PUT", f"{ALL}/en/booked", {"text": OWN}, If_Match='"0"', Stillpoint_Person="Kim of the desk"
    )
    assert (put[0], put[1]["own"], put[1]["by"], put[2]) == (200, OWN, "Kim of the desk", '"1"')
    late = await asked(app, "PUT", f"{ALL}/en/booked", {"text": OWN + "!"}, If_Match='"0"')
    assert (late[0], late[1]["code"]) == (409, "changed-meanwhile")

    appointment = an_appointment()
    await app.confirm(appointment)
    told = await app.becomes(appointment, "booked", "delivered")
    assert told["body"].startswith("Still Waters: we look forward to ")
    tried = await asked(app, "POST", f"{ALL}/en/booked/preview", {"appointment": appointment})
    assert tried[1]["body"][:60] == told["body"][:60]
    assert tried[1]["cost"]["segments"] == 1

    dropped = await asked(app, "DELETE", f"{ALL}/en/booked", If_Match='"1"')
    assert (dropped[0], dropped[1]["sent"], dropped[2]) == (200, booked["built_in"], '"2"')
    assert "own" not in dropped[1]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{practice}: your massage {link} STOP", "forbidden-word"),
        ("{practice}: {name} {link} STOP", "unknown-placeholder"),
        ("{practice}: booked. STOP", "placeholder-missing"),
        ("{practice}: booked. {link}", "opt-out-missing"),
        ("{practice}: забронировано {link} STOP", "not-in-alphabet"),
        ("{practice}: " + "x" * 300 + "{link} STOP", "text-too-long"),
    ],
)
async def test_words_that_may_not_be_sent_are_refused_by_name(app: App, text: str, code: str) -> None:
    for method, path in (("PUT", f"{ALL}/en/booked"), ("POST", f"{ALL}/en/booked/preview")):
        status, problem, _ = await asked(app, method, path, {"text": text})
        assert (status, problem["code"], problem["type"]) == (422, code, f"urn:stillpoint:problem:{code}")


async def test_what_is_not_there_is_told_apart(app: App) -> None:
    assert (await asked(app, "PUT", f"{ALL}/en/nothing", {"text": OWN}))[1]["code"] == "unknown-template"
    assert (await asked(app, "PUT", f"{ALL}/fr/booked", {"text": OWN}))[1]["code"] == "unknown-template"
    assert (await asked(app, "DELETE", f"{ALL}/en/nothing"))[1]["code"] == "unknown-template"
    assert (await asked(app, "GET", "/v1/practices/nowhere/wordings"))[1]["code"] == "practice-unknown"
    nobody = {"appointment": an_appointment()}
    assert (await asked(app, "POST", f"{ALL}/en/booked/preview", nobody))[1]["code"] == "appointment-unknown"
    assert (await asked(app, "PUT", f"{ALL}/en/booked", {"text": OWN}, If_Match="1"))[1]["code"] == "invalid-request"
    assert (await asked(app, "GET", ALL, Authorization="Bearer nobody"))[0] == 401


async def test_a_text_is_tried_about_a_visit_that_is_made_up(app: App) -> None:
    made_up = {
        "booked_at": "2027-06-09T16:00:00Z",
        "starts_at": "2027-06-16T14:00:00Z",
        "ends_at": "2027-06-16T15:15:00Z",
        "zone": "America/New_York",
        "client_zone": "America/New_York",
        "locale": "es-US",
    }

    status, tried, _ = await asked(app, "POST", f"{ALL}/es/moved/preview", {"visit": made_up})
    blank = await asked(app, "POST", f"{ALL}/es/moved/preview", {})

    assert status == 200
    assert "su cita pasa al mié, 16 de jun, 10:00 am. La hora anterior queda libre." in tried["body"]
    assert (blank[0], blank[1]["cost"]["encoding"]) == (200, "GSM-7")
    assert app.bodies() == []
