"""The practice's side: which cases wait for a person, what is in them, and what that person decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from services.screening import confidential
from services.screening.actions.casework import Casework, Opened
from services.screening.confidential import ClearanceRecord, Reasons
from services.screening.domain.audit import Deed, Hand, Result
from services.screening.domain.case import Case, Ruling, Verdict
from services.screening.domain.refusals import ClearanceMissing, NoteTooShort, NothingAsked
from shared.errors import Refusal

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

    async def open(self, appointment: str, hand: Hand) -> Opened:
        """For the eyes of that hand; nothing is opened unless it is noted."""
        await self._casework.note_view(await self._casework.find(appointment), hand)
        return await self._casework.open(appointment)

    async def rule(self, appointment: str, word: Word, *, version: int, hand: Hand) -> Case:
        """A practitioner's decision on the version of the case that they read; an approval that is refused is noted."""
        opened = await self._casework.open(appointment)
        try:
            return await self._rule(opened, word, version=version, hand=hand)
        except Refusal:
            if word.verdict is Verdict.APPROVE:
                await self._note_refused(opened.case, hand)
            raise

    async def _rule(self, opened: Opened, word: Word, *, version: int, hand: Hand) -> Case:
        case, filled = opened.case, opened.filled
        case.check_rulable(word.verdict, version=version)
        needed = filled is not None and filled.assessment.clearance_required
        _check(word, clearance_needed=needed)
        reasons = Reasons(note=word.note, to_client=word.to_client, clearance=word.clearance)
        sealed = await confidential.seal_reasons(self._casework.vault, case, reasons)
        ruling = Ruling(verdict=word.verdict, by=word.by, at=self._casework.now(), sealed=sealed)
        after = case.ruled(ruling, valid_for=word.valid_for or timedelta(days=90))
        if not await self._casework.save(case, after, hand=hand):
            raise case.changed()
        return after

    async def _note_refused(self, case: Case, hand: Hand) -> None:
        noting = self._casework.auditing
        refused = noting.fact(
            Deed.APPROVE_REFUSED,
            practice=case.practice,
            record=case.id,
            hand=hand,
            old=str(case.version),
            new=str(case.version),
            result=Result.REFUSED,
        )
        await noting.note(refused)


def _check(word: Word, *, clearance_needed: bool) -> None:
    if len("".join(word.note.split())) < SHORTEST_NOTE:
        raise NoteTooShort(f"a note of at least {SHORTEST_NOTE} characters is needed")
    if word.verdict is Verdict.MORE_INFO and not word.to_client.strip():
        raise NothingAsked("the client has to be told what is to be known")
    if word.verdict is Verdict.APPROVE and clearance_needed and word.clearance is None:
        raise ClearanceMissing("a recorded clearance by a health professional is needed")
