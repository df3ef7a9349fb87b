"""One booking is one trace, from the request over outbox and broker to the last service, and nobody is in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from tests.support.backends import RabbitBackend, fresh_vhost
from tests.support.collector import Collector, Told, collecting
from tests.support.phone import Phone
from tests.support.running import OPERATOR_KEY, Running, running
from tests.support.story import Booking, Widget
from tests.support.waiting import until
from tests.system.conftest import PRACTICE, demo_profile, load_demo_practice

NUMBER = "+41790009871"
ANSWERED = "PUT /screening/v1/appointments/{appointment}/answers"
REQUEST_HEARD = "screening hears booking.appointment.requested.v1"
TOLD_LAST = "notify hears booking.appointment.confirmed.v1"


@dataclass(frozen=True, slots=True)
class Traced:
    system: Running
    collector: Collector
    booking: Booking
    form: dict[str, object]


@pytest.fixture(scope="module")
async def traced(
    mongo_url: str, rabbit_server: RabbitBackend, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Traced]:
    """A visit that was asked for, cleared, confirmed and texted, while traces were collected."""
    folder = tmp_path_factory.mktemp("traced")
    async with (
        fresh_vhost(rabbit_server) as rabbit,
        collecting() as collector,
        running(folder, mongo_url=mongo_url, rabbit=rabbit, otlp_endpoint=collector.origin) as system,
        aiohttp.ClientSession() as http,
    ):
        widget, phone = Widget(http, system.origins, PRACTICE, OPERATOR_KEY), Phone(http, system.phone, NUMBER)
        await load_demo_practice(widget)
        after = datetime.now(UTC) + timedelta(hours=30)
        slots = await widget.times("session", days="7")
        slot = next(slot for slot in slots if datetime.fromisoformat(slot["starts_at"]) > after)
        booking = await widget.hold("session", slot)
        await booking.request(NUMBER)
        form = await widget.clear_answers("session")
        # Answers that come before their request would be decided in the request's trace.
        await until(lambda: REQUEST_HEARD in {span.name for span in collector.spans}, within=20)
        await booking.answer(form)
        await until(lambda: phone.saw("your visit is booked for"), within=20)
        await until(lambda: one_trace(collector), within=20)
        yield Traced(system, collector, booking, form)


def one_trace(collector: Collector) -> list[Told]:
    """The spans of the trace in which the health check was answered, once all of them are told."""
    answered = [span for span in collector.spans if span.name == ANSWERED]
    spans = [span for span in collector.spans if span.trace in {one.trace for one in answered}]
    ids = {span.id for span in spans}
    # Each service tells its spans when it pleases, a second apart.
    is_whole = TOLD_LAST in {span.name for span in spans} and all(
        span.parent in ids for span in spans if span not in answered
    )
    return spans if is_whole else []


def test_one_trace_leads_from_the_answer_to_the_text(traced: Traced) -> None:
    spans = one_trace(traced.collector)
    by_id = {span.id: span for span in spans}
    span = next(span for span in spans if span.name == TOLD_LAST)
    way = [span]
    while span.parent in by_id:
        span = by_id[span.parent]
        way.append(span)

    assert [(one.service, one.name) for one in reversed(way)] == [
        ("stillpoint-screening", ANSWERED),
        ("stillpoint-screening", "publish screening.case.decided.v1"),
        ("stillpoint-booking", "booking hears screening.case.decided.v1"),
        ("stillpoint-booking", "publish booking.appointment.confirmed.v1"),
        ("stillpoint-notify", TOLD_LAST),
    ]
    assert len({one.trace for one in way}) == 1
    assert way[0].attributes["stillpoint.verdict"] == "Done"
    assert way[-1].attributes["http.response.status_code"].startswith("2")


def test_each_service_shows_what_it_asked_of_its_database(traced: Traced) -> None:
    spans = one_trace(traced.collector)
    asked = [span for span in spans if span.attributes.get("db.system.name") == "mongodb"]
    ids = {span.id for span in spans}

    assert {span.service for span in asked} == {"stillpoint-booking", "stillpoint-screening", "stillpoint-notify"}
    assert all(span.parent in ids for span in asked)
    assert all(span.seconds >= 0 for span in asked)


def test_nothing_of_a_person_and_no_secret_is_in_any_span(traced: Traced) -> None:
    told = b"\n".join(traced.collector.raw)
    attributes = {name for span in traced.collector.spans for name in span.attributes}
    planted = ["Example Client", NUMBER, NUMBER[1:], NUMBER[3:], traced.booking.token, OPERATOR_KEY, "aneurysm", "q_"]

    assert len(traced.collector.spans) > 20
    assert [word for word in planted if word.encode() in told] == []
    assert attributes <= {
        "http.request.method", "http.route", "http.response.status_code", "messaging.message.id", "messaging.system",
        "stillpoint.attempt", "stillpoint.verdict", "db.system.name", "db.operation.name", "db.namespace", "error.type",
    }  # fmt: skip


async def test_a_collector_that_is_away_holds_nobody_up(
    mongo_url: str, rabbit_server: RabbitBackend, tmp_path_factory: pytest.TempPathFactory
) -> None:
    nobody, folder = "http://127.0.0.1:9", tmp_path_factory.mktemp("untold")
    async with (
        fresh_vhost(rabbit_server) as rabbit,
        running(folder, mongo_url=mongo_url, rabbit=rabbit, services=("booking",), otlp_endpoint=nobody) as system,
        aiohttp.ClientSession() as http,
        asyncio.timeout(30),
    ):
        widget = Widget(http, system.origins, PRACTICE, OPERATOR_KEY)
        told = await widget.call("PUT", f"/booking/v1/practices/{PRACTICE}", token=OPERATOR_KEY, body=demo_profile())

        assert told
        assert await widget.times("session", days="7")
