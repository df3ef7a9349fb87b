"""What a draft would make of the cases beside it and of stored forms, of which nothing but counts comes out."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from services.screening import confidential
from services.screening.actions.casework import Casework
from services.screening.actions.politely import politely
from services.screening.actions.versions import DRAFT, Version, Versions
from services.screening.confidential import Filled
from services.screening.domain.assessment import Assessment
from services.screening.domain.audit import Deed, Hand
from services.screening.domain.case import Case
from services.screening.domain.catalogue import Form
from services.screening.domain.examples import Example
from services.screening.domain.questionnaire import AnswersInvalid
from services.screening.domain.replaying import prior
from services.screening.domain.round import Submission
from services.screening.ports import Forgotten

NEWEST: Final = 2_000
BATCH: Final = 100
FEWEST: Final = 5  # of stored forms; fewer could be told to be somebody's

Codes = frozenset[str]


@dataclass(slots=True)
class Tally:
    """How many forms went from which outcome to which, and how many gained or lost each code."""

    judged: int = 0
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    added: Counter[str] = field(default_factory=Counter)
    removed: Counter[str] = field(default_factory=Counter)

    def count(self, before: Assessment, after: Assessment) -> None:
        self.judged += 1
        self.outcomes[before.outcome.value, after.outcome.value] += 1
        was, now = _codes(before), _codes(after)
        self.added.update(now - was)
        self.removed.update(was - now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """On its own cases, on those of the library, and on stored forms; `left_out` could not be opened or judged."""

    own: Tally
    base: Tally
    stored: Tally
    left_out: int


class Simulating:
    def __init__(self, casework: Casework, versions: Versions) -> None:
        self._casework, self._versions = casework, versions

    async def simulate(self, practice: str, form: str, hand: Hand) -> Simulated:
        """Noted before anything is opened, in one entry for all of it. Raises `DraftUnknown`."""
        profile = await self._casework.profile(practice)
        draft = await self._versions.find(profile, form, DRAFT)
        now = await self._versions.find(profile, form, form)
        noting = self._casework.auditing
        record = draft.form.ruleset.id
        await noting.note(noting.fact(Deed.VIEW, practice=practice, record=record, hand=hand))
        stored, left_out = await self._stored(practice, draft.form)
        return Simulated(
            own=await self._tried(now, draft, draft.own_cases),
            base=await self._tried(now, draft, draft.base_cases),
            stored=stored,
            left_out=left_out,
        )

    async def _tried(self, before: Version, after: Version, cases: Iterable[Example]) -> Tally:
        tally = Tally()

        def steps() -> Iterable[None]:
            for one in cases:
                tally.count(one.judged(before.form), one.judged(after.form))
                yield None

        await politely(steps())
        return tally

    async def _stored(self, practice: str, form: Form) -> tuple[Tally, int]:
        tally, left_out = Tally(), 0
        async for case, submission in self._newest(practice, form.questionnaire.name):
            try:
                filled = await confidential.filled_of(self._casework.vault, submission)
                tally.count(filled.assessment, await self._again(case.practice, submission, filled, form))
            except (Forgotten, AnswersInvalid):
                left_out += 1
        return tally, left_out

    async def _newest(self, practice: str, name: str) -> AsyncIterator[tuple[Case, Submission]]:
        """By the time of the visit, the latest first."""
        before: tuple[datetime, str] | None = None
        seen = 0
        while seen < NEWEST:
            cases = await self._casework.cases.by_visit(practice, before=before, since=None, limit=BATCH)
            for case in cases:
                submission = case.submission or next((r.submission for r in case.rounds[::-1] if r.submission), None)
                if submission is not None and submission.questionnaire.partition("@")[0] == name:
                    yield case, submission
            seen += len(cases)
            if len(cases) < BATCH or cases[-1].starts_at is None:
                return
            before = cases[-1].starts_at, cases[-1].id

    async def _again(self, practice: str, submission: Submission, filled: Filled, form: Form) -> Assessment:
        """On the day of then; what the draft asks beyond the stored form is answered quietly."""
        known = await self._casework.form_of(practice, submission)
        one = Example(
            name="",
            rule="",
            fires=False,
            answers=_known(filled.answers, form),
            as_of=submission.as_of,
            prior_yes=prior(known, filled.assessment) if known else frozenset(),
        )
        return one.judged(form)


def shown(count: int) -> int | None:
    """Of stored forms; None is more than none and fewer than `FEWEST`."""
    return count if count == 0 or count >= FEWEST else None


def _known(answers: Mapping[str, object], form: Form) -> dict[str, object]:
    asked = {question.id for question in form.questionnaire.questions}
    return {name: answer for name, answer in answers.items() if name in asked}


def _codes(found: Assessment) -> Codes:
    """Without whom they are about, which is as good as an answer."""
    return frozenset(code.partition(":")[0] for code in (*found.reason_codes, *found.note_codes))
