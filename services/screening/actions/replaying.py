"""Replaying what was decided: every form of a case judged again by the versions that it names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter

from services.screening import confidential
from services.screening.actions.casework import Casework
from services.screening.domain.assessment import Assessment
from services.screening.domain.audit import Hand
from services.screening.domain.case import Case
from services.screening.domain.catalogue import FormUnknown
from services.screening.domain.replaying import differs, judged_again
from services.screening.domain.round import Submission

_written = TypeAdapter(Assessment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """`trouble` is None where the same bytes came of it."""

    questionnaire: str
    ruleset: str
    zones: str | None
    trouble: str | None


async def replay(casework: Casework, appointment: str, hand: Hand) -> Sequence[Replayed]:
    """Every form of the case, the first one first; that they were opened is noted. Raises `CaseUnknown`."""
    case = await casework.find(appointment)
    await casework.note_view(case, hand)
    handed_in = [over.submission for over in case.rounds] + [case.submission]
    return [await _replayed(casework, case, one) for one in handed_in if one is not None]


async def _replayed(casework: Casework, case: Case, submission: Submission) -> Replayed:
    return Replayed(
        questionnaire=submission.questionnaire,
        ruleset=submission.ruleset,
        zones=submission.pins.zones if submission.pins else None,
        trouble=await _trouble(casework, case, submission),
    )


async def _trouble(casework: Casework, case: Case, submission: Submission) -> str | None:
    try:
        form = await casework.forms.judged(case.practice, submission)
    except FormUnknown:
        return "what judged it is not installed any longer"
    if submission.pins is not None and (other := differs(submission.pins, casework.forms.pins(form))):
        return other[0]
    filled = await confidential.filled_of(casework.vault, submission)
    again = judged_again(form, submission, filled.answers, filled.assessment)
    same = _written.dump_json(again) == _written.dump_json(filled.assessment)
    return None if same else "it comes to something else"
