"""What the desk sees and does, over the twins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.notify.actions.desk import MessageBegun, MessageUnknown, PracticeUnknown
from services.notify.actions.pages import LinkExpired
from services.notify.domain.delivery import State
from services.notify.routes.payloads import PlanRequest
from services.notify.routes.views import PlannedText
from shared.errors import Refusal
from tests.support.notify import APPOINTMENT, STARTS, Clock, Phone, Worker, practice, twins, visit

BOOKED_AT = STARTS - timedelta(days=7)


async def a_worker() -> tuple[Worker, Clock, Phone]:
    clock = Clock(BOOKED_AT)
    phone = Phone(clock)
    worker = Worker(twins(clock), phone, clock)
    await worker.stores.practices.keep(practice())
    return worker, clock, phone


async def test_a_cancelled_text_is_not_sent_and_a_retried_one_is() -> None:
    worker, _, phone = await a_worker()
    await worker.hears(visit(since=BOOKED_AT))
    [booked, *_] = await worker.stores.messages.of(APPOINTMENT)

    await worker.desk.cancel(booked.id, by="Ana")
    await worker.sending.send_due()
    assert phone.bodies == []

    await worker.desk.retry(booked.id, by="Ana")
    await worker.sending.send_due()
    assert len(phone.bodies) == 1
    assert worker.woken == 2


async def test_a_retried_text_that_is_no_longer_true_is_still_not_sent() -> None:
    worker, clock, phone = await a_worker()
    await worker.hears(visit(since=BOOKED_AT))
    [booked, *_] = await worker.stores.messages.of(APPOINTMENT)
    await worker.desk.cancel(booked.id, by="Ana")
    clock.at = STARTS

    await worker.desk.retry(booked.id, by="Ana")
    await worker.sending.send_due()

    kept = await worker.stores.messages.get(booked.id)
    assert kept is not None
    assert (kept.state, kept.why, phone.bodies) == (State.SKIPPED, "stale", [])


async def test_what_was_sent_can_neither_be_cancelled_nor_sent_again() -> None:
    worker, _, _ = await a_worker()
    await worker.hears(visit(since=BOOKED_AT))
    await worker.sending.send_due()
    [booked, *_] = await worker.stores.messages.of(APPOINTMENT)

    for deed in (worker.desk.cancel, worker.desk.retry):
        with pytest.raises(MessageBegun):
            await deed(booked.id, by="Ana")


async def test_unknown_texts_and_practices_are_refused() -> None:
    worker, _, _ = await a_worker()

    with pytest.raises(MessageUnknown):
        await worker.desk.cancel("nothing", by="Ana")
    with pytest.raises(PracticeUnknown):
        await worker.desk.practice("nobody")


async def test_a_link_works_until_three_days_after_the_visit() -> None:
    worker, clock, _ = await a_worker()
    await worker.hears(visit(since=BOOKED_AT))
    [booked, *_] = await worker.stores.messages.of(APPOINTMENT)

    assert (await worker.pages.page(booked.code)).id == APPOINTMENT
    clock.at = STARTS + timedelta(hours=73)
    with pytest.raises(LinkExpired):
        await worker.pages.page(booked.code)
    with pytest.raises(LinkExpired):
        await worker.pages.page("whatever")


instants = st.datetimes(
    datetime.fromisoformat("2000-01-01"), datetime.fromisoformat("2199-12-01"), timezones=st.just(UTC)
).map(datetime.isoformat)
minutes = st.times().map(lambda at: at.strftime("%H:%M"))
plans = st.fixed_dictionaries(
    {
        "visit": st.fixed_dictionaries(
            {
                **dict.fromkeys(("booked_at", "starts_at", "ends_at"), instants),
                **dict.fromkeys(("zone", "client_zone"), st.sampled_from(sorted(available_timezones()))),
                "locale": st.sampled_from(["en", "en-GB", "de-DE", "ar", "xx", "zh-Hant-TW", "en_US"]),
            }
        ),
        "settings": st.fixed_dictionaries(
            {},
            optional={
                "sms_name": st.text(min_size=1, max_size=60),
                "steps": st.lists(st.sampled_from(["prepare", "day_before", "two_hours", "aftercare"])).map(tuple),
                "quiet_from": minutes,
                "quiet_until": minutes,
            },
        ),
    }
)


@given(plans)
def test_any_visit_that_fits_the_schema_can_be_planned(body: dict[str, dict[str, object]]) -> None:
    clock = Clock(STARTS)
    desk = Worker(twins(clock), Phone(clock), clock).desk
    body["visit"] |= dict(
        zip(("booked_at", "starts_at", "ends_at"), sorted(map(str, list(body["visit"].values())[:3])), strict=True)
    )
    try:
        asked = PlanRequest.model_validate(body)
        previews = desk.preview(asked.to_visit("still-waters"), asked.practice(practice()))
    except (ValidationError, Refusal):
        return
    for preview in previews:
        assert PlannedText.of(preview, asked.visit.client_zone).segments in (1, 2)
