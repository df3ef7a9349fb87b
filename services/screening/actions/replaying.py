"""Replaying what was decided: every form of a case judged again by the versions that it names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter

from services.screening import confidential
from services.screening.actions.forms import Forms
from services.screening.domain.assessment import Assessment
from services.screening.domain.case import Case
from services.screening.domain.catalogue import FormUnknown
from services.screening.domain.replaying import differs, judged_again
from services.screening.domain.round import Submission
from services.screening.ports import Vault

_written = TypeAdapter(Assessment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """`trouble` is None where the same bytes came of it."""

    questionnaire: str
    ruleset: str
    zones: str | None
    trouble: str | None


async def replay(case: Case, forms: Forms, vault: Vault) -> Sequence[Replayed]:
    """Every form of the case, the first one first. Raises `Forgotten` and `Locked`."""
    handed_in = [over.submission for over in case.rounds] + [case.submission]
    return [
        Replayed(
            questionnaire=one.questionnaire,
            ruleset=one.ruleset,
            zones=one.pins.zones if one.pins else None,
            trouble=await _trouble(case, one, forms, vault),
        )
        for one in handed_in
        if one is not None
    ]


async def _trouble(case: Case, submission: Submission, forms: Forms, vault: Vault) -> str | None:
    try:
        form = await forms.judged(case.practice, submission)
    except FormUnknown:
        return "what judged it is not installed any longer"
    if submission.pins is not None and (other := differs(submission.pins, forms.pins(form))):
        return other[0]
    filled = await confidential.filled_of(vault, submission)
    again = judged_again(form, submission, filled.answers, filled.assessment)
    same = _written.dump_json(again) == _written.dump_json(filled.assessment)
    return None if same else "it comes to something else"
