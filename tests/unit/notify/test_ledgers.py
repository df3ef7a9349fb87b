"""What is agreed to, taken back and given again, from the form, from a text and from the provider alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from services.notify import inbox
from services.notify.domain.consent import Entry, Purpose, Word
from services.notify.domain.delivery import Message, State
from services.notify.domain.provider import Refused
from services.notify.domain.truth import Truth, judge
from services.notify.domain.verdict import Drop, Send
from services.notify.domain.visit import VisitState
from shared.events import Envelope, decode
from shared.retry import DONE
from tests.support.notify import (
    APPOINTMENT,
    PHONE,
    STARTS,
    Clock,
    Phone,
    Worker,
    inbound,
    message,
    practice,
    steps,
    twins,
    visit,
)

SAMPLES = Path(__file__).parents[2] / "contract" / "events"
BOOKED_AT = STARTS - timedelta(days=7)
HOUSE, OTHER_HOUSE, SECOND = "still-waters", "other-house", "s" * 26


class Day:
    """A practice with a visit, a worker, the provider's twin, and nothing sent yet."""

    def __init__(self, **options: Any) -> None:
        self.clock = Clock(BOOKED_AT)
        self.phone = Phone(self.clock)
        self.worker = Worker(twins(self.clock), self.phone, self.clock, **options)

    async def begin(self) -> Day:
        for house in (HOUSE, OTHER_HOUSE):
            await self.worker.stores.practices.keep(practice(id=house))
        assert await self.worker.hears(visit(since=BOOKED_AT))
        return self

    async def run(self) -> None:
        for _ in range(3):
            await self.worker.sending.send_due()
            self.clock.forward(timedelta(minutes=1))

    async def hear(self, body: str, sid: str, opt_out_type: str | None = None) -> None:
        await self.worker.listening.hear(inbound(body, sid=sid, opt_out_type=opt_out_type))

    async def text(self, step: str, appointment: str = APPOINTMENT) -> Message:
        return next(text for text in await self.worker.stores.messages.of(appointment) if text.step == step)

    async def words(self, practice: str = HOUSE) -> list[tuple[Word, str]]:
        return [(entry.word, entry.source) for entry in (await self.worker.ledgers.of(practice, PHONE)).entries]

    async def is_stopped(self, practice: str = HOUSE) -> bool:
        return (await self.worker.ledgers.of(practice, PHONE)).stopped


def drift() -> float:
    return REGISTRY.get_sample_value("opt_out_drift_total") or 0.0


@pytest.fixture
async def day() -> Day:
    return await Day().begin()


# Offers.

WITH_REBOOK = practice(steps=frozenset({"rebook"}))
CAME = visit(state=VisitState.ATTENDED, since=STARTS + timedelta(hours=2), wants_offers=True)
OFFERED = message(steps(CAME, WITH_REBOOK)["rebook"], CAME)


def said(word: Word, day: int, purpose: Purpose = Purpose.CARE) -> Entry:
    at = STARTS + timedelta(days=day)
    return Entry(key=f"{word}:{purpose}:{day}", word=word, at=at, source="test", purpose=purpose)


AGREED = said(Word.CONSENTED, -9, Purpose.OFFERS)


@pytest.mark.parametrize(
    ("ledger", "goes"),
    [
        ([], "no_consent"),
        ([said(Word.CONSENTED, -9)], "no_consent"),
        ([AGREED], None),
        ([AGREED, said(Word.WITHHELD, -8, Purpose.OFFERS)], "no_consent"),
        ([AGREED, said(Word.WITHHELD, -8)], None),
        ([AGREED, said(Word.STOPPED, 1)], "opted_out"),
        ([AGREED, said(Word.STOPPED, 1), said(Word.STARTED, 2)], "no_consent"),
        ([AGREED, said(Word.STOPPED, 1), said(Word.STARTED, 2), said(Word.CONSENTED, 3, Purpose.OFFERS)], None),
    ],
)
def test_a_further_visit_is_offered_to_who_agreed_to_offers_and_has_not_said_stop_since(
    ledger: Sequence[Entry], goes: str | None
) -> None:
    verdict = judge(OFFERED, Truth(CAME, WITH_REBOOK, tuple(ledger)), OFFERED.planned_for)

    assert verdict == (Send("rebook") if goes is None else Drop(State.SKIPPED, goes))


def heard(name: str) -> Envelope[Any]:
    return decode(name.partition("~")[0], (SAMPLES / f"{name}.json").read_bytes())


async def ledger_after(event: Envelope[Any], times: int = 1) -> list[Entry]:
    clock = Clock(event.time)
    worker = Worker(twins(clock), Phone(clock), clock)
    await worker.planning.keep_practice(practice(id=event.practice))
    handler = inbox.subscriptions(worker.planning, worker.notices, worker.clients)[type(event.data)]
    for _ in range(times):
        assert await handler(event) == DONE
    number = event.data.client.guardian.phone  # who answers for a child is texted
    return list((await worker.ledgers.of(event.practice, number)).entries)


async def test_what_was_agreed_to_on_the_form_is_entered_by_purpose_with_wording_time_and_source() -> None:
    event = heard("booking.appointment.requested.v1~offers")
    given = event.data.client.consent
    expected = {"word": Word.CONSENTED, "at": given.given_at, "source": "booking", "wording": given.wording}

    entered = await ledger_after(event, times=3)

    assert [entry.purpose for entry in entered] == [Purpose.CARE, Purpose.OFFERS]
    assert all(entry == replace(entry, **expected) for entry in entered)


async def test_a_form_without_offers_says_nothing_of_them() -> None:
    for name in ("booking.appointment.requested.v1", "booking.appointment.confirmed.v1"):
        assert [entry.purpose for entry in await ledger_after(heard(name))] == [Purpose.CARE]


async def test_offers_without_texts_about_visits_are_entered_as_just_that() -> None:
    event = heard("booking.appointment.requested.v1~offers")
    client = event.data.client
    only_offers = client.model_copy(update={"consent": client.consent.model_copy(update={"texts": False})})
    event = event.model_copy(update={"data": event.data.model_copy(update={"client": only_offers})})

    assert [(entry.word, entry.purpose) for entry in await ledger_after(event)] == [
        (Word.WITHHELD, Purpose.CARE),
        (Word.CONSENTED, Purpose.OFFERS),
    ]


# Stops, from wherever they are learned.


async def test_a_stop_is_learned_from_a_refusal_once_and_is_drift_once(day: Day) -> None:
    before = drift()
    day.phone.answers.append(lambda: Refused(21610))
    await day.run()
    booked = await day.text("booked")
    assert (booked.state, await day.is_stopped(), await day.is_stopped(OTHER_HOUSE)) == (State.SKIPPED, True, True)

    assert booked.attempt is not None
    for _ in range(2):  # and told by receipts as well
        await day.worker.receipts.take(booked.code, booked.attempt.id, sid="SM1", status="failed", error_code=21610)

    assert await day.words() == [(Word.CONSENTED, "booking"), (Word.STOPPED, "provider")]
    assert drift() - before == 1


async def test_a_stop_is_learned_from_the_webhook_once_and_the_refusal_after_it_is_no_drift(day: Day) -> None:
    before = drift()
    await day.run()
    for _ in range(2):
        await day.hear("STOP", "SMstop")
    assert await day.words() == [(Word.CONSENTED, "booking"), (Word.STOPPED, "reply")]

    booked = await day.text("booked")
    assert booked.attempt is not None
    await day.worker.receipts.take(
        booked.code, booked.attempt.id, sid=str(booked.sid), status="undelivered", error_code=21610
    )

    assert (await day.is_stopped(), drift() - before) == (True, 0)


async def test_a_refusal_that_is_heard_of_late_does_not_take_back_a_start_from_in_between(day: Day) -> None:
    await day.run()
    booked = await day.text("booked")
    assert booked.attempt is not None
    await day.hear("STOP", "SMstop")
    day.clock.forward(timedelta(minutes=1))
    await day.hear("START", "SMstart")
    day.clock.forward(timedelta(minutes=1))

    await day.worker.receipts.take(
        booked.code, booked.attempt.id, sid=str(booked.sid), status="undelivered", error_code=21610
    )

    assert not await day.is_stopped()


@pytest.mark.parametrize("how", ["a text", "a keyword", "the provider"])
async def test_a_start_lets_texts_about_visits_go_again_however_the_stop_was_learned(day: Day, how: str) -> None:
    if how == "the provider":
        day.phone.answers.append(lambda: Refused(21610))
    await day.run()
    if how != "the provider":
        await day.hear("please stop texting me" if how == "a text" else "STOP", "SMstop")
        await day.run()
    assert await day.is_stopped()
    day.clock.forward(timedelta(minutes=1))

    await day.hear("START", "SMstart")
    assert await day.worker.hears(visit(appointment=SECOND, since=day.clock()))
    await day.run()

    assert not await day.is_stopped()
    assert (await day.text("booked", SECOND)).state is State.ACCEPTED


async def test_a_start_gives_back_no_consent_that_was_never_given() -> None:
    day = Day()
    await day.worker.stores.practices.keep(practice())
    assert await day.worker.hears(visit(since=BOOKED_AT, consented=False))
    for body, sid in (("STOP", "SM1"), ("START", "SM2")):
        await day.hear(body, sid)
        day.clock.forward(timedelta(seconds=1))
    await day.run()

    said = await day.worker.ledgers.of(HOUSE, PHONE)
    assert (said.stopped, dict(said.agrees)) == (False, {Purpose.CARE: False, Purpose.OFFERS: False})
    assert day.phone.bodies == []


async def test_a_consent_is_of_one_practice_and_a_stop_of_all_that_share_the_sender(day: Day) -> None:
    """The provider keeps one list for the sender, so a stop that spared one practice would be refused there."""
    assert (await day.worker.ledgers.of(OTHER_HOUSE, PHONE)).entries == []
    await day.run()
    await day.hear("please stop texting me", "SMstop")

    at_other = replace(visit(appointment=SECOND, since=day.clock()), practice=OTHER_HOUSE)
    assert await day.worker.hears(at_other)
    await day.run()

    assert ((await day.text("booked", SECOND)).state, (await day.text("booked", SECOND)).why) == (
        State.SKIPPED,
        "opted_out",
    )
    assert await day.is_stopped(OTHER_HOUSE)


@pytest.mark.parametrize(("opt_out_type", "provider_answers"), [("STOP", True), ("STOP", False), (None, True)])
@pytest.mark.parametrize("body", ["STOP", "stop.", "Unsubscribe"])
async def test_what_the_provider_confirms_is_not_confirmed_again(
    body: str, opt_out_type: str | None, provider_answers: bool
) -> None:
    day = await Day(provider_answers=provider_answers).begin()
    await day.run()
    before = len(day.phone.bodies)

    await day.hear(body, "SMstop", opt_out_type)
    await day.run()

    assert (await day.is_stopped(), len(day.phone.bodies)) == (True, before)


async def test_the_report_of_drift_tells_who_said_what_where_and_is_of_its_span(day: Day) -> None:
    day.phone.answers.append(lambda: Refused(21610))
    await day.run()
    await day.hear("START", "SMstart")
    day.clock.forward(timedelta(minutes=1))
    await day.hear("STOP", "SMstop")

    report = await day.worker.ledgers.drift(HOUSE, timedelta(days=1))

    assert [text.step for text in report.unknown_here] == ["booked"]
    assert (list(report.accepted_there), report.whole) == ([], True)
    assert dict(report.words) == {(Word.STOPPED, "provider"): 1, (Word.STARTED, "reply"): 1, (Word.STOPPED, "reply"): 1}
    assert (await day.worker.ledgers.drift(OTHER_HOUSE, timedelta(days=1))).unknown_here == []
    day.clock.forward(timedelta(days=2))
    assert dict((await day.worker.ledgers.drift(HOUSE, timedelta(days=1))).words) == {}


async def test_the_farewell_after_a_stop_is_no_drift(day: Day) -> None:
    await day.run()
    await day.hear("please stop texting me", "SMstop")
    await day.run()
    assert (await day.text("stopped")).sid is not None

    report = await day.worker.ledgers.drift(HOUSE, timedelta(days=1))

    assert (report.unknown_here, report.accepted_there) == ([], [])
