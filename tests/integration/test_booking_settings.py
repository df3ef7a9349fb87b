"""Editing a practice over HTTP, part by part, on a real database and broker."""

from __future__ import annotations

import secrets
import tomllib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.support.backends import RabbitBackend, fresh_vhost
from tests.support.booking_app import OPERATOR_KEY, PRACTICE, Answered, App, app

ANA = f"{PRACTICE}/practitioners/ana"


@pytest.fixture(scope="module")
async def booking(mongo_url: str, rabbit_server: RabbitBackend) -> AsyncIterator[App]:
    async with fresh_vhost(rabbit_server) as rabbit, app(mongo_url, f"test_{secrets.token_hex(6)}", rabbit) as one:
        yield one
        await one.database.client.drop_database(one.database)


async def export(booking: App) -> dict[str, Any]:
    return (await booking.as_operator("GET", f"{PRACTICE}/export")).body


async def etag(booking: App, path: str) -> str:
    async with booking.http.get(path, headers={"Authorization": f"Bearer {OPERATOR_KEY}"}) as answer:
        return answer.headers["ETag"]


async def stored(booking: App, method: str, path: str, body: dict[str, Any] | None = None) -> Answered:
    """A change that is taken: the version is one more than it was."""
    before = await etag(booking, f"{PRACTICE}/export")
    answered = await booking.as_operator(method, path, body)
    assert answered.status in {200, 201}, answered
    assert answered.body["version"] == int(before.strip('"')) + 1
    return answered


async def test_every_part_is_put_shown_and_removed_on_its_own(booking: App) -> None:
    before = await export(booking)
    parts = {
        "places/town": {"id": "town", "name": "In town", "address": "Main street 1", "zone": "Europe/Zurich"},
        "rooms/egret": {"id": "egret", "place": "town", "name": "Egret room"},
        "services/upkeep": {
            "id": "upkeep",
            "name": "Upkeep",
            "audience": "returning",
            "age_from": 18,
            "screening": "off",
        },
        "practitioners/cleo": {"id": "cleo", "name": "Cleo", "services": ["upkeep"], "load": {"most_in_a_row": 4}},
    }
    for path, part in parts.items():
        await stored(booking, "PUT", f"{PRACTICE}/{path}", part)
        shown = await booking.as_operator("GET", f"{PRACTICE}/{path}")
        assert shown.body.items() >= {name: one for name, one in part.items() if name != "load"}.items()
    assert (await booking.as_operator("GET", f"{PRACTICE}/practitioners/cleo")).body["load"]["most_in_a_row"] == 4
    used = await booking.as_operator("DELETE", f"{PRACTICE}/services/upkeep")
    assert (used.status, used.code, used.body["used_by"]) == (409, "still-used", ["practitioners[cleo].services"])
    for path in reversed(parts):
        await stored(booking, "DELETE", f"{PRACTICE}/{path}")
        assert (await booking.as_operator("GET", f"{PRACTICE}/{path}")).code == "no-such-part"
        assert (await booking.as_operator("DELETE", f"{PRACTICE}/{path}")).code == "no-such-part"
    assert await export(booking) == before


async def test_what_is_wrong_is_named_and_the_old_state_stays(booking: App) -> None:
    before = await export(booking)
    wrong = [
        ("PUT", f"{PRACTICE}/services/call", {"id": "call", "name": "Call", "length_minutes": 52},
         "services[1].length_minutes"),
        ("PUT", f"{PRACTICE}/rooms/heron", {"id": "heron", "place": "moon"}, "rooms[0].place"),
        ("PUT", f"{PRACTICE}/rooms/heron", {"id": "egret", "place": "lake"}, "id"),
        ("PATCH", PRACTICE, {"countries": ["Switzerland"]}, "countries[0]"),
        ("PUT", f"{ANA}/hours", {"hours": [{"days": ["mon"], "place": "lake", "starts": "12:00", "ends": "09:00"}]},
         "practitioners[0].hours[0].ends"),
        ("PUT", f"{ANA}/exceptions/2027-02-30", {"hours": []}, "day"),
        ("POST", f"{ANA}/blocks", {"starts_at": "2027-07-02T12:00", "ends_at": "2027-07-01T12:00"},
         "practitioners[0].blocks[0].ends_at"),
    ]  # fmt: skip
    for method, path, body, field in wrong:
        refused = await booking.as_operator(method, path, body)
        assert (refused.status, refused.body["field"]) == (422, field), refused
    assert await export(booking) == before


async def test_what_the_practice_says_of_itself_is_changed_alone(booking: App) -> None:
    before = await export(booking)
    await stored(booking, "PATCH", PRACTICE, {"waitlist": {"batch": 3}, "verify_numbers": True})
    assert await export(booking) == before | {"waitlist": {"batch": 3, "offer_minutes": 120}, "verify_numbers": True}
    await stored(booking, "PATCH", PRACTICE, {"waitlist": {"batch": 1}, "verify_numbers": False})
    assert await export(booking) == before


async def test_hours_exceptions_and_time_off_are_kept_one_by_one(booking: App) -> None:
    before = await export(booking)
    mondays = [{"days": ["mon"], "place": "lake", "starts": "09:00", "ends": "17:00"}]
    await stored(booking, "PUT", f"{ANA}/hours", {"hours": mondays})
    await stored(booking, "PUT", f"{ANA}/exceptions/2027-08-01", {"note": "National day"})
    block = {"starts_at": "2027-07-01T12:00:00", "ends_at": "2027-07-01T13:00:00", "note": "dentist"}
    taken = await stored(booking, "POST", f"{ANA}/blocks", block)
    again = await booking.as_operator("POST", f"{ANA}/blocks", block)
    assert (again.status, again.body) == (201, taken.body)
    ana = (await booking.as_operator("GET", ANA)).body
    assert ana["hours"] == mondays
    assert ana["exceptions"] == [{"day": "2027-08-01", "hours": [], "note": "National day"}]
    listed = (await booking.as_operator("GET", f"{ANA}/blocks")).body["blocks"]
    assert listed == [block | {"id": taken.body["block"]}]
    await stored(booking, "DELETE", f"{ANA}/blocks/{taken.body['block']}")
    await stored(booking, "DELETE", f"{ANA}/exceptions/2027-08-01")
    await stored(booking, "PUT", f"{ANA}/hours", {"hours": before["practitioners"][0]["hours"]})
    assert await export(booking) == before
    for path in (f"{ANA}/blocks/{taken.body['block']}", f"{ANA}/exceptions/2027-08-01"):
        assert (await booking.as_operator("DELETE", path)).code == "no-such-part"


async def test_whatever_changes_a_setting_can_rely_on_a_version(booking: App) -> None:
    paths = (await booking.call("GET", "/booking/v1/openapi.json")).body["paths"]
    settings = ("places", "rooms", "services", "practitioners")
    relying = {
        (path.removeprefix(PRACTICE.replace("still-water", "{practice}")), method)
        for path, operations in paths.items()
        for method, operation in operations.items()
        if any(one["name"] == "If-Match" for one in operation["parameters"])
    }
    assert {("", "put"), ("", "patch"), ("/practitioners/{practitioner}/hours", "put")} <= relying
    assert {path.split("/")[1] for path, _ in relying if path} == {*settings}
    assert len(relying) == 2 + 2 * len(settings) + 5


async def test_who_relies_on_an_old_version_changes_nothing(booking: App) -> None:
    old = await etag(booking, f"{PRACTICE}/rooms/heron")
    assert old == await etag(booking, PRACTICE)
    room = {"id": "heron", "place": "lake", "name": "Grey heron"}
    shown = {"token": OPERATOR_KEY, "If_Match": old}
    assert (await booking.call("PUT", f"{PRACTICE}/rooms/heron", room, **shown)).status == 200
    for method, path, body in [
        ("PUT", f"{PRACTICE}/rooms/heron", {**room, "name": "Mine"}),
        ("DELETE", f"{PRACTICE}/rooms/heron", None),
        ("PATCH", PRACTICE, {"name": "Mine"}),
        ("PUT", PRACTICE, await export(booking)),
    ]:
        refused = await booking.call(method, path, body, **shown)
        assert (refused.status, refused.code) == (409, "changed-meanwhile")
    assert (await booking.as_operator("GET", f"{PRACTICE}/rooms/heron")).body == room
    odd = await booking.call("PATCH", PRACTICE, {"name": "Mine"}, token=OPERATOR_KEY, If_Match="yesterday")
    assert (odd.status, odd.code) == (422, "invalid-request")


async def test_a_booked_visit_stands_when_the_hours_leave_it_and_is_listed(booking: App) -> None:
    day = datetime.now(ZoneInfo("Europe/Zurich")) + timedelta(days=9)
    at = day.replace(hour=10, minute=0, second=0, microsecond=0).astimezone(UTC)
    held = await booking.hold(at, service="call", practitioner="ana")
    assert (await booking.request(held)).body["state"] == "confirmed"

    closed = await stored(booking, "PUT", f"{ANA}/exceptions/{day:%Y-%m-%d}", {})

    outside = {"appointment": held.body["id"], "practitioner": "ana", "reasons": ["exception"]}
    (told,) = closed.body["outside"]
    assert told == outside | {"starts_at": told["starts_at"]}
    assert datetime.fromisoformat(told["starts_at"]) == at
    visit = (await booking.as_operator("GET", f"/booking/v1/appointments/{held.body['id']}")).body
    assert (visit["state"], visit["starts_at"]) == ("confirmed", held.body["starts_at"])
    gone = await stored(booking, "DELETE", ANA)
    assert gone.body["outside"] == [told | {"reasons": ["practitioner"]}]
    put = await booking.as_operator("GET", f"{PRACTICE}/export")
    assert [one["id"] for one in put.body["practitioners"]] == ["ben"]


async def test_the_file_that_is_exported_is_the_practice(booking: App) -> None:
    async with booking.http.get(f"{PRACTICE}/export.toml", headers={"Authorization": f"Bearer {OPERATOR_KEY}"}) as file:
        assert (file.status, file.content_type) == (200, "application/toml")
        assert file.headers["ETag"] == await etag(booking, f"{PRACTICE}/export")
        document = tomllib.loads(await file.text())
    assert document == await export(booking)


async def test_every_change_is_listed_with_who_made_it_and_what_it_was_before(booking: App) -> None:
    await stored(booking, "PATCH", PRACTICE, {"emergency_number": "144"})
    await stored(booking, "PATCH", PRACTICE, {"emergency_number": "112"})
    newest, before = (await booking.as_operator("GET", f"{PRACTICE}/audit?limit=2")).body["entries"]
    assert newest["changes"] == [{"field": "emergency_number", "old": '"144"', "new": '"112"'}]
    assert before["changes"] == [{"field": "emergency_number", "old": '"112"', "new": '"144"'}]
    assert (newest["who"], newest["where"], newest["subject"], newest["deed"]) == (
        "operator", "127.0.0.1", "practice", "changed",
    )  # fmt: skip
    older = (await booking.as_operator("GET", f"{PRACTICE}/audit?limit=200&before={before['id']}")).body["entries"]
    version = int((await etag(booking, PRACTICE)).strip('"'))
    assert [one["id"] for one in older] == [f"practice-{number:08d}" for number in range(version - 2, 0, -1)]
    assert older[-1]["deed"] == "begun"
    assert (await booking.call("GET", f"{PRACTICE}/audit")).code == "operator-only"
    assert (await booking.as_operator("GET", "/booking/v1/practices/no-water/audit")).code == "no-such-practice"


async def test_every_turn_of_a_visit_is_listed_with_whose_hand_it_was(booking: App) -> None:
    at = (datetime.now(UTC) + timedelta(days=20)).replace(hour=10, minute=0, second=0, microsecond=0)
    held = await booking.hold(at, service="call", practitioner="ben")
    await booking.request(held)
    path = f"/booking/v1/appointments/{held.body['id']}"
    await booking.as_operator("POST", f"{path}/cancel")
    turns = (await booking.as_operator("GET", f"{path}/audit")).body["turns"]
    first = turns[0]
    assert (first["deed"], first["by"], first["who"], first["where"]) == ("held", "client", "public", "127.0.0.1")
    assert (turns[-1]["deed"], turns[-1]["by"], turns[-1]["who"]) == ("cancelled", "practice", "operator")
    assert {"field": "state", "old": "confirmed", "new": "cancelled"} in turns[-1]["changes"]
    assert [one["version"] for one in turns] == [*range(1, len(turns) + 1)]
    assert (await booking.call("GET", f"{path}/audit", token=held.body["token"])).code == "operator-only"
