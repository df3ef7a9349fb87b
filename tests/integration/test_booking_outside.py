"""Over HTTP: keys open what they are for and nothing else, calendars subscribe, and a practice's system is told."""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar
from standardwebhooks.webhooks import Webhook

from services.booking.domain.key import Scope
from services.booking.profile import written
from tests.support.backends import RabbitBackend, fresh_vhost
from tests.support.booking import a_house
from tests.support.booking_app import PRACTICE, Answered, App, Json, app
from tests.support.booking_webhooks import receiving
from tests.support.waiting import until

KEYS = f"{PRACTICE}/keys"
OTHER = "/booking/v1/practices/other"
NOBODYS = "a" * 26
WRONG = f"sk_{'a' * 16}_{'b' * 43}"
At = Callable[[int], datetime]
days = count(2)


@pytest.fixture(scope="module")
async def booking(mongo_url: str, rabbit_server: RabbitBackend) -> AsyncIterator[App]:
    settings = {"booking_outward_private": True, "booking_webhook_tick_seconds": 0.05}
    async with (
        fresh_vhost(rabbit_server) as rabbit,
        app(mongo_url, f"test_{secrets.token_hex(6)}", rabbit, **settings) as one,
    ):
        other = written(a_house(id="other", name="Other", sms_name="Other"))
        loaded = await one.as_operator("PUT", OTHER, other.model_dump(mode="json", exclude_none=True))
        assert loaded.status == 200, loaded
        yield one
        await one.database.client.drop_database(one.database)


@pytest.fixture
def at() -> At:
    """An hour in Zurich of a day that belongs to this test alone."""
    day = datetime.now(ZoneInfo("Europe/Zurich")) + timedelta(days=next(days) * 3)

    def at(hour: int) -> datetime:
        return day.replace(hour=hour, minute=0, second=0, microsecond=0).astimezone(UTC)

    return at


async def key(booking: App, *scopes: Scope, practice: str = PRACTICE, **more: object) -> Json:
    asked = {"name": "till", "scopes": list(scopes), **more}
    made = await booking.as_operator("POST", f"{practice}/keys", asked)
    assert made.status == 201, made
    return made.body


async def booked(booking: App, at: datetime) -> Answered:
    held = await booking.hold(at, practitioner="ana")
    assert (await booking.request(held)).status == 202
    await booking.decide(held.body["id"], "cleared")
    await booking.becomes(held, "confirmed")
    return held


async def test_a_key_does_what_its_scope_says_and_its_holder_is_named(booking: App, at: At) -> None:
    made = await key(booking, Scope.VISITS_WRITE)
    held = await booked(booking, at(10))
    cancelled = await booking.call("POST", f"/booking/v1/appointments/{held.body['id']}/cancel", token=made["key"])
    assert cancelled.body["state"] == "cancelled"
    stored = await booking.database["appointments"].find_one({"_id": held.body["id"]})
    assert stored is not None
    assert (stored["history"][-1]["by"], stored["history"][-1]["who"]) == ("practice", f"key:{made['id']}")


async def test_a_visit_of_another_practice_is_told_from_nobodys_by_nothing(booking: App, at: At) -> None:
    made = await key(booking, *Scope, practice=OTHER)
    held = await booking.hold(at(10))
    answers = [
        await booking.call("GET", f"/booking/v1/appointments/{id_}", token=made["key"])
        for id_ in (held.body["id"], NOBODYS)
    ]
    told = [one.body | {"trace": ""} for one in answers]
    assert told[0] == told[1]
    assert (answers[0].status, answers[0].code) == (404, "out-of-reach")


def _filled(path: str) -> str:
    """An address of this operation about things of our own practice that are not there."""
    ids = {"practice": "still-water"} | dict.fromkeys(("appointment", "course", "offer", "waiting"), NOBODYS)
    return re.sub(r"\{(\w+)\}", lambda part: ids.get(part[1], "nothing"), path)


async def test_every_route_for_keys_keeps_out_wrong_keys_keys_of_others_and_keys_for_other_things(booking: App) -> None:
    described = (await booking.call("GET", "/booking/v1/openapi.json")).body
    others = (await key(booking, *Scope, practice=OTHER))["key"]
    narrow = {scope: (await key(booking, scope))["key"] for scope in (Scope.WEBHOOKS_WRITE, Scope.KEYS_WRITE)}
    operations = [
        (method.upper(), path)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
        if {"operator": []} in operation["security"]
    ]
    assert len(operations) > 20
    for method, path in operations:
        lacking = narrow[Scope.KEYS_WRITE if "/webhooks" in path else Scope.WEBHOOKS_WRITE]
        shown = [await booking.call(method, _filled(path), token=token) for token in (WRONG, others, lacking)]
        codes = [(one.status, one.code) for one in shown]
        assert codes[0][0] == 401, (method, path, codes)
        assert codes[1:] == [(404, "out-of-reach"), (403, "scope-missing")], (method, path, codes)


async def test_a_key_is_listed_without_its_secret_and_opens_nothing_once_revoked(booking: App) -> None:
    made = await key(booking, Scope.VISITS_READ, expires_at="2100-01-01T00:00:00Z")
    agenda = f"{PRACTICE}/agenda"
    assert (await booking.call("GET", agenda, token=made["key"])).status == 200
    listed = (await booking.as_operator("GET", KEYS)).body["keys"]
    assert [one for one in listed if one["id"] == made["id"]] == [
        {name: value for name, value in made.items() if name != "key"}
    ]
    assert (await booking.as_operator("DELETE", f"{KEYS}/{made['id']}")).status == 200
    refused = await booking.call("GET", agenda, token=made["key"])
    assert (refused.status, refused.code) == (401, "operator-only")
    assert (await booking.as_operator("DELETE", f"{OTHER}/keys/{made['id']}")).code == "no-such-key"


async def test_a_key_cannot_make_one_that_opens_more(booking: App) -> None:
    made = await key(booking, Scope.KEYS_WRITE, Scope.VISITS_READ)
    same = {"name": "same", "scopes": ["visits:read"]}
    assert (await booking.call("POST", KEYS, same, token=made["key"])).body["made_by"] == f"key:{made['id']}"
    more = await booking.call("POST", KEYS, {"name": "more", "scopes": ["clients:read"]}, token=made["key"])
    assert (more.status, more.code) == (403, "scope-missing")


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x", "scopes": []},
        {"name": "x", "scopes": ["everything"]},
        {"name": "", "scopes": ["visits:read"]},
        {"name": "x", "scopes": ["visits:read"], "expires_at": "2020-01-01T00:00:00Z"},
    ],
)
async def test_a_key_that_makes_no_sense_is_refused(booking: App, body: Json) -> None:
    assert (await booking.as_operator("POST", KEYS, body)).status == 422


async def test_a_calendar_subscribes_and_is_spared_what_it_has(booking: App, at: At) -> None:
    held = await booked(booking, at(12))
    made = await booking.as_operator("POST", f"{PRACTICE}/practitioners/ana/feed", {"services": True})
    path = made.body["url"].removeprefix("http://127.0.0.1")
    async with booking.http.get(path) as answer:
        text, tag = await answer.text(), answer.headers["ETag"]
        assert (answer.status, answer.content_type) == (200, "text/calendar")
        assert answer.headers["Cache-Control"] == "private, no-cache"
    mine = [event for event in Calendar.from_ical(text).walk("VEVENT") if held.body["id"] in event["UID"]]
    assert [(event["SUMMARY"], event["STATUS"]) for event in mine] == [("K. D., Session", "CONFIRMED")]
    async with booking.http.get(path, headers={"If-None-Match": f'"else", W/{tag}'}) as answer:
        assert (answer.status, await answer.read(), answer.headers["ETag"]) == (304, b"", tag)
    await booking.call("POST", f"/booking/v1/appointments/{held.body['id']}/cancel", token=held.body["token"])
    async with booking.http.get(path, headers={"If-None-Match": tag}) as answer:
        assert (answer.status, held.body["id"] in await answer.text()) == (200, False)
    assert (await booking.as_operator("DELETE", f"{PRACTICE}/practitioners/ana/feed")).status == 204
    assert (await booking.call("GET", path)).code == "no-such-feed"


async def test_a_practices_own_system_hears_of_a_booking_and_can_have_it_again(booking: App, at: At) -> None:
    async with receiving() as receiver:
        wish = {"url": receiver.url, "events": ["booking.appointment.confirmed.v1"]}
        made = (await booking.as_operator("POST", f"{PRACTICE}/webhooks", wish)).body
        hook = f"{PRACTICE}/webhooks/{made['id']}"
        held = await booked(booking, at(14))
        await until(lambda: receiver.told)
        told = Webhook(made["secret"]).verify(receiver.told[0].body, receiver.told[0].headers)
        assert (told["type"], told["data"]["appointment"]) == (wish["events"][0], held.body["id"])

        async def delivered() -> Json | None:
            page = await booking.as_operator("GET", f"{hook}/deliveries?state=delivered")
            return page.body["deliveries"][0] if page.body["deliveries"] else None

        delivery = await until(delivered)
        assert delivery is not None
        assert (delivery["id"], delivery["tries"]) == (receiver.told[0].id, 1)
        rotated = (await booking.as_operator("POST", f"{hook}/rotate")).body
        again = await booking.as_operator("POST", f"{hook}/deliveries/{delivery['id']}/replay")
        assert (again.status, again.body["state"]) == (202, "waiting")
        await until(lambda: len(receiver.told) == 2)
        for secret in (made["secret"], rotated["secret"]):
            Webhook(secret).verify(receiver.told[1].body, receiver.told[1].headers)
        await until(delivered)
        since = {"since": "2020-01-01T00:00:00Z", "states": ["delivered"]}
        assert (await booking.as_operator("POST", f"{hook}/replay", since)).body == {"replayed": 1}
        await until(lambda: len(receiver.told) == 3)
        assert (await booking.as_operator("DELETE", hook)).status == 204
        assert (await booking.as_operator("GET", hook)).code == "no-such-webhook"


async def test_a_webhook_is_shown_without_its_secret_and_changed(booking: App) -> None:
    made = (await booking.as_operator("POST", f"{PRACTICE}/webhooks", {"url": "https://example.org/"})).body
    hook = f"{PRACTICE}/webhooks/{made['id']}"
    assert (await booking.as_operator("GET", hook)).body == {n: v for n, v in made.items() if n != "secret"}
    changed = (await booking.as_operator("PATCH", hook, {"enabled": False})).body
    assert (changed["enabled"], changed["url"], changed["events"]) == (False, "https://example.org/", ["*"])
    assert (await booking.as_operator("GET", f"{OTHER}/webhooks/{made['id']}")).status == 404
    stored = str(await booking.database["webhooks"].find_one({"_id": made["id"]}))
    assert made["secret"].removeprefix("whsec_") not in stored


@pytest.mark.parametrize(
    "body",
    [
        {"url": "ftp://example.org/"},
        {"url": "https://user:word@example.org/"},
        {"url": "https://example.org/", "events": []},
        {"url": "https://example.org/", "events": ["booking.practice.changed.v1"]},
        {"url": "https://example.org/", "secret": "mine"},
    ],
)
async def test_a_webhook_that_makes_no_sense_is_refused(booking: App, body: Json) -> None:
    assert (await booking.as_operator("POST", f"{PRACTICE}/webhooks", body)).status == 422
