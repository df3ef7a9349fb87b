"""What was cleared by an earlier set counts no longer where a newer one forces it: upcoming visits are asked anew."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog

from services.screening.actions.casework import Casework
from services.screening.actions.forms import OWN
from services.screening.domain.audit import RULES
from services.screening.domain.case import COUNTS, Case, Reopening, State
from services.screening.domain.draft import Edition
from services.screening.domain.refusals import TooManyForms
from services.screening.domain.round import Submission
from services.screening.ports import Rescreens

log = structlog.get_logger()

BATCH: Final = 100
# Longer than a time is held: answers from before that meet their request only now are found by a later round.
SETTLED: Final = timedelta(hours=1)

Old = Callable[[Submission], bool]


class Rescreening:
    """Every round goes over all of it: what was voided is not voided again, so it may end anywhere and begin anew."""

    def __init__(self, casework: Casework, rescreens: Rescreens) -> None:
        self._casework, self._rescreens = casework, rescreens

    async def carry_out(self) -> None:
        for edition in await self._rescreens.forced(limit=BATCH):
            begun = self._casework.now()
            await self._sweep(edition.practice, await self._before(edition), begun)
            if begun - edition.at >= SETTLED:
                await self._rescreens.done(edition)
        for ruleset, form in self._casework.catalogue.rulesets.items():
            if form.ruleset.forces_rescreen:
                await self._of_library(form.questionnaire.name, ruleset)

    async def _of_library(self, form: str, ruleset: str) -> None:
        """Of practices without a set of their own, which stands on the base that they chose."""
        begun = self._casework.now()
        seen_at = await self._rescreens.release(ruleset, at=begun)
        if seen_at is None:
            return
        after = ""
        while practices := await self._rescreens.practices(after=after, limit=BATCH):
            for profile in practices:
                if form not in profile.own:
                    await self._sweep(profile.practice, lambda one: _is_of(one, form) and _earlier(one, ruleset), begun)
            after = practices[-1].practice
        if begun - seen_at >= SETTLED:
            await self._rescreens.release_done(ruleset)

    async def _before(self, edition: Edition) -> Old:
        """Judged by none of those published since."""
        published = await self._casework.editions.published(edition.practice)
        counts = {one.ruleset for one in published if one.form == edition.form and one.at >= edition.at}
        return lambda one: _is_of(one, edition.form) and one.ruleset not in counts

    async def _sweep(self, practice: str, old: Old, now: datetime) -> None:
        before: tuple[datetime, str] | None = None
        while cases := await self._casework.cases.by_visit(practice, before=before, since=now, limit=BATCH):
            for case in cases:
                if _counts(case, old):
                    await self._void(case, old)
            last = cases[-1]
            if len(cases) < BATCH or last.starts_at is None:
                return
            before = last.starts_at, last.id

    async def _void(self, case: Case, old: Old) -> None:
        now = self._casework.now()
        try:
            await self._casework.change(
                case, lambda one: one.voided(Reopening.RULESET, now=now) if _counts(one, old) else one, hand=RULES
            )
        except TooManyForms:
            log.warning("rescreen.left", case=case.id)


def _counts(case: Case, old: Old) -> bool:
    """What waits for a person would count once they approve it."""
    return case.state in COUNTS | {State.IN_REVIEW} and case.submission is not None and old(case.submission)


def _is_of(submission: Submission, form: str) -> bool:
    return submission.questionnaire.partition("@")[0] == form


def _earlier(submission: Submission, ruleset: str) -> bool:
    """Of the practice's own when it still had one, or of the library before this version."""
    name, _, version = submission.ruleset.partition("@")
    forced, _, since = ruleset.partition("@")
    return OWN in version or name != forced or _numbers(version) < _numbers(since)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
