"""The life of one text: its states, which may follow which, and the text itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from services.notify.domain.notice import Notice

TURNS_KEPT = 40


class State(StrEnum):
    PLANNED = "planned"
    CLAIMED = "claimed"
    SENDING = "sending"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    DEAD = "dead"


WITH_PROVIDER = frozenset({State.ACCEPTED, State.SENT, State.DELIVERED, State.UNDELIVERED, State.FAILED})
NOT_BEGUN = frozenset({State.PLANNED, State.CLAIMED})
# It did not arrive, and nothing more is done about it.
DEAD_ENDS = frozenset({State.UNDELIVERED, State.FAILED, State.DEAD})
ON_ITS_WAY = frozenset({State.ACCEPTED, State.SENT})
AWAITED = frozenset({State.PLANNED, State.CLAIMED, State.SENDING, State.UNKNOWN}) | ON_ITS_WAY

# A POST of unknown outcome may turn out to have arrived long after it was given up: hence the provider's states
# after nearly all of ours.
FOLLOWS: Mapping[State, frozenset[State]] = {
    State.PLANNED: WITH_PROVIDER | {State.PLANNED, State.CLAIMED, State.CANCELLED, State.SKIPPED, State.DEAD},
    State.CLAIMED: WITH_PROVIDER | {State.PLANNED, State.SENDING, State.CANCELLED, State.SKIPPED, State.DEAD},
    State.SENDING: WITH_PROVIDER | {State.PLANNED, State.UNKNOWN, State.SKIPPED},
    State.UNKNOWN: WITH_PROVIDER | {State.UNKNOWN, State.PLANNED, State.DEAD},
    State.ACCEPTED: frozenset({State.PLANNED, State.SENT, State.DELIVERED, State.UNDELIVERED, State.FAILED}),
    State.SENT: frozenset({State.PLANNED, State.DELIVERED, State.UNDELIVERED, State.FAILED}),
    State.DELIVERED: frozenset(),
    State.UNDELIVERED: frozenset({State.PLANNED}),
    State.FAILED: frozenset({State.PLANNED}),
    State.SKIPPED: WITH_PROVIDER | {State.PLANNED},
    State.CANCELLED: WITH_PROVIDER | {State.PLANNED},
    State.DEAD: WITH_PROVIDER | {State.PLANNED},
}


@dataclass(frozen=True, slots=True)
class Turn:
    """One line of a text's history."""

    state: State
    at: datetime
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One POST; its id is unguessable and travels in the receipt's address."""

    id: str
    at: datetime
    sid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One text. `appointment` is its visit; a text with a `notice` has no visit, but the id of its offer or check.

    `due` is when it is next looked at, None once nothing more is to be done; `fence` counts its writes. `version` is
    that of the visit under which it was last planned; `asked_at` is when the client's own text came that it answers.
    `tries` counts POSTs that may have arrived, `waits` those that surely did not. `aside` is who
    has taken note that it did not arrive.
    """

    id: str
    practice: str
    appointment: str
    step: str
    template: str
    code: str
    to: str
    version: int
    state: State = State.PLANNED
    planned_for: datetime
    due: datetime | None
    not_after: datetime
    validity: timedelta
    asked_at: datetime | None = None
    fence: int = 0
    tries: int = 0
    waits: int = 0
    looks: int = 0
    attempts: tuple[Attempt, ...] = ()
    body: str | None = None
    sid: str | None = None
    sent_at: datetime | None = None
    why: str | None = None
    duplicates: int = 0
    notice: Notice | None = None
    turns: tuple[Turn, ...] = ()
    aside: str | None = None

    @property
    def at(self) -> datetime:
        """Its place in the line of time."""
        return self.sent_at or self.planned_for

    @property
    def attempt(self) -> Attempt | None:
        return self.attempts[-1] if self.attempts else None


def original(id: str) -> str:  # noqa: A002  the field's own name
    """The text whose words this one repeats, else itself."""
    return id.partition("~")[0]


def may_follow(message: Message, state: State) -> bool:
    return state in FOLLOWS[message.state]


def turned(message: Message, state: State, at: datetime, why: str | None = None, **changes: object) -> Message:
    """The message in its next state; unchanged where that state may not follow."""
    if not may_follow(message, state):
        return message
    changes.setdefault("due", message.due if state in AWAITED else None)
    turns = (*message.turns, Turn(state, at, why))[-TURNS_KEPT:]
    after = replace(message, state=state, why=why, turns=turns, **changes)  # type: ignore[arg-type]  # named by callers
    return forgotten(after) if after.due is None else after


def forgotten(message: Message) -> Message:
    """Without its code and the words that hold it; any other text as it is."""
    if message.notice is None or message.notice.code is None:
        return message
    return replace(message, body=None, notice=replace(message.notice, code=None))


def begin(message: Message, *, attempt: str, body: str, to: str, at: datetime, template: str | None = None) -> Message:
    """Written before the POST: from here on a crash means unknown, never due. `template` if its words are new."""
    return turned(
        message,
        State.SENDING,
        at,
        template=template or message.template,
        body=body,
        to=to,
        sid=None,
        looks=0,
        tries=message.tries + 1,
        attempts=(*message.attempts, Attempt(attempt, at)),
        sent_at=at,
    )
