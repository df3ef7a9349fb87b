"""The operator's view of the sender and of numbers that take no texts, over HTTP, broker and database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from deploy.twilio_emulator.faults import Fault, Kind
from tests.support.backends import RabbitBackend
from tests.support.notify_app import NUMBER, PRACTICE, App, an_appointment, app, practice_changed
from tests.support.waiting import until


@pytest.fixture
async def notify(mongo_url: str, database_name: str, rabbit: RabbitBackend) -> AsyncIterator[App]:
    async with app(mongo_url, database_name, rabbit) as one:
        await one.say(practice_changed(), subject=PRACTICE, sequence=1)
        yield one


async def test_the_sender_is_shown_and_a_silent_provider_shuts_it(notify: App) -> None:
    status, shown = await notify.call("GET", "/v1/senders")
    assert status == 200
    [sender] = shown["senders"]
    assert (sender["sender"], sender["standing"], sender["failures"]) == (NUMBER, "open", 0)
    assert sender.keys().isdisjoint({"bucket", "day", "paused"})

    notify.emulator.faults.add(Fault(kind=Kind.ERROR_BEFORE, times=None))
    for _ in range(12):
        await notify.confirm(an_appointment())

    async def is_shut() -> bool:
        _, shown = await notify.call("GET", "/v1/senders")
        return bool(shown["senders"][0]["standing"] == "shut")

    await until(is_shut)
    _, shown = await notify.call("GET", "/v1/senders")
    assert shown["senders"][0]["failures"] >= 10
    assert shown["senders"][0]["breaks"] == 1


async def test_a_landline_is_shown_by_its_visit_and_cleared_there(notify: App) -> None:
    visit = an_appointment()
    notify.emulator.faults.add(Fault(kind=Kind.UNDELIVERED, code=30006))
    await notify.confirm(visit)
    await notify.becomes(visit, "booked", "undelivered")

    path = f"/v1/practices/{PRACTICE}/bad-numbers"
    status, shown = await notify.call("GET", path)
    assert status == 200
    [bad] = shown["numbers"]
    assert (bad["appointment"], bad["why"], bad["code"]) == (visit, "landline", 30006)

    assert (await notify.call("DELETE", f"{path}/{visit}"))[0] == 204
    status, refused = await notify.call("DELETE", f"{path}/{visit}")
    assert (status, refused["code"]) == (404, "mark-unknown")
    assert (await notify.call("GET", path))[1] == {"numbers": []}
