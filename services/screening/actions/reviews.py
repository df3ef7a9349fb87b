"""The practice's side: which cases wait for a person, what is in them, and what that person decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from services.screening import confidential
from services.screening.actions.casework import Casework, Opened
from services.screening.confidential import ClearanceRecord, Reasons
from services.screening.domain.case import Case, Ruling, Verdict
from services.screening.domain.refusals import ClearanceMissing, NoteTooShort, NothingAsked

LONGEST_LIST: Final = 200
SHORTEST_NOTE: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What a person says of a case: the note is for the practice, `to_client` for whoever filled in the form."""

    verdict: Verdict
    note: str
    by: str
    to_client: str = ""
    clearance: ClearanceRecord | None = None
    valid_for: timedelta | None = None


class Reviews:
    def __init__(self, casework: Casework) -> None:
        self._casework = casework

    async def waiting(self, practice: str) -> Sequence[Case]:
        """Cases that wait for a person, the oldest deadline first."""
        return await self._casework.cases.in_review(practice, limit=LONGEST_LIST)

    async def open(self, appointment: str) -> Opened:
        return await self._casework.open(appointment)

    async def rule(self, appointment: str, word: Word, *, version: int) -> Case:
        """A practitioner's decision on the version of the case that they read."""
        opened = await self._casework.open(appointment)
        case, filled = opened.case, opened.filled
        case.check_rulable(word.verdict, version=version)
        needed = filled is not None and filled.assessment.clearance_required
        _check(word, clearance_needed=needed)
        reasons = Reasons(note=word.note, to_client=word.to_client, clearance=word.clearance)
        sealed = await confidential.seal_reasons(self._casework.vault, case, reasons)
        ruling = Ruling(verdict=word.verdict, by=word.by, at=self._casework.now(), sealed=sealed)
        after = case.ruled(ruling, valid_for=word.valid_for or timedelta(days=90))
        if not await self._casework.save(case, after):
            raise case.changed()
        return after


def _check(word: Word, *, clearance_needed: bool) -> None:
    if len("".join(word.note.split())) < SHORTEST_NOTE:
        raise NoteTooShort(f"a note of at least {SHORTEST_NOTE} characters is needed")
    if word.verdict is Verdict.MORE_INFO and not word.to_client.strip():
        raise NothingAsked("the client has to be told what is to be known")
    if word.verdict is Verdict.APPROVE and clearance_needed and word.clearance is None:
        raise ClearanceMissing("a recorded clearance by a health professional is needed")
