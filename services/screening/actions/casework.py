"""What every action on cases begins and ends with: finding one, opening what is sealed in it, saving it once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Final

from services.screening import confidential, outbox
from services.screening.actions.auditing import Auditing
from services.screening.actions.forms import Forms
from services.screening.confidential import Filled, Reasons
from services.screening.domain import trail
from services.screening.domain.assessment import Assessment, assess
from services.screening.domain.audit import BOOKING, Deed, Hand
from services.screening.domain.case import Case, Round, Submission
from services.screening.domain.catalogue import Catalogue, Form, FormUnknown
from services.screening.ports import Attachments, Cases, Editions, Practices, PracticeUnknown, Profile, Vault
from shared.clock import Clock
from shared.errors import Kind, Refusal
from shared.recent import Recent

TRIES: Final = 10
Prepare = Callable[[Case], Awaitable[Case | None]]


class CaseUnknown(Refusal):
    """No health check was begun for this appointment."""

    slug: ClassVar[str] = "case-unknown"
    kind: ClassVar[Kind] = Kind.NOT_FOUND


class Contended(Exception):
    """Others kept changing the same case; the same thing may be tried again."""


@dataclass(frozen=True, slots=True)
class OpenedRound:
    """A round that is over, with all that is sealed in it."""

    over: Round
    filled: Filled | None
    reasons: Reasons | None
    words: tuple[str, ...]
    form: Form | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A case with all that is sealed in it, for the practice's eyes; `past` are the rounds before, the first first."""

    case: Case
    filled: Filled | None
    reasons: Reasons | None
    words: tuple[str, ...] = ()
    appeal: str | None = None
    past: tuple[OpenedRound, ...] = ()
    form: Form | None = None


class Casework:
    """Cases, profiles, vault, catalogue and audit, as the actions need them."""

    def __init__(
        self,
        *,
        cases: Cases,
        attachments: Attachments,
        practices: Practices,
        vault: Vault,
        catalogue: Catalogue,
        editions: Editions,
        auditing: Auditing,
        now: Clock,
    ) -> None:
        self.cases = cases
        self.attachments = attachments
        self.practices = practices
        self.vault = vault
        self.catalogue = catalogue
        self.editions = editions
        self.forms = Forms(catalogue, editions)
        self.auditing = auditing
        self.now = now
        self._recent: Recent[Case] = Recent()

    async def profile(self, practice: str) -> Profile:
        profile = await self.practices.find(practice)
        if profile is None:
            raise PracticeUnknown("booking has not announced this practice yet")
        return profile

    async def find(self, appointment: str) -> Case:
        case = await self.cases.find(appointment)
        if case is None:
            raise CaseUnknown("there is no health check for this appointment")
        return case

    async def own(self, appointment: str, practice: str) -> Case | None:
        """None if there is none yet; one of another practice is unknown here."""
        case = await self.cases.find(appointment)
        if case is not None and case.practice != practice:
            raise CaseUnknown("there is no health check for this appointment")
        return case

    async def open(self, appointment: str) -> Opened:
        case = await self.find(appointment)
        reasons = None if case.ruling is None else await confidential.reasons_of(self.vault, case.ruling)
        appeal = None if case.appeal is None else await confidential.words_of(self.vault, case.appeal)
        past = [await self._opened_round(case.practice, over) for over in case.rounds]
        words = await confidential.all_words(self.vault, case.words)
        form = await self.form_of(case.practice, case.submission)
        return Opened(case, await self.filled(case), reasons, words, appeal, tuple(past), form)

    async def _opened_round(self, practice: str, over: Round) -> OpenedRound:
        filled = None if over.submission is None else await confidential.filled_of(self.vault, over.submission)
        reasons = None if over.ruling is None else await confidential.reasons_of(self.vault, over.ruling)
        words = await confidential.all_words(self.vault, over.words)
        return OpenedRound(over, filled, reasons, words, await self.form_of(practice, over.submission))

    async def form_of(self, practice: str, submission: Submission | None) -> Form | None:
        """What judged the form that was filled in, if that is still installed."""
        if submission is not None:
            with suppress(FormUnknown):
                return await self.forms.judged(practice, submission)
        return None

    async def note_view(self, case: Case, hand: Hand) -> None:
        """Before the answers of a case are shown to that hand."""
        version = str(case.version)
        seen = self.auditing.fact(
            Deed.VIEW, practice=case.practice, record=case.id, hand=hand, old=version, new=version
        )
        await self.auditing.note(seen)

    async def note_key_deleted(self, practice: str, record: str, hand: Hand, *, once: str) -> None:
        """A key is deleted once, however often that is made sure of."""
        deed = Deed.KEY_DELETED
        await self.auditing.note(self.auditing.fact(deed, practice=practice, record=record, hand=hand, once=once))

    async def filled(self, case: Case) -> Filled | None:
        return None if case.submission is None else await confidential.filled_of(self.vault, case.submission)

    async def change(
        self, fresh: Case, change: Callable[[Case], Case], *, hand: Hand = BOOKING, prepare: Prepare | None = None
    ) -> None:
        """What this process wrote last is tried first, and believed only if the database takes what follows from it.

        `prepare` says how the case is before it is changed, for what has to be looked up; None to read it anew.
        """
        known = self._recent.take(fresh.id)
        if known is not None:
            with suppress(Refusal):
                ready = known if prepare is None else await prepare(known)
                after = None if ready is None else change(ready)
                if after is not None and after is not ready and await self.save(known, after, hand=hand):
                    return
        for _ in range(TRIES):
            case = await self.cases.find(fresh.id) or fresh
            ready = case if prepare is None else await prepare(case)
            if ready is None:
                continue
            after = change(ready)
            if after is ready or await self.save(case, after, hand=hand):
                return
        raise Contended(fresh.id)

    async def forget(self, appointment: str, practice: str, *, hand: Hand = BOOKING) -> None:
        """Leave nothing but that the case is closed; it is emptied before its key goes, and may be done again."""
        await self.change(Case(id=appointment, practice=practice), Case.forgotten, hand=hand)
        await self.shred(appointment, practice, hand=hand, once=appointment)

    async def shred(self, appointment: str, practice: str, *, hand: Hand, once: str) -> None:
        """Its files, and the key of all that is sealed in it; may be done again."""
        await self.attachments.forget(appointment)
        await self.vault.forget(practice, appointment)
        await self.note_key_deleted(practice, appointment, hand, once=once)

    async def save(self, case: Case, after: Case, *, hand: Hand) -> bool:
        """With what it says and what the audit notes of it, in one write; False if somebody else was quicker."""
        at = self.now()
        said, noted = outbox.said(case, after, at), trail.facts(case, after, hand, at)
        saved = await self.cases.save(case, after, said, noted)
        if saved:
            self._recent.keep(after.id, after)
        return saved


def judge(
    form: Form, answers: Mapping[str, object], *, as_of: date, prior_yes: frozenset[str] = frozenset()
) -> Assessment:
    """Raises `AnswersInvalid`."""
    values = form.questionnaire.read(answers)
    return assess(form.ruleset, form.questionnaire.sheet(values, as_of=as_of, prior_yes=prior_yes))
