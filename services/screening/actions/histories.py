"""What is remembered of a client beyond one health check: found, added to, corrected, joined when two were one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.screening import confidential
from services.screening.actions.casework import TRIES, Casework, Contended
from services.screening.confidential import Filled
from services.screening.domain.audit import BOOKING, Deed, Hand
from services.screening.domain.case import Case, Submission
from services.screening.domain.history import Correction, Declined, History, Lasting
from services.screening.domain.refusals import NoteTooShort
from services.screening.domain.ruleset import Effect
from services.screening.ports import Forgotten, Histories, KeyOwner

SHORTEST_NOTE: Final = 10
MOST_HOPS: Final = 20

Said = Sequence[tuple[datetime, Filled]]


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What one submission adds: the lifetime questions it says yes to, and whether the rules declined it."""

    yes: frozenset[str]
    declined: bool
    at: datetime

    def __bool__(self) -> bool:
        return bool(self.yes) or self.declined


class Memory:
    """A history says only where to look; what counts is what the cases say that it names.

    It is written before the case, so a process that is killed in between leaves a name too much, never one too few.
    """

    def __init__(self, casework: Casework, histories: Histories) -> None:
        self._casework = casework
        self._histories = histories

    async def recall(self, practice: str, ref: str) -> History:
        """The one that speaks for this client, also after a merger; a new one if there is none."""
        found = await self._histories.find(practice, ref)
        for _ in range(MOST_HOPS):
            if found is None or found.into is None:
                break
            ref = found.into
            found = await self._histories.find(practice, ref)
        return found or History(practice=practice, ref=ref)

    async def prior_yes(self, history: History, denied: frozenset[str]) -> frozenset[str]:
        """Which of these an earlier form of this client said yes to; nothing is opened for somebody without a history.

        All that is known when it is asked is earlier: a decision never passes over a yes that came in meanwhile.
        """
        if history.sealed is None or not denied:
            return frozenset()
        lasting = await confidential.lasting_of(self._casework.vault, history)
        opened: dict[str, Said] = {}
        return frozenset([one for one in sorted(denied) if await self._said_yes(one, lasting, opened)])

    async def is_repeat(self, history: History, appointment: str, at: datetime) -> bool:
        """Whether the rules declined the client on another appointment less than a day before."""
        for one in history.declined_before(appointment, at):
            case = await self._casework.cases.find(one.appointment)
            if case is not None and any(said.outcome is Effect.DECLINED for said in _submissions(case)):
                return True
        return False

    async def remember(self, case: Case, ref: str, news: News) -> bool:
        """False if the case is no longer as it was read: then nothing was written, and all of it is to be done again.

        The case is looked at after the history. An erasure empties the case first, so that of two at the same time
        either this one finds the case changed, or its write finds the history changed.
        """
        for _ in range(TRIES):
            before = await self.recall(case.practice, ref)
            standing = await self._casework.cases.find(case.id)
            if standing is None or standing.version != case.version:
                return False
            declines = [Declined(appointment=case.id, at=news.at)] if news.declined else []
            lasting = await confidential.lasting_of(self._casework.vault, before)
            if await self._keep(before, lasting, lasting.with_yes(news.yes, case.id), declines):
                return True
        raise Contended(case.id)

    async def correct(
        self, appointment: str, questions: Iterable[str], *, note: str, by: str, hand: Hand
    ) -> Sequence[Correction]:
        """What the client of this case said yes to until now was wrong; noted before it is kept.

        Raises `NoteTooShort`, `NothingToCorrect`.
        """
        if len("".join(note.split())) < SHORTEST_NOTE:
            raise NoteTooShort(f"a note of at least {SHORTEST_NOTE} characters is needed")
        at = self._casework.now()
        made = tuple(Correction(question=one, note=note, by=by, at=at) for one in sorted(set(questions)))
        case, noting = await self._casework.find(appointment), self._casework.auditing
        noted = noting.fact(Deed.CORRECT, practice=case.practice, record=appointment, hand=hand)
        for _ in range(TRIES):
            case = await self._casework.find(appointment)
            before = await self._of(case)
            lasting = await confidential.lasting_of(self._casework.vault, before)
            after = lasting.corrected(made)
            await noting.note(noted)
            if await self._keep(before, lasting, after, []):
                return after.corrections
        raise Contended(appointment)

    async def merge(self, practice: str, ref: str, into: str, *, at: datetime) -> None:
        """Join both under the one that speaks for them; the other one keeps only where to look.

        First the joined one is written, then the name of it, and only on what was joined: killed in between it is
        joined again. Whoever was erased since stays erased.
        """
        for _ in range(TRIES):
            target = await self.recall(practice, into)
            other = await self._histories.find(practice, ref) or History(practice=practice, ref=ref)
            erased = any(one.erased_at is not None and one.erased_at >= at for one in (target, other))
            if erased or target.ref == ref:
                return
            lasting = await confidential.lasting_of(self._casework.vault, target)
            joined = lasting.joined(await confidential.lasting_of(self._casework.vault, other))
            if not await self._keep(target, lasting, joined, other.declines):
                continue
            pointing = other if other.into is not None else other.merged(into)
            if pointing is other or await self._histories.save(other, pointing):
                await self._casework.vault.forget(practice, _subject(other))
                await self._note_key_deleted(practice, f"merged:{at.isoformat()}")
                return
        raise Contended(ref)

    async def forget(self, practice: str, refs: Iterable[str], *, at: datetime) -> None:
        """The key first: should it be killed in between, nobody can read what is left."""
        for number, ref in enumerate(refs):
            await self._casework.vault.forget(practice, KeyOwner.of_client(practice, ref).subject)
            await self._note_key_deleted(practice, f"erased:{at.isoformat()}:{number}")
            for _ in range(TRIES):
                before = await self._histories.find(practice, ref) or History(practice=practice, ref=ref)
                if await self._histories.save(before, before.forgotten(at)):
                    break
            else:
                raise Contended(ref)

    async def _note_key_deleted(self, practice: str, once: str) -> None:
        """Without the client's reference, which a number can be guessed from: the audit is never forgotten."""
        await self._casework.note_key_deleted(practice, "client", BOOKING, once=once)

    async def let_go(self, case: Case) -> None:
        """The case is forgotten because it was kept long enough: with it goes what only it said of its client."""
        for _ in range(TRIES):
            before = await self._of(case)
            lasting = await confidential.lasting_of(self._casework.vault, before)
            left, known = lasting.without(case.id), before.without(case.id)
            if left is lasting and known is before:
                return
            if not left.yes and not known.declines:
                if await self._histories.save(before, before.forgotten(self._casework.now())):
                    return
            else:
                sealed = await self._sealed(before, lasting, left)
                if await self._histories.save(before, known.knowing(sealed)):
                    return
        raise Contended(case.id)

    async def of(self, cases: Iterable[Case]) -> Sequence[Lasting]:
        """What is remembered of the clients of these cases, one for each client."""
        refs = sorted({(case.practice, case.client) for case in cases if case.client is not None})
        found = {history.ref: history for history in [await self.recall(*one) for one in refs]}
        return [await confidential.lasting_of(self._casework.vault, one) for one in found.values() if one.sealed]

    async def _of(self, case: Case) -> History:
        if case.client is None:
            return History(practice=case.practice, ref="")
        return await self.recall(case.practice, case.client)

    async def _keep(self, before: History, lasting: Lasting, after: Lasting, declines: Sequence[Declined]) -> bool:
        sealed = await self._sealed(before, lasting, after)
        kept = before if sealed is before.sealed and not declines else before.knowing(sealed, *declines)
        return kept is before or await self._histories.save(before, kept)

    async def _sealed(self, history: History, before: Lasting, after: Lasting) -> bytes | None:
        if after is before:
            return history.sealed
        return await confidential.seal_lasting(self._casework.vault, history, after) if after.yes else None

    async def _said_yes(self, question: str, lasting: Lasting, opened: dict[str, Said]) -> bool:
        for appointment in reversed(lasting.yes.get(question, ())):
            if appointment not in opened:
                opened[appointment] = await self._said(appointment)
            for at, filled in opened[appointment]:
                if filled.answers.get(question) == "yes" and lasting.counts(question, at):
                    return True
        return False

    async def _said(self, appointment: str) -> Said:
        """All that was ever handed in for an appointment; nothing of one that was forgotten."""
        case = await self._casework.cases.find(appointment)
        said: list[tuple[datetime, Filled]] = []
        for submission in _submissions(case) if case is not None else ():
            with suppress(Forgotten):
                filled = await confidential.filled_of(self._casework.vault, submission)
                said.append((submission.submitted_at, filled))
        return said


def _submissions(case: Case) -> list[Submission]:
    past = [over.submission for over in case.rounds]
    return [one for one in (case.submission, *past) if one is not None]


def _subject(history: History) -> str:
    return KeyOwner.of_client(history.practice, history.ref).subject
