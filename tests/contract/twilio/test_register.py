"""The provider's record as notify reads it: a day in pages, and one text by its name."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from pydantic import SecretStr

from deploy.twilio_emulator.app import Running
from deploy.twilio_emulator.faults import Fault, Kind
from deploy.twilio_emulator.message import Direction, Message, Status
from services.notify.domain.audit import Listed
from services.notify.gateway import LARGEST_PAGE, Account, Twilio
from services.notify.ports import GatewayDown
from tests.contract.twilio.wire import ACCOUNT, PHONE

DAY = date(2027, 6, 8)
MIDNIGHT = datetime(2027, 6, 8, tzinfo=UTC)
SERVICE = "MG" + "0" * 32


def account(url: str, service: str | None = None) -> Account:
    number = None if service else ACCOUNT.number
    token = SecretStr(ACCOUNT.auth_token)
    return Account(sid=ACCOUNT.sid, auth_token=token, base=url, number=number, service=service)


def text(number: int, sent_at: datetime | None = MIDNIGHT) -> Message:
    return Message(
        sid=f"SM{number:032x}",
        direction=Direction.API,
        to=PHONE,
        sender=ACCOUNT.number,
        body="",
        status=Status.DELIVERED,
        created_at=MIDNIGHT,
        updated_at=MIDNIGHT,
        sent_at=sent_at,
    )


async def test_a_day_goes_from_midnight_to_midnight_in_greenwich(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "America/Los_Angeles")
    second = timedelta(seconds=1)
    for number, at in enumerate((MIDNIGHT - second, MIDNIGHT, MIDNIGHT + timedelta(days=1) - second)):
        running.emulator.messages.put(text(number, at))
    running.emulator.messages.put(text(3, MIDNIGHT + timedelta(days=1)))
    running.emulator.messages.put(text(4, None))

    async with Twilio.open(account(running.url)) as twilio:
        pages = [page async for page in twilio.listed(DAY)]

    assert [[one.sid[-1] for one in page] for page in pages] == [["2", "1"]]
    assert pages[0][0] == Listed(text(2).sid, PHONE, "delivered")


async def test_a_long_day_comes_in_pages(running: Running) -> None:
    for number in range(LARGEST_PAGE * 2 + 1):
        running.emulator.messages.put(text(number))

    async with Twilio.open(account(running.url)) as twilio:
        pages = [page async for page in twilio.listed(DAY)]

    assert [len(page) for page in pages] == [LARGEST_PAGE, LARGEST_PAGE, 1]
    assert len({one.sid for page in pages for one in page}) == LARGEST_PAGE * 2 + 1


async def test_what_clients_texted_what_answers_them_and_what_others_send_is_not_listed(running: Running) -> None:
    running.emulator.messages.put(replace(text(1), direction=Direction.INBOUND))
    running.emulator.messages.put(replace(text(2), direction=Direction.REPLY))
    running.emulator.messages.put(replace(text(3), sender="+15005550009"))
    running.emulator.messages.put(replace(text(4), service=SERVICE))

    async with Twilio.open(account(running.url)) as by_number, Twilio.open(account(running.url, SERVICE)) as by_service:
        mine = [page async for page in by_number.listed(DAY)]
        services = [page async for page in by_service.listed(DAY)]

    assert mine == [[]]
    assert [[one.sid[-1] for one in page] for page in services] == [["4"]]


async def test_one_text_is_fetched_whatever_became_of_it_and_an_unknown_name_is_none(running: Running) -> None:
    running.emulator.messages.put(replace(text(1, None), status=Status.FAILED))

    async with Twilio.open(account(running.url)) as twilio:
        assert await twilio.fetch(text(1).sid) == Listed(text(1).sid, PHONE, "failed")
        assert await twilio.fetch(text(2).sid) is None


@pytest.mark.parametrize("kind", [Kind.TOO_MANY_REQUESTS, Kind.ERROR_BEFORE, Kind.HTML, Kind.RESET_AFTER])
async def test_no_answer_is_never_an_empty_list_and_never_a_missing_text(running: Running, kind: Kind) -> None:
    running.emulator.messages.put(text(1))
    running.emulator.faults.add(Fault(kind=kind, on="list", times=None))
    running.emulator.faults.add(Fault(kind=kind, on="fetch", times=None))

    async with Twilio.open(account(running.url)) as twilio:
        with pytest.raises(GatewayDown):
            _ = [page async for page in twilio.listed(DAY)]
        with pytest.raises(GatewayDown):
            await twilio.fetch(text(1).sid)
