"""Free times over HTTP: the search, the month, and an outside calendar from its server to the answer."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from services.booking.profile import written
from shared.clock import utc_now
from tests.support.backends import RabbitBackend
from tests.support.booking import a_house
from tests.support.booking_app import PRACTICE, App, Json, app
from tests.support.booking_calendars import a_file
from tests.support.waiting import until

NOON = (utc_now() + timedelta(days=3)).replace(hour=11, minute=0, second=0, microsecond=0)
FREE = f"{PRACTICE}/availability"
ASKED = f"service=session&practitioner=ana&from={NOON.date()}&days=1"


def naming(address: str) -> Json:
    profile = written(a_house()).model_dump(mode="json", exclude_none=True)
    profile["practitioners"][0]["calendars"] = [address]
    return profile


async def starts(one: App, query: str = ASKED) -> set[datetime]:
    answer = await one.call("GET", f"{FREE}?{query}")
    assert answer.status == 200, answer
    return {datetime.fromisoformat(slot["starts_at"]) for day in answer.body["days"] for slot in day["slots"]}


async def test_the_search_and_the_month_tell_what_the_list_tells(
    mongo_url: str, database_name: str, rabbit: RabbitBackend
) -> None:
    async with app(mongo_url, database_name, rabbit) as one:
        wish = "service=session&after=16:00&before=18:00&weekdays=mon,thu&count=4&zone=Europe/Zurich"
        first = await one.call("GET", f"{FREE}/first?{wish}")
        assert (first.status, first.body["zone"], len(first.body["slots"])) == (200, "Europe/Zurich", 4)
        found = {datetime.fromisoformat(slot["starts_at"]) for slot in first.body["slots"]}
        whole = await starts(one, "service=session&days=21")
        assert found <= whole

        month = f"{NOON + timedelta(days=28):%Y-%m}"
        days = await one.call("GET", f"{FREE}/days?service=session&month={month}")
        listed = await one.call("GET", f"{FREE}?service=session&from={month}-01&days=27")
        assert (days.status, "stale_calendars" in days.body) == (200, False)
        assert days.body["days"][:27] == [
            {"date": day["date"], "slots": len(day["slots"]), "first": day["slots"][0]["starts_at"]}
            for day in listed.body["days"]
        ]


async def test_a_wish_that_makes_no_sense_is_refused(mongo_url: str, database_name: str, rabbit: RabbitBackend) -> None:
    senseless = [
        "first?service=session&after=25:00",
        "first?service=session&weekdays=someday",
        "first?service=session&weekdays=mon,",
        "first?service=session&count=21",
        "first?service=nothing",
        "days?service=session&month=2027-13",
        "days?service=session&month=9999-12",
        "days?service=session",
        "days?service=session&month=2027-03&practitioner=nobody",
    ]
    async with app(mongo_url, database_name, rabbit) as one:
        answers = {asked: (await one.call("GET", f"{FREE}/{asked}")).status for asked in senseless}
        assert answers == dict.fromkeys(senseless, 422)


async def test_an_outside_calendar_is_read_counts_and_is_told_to_be_stale_when_it_is_gone(
    mongo_url: str, database_name: str, rabbit: RabbitBackend
) -> None:
    file = a_file(f"DTSTART:{NOON:%Y%m%dT%H%M%SZ}|DURATION:PT1H")

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=file)

    served = web.Application()
    served.router.add_get("/secret/ana.ics", answer)
    soon: dict[str, Any] = {"booking_calendar_minutes": 0.001, "booking_calendar_stale_hours": 3 / 3600}
    async with app(mongo_url, database_name, rabbit, booking_outward_private=True, **soon) as one:
        assert NOON in await starts(one)
        async with TestServer(served, host="127.0.0.1") as server:
            profile = naming(str(server.make_url("/secret/ana.ics")))
            assert (await one.as_operator("PUT", PRACTICE, profile)).status == 200

            async def is_taken() -> bool:
                return NOON not in await starts(one)

            await until(is_taken)
            assert (await one.hold(NOON, practitioner="ana")).code == "outside-hours"
            explained = await one.as_operator(
                "GET", f"{FREE}/explain?service=session&starts_at={NOON.strftime('%Y-%m-%dT%H:%M:%SZ')}"
            )
            assert explained.body["reasons"] == {"ana": ["calendar"], "ben": []}
        told = await until(lambda: stale(one))
        assert told["stale_calendars"] == ["ana"]
        (state,) = (await one.as_operator("GET", f"{PRACTICE}/calendars")).body["calendars"]
        assert (state["practitioner"], state["host"], state["stale"]) == ("ana", "127.0.0.1", True)
        assert (state["trouble"], state["entries"], state["skipped"]) == ("unreachable", 1, 0)
        assert NOON not in await starts(one)
        assert (await one.call("GET", f"{PRACTICE}/calendars")).status == 401


async def stale(one: App) -> Json | None:
    body = (await one.call("GET", f"{FREE}?{ASKED}")).body
    return body if "stale_calendars" in body else None
