"""What can be said of a case as it stands: what a person may decide, whether it lasts, whether to look at it again."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from zoneinfo import ZoneInfo

from services.screening.domain.case import COUNTS, Case
from services.screening.domain.round import MOST_ROUNDS, RULED_IN, Ruling, State, Verdict


class Flag(StrEnum):
    """Why a visit whose health check counts is worth another look.

    `repeated`: the client was declined on another appointment less than a day before. `left_review`: a person was to
    look at other answers of the same client, and these came instead of them.
    """

    REPEATED = "repeated"
    LEFT_REVIEW = "left_review"


def verdicts(case: Case) -> tuple[Verdict, ...]:
    """What a person can decide now."""
    is_urgent = case.submission is not None and case.submission.urgent
    barred = {Verdict.APPROVE} if is_urgent else set()
    if len(case.rounds) >= MOST_ROUNDS:
        barred.add(Verdict.MORE_INFO)
    return tuple(one for one, state in RULED_IN.items() if state is case.state and one not in barred)


def ruling_on(case: Case, version: int) -> Ruling | None:
    """What a person decided who had read that version, whatever became of it."""
    return next((one for one in _rulings(case) if one.on == version), None)


def covers_visit(case: Case) -> bool | None:
    """Whether the clearance counts on the day of the visit, on the practice's calendar; None if nothing counts."""
    if case.valid_until is None or case.starts_at is None or case.submission is None:
        return None
    return case.starts_at.astimezone(ZoneInfo(case.submission.zone)).date() <= case.valid_until


def flags(case: Case) -> tuple[Flag, ...]:
    """Nothing of what a person approved in this round."""
    if case.state not in COUNTS or case.ruling is not None or case.submission is None:
        return ()
    found = {Flag.REPEATED: case.submission.repeated, Flag.LEFT_REVIEW: _left_review(case)}
    return tuple(flag for flag, is_so in found.items() if is_so)


def _left_review(case: Case) -> bool:
    for over in reversed(case.rounds):
        if over.ruling is not None and over.ruling.verdict is not Verdict.MORE_INFO:
            return False
        if over.state is State.IN_REVIEW:
            return True
    return False


def _rulings(case: Case) -> Iterator[Ruling]:
    yield from ([case.ruling] if case.ruling is not None else [])
    yield from (over.ruling for over in case.rounds if over.ruling is not None)
