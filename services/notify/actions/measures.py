"""What the service counts of its texts: told of every change of a text that was written, and of nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from services.notify.domain.delivery import AWAITED, Message, State
from services.notify.domain.text import size
from services.notify.domain.traffic import CAPPED, MERGED, VISIT_AHEAD

LATE: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
ARRIVES: Final = (1, 2.5, 5, 10, 30, 60, 300, 1_800, 3_600, 14_400)
WEBHOOK: Final = (60, 120, 300, 900, 3_600, 14_400)

ended = Counter("texts_ended_total", "Texts by template and the state they came to", ["template", "state"])
duplicates = Counter("notify_duplicates_total", "Texts that the provider turned out to have made a second time")
unknown = Counter("texts_unknown_total", "POSTs whose outcome could not be told at first")
opted_out = Counter("texts_opted_out_by_provider_total", "Texts refused because the provider knew of a STOP (21610)")
segments = Histogram("text_size_segments", "Segments of each text that was begun to be sent", buckets=(1, 2, 3, 4))
segments_sent = Counter("texts_segments_total", "Segments of the texts that were begun to be sent", ["encoding"])
quiet_holds = Counter("texts_quiet_holds_total", "Texts put off because it was night for the client")
stale = Counter("texts_stale_total", "Texts dropped because they had become of no use")
capped = Counter("texts_capped_total", "Texts that gave way to others of the same client, by why", ["why"])
arrival = Histogram("texts_arrival_seconds", "Time from a text's POST until its delivery was heard of", buckets=ARRIVES)
webhook_lag = Histogram(
    "texts_webhook_lag_seconds",
    "Time from when the carrier reported on a text, where it tells the minute, until it was heard here",
    buckets=WEBHOOK,
)
due = Gauge("texts_due", "Texts that are due now and not taken up, counted up to 10000")
due_oldest = Gauge("texts_due_oldest_seconds", "Time since the longest due of them was due")
unknown_now = Gauge("texts_unknown_open", "Texts whose outcome is not known now, counted up to 10000")
unknown_oldest = Gauge("texts_unknown_oldest_seconds", "Time since the POST of the oldest of them")
tokens = Gauge("texts_sender_tokens", "Segments that the sender may take at this moment, where it is limited")
failures = Gauge("texts_sender_failures", "POSTs in a row that came to no answer of the provider")
standing = Gauge("texts_sender_standing", "1 for how the sender stands, 0 for the other ways", ["standing"])

OPTED_OUT: Final = ":21610"
GAVE_WAY: Final = frozenset({CAPPED, MERGED, VISIT_AHEAD})


def changed(was: Message, now: Message) -> None:
    """Once for each write of a text; the same state again, in another turn, is no change of state."""
    if now.duplicates > was.duplicates:
        duplicates.inc(now.duplicates - was.duplicates)
    if now.turns == was.turns:
        return
    if now.state is State.PLANNED and now.why == "quiet_hours":
        quiet_holds.inc()
    if now.state is was.state:
        return
    if now.state not in AWAITED:
        _ended(now)
    if now.state is State.UNKNOWN:
        unknown.inc()
    if now.state is State.SENDING:
        _begun(now)


def written(were: Iterable[Message], saved: Iterable[Message]) -> None:
    """Of those that were read, the ones that were written; and those that are new."""
    before = {message.id: message for message in were}
    for message in saved:
        if message.id in before:
            changed(before[message.id], message)
        elif message.state not in AWAITED:
            _ended(message)


def heard(message: Message, at: datetime, reported_at: datetime | None) -> None:
    """A receipt of the provider; `reported_at` is to the minute."""
    if reported_at is not None:
        webhook_lag.observe(max((at - reported_at).total_seconds(), 0.0))
    if message.state is State.DELIVERED and message.sent_at is not None:
        arrival.observe(max((at - message.sent_at).total_seconds(), 0.0))


def _ended(message: Message) -> None:
    ended.labels(message.template, message.state.value).inc()
    why = message.why or ""
    if why == "stale":
        stale.inc()
    if why.endswith(OPTED_OUT):
        opted_out.inc()
    if why in GAVE_WAY:
        capped.labels(why).inc()


def _begun(message: Message) -> None:
    measured = size(message.body or "")
    segments.observe(measured.segments)
    segments_sent.labels(measured.encoding).inc(measured.segments)
