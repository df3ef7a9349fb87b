"""The story of one booking over the real processes: every outcome, every text, every reply."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.running import OPERATOR_KEY
from tests.support.story import Booking, Refused
from tests.support.waiting import until
from tests.system.conftest import PRACTICE, Stage

HEALTH_WORDS = re.compile(r"health|aneurysm|head|bleed|declin|contraindic|screen|cranio|pregnan|review", re.IGNORECASE)


async def held(stage: Stage, service: str = "session", *, hours_ahead: int = 30) -> Booking:
    """A time at least so far ahead that the texts do not depend on the hour at which this runs."""
    after = datetime.now(UTC) + timedelta(hours=hours_ahead)
    slots = await stage.widget.times(service, days="7")
    slot = next(slot for slot in slots if datetime.fromisoformat(slot["starts_at"]) > after)
    return await stage.widget.hold(service, slot)


async def answers(stage: Stage, **changed: Any) -> dict[str, Any]:
    form = await stage.widget.clear_answers("session")
    return {**form, "answers": {**form["answers"], **changed}}


async def test_a_clear_check_confirms_the_visit_and_texts_the_client_once(stage: Stage) -> None:
    phone, booking = stage.new_phone(), await held(stage)

    assert (await booking.request(phone.number))["state"] == "requested"
    told = await booking.answer(await answers(stage))

    assert told["status"] in {"decided", "awaiting_request"}
    await until(lambda: booking.is_("confirmed"))
    text = await until(lambda: phone.saw("your visit is booked for"), within=20)
    assert not HEALTH_WORDS.search(text)
    assert re.search(r"https?://\S+/n/\w{8}", text)
    await until(lambda: _delivered(stage, booking, "booked"))
    assert len(await phone.texts()) == 1


async def test_the_answers_may_come_before_the_request(stage: Stage) -> None:
    phone, booking = stage.new_phone(), await held(stage)

    assert (await booking.answer(await answers(stage)))["status"] == "awaiting_request"
    await booking.request(phone.number)

    await until(lambda: booking.is_("confirmed"))
    await until(lambda: phone.saw("your visit is booked for"), within=20)


async def test_an_answer_that_needs_a_persons_eye_waits_for_one(stage: Stage) -> None:
    phone, booking = stage.new_phone(), await held(stage)
    await booking.request(phone.number)

    await booking.answer(await answers(stage, q_head_injury="unsure"))

    await until(lambda: booking.is_("in_review"))
    text = await until(lambda: phone.saw("a message about your booking request"), within=20)
    assert not HEALTH_WORDS.search(text)
    reviews = await stage.widget.call("GET", f"/screening/v1/practices/{PRACTICE}/reviews", token=OPERATOR_KEY)
    version = next(review["version"] for review in reviews["reviews"] if review["appointment"] == booking.id)

    note = {"decision": "approve", "note": "Spoke with the client on the phone; fine.", "version": version}
    note |= {"decided_by": "Ines"}
    await stage.widget.call("POST", f"/screening/v1/cases/{booking.id}/decision", token=OPERATOR_KEY, body=note)

    await until(lambda: booking.is_("confirmed"))
    await until(lambda: phone.saw("your visit is booked for"), within=20)


async def test_a_mandatory_contraindication_frees_the_time_and_the_text_does_not_say_so(stage: Stage) -> None:
    phone, booking = stage.new_phone(), await held(stage)
    slot = await booking.look()
    await booking.request(phone.number)

    await booking.answer(await answers(stage, q_aneurysm="yes"))

    await until(lambda: booking.is_("declined"))
    text = await until(lambda: phone.saw("a message about your booking request"), within=20)
    assert not HEALTH_WORDS.search(text)
    again = await stage.widget.hold("session", {"starts_at": slot["starts_at"], "practitioner": slot["practitioner"]})
    await again.cancel()


async def test_a_moved_visit_is_to_be_told_once_it_is_settled_and_its_old_time_is_free(stage: Stage) -> None:
    _, booking = await confirmed(stage)
    old = await booking.look()
    times = await stage.widget.times("session", days="10")
    new = [slot for slot in times if slot["practitioner"] == old["practitioner"]][-1]

    moved = await stage.widget.call(
        "POST", f"/booking/v1/appointments/{booking.id}/move", token=OPERATOR_KEY, body={"starts_at": new["starts_at"]}
    )

    assert moved["state"] == "confirmed"
    await until(lambda: _is_planned(stage, booking, "moved"), within=20)
    freed = await stage.widget.hold("session", {"starts_at": old["starts_at"], "practitioner": old["practitioner"]})
    await freed.cancel()


async def test_a_cancelled_visit_is_told_once_and_nothing_more_is_planned(stage: Stage) -> None:
    phone, booking = await confirmed(stage)

    await booking.cancel()

    await until(lambda: phone.saw("is cancelled"), within=20)
    await until(lambda: _none_planned(stage, booking))
    assert len([body for body in await phone.bodies() if "is cancelled" in body]) == 1


async def test_c_is_recorded_and_r_is_answered_with_a_link(stage: Stage) -> None:
    phone, booking = await confirmed(stage)

    await phone.text("C")
    await until(lambda: _agenda_says(stage, booking, "said_yes"))
    await phone.text("r")

    await until(lambda: phone.saw("pick another time"), within=20)
    await until(lambda: _agenda_says(stage, booking, "asked_to_move"))


async def test_stop_ends_the_texts(stage: Stage) -> None:
    phone, booking = await confirmed(stage)

    await phone.text("STOP")
    await until(lambda: phone.saw("unsubscribed"))
    before = len(await phone.texts())
    await booking.cancel()

    await until(lambda: _step_is(stage, booking, "cancelled", "skipped"), within=20)
    assert len(await phone.texts()) == before


async def test_without_consent_nobody_is_texted(stage: Stage) -> None:
    phone, booking = stage.new_phone(), await held(stage)
    await booking.request(phone.number, texts=False)
    await booking.answer(await answers(stage))

    await until(lambda: booking.is_("confirmed"))
    other, _ = await confirmed(stage)

    assert await other.texts()
    assert await phone.texts() == []


async def test_a_taken_time_is_refused_with_its_code(stage: Stage) -> None:
    booking = await held(stage)
    slot = await booking.look()

    with pytest.raises(Refused) as refused:
        await stage.widget.hold("session", {"starts_at": slot["starts_at"], "practitioner": slot["practitioner"]})

    assert (refused.value.status, refused.value.code) == (409, "slot-taken")


async def confirmed(stage: Stage) -> tuple[Any, Booking]:
    phone, booking = stage.new_phone(), await held(stage)
    await booking.request(phone.number)
    await booking.answer(await answers(stage))
    await until(lambda: phone.saw("your visit is booked for"), within=20)
    return phone, booking


async def messages(stage: Stage, booking: Booking) -> list[dict[str, Any]]:
    found = await stage.widget.call("GET", f"/notify/v1/appointments/{booking.id}/messages", token=OPERATOR_KEY)
    return list(found["messages"])


async def _delivered(stage: Stage, booking: Booking, step: str) -> bool:
    return await _step_is(stage, booking, step, "delivered")


async def _step_is(stage: Stage, booking: Booking, step: str, state: str) -> bool:
    return any(m["step"] == step and m["state"] == state for m in await messages(stage, booking))


async def _none_planned(stage: Stage, booking: Booking) -> bool:
    return not any(m["state"] == "planned" for m in await messages(stage, booking))


async def _is_planned(stage: Stage, booking: Booking, step: str) -> bool:
    return any((m["step"], m["state"]) == (step, "planned") for m in await messages(stage, booking))


async def _agenda_says(stage: Stage, booking: Booking, what: str) -> bool:
    path = f"/booking/v1/practices/{PRACTICE}/agenda"
    agenda = await stage.widget.call("GET", path, token=OPERATOR_KEY, days="14")
    entries = {visit["appointment"]["id"]: visit for day in agenda["days"] for visit in day["visits"]}
    return bool(entries[booking.id][what])
