"""What a client is told about a case: which texts, in which order, with which dates in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from services.screening.domain.assessment import URGENT
from services.screening.domain.case import Case, State
from services.screening.domain.wording import Reader, Texts


@dataclass(frozen=True, slots=True)
class Message:
    """One text; urgent ones are shown before anything else."""

    key: str
    text: str
    urgent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Where a case stands, as the client may know it: texts, and never a reason."""

    state: State
    has_answers: bool
    messages: tuple[Message, ...] = ()


def tell(
    case: Case,
    keys: tuple[str, ...],
    *,
    texts: Texts,
    reader: Reader,
    zone: ZoneInfo,
    emergency_number: str,
    retry_after: date | None,
) -> Told:
    """`keys` are what the rules chose."""
    blanks = {
        "emergency_number": emergency_number,
        "deadline": texts.written_moment(case.deadline, zone) if case.deadline else "",
        "retry_after": texts.written_day(retry_after) if retry_after else "",
    }
    messages = tuple(
        Message(key, texts.write(key, reader, blanks=blanks), key == URGENT) for key in _told_now(case.state, keys)
    )
    return Told(state=case.state, has_answers=True, messages=messages)


def _told_now(state: State, keys: tuple[str, ...]) -> tuple[str, ...]:
    """Before the request is there only what cannot wait is said; after a ruling, the ruling."""
    match state:
        case State.AWAITING:
            return tuple(key for key in keys if key == URGENT)
        case State.CLEARED | State.IN_REVIEW | State.DECLINED:
            return keys
        case State.APPROVED:
            return ("CLEARED",)
        case State.REFUSED | State.REVIEW_REQUESTED | State.INVITED:
            return ("DECLINED",)
        case State.CLOSED:
            return ()
