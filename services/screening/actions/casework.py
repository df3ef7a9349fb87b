"""What every action on cases begins and ends with: finding one, opening what is sealed in it, saving it once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Final

from services.screening import confidential, outbox
from services.screening.confidential import Filled, Reasons
from services.screening.domain.assessment import Assessment, assess
from services.screening.domain.case import Case
from services.screening.domain.catalogue import Catalogue, Form
from services.screening.ports import Cases, Practices, PracticeUnknown, Profile, Vault
from shared.clock import Clock
from shared.errors import Kind, Refusal
from shared.recent import Recent

TRIES: Final = 10


class CaseUnknown(Refusal):
    """No health check was begun for this appointment."""

    slug: ClassVar[str] = "case-unknown"
    kind: ClassVar[Kind] = Kind.NOT_FOUND


class Contended(Exception):
    """Others kept changing the same case; the same thing may be tried again."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A case with all that is sealed in its present round, for the practice's eyes."""

    case: Case
    filled: Filled | None
    reasons: Reasons | None


class Casework:
    """Cases, profiles, vault and catalogue, as the actions need them."""

    def __init__(self, *, cases: Cases, practices: Practices, vault: Vault, catalogue: Catalogue, now: Clock) -> None:
        self.cases = cases
        self.practices = practices
        self.vault = vault
        self.catalogue = catalogue
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
        return Opened(case, await self.filled(case), reasons)

    async def filled(self, case: Case) -> Filled | None:
        return None if case.submission is None else await confidential.filled_of(self.vault, case.submission)

    async def change(self, fresh: Case, change: Callable[[Case], Case]) -> None:
        """What this process wrote last is tried first, and believed only if the database takes what follows from it."""
        known = self._recent.take(fresh.id)
        if known is not None:
            with suppress(Refusal):
                after = change(known)
                if after is not known and await self.save(known, after):
                    return
        for _ in range(TRIES):
            case = await self.cases.find(fresh.id) or fresh
            after = change(case)
            if after is case or await self.save(case, after):
                return
        raise Contended(fresh.id)

    async def save(self, case: Case, after: Case) -> bool:
        """With what it says, in one write; False if somebody else was quicker."""
        saved = await self.cases.save(case, after, outbox.said(case, after, self.now()))
        if saved:
            self._recent.keep(after.id, after)
        return saved


def judge(
    form: Form, answers: Mapping[str, object], *, as_of: date, prior_yes: frozenset[str] = frozenset()
) -> Assessment:
    """Raises `AnswersInvalid`."""
    values = form.questionnaire.read(answers)
    return assess(form.ruleset, form.questionnaire.sheet(values, as_of=as_of, prior_yes=prior_yes))
