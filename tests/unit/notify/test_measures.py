"""Every metric of the list is there, is named as it should be, and moves when what it counts happens."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial

import prometheus_client
import pytest
from prometheus_client.parser import text_string_to_metric_families

import services.notify.app  # noqa: F401  with it every metric is there
from services.notify.actions import measures
from services.notify.domain.consent import Entry, Word
from services.notify.domain.delivery import Message, State, turned
from services.notify.domain.provider import NotCreated, Outcome, Refused, Unknown
from services.notify.domain.sender import Limits
from services.notify.ports import Outgoing
from tests.support.notify import APPOINTMENT, PHONE, SENDER, STARTS, Clock, Phone, Worker, practice, twins, visit

BOOKED_AT = STARTS - timedelta(days=7)
# What the service is judged by, and what else an operator looks at, with the end of its name by its unit.
METRICS: Mapping[str, str] = {
    "notify_duplicates": "counter",
    "texts_unknown": "counter",
    "texts_unknown_open": "gauge",
    "texts_unknown_oldest_seconds": "gauge",
    "texts_late_seconds": "histogram",
    "texts_arrival_seconds": "histogram",
    "texts_webhook_lag_seconds": "histogram",
    "texts_ended": "counter",
    "texts_opted_out_by_provider": "counter",
    "text_size_segments": "histogram",
    "texts_segments": "counter",
    "texts_quiet_holds": "counter",
    "texts_stale": "counter",
    "texts_capped": "counter",
    "texts_due": "gauge",
    "texts_due_oldest_seconds": "gauge",
    "texts_sender_tokens": "gauge",
    "texts_sender_failures": "gauge",
    "texts_sender_standing": "gauge",
    "texts_sender_open": "gauge",
    "texts_segments_spent": "gauge",
    "texts_posted": "counter",
    "texts_refused": "counter",
    "texts_held_back": "counter",
    "texts_news_lost": "counter",
    "texts_audited": "counter",
    "opt_out_drift": "counter",
    "numbers_marked": "counter",
}
# Each has as many values as a table of this service, never as many as there are clients or texts.
LABELS = frozenset({"template", "state", "step", "why", "outcome", "standing", "encoding", "found", "le"})


def exposed() -> dict[str, prometheus_client.Metric]:
    return {m.name: m for m in text_string_to_metric_families(prometheus_client.generate_latest().decode())}


@pytest.mark.parametrize("name", METRICS)
def test_it_is_exposed_with_a_help_text_and_a_name_by_the_convention(name: str) -> None:
    metric = exposed()[name]

    assert metric.type == METRICS[name]
    assert len(metric.documentation) > 20
    assert re.fullmatch(r"[a-z][a-z_]*[a-z]", name)
    if metric.type == "histogram":
        assert name.endswith(("_seconds", "_segments"))
    if metric.type == "gauge":
        assert not name.endswith("_total")
    assert {label for sample in metric.samples for label in sample.labels} <= LABELS


class Heard(Phone):
    """Something else happens while a POST is under way."""

    before_answering: Callable[[], Awaitable[None]] | None = None

    async def send(self, text: Outgoing) -> Outcome:
        if self.before_answering is not None:
            await self.before_answering()
        return await super().send(text)


class Day:
    def __init__(self, limits: Limits = Limits()) -> None:  # noqa: B008  frozen
        self.clock = Clock(BOOKED_AT)
        self.phone = Heard(self.clock)
        self.worker = Worker(twins(self.clock), self.phone, self.clock, limits=limits)

    async def booked(self) -> Message:
        await self.worker.stores.practices.keep(practice())
        await self.worker.hears(visit(since=self.clock.at))
        await self.worker.sending.send_due()
        [booked, *_] = await self.worker.stores.messages.of(APPOINTMENT)
        return booked

    async def receipt(self, text: Message, status: str, *, sid: str | None = None, told: bool = False) -> None:
        assert text.attempt is not None
        reported_at = self.clock.at - timedelta(seconds=90) if told else None
        await self.worker.receipts.take(
            text.code,
            text.attempt.id,
            sid=sid or text.sid or "",
            status=status,
            error_code=None,
            reported_at=reported_at,
        )


def value(name: str, **labels: str) -> float:
    return prometheus_client.REGISTRY.get_sample_value(name, labels) or 0.0


def grown(name: str, **labels: str) -> Callable[[], float]:
    before = value(name, **labels)
    return lambda: value(name, **labels) - before


async def test_a_text_counts_its_segments_its_lateness_and_its_end_once() -> None:
    day = Day()
    size, sent = grown("text_size_segments_count"), grown("texts_segments_total", encoding="GSM-7")
    late, posted = grown("texts_late_seconds_count", step="booked"), grown("texts_posted_total", outcome="Accepted")
    ended = grown("texts_ended_total", template="booked", state="delivered")
    arrived, lag = grown("texts_arrival_seconds_count"), grown("texts_webhook_lag_seconds_sum")

    booked = await day.booked()
    day.clock.forward(timedelta(seconds=100))
    for _ in range(2):
        await day.receipt(booked, "delivered", told=True)

    assert (size(), sent(), late(), posted(), ended(), arrived(), lag()) == (1, 1, 1, 1, 1, 1, 90)


async def test_a_second_text_of_the_provider_is_a_duplicate() -> None:
    day, duplicates = Day(), grown("notify_duplicates_total")
    booked = await day.booked()
    ended = grown("texts_ended_total", template="booked", state="delivered")

    await day.receipt(booked, "delivered")
    await day.receipt(booked, "delivered", sid="SM" + "9" * 32)

    assert (duplicates(), ended()) == (1, 1)


async def test_an_unknown_outcome_is_counted_and_grows_old_until_it_is_known() -> None:
    day, unknown = Day(), grown("texts_unknown_total")
    day.phone.answers.append(lambda: Unknown("TimeoutError"))
    day.phone.down = True
    await day.booked()
    day.clock.forward(timedelta(seconds=40))
    await day.worker.watching.look()
    assert (unknown(), value("texts_unknown_open"), value("texts_unknown_oldest_seconds")) == (1, 1, 40)

    day.phone.down = False
    day.clock.forward(timedelta(seconds=30))
    await day.worker.sending.send_due()
    await day.worker.watching.look()

    assert (unknown(), value("texts_unknown_open"), value("texts_unknown_oldest_seconds")) == (1, 0, 0)


async def test_a_stop_that_only_the_provider_knew_of_is_counted() -> None:
    day, opted_out = Day(), grown("texts_opted_out_by_provider_total")
    day.phone.answers.append(lambda: Refused(21610))

    await day.booked()

    assert opted_out() == 1


async def test_a_stop_that_was_known_here_is_no_drift() -> None:
    drift = grown("opt_out_drift_total")
    for known_here in (False, True):
        day = Day()
        if known_here:
            said = Entry(key="SMin1", word=Word.STOPPED, at=BOOKED_AT, source="reply")
            # Said at the moment of the POST: the text was judged before.
            enter = partial(day.worker.stores.contacts.enter_everywhere, PHONE, said)
            day.phone.before_answering = enter
        day.phone.answers.append(lambda: Refused(21610))
        await day.booked()
        assert drift() == 1


async def test_what_gives_way_to_other_texts_is_counted_by_why() -> None:
    planned = await Day().booked()
    for why in ("capped", "merged", "visit_ahead"):
        gave_way = grown("texts_capped_total", why=why)
        dropped = turned(replace(planned, state=State.PLANNED), State.SKIPPED, BOOKED_AT, why)
        measures.changed(replace(planned, state=State.PLANNED), dropped)
        assert gave_way() == 1


async def test_what_the_desk_cancels_is_counted_as_ended() -> None:
    day, ended = Day(), grown("texts_ended_total", template="booked", state="cancelled")
    await day.worker.stores.practices.keep(practice())
    await day.worker.hears(visit(since=BOOKED_AT))
    [booked, *_] = await day.worker.stores.messages.of(APPOINTMENT)
    await day.worker.desk.cancel(booked.id, by="Ana")

    assert ended() == 1


async def test_a_refusal_is_counted_by_its_reason_with_the_number_it_marks_and_the_news_it_loses() -> None:
    day = Day()
    refused, marked = grown("texts_refused_total", why="landline"), grown("numbers_marked_total", why="landline")
    lost = grown("texts_news_lost_total", step="booked")
    day.phone.answers.append(lambda: Refused(30006))

    await day.booked()

    assert (refused(), marked(), lost()) == (1, 1, 1)


async def test_what_the_night_holds_is_counted_and_what_came_too_late() -> None:
    day, held, stale = Day(), grown("texts_quiet_holds_total"), grown("texts_stale_total")
    await day.worker.stores.practices.keep(practice())
    await day.worker.hears(visit(since=BOOKED_AT))
    day.clock.at = BOOKED_AT + timedelta(hours=13)  # 23:00 in New York, and nobody was there until now
    await day.worker.sending.send_due()
    [booked, *_] = await day.worker.stores.messages.of(APPOINTMENT)
    assert booked.state is State.PLANNED
    for text in await day.worker.stores.messages.of(APPOINTMENT):
        if text.state is State.PLANNED and text.id != booked.id:
            await day.worker.desk.cancel(text.id, by="Ana")

    day.clock.at = booked.not_after
    await day.worker.sending.send_due()

    assert (held(), stale()) == (1, 1)


async def test_what_is_due_is_seen_while_the_sender_is_paused_and_how_it_stands() -> None:
    day = Day(Limits(per_second=1.0))
    await day.worker.pauses.pause_sender(SENDER, by="Ana", why="try")
    await day.booked()
    day.clock.forward(timedelta(seconds=30))
    await day.worker.sending.send_due()
    await day.worker.watching.look()
    assert (value("texts_due"), value("texts_due_oldest_seconds")) == (1, 30)
    assert (value("texts_sender_standing", standing="paused"), value("texts_sender_open")) == (1, 0)
    assert value("texts_sender_tokens") == 2

    await day.worker.pauses.resume_sender(SENDER, by="Ana")
    day.phone.answers.append(lambda: NotCreated("ClientConnectorError"))
    await day.worker.sending.send_due()
    await day.worker.watching.look()
    assert (value("texts_sender_standing", standing="open"), value("texts_sender_open")) == (1, 1)
    assert value("texts_sender_failures") == 1
