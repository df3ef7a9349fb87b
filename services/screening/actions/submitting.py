"""Handing in a form: judged with all that is known of the client, remembered, sealed, and decided in one write."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from pydantic import JsonValue

from services.screening import confidential
from services.screening.actions.casework import Casework, judge
from services.screening.actions.histories import Memory, News
from services.screening.confidential import Filled
from services.screening.domain.assessment import Assessment
from services.screening.domain.audit import Hand
from services.screening.domain.case import Case, State, Submission
from services.screening.domain.catalogue import Form
from services.screening.domain.history import History, answered
from services.screening.domain.questionnaire import DOB
from services.screening.domain.retention import of_age
from services.screening.domain.returning import Basis
from services.screening.domain.ruleset import Effect
from services.screening.domain.sheet import day_of
from services.screening.domain.told import Told, tell
from services.screening.domain.wording import reader_of
from services.screening.ports import Forgotten, Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheets:
    """A form as it was filled in, on one day of the practice's calendar; `basis` is an earlier one it stands on."""

    form: Form
    answers: dict[str, JsonValue]
    profile: Profile
    at: datetime
    hand: Hand
    basis: Basis | None = None

    @property
    def as_of(self) -> date:
        return day_of(self.at, ZoneInfo(self.profile.zone))

    def judged(self, prior_yes: frozenset[str] = frozenset()) -> Assessment:
        """Raises `AnswersInvalid`."""
        return judge(self.form, self.answers, as_of=self.as_of, prior_yes=prior_yes)


class Submitting:
    def __init__(self, casework: Casework, memory: Memory) -> None:
        self._casework = casework
        self._memory = memory

    async def submit(self, case: Case, sheets: Sheets, assessment: Assessment) -> tuple[Case, Filled] | None:
        """`assessment` is that of the sheets alone. None if somebody else changed the case since it was read.

        Raises what `Case.check_takes_answers` raises.
        """
        case.check_takes_answers(sheets.form.questionnaire.id)
        news = _news(sheets.form, sheets.answers, assessment, sheets.at)
        repeated = False
        if case.client is not None:
            history = await self._memory.recall(case.practice, case.client)
            prior = await self._prior(history, sheets.form, sheets.answers)
            assessment = sheets.judged(prior) if prior else assessment
            repeated = await self._memory.is_repeat(history, case.id, sheets.at)
            if news and not await self._memory.remember(case, case.client, news):
                return None
        filled = Filled(answers=sheets.answers, assessment=assessment)
        submission = replace(
            await self._submission(case, sheets, filled), repeated=repeated, lasting=bool(news) and case.client is None
        )
        after = case.submitted(submission, now=sheets.at)
        return (after, filled) if await self._casework.save(case, after, hand=sheets.hand) else None

    async def of_client(self, case: Case, client: str | None) -> Case | None:
        """A case whose answers came first, as it is once it is known whose they are: judged on the day of the answers.

        Nothing is opened of a client of whom nothing is remembered and nothing is to be. None as in `submit`.
        """
        submission = case.submission
        if submission is None or client is None or case.request is not None or case.state is State.CLOSED:
            return case
        history = await self._memory.recall(case.practice, client)
        if history.is_empty and not submission.lasting:
            return case
        form = await self._casework.forms.judged(case.practice, submission)
        try:
            filled = await confidential.filled_of(self._casework.vault, submission)
        except Forgotten:
            return None
        known = replace(submission, lasting=False)
        prior = await self._prior(history, form, filled.answers)
        if prior:
            known = await self._judged_again(case, known, form, filled, prior)
        if await self._memory.is_repeat(history, case.id, submission.submitted_at):
            known = replace(known, repeated=True)
        news = _news(form, filled.answers, filled.assessment, submission.submitted_at)
        if news and not await self._memory.remember(case, client, news):
            return None
        return case if known == submission else replace(case, submission=known)

    def told(self, case: Case, filled: Filled, profile: Profile, locale: str | None) -> Told:
        return tell(
            case,
            filled.assessment.messages,
            texts=self._casework.catalogue.texts_for(locale or profile.locale),
            reader=reader_of(filled.answers.get("respondent_role")),
            zone=ZoneInfo(profile.zone),
            emergency_number=profile.emergency_number,
            retry_after=filled.assessment.retry_after,
        )

    async def _prior(self, history: History, form: Form, answers: dict[str, JsonValue]) -> frozenset[str]:
        return await self._memory.prior_yes(history, answered(form, answers, "no"))

    async def _judged_again(
        self, case: Case, submission: Submission, form: Form, filled: Filled, prior_yes: frozenset[str]
    ) -> Submission:
        assessment = judge(form, filled.answers, as_of=submission.as_of, prior_yes=prior_yes)
        again = replace(filled, assessment=assessment)
        return replace(
            submission,
            ruleset=form.ruleset.id,
            outcome=assessment.outcome,
            urgent=assessment.urgent,
            retry_after=assessment.retry_after,
            sealed=await confidential.seal_filled(self._casework.vault, case, again),
        )

    async def _submission(self, case: Case, sheets: Sheets, filled: Filled) -> Submission:
        assessment, basis = filled.assessment, sheets.basis
        return Submission(
            questionnaire=sheets.form.questionnaire.id,
            ruleset=sheets.form.ruleset.id,
            messages=self._casework.catalogue.messages,
            pins=self._casework.forms.pins(sheets.form),
            submitted_at=sheets.at,
            as_of=sheets.as_of,
            zone=sheets.profile.zone,
            review_for=sheets.profile.review_for,
            outcome=assessment.outcome,
            urgent=assessment.urgent,
            retry_after=assessment.retry_after,
            sealed=await confidential.seal_filled(self._casework.vault, case, filled),
            of_age=of_age(date.fromisoformat(str(filled.answers[DOB])), sheets.as_of),
            based_on=None if basis is None else basis.case,
            based_until=None if basis is None else basis.carries(assessment),
        )


def _news(form: Form, answers: dict[str, JsonValue], assessment: Assessment, at: datetime) -> News:
    return News(yes=answered(form, answers, "yes"), declined=assessment.outcome is Effect.DECLINED, at=at)
