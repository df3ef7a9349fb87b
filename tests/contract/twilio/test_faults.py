"""Each fault looks on the wire like the trouble it stands for, and leaves behind what that trouble leaves."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from deploy.twilio_emulator.app import Running, started
from deploy.twilio_emulator.faults import Fault
from tests.contract.twilio.wire import ACCOUNT, PHONE, Service, Wire, sdk
from tests.support.waiting import until

TEXT = {"to": PHONE, "from_": ACCOUNT.number, "body": "Hello"}


def arm(running: Running, kind: str, **how: Any) -> None:
    running.emulator.faults.add(Fault.model_validate({"kind": kind, **how}))


async def test_too_many_requests_takes_nothing_and_says_when_to_come_back(running: Running, twilio: Client) -> None:
    arm(running, "429", retry_after=7)
    with pytest.raises(TwilioRestException) as refused:
        await twilio.messages.create_async(**TEXT)
    assert isinstance(twilio.http_client, Wire)
    assert (refused.value.status, refused.value.code) == (429, 20429)
    assert twilio.http_client.headers["Retry-After"] == "7"
    assert len(running.emulator.messages) == 0
    assert (await twilio.messages.create_async(**TEXT)).status == "queued"


@pytest.mark.parametrize(("kind", "taken"), [("500-before", 0), ("500-after", 1)])
async def test_an_internal_error_does_not_tell_whether_the_text_was_taken(
    running: Running, twilio: Client, kind: str, taken: int
) -> None:
    arm(running, kind)
    with pytest.raises(TwilioRestException) as failed:
        await twilio.messages.create_async(**TEXT)
    assert (failed.value.status, failed.value.code) == (500, 20500)
    assert len(await twilio.messages.list_async(to=PHONE)) == taken


@pytest.mark.parametrize(("kind", "taken"), [("reset-before", 0), ("reset-after", 1)])
async def test_a_reset_does_not_tell_whether_the_text_was_taken(
    running: Running, twilio: Client, kind: str, taken: int
) -> None:
    arm(running, kind)
    with pytest.raises(aiohttp.ClientOSError) as broken:
        await twilio.messages.create_async(**TEXT)
    assert not isinstance(broken.value, aiohttp.ClientConnectorError)
    assert len(await twilio.messages.list_async(to=PHONE)) == taken


async def test_a_timeout_after_accepting_leaves_a_text_that_is_delivered(running: Running) -> None:
    arm(running, "timeout-after")
    async with sdk(running, patience=0.1) as twilio:
        with pytest.raises(TimeoutError):
            await twilio.messages.create_async(**TEXT)
    await until(lambda: [text.status for text in running.emulator.messages] == ["delivered"])


async def test_an_empty_answer_has_no_sid_although_the_text_was_taken(running: Running, twilio: Client) -> None:
    arm(running, "empty-201")
    assert (await twilio.messages.create_async(**TEXT)).sid is None
    assert len(running.emulator.messages) == 1


async def test_an_answer_in_html_cannot_be_read_although_the_text_was_taken(running: Running, twilio: Client) -> None:
    arm(running, "html-201")
    with pytest.raises(json.JSONDecodeError):
        await twilio.messages.create_async(**TEXT)
    assert len(running.emulator.messages) == 1


async def test_a_slow_answer_is_a_good_one(running: Running, twilio: Client) -> None:
    arm(running, "slow", seconds=0.05)
    assert (await twilio.messages.create_async(**TEXT)).status == "queued"


async def test_lost_callbacks_are_recorded_but_never_told(running: Running, service: Service, twilio: Client) -> None:
    arm(running, "lost-callback", statuses=["sent", "delivered"])
    await twilio.messages.create_async(**TEXT, status_callback=f"{service.url}/status")
    await until(lambda: len(running.emulator.webhooks.posted) == 3)
    assert service.receipts() == ["sending"]
    assert [posted.outcome for posted in running.emulator.webhooks.posted] == ["204", "lost", "lost"]


async def test_a_duplicated_callback_is_told_twice(running: Running, service: Service, twilio: Client) -> None:
    arm(running, "duplicate-callback", statuses=["delivered"])
    await twilio.messages.create_async(**TEXT, status_callback=f"{service.url}/status")
    await until(lambda: len(service.told) == 4)
    assert service.receipts() == ["sending", "sent", "delivered", "delivered"]


async def test_unordered_callbacks_begin_with_the_end(running: Running, service: Service, twilio: Client) -> None:
    arm(running, "unordered-callbacks")
    await twilio.messages.create_async(**TEXT, status_callback=f"{service.url}/status")
    await until(lambda: len(service.told) == 3)
    assert service.receipts() == ["delivered", "sent", "sending"]


@pytest.mark.parametrize(("kind", "way"), [("undelivered", ["sending", "sent", "undelivered"]), ("failed", ["failed"])])
async def test_a_text_that_does_not_arrive_says_why(
    running: Running, service: Service, twilio: Client, kind: str, way: list[str]
) -> None:
    arm(running, kind, code=30006)
    text = await twilio.messages.create_async(**TEXT, status_callback=f"{service.url}/status")
    await until(lambda: len(service.told) == len(way))
    assert service.receipts() == way
    assert service.told[-1][1]["ErrorCode"] == "30006"
    fetched = await twilio.messages(text.sid).fetch_async()
    assert (fetched.status, fetched.error_code) == (way[-1], 30006)
    assert fetched.error_message == "Landline or unreachable carrier"


async def test_a_stuck_text_dies_of_its_validity(running: Running, service: Service, twilio: Client) -> None:
    arm(running, "stuck")
    await twilio.messages.create_async(**TEXT, validity_period=1, status_callback=f"{service.url}/status")
    await until(service.receipts)
    assert service.told[0][1]["ErrorCode"] == "30036"


async def test_a_text_can_be_late_in_the_list(running: Running, twilio: Client) -> None:
    arm(running, "late-in-list", seconds=0.2)
    text = await twilio.messages.create_async(**TEXT)
    assert await twilio.messages.list_async(to=PHONE) == []
    assert (await twilio.messages(text.sid).fetch_async()).sid == text.sid
    await until(lambda: _listed(twilio))


async def _listed(twilio: Client) -> bool:
    return bool(await twilio.messages.list_async(to=PHONE))


async def test_a_fault_waits_for_its_number_and_its_door(running: Running, twilio: Client) -> None:
    arm(running, "500-before", to="+15550100077")
    arm(running, "429", on="list", times=2)
    assert (await twilio.messages.create_async(**TEXT)).status == "queued"
    for _ in range(2):
        with pytest.raises(Exception, match="Unable to fetch page"):
            await twilio.messages.list_async(to=PHONE)
    assert len(await twilio.messages.list_async(to=PHONE)) == 1
    with pytest.raises(TwilioRestException):
        await twilio.messages.create_async(**TEXT | {"to": "+15550100077"})


async def test_a_fault_by_chance_is_as_frequent_as_said(service: Service) -> None:
    throws = iter([0.1, 0.3, 0.7, 0.2])
    async with started(ACCOUNT, dice=lambda: next(throws)) as running, sdk(running) as twilio:
        arm(running, "429", chance=0.25, times=None)
        outcomes = []
        for _ in range(4):
            try:
                outcomes.append((await twilio.messages.create_async(**TEXT)).status)
            except TwilioRestException as refused:
                outcomes.append(refused.status)
    assert outcomes == [429, "queued", "queued", 429]


async def test_faults_are_armed_listed_and_disarmed_over_the_control_api(running: Running) -> None:
    faults = f"{running.url}/emulator/faults"
    async with aiohttp.ClientSession() as http:
        async with http.post(faults, json={"kind": "429", "times": 3}) as armed:
            number = (await armed.json())["number"]
        async with http.post(faults, json={"kind": "nonsense", "more": 1}) as wrong:
            assert wrong.status == 400
        async with http.get(faults) as answer:
            (only,) = (await answer.json())["faults"]
        assert (only["number"], only["kind"], only["times"]) == (number, "429", 3)
        async with http.delete(f"{faults}/{number}") as gone:
            assert gone.status == 204
        async with http.delete(f"{faults}/{number}") as gone:
            assert gone.status == 404
        await http.post(faults, json={"kind": "slow"})
        await http.delete(faults)
        async with http.get(f"{running.url}/emulator") as answer:
            assert (await answer.json())["faults"] == 0
