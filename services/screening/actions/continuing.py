"""The client's side after the answers: words and files for whoever looks, an appeal, a change, a consent taken back."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from services.screening import confidential
from services.screening.actions.casework import TRIES, CaseUnknown, Casework, Contended
from services.screening.actions.telling import told_of
from services.screening.domain.audit import Hand
from services.screening.domain.case import Added, Attachment, Case, FileKind, Reopening, State
from services.screening.domain.files import kind_of
from services.screening.domain.told import Told
from services.screening.ports import KeyOwner
from shared.errors import Refusal

PIECE: Final = 1024 * 1024  # sealed one by one, so that nobody else waits for all of a large file

Turn = Callable[[Case], Awaitable[Case]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    id: str
    content: bytes
    kind: FileKind

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def pieces(self) -> Sequence[bytes]:
        return [self.content[start : start + PIECE] for start in range(0, len(self.content), PIECE)]


class Continuing:
    """Each deed, done again, changes nothing. All raise `CaseUnknown`, and `CaseClosed` of a visit that is over."""

    def __init__(self, casework: Casework, *, ids: Callable[[], str]) -> None:
        self._casework = casework
        self._ids = ids

    async def explain(self, appointment: str, practice: str, words: str, *, locale: str | None, hand: Hand) -> Told:
        """Words for the person who looks, or who asked for more. Raises `NobodyLooks`, `TooMuchAdded`."""

        async def turn(case: Case) -> Case:
            vault = self._casework.vault
            if words in await confidential.all_words(vault, case.words):
                return case
            case.check_takes_more()
            sealed = await confidential.seal_words(vault, KeyOwner.of_case(case), words)
            return case.explained(Added(at=self._casework.now(), sealed=sealed))

        return await self._turned(appointment, practice, turn, locale=locale, hand=hand)

    async def attach(self, appointment: str, practice: str, content: bytes, *, locale: str | None, hand: Hand) -> Told:
        """A file for the same person. Raises `FileRefused`, `NobodyLooks`, `TooMuchAdded`.

        The file is written before the case that names it, and stays loose in between: what nobody names is swept away.
        """
        file = _File(id=self._ids(), content=content, kind=kind_of(content))
        stored = False

        async def turn(case: Case) -> Case:
            nonlocal stored
            if await self._has(case, file):
                return case
            after = case.attached(await self._named(case, file))
            if not stored:
                owner = KeyOwner.of_case(case)
                sealed = [await self._casework.vault.seal(owner, piece) for piece in file.pieces]
                at = self._casework.now()
                await self._casework.attachments.put(file.id, appointment, sealed, at=at)
                stored = True
            return after

        try:
            told = await self._turned(appointment, practice, turn, locale=locale, hand=hand)
        except Refusal:
            await self._casework.attachments.drop(file.id)
            raise
        await self._casework.attachments.bind(file.id)
        return told

    async def ask_for_review(
        self, appointment: str, practice: str, words: str, *, locale: str | None, hand: Hand
    ) -> Told:
        """A person is to look at what the rules declined, within the practice's time. Raises `NotDeclined`."""
        profile = await self._casework.profile(practice)

        async def turn(case: Case) -> Case:
            vault = self._casework.vault
            asked = case.state is State.REVIEW_REQUESTED and case.appeal is not None
            if asked and await confidential.words_of(vault, case.appeal or b"") == words:
                return case
            case.check_appealable()
            sealed = await confidential.seal_words(vault, KeyOwner.of_case(case), words)
            return case.review_requested(sealed, review_for=profile.review_for, now=self._casework.now())

        return await self._turned(appointment, practice, turn, locale=locale, hand=hand)

    async def void(self, appointment: str, practice: str, cause: Reopening, *, locale: str | None, hand: Hand) -> Told:
        """Something changed, or a consent was taken back. Raises `NothingToVoid`, `TooManyForms`.

        A visit may stand by the health check of another: then this is the first that is heard of its own.
        """

        async def turn(case: Case) -> Case:
            return case.voided(cause, now=self._casework.now())

        fresh = Case(id=appointment, practice=practice)
        return await self._turned(appointment, practice, turn, locale=locale, hand=hand, fresh=fresh)

    async def _turned(
        self, appointment: str, practice: str, turn: Turn, *, locale: str | None, hand: Hand, fresh: Case | None = None
    ) -> Told:
        for _ in range(TRIES):
            case = await self._casework.own(appointment, practice) or fresh
            if case is None:
                raise CaseUnknown("there is no health check for this appointment")
            after = await turn(case)
            if after is case or await self._casework.save(case, after, hand=hand):
                return await told_of(self._casework, after, locale)
        raise Contended(appointment)

    async def _has(self, case: Case, file: _File) -> bool:
        known = [await confidential.words_of(self._casework.vault, one.sealed) for one in case.attachments]
        return file.digest in known

    async def _named(self, case: Case, file: _File) -> Attachment:
        """What the case says of it; the digest is sealed, because it would tell whoever has the same file."""
        case.check_takes_more()
        sealed = await confidential.seal_words(self._casework.vault, KeyOwner.of_case(case), file.digest)
        return Attachment(id=file.id, kind=file.kind, size=len(file.content), at=self._casework.now(), sealed=sealed)
