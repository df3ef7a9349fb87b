"""The practice's side: which cases wait for a person, what is in them, and what that person decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

from services.screening import confidential
from services.screening.actions.casework import TRIES, CaseUnknown, Casework, Contended, Opened
from services.screening.confidential import ClearanceRecord, Filled, Reasons
from services.screening.domain import approval, standing
from services.screening.domain.audit import Deed, Hand, Result
from services.screening.domain.case import Attachment, Case, Ruling, Verdict
from services.screening.domain.refusals import ClearanceInFuture, ClearanceMissing, NoteTooShort, NothingAsked
from services.screening.domain.sheet import day_of
from shared.errors import Kind, Refusal

SHORTEST_NOTE: Final = 10
MOST_FLAGGED: Final = 50


class AttachmentUnknown(Refusal):
    """The client added no such file to this case."""

    slug: ClassVar[str] = "attachment-unknown"
    kind: ClassVar[Kind] = Kind.NOT_FOUND


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What a person says of a case: the note is for the practice, `to_client` for whoever filled in the form.

    `by` is that person's name, `caller` the key under which it came. An approval counts `valid_days` from today.
    """

    verdict: Verdict
    note: str
    by: str
    caller: str = ""
    to_client: str = ""
    clearance: ClearanceRecord | None = None
    valid_days: int | None = None

    @property
    def reasons(self) -> Reasons:
        return Reasons(note=self.note, to_client=self.to_client, clearance=self.clearance, valid_days=self.valid_days)


class Reviews:
    def __init__(self, casework: Casework) -> None:
        self._casework = casework

    @property
    def now(self) -> datetime:
        return self._casework.now()

    async def waiting(
        self, practice: str, *, after: tuple[datetime, str] | None = None, limit: int = 100
    ) -> Sequence[Case]:
        """Cases that wait for a person, the oldest deadline first."""
        return await self._casework.cases.in_review(practice, after=after, limit=limit)

    async def flagged(self, practice: str) -> Sequence[Case]:
        """Coming visits whose health check counts and had better be looked at again, the next one first."""
        return await self._casework.cases.flagged(practice, since=self.now, limit=MOST_FLAGGED)

    async def open(self, appointment: str, hand: Hand) -> Opened:
        """For the eyes of that hand; nothing is opened unless it is noted."""
        await self._casework.note_view(await self._casework.find(appointment), hand)
        return await self._casework.open(appointment)

    async def standing(self, appointment: str, practice: str) -> Case:
        """How a case stands, sealed as it is: nothing is opened, and so nothing noted. Raises `CaseUnknown`."""
        case = await self._casework.own(appointment, practice)
        if case is None:
            raise CaseUnknown("there is no health check for this appointment")
        return case

    async def check_own(self, appointment: str, practice: str) -> None:
        """Before anything of it is opened. Raises `CaseUnknown` for a case of another practice."""
        if await self._casework.own(appointment, practice) is None:
            raise CaseUnknown("there is no health check for this appointment")

    async def zone(self, practice: str) -> str:
        """Raises `PracticeUnknown`."""
        return (await self._casework.profile(practice)).zone

    async def locale(self, case: Case) -> str:
        """The practice's own. Raises `PracticeUnknown`."""
        return (await self._casework.profile(case.practice)).locale

    async def attachment(self, appointment: str, attachment: str, hand: Hand) -> tuple[Attachment, bytes]:
        """One file for the eyes of that hand, of whichever round. Raises `AttachmentUnknown`."""
        case = await self._casework.find(appointment)
        named = (*case.attachments, *(one for over in case.rounds for one in over.attachments))
        kept = next((one for one in named if one.id == attachment), None)
        pieces = None if kept is None else await self._casework.attachments.get(attachment, appointment)
        if kept is None or pieces is None:
            raise AttachmentUnknown("there is no such file")
        await self._casework.note_view(case, hand)
        return kept, b"".join([await self._casework.vault.unseal(piece) for piece in pieces])

    async def rule(self, appointment: str, word: Word, *, version: int, hand: Hand) -> Case:
        """A practitioner's decision on the version of the case that they read; an approval that is refused is noted.

        The very same word of the same person on the same version, said again, is the decision that was made.
        """
        for _ in range(TRIES):
            case = await self._casework.find(appointment)
            if await self._was_said(case, word, version):
                return case
            try:
                after = await self._rule(case, word, version=version)
            except Refusal:
                if word.verdict is Verdict.APPROVE:
                    await self._note_refused(case, hand)
                raise
            if await self._casework.save(case, after, hand=hand):
                return after
        raise Contended(appointment)

    async def _was_said(self, case: Case, word: Word, version: int) -> bool:
        said = standing.ruling_on(case, version)
        if said is None or (said.verdict, said.by, said.caller) != (word.verdict, word.by, word.caller):
            return False
        return await confidential.reasons_of(self._casework.vault, said) == word.reasons

    async def _rule(self, case: Case, word: Word, *, version: int) -> Case:
        case.check_rulable(word.verdict, version=version)
        filled = await self._casework.filled(case)
        if case.submission is None or filled is None:
            raise case.changed()
        form = await self._casework.form_of(case.practice, case.submission)
        rules = form.ruleset if form else None
        valid_for = approval.span(filled.assessment.trace, rules).of(
            word.valid_days if word.verdict is Verdict.APPROVE else None
        )
        now = self.now
        _check(word, filled, today=day_of(now, ZoneInfo(case.submission.zone)))
        sealed = await confidential.seal_reasons(self._casework.vault, case, word.reasons)
        ruling = Ruling(verdict=word.verdict, by=word.by, caller=word.caller, on=version, at=now, sealed=sealed)
        return case.ruled(ruling, valid_for=valid_for)

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


def _check(word: Word, filled: Filled, *, today: date) -> None:
    if len("".join(word.note.split())) < SHORTEST_NOTE:
        raise NoteTooShort(f"a note of at least {SHORTEST_NOTE} characters is needed")
    if word.verdict is Verdict.MORE_INFO and not word.to_client.strip():
        raise NothingAsked("the client has to be told what is to be known")
    if word.verdict is Verdict.APPROVE and filled.assessment.clearance_required and word.clearance is None:
        raise ClearanceMissing("a recorded clearance by a health professional is needed")
    if word.clearance is not None and word.clearance.given_on > today:
        raise ClearanceInFuture("a clearance cannot be of a day to come")
