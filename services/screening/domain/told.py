"""What a client is told about a case: which texts, in which order, with which dates in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from services.screening.domain import standing
from services.screening.domain.assessment import URGENT
from services.screening.domain.case import COUNTS, Case, Reopening, State
from services.screening.domain.wording import Reader, Texts

AGAIN: Final[Mapping[Reopening, str]] = {
    Reopening.MORE_INFO: "ASKED_MORE",
    Reopening.CHANGED: "ASKED_CHANGED",
    Reopening.WITHDRAWN: "WITHDRAWN",
    Reopening.GUARDIAN_WITHDRAWN: "WITHDRAWN",
    Reopening.RULESET: "ASKED_RULESET",
    Reopening.EXPIRED: "ASKED_EXPIRED",
}
ASKED_LATER: Final = "ASKED_LATER"
AFTER_A_PERSON: Final[Mapping[State, str]] = {
    State.REVIEW_REQUESTED: "REVIEW_REQUESTED",
    State.REFUSED: "REFUSED",
    State.INVITED: "INVITED",
}
# Beside the texts that rules choose: what becomes of a case afterwards.
LATER: Final = (ASKED_LATER, *dict.fromkeys(AGAIN.values()), *AFTER_A_PERSON.values())


class May(StrEnum):
    """What a client can do next."""

    ANSWER = "answer"
    ADD = "add"
    ASK_FOR_REVIEW = "ask_for_review"
    CHANGE = "change"


@dataclass(frozen=True, slots=True)
class Message:
    """One text; urgent ones are shown before anything else."""

    key: str
    text: str
    urgent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Where a case stands, as the client may know it: texts, and never a reason.

    `asked_again` says why answers are wanted once more, `from_practice` are a person's own words to the client.
    `reader` is who filled in the form that this is about.
    """

    state: State
    has_answers: bool
    messages: tuple[Message, ...] = ()
    asked_again: Reopening | None = None
    from_practice: str = ""
    may: tuple[May, ...] = ()
    reader: Reader = Reader.SELF


def tell(
    case: Case,
    keys: tuple[str, ...],
    *,
    texts: Texts,
    reader: Reader,
    zone: ZoneInfo,
    emergency_number: str,
    retry_after: date | None,
    from_practice: str = "",
) -> Told:
    """`keys` are what the rules chose for the answers of this round, or of the last one if there are none in this."""
    blanks = {
        "emergency_number": emergency_number,
        "deadline": texts.written_moment(case.deadline, zone) if case.deadline else "",
        "retry_after": texts.written_day(retry_after) if retry_after else "",
    }
    messages = tuple(
        Message(key, texts.write(key, reader, blanks=blanks), key == URGENT) for key in _told_now(case, keys)
    )
    return Told(
        state=case.state,
        has_answers=case.submission is not None,
        messages=messages,
        asked_again=_asked_again(case),
        from_practice=from_practice,
        may=possible(case),
        reader=reader,
    )


def possible(case: Case) -> tuple[May, ...]:
    found = {
        May.ANSWER: case.state is State.AWAITING and case.submission is None,
        May.ADD: case.takes_more,
        May.ASK_FOR_REVIEW: case.state is State.DECLINED,
        May.CHANGE: case.state in COUNTS | {State.IN_REVIEW},
    }
    return tuple(one for one, is_so in found.items() if is_so)


def _asked_again(case: Case) -> Reopening | None:
    return case.reopened_by if case.state is State.AWAITING and case.submission is None else None


def _told_now(case: Case, keys: tuple[str, ...]) -> tuple[str, ...]:
    """What cannot wait comes first, whatever has become of the case since; after a ruling, the ruling.

    Before the request is there nothing else is said. Of a clearance that ends before the visit nobody is told that
    the booking goes ahead.
    """
    urgent = tuple(key for key in keys if key == URGENT)
    match case.state:
        case State.AWAITING:
            cause = _asked_again(case)
            return urgent if cause is None else (*urgent, AGAIN[cause])
        case State.CLEARED | State.APPROVED:
            return (ASKED_LATER,) if standing.covers_visit(case) is False else ("CLEARED",)
        case State.IN_REVIEW | State.DECLINED:
            return keys
        case State.REVIEW_REQUESTED | State.REFUSED | State.INVITED:
            return (*urgent, AFTER_A_PERSON[case.state])
        case State.CLOSED:
            return ()
