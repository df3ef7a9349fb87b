"""What screening does as a case goes its way: it takes requests and answers, and decides once both are there."""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar
from zoneinfo import ZoneInfo

from pydantic import JsonValue

from services.screening import confidential
from services.screening.actions.casework import TRIES, Casework, Contended, judge
from services.screening.confidential import Filled
from services.screening.domain.assessment import Assessment
from services.screening.domain.case import Case, Request, State, Submission
from services.screening.domain.catalogue import Form
from services.screening.domain.sheet import day_of
from services.screening.domain.told import Told, tell
from services.screening.domain.wording import reader_of
from services.screening.ports import Profile
from shared.errors import Kind, Refusal


class EmergencyNumberMissing(Refusal):
    """The form may not be shown without the number that its urgent text names."""

    slug: ClassVar[str] = "emergency-number-missing"
    kind: ClassVar[Kind] = Kind.CONFLICT


class NoHealthCheck(Refusal):
    """The service, or the whole practice, asks for no form."""

    slug: ClassVar[str] = "no-health-check"
    kind: ClassVar[Kind] = Kind.NOT_FOUND


class Screening:
    def __init__(self, casework: Casework) -> None:
        self._casework = casework
        self._catalogue = casework.catalogue

    async def keep_practice(self, profile: Profile) -> None:
        await self._casework.practices.keep(profile)

    async def take_request(
        self,
        appointment: str,
        practice: str,
        request: Request,
        *,
        starts_at: datetime,
        sequence: int,
        client: str | None = None,
    ) -> None:
        """Decides at once if the answers are there. Raises `FormUnknown`."""
        self._catalogue.form(request.form)
        await self._casework.change(
            Case(id=appointment, practice=practice),
            lambda case: case.requested(
                request, starts_at=starts_at, sequence=sequence, client=client, now=self._casework.now()
            ),
        )

    async def move(self, appointment: str, practice: str, *, starts_at: datetime, sequence: int) -> None:
        await self._casework.change(
            Case(id=appointment, practice=practice), lambda case: case.moved(starts_at=starts_at, sequence=sequence)
        )

    async def ask_again(
        self,
        appointment: str,
        practice: str,
        request: Request,
        *,
        starts_at: datetime,
        sequence: int,
        checked: int,
        client: str | None = None,
    ) -> None:
        """Booking wants the health check of this visit (once more); `checked` as `Case.asked_again`."""
        self._catalogue.form(request.form)

        def asked(case: Case) -> Case:
            now = self._casework.now()
            known = case.requested(request, starts_at=starts_at, sequence=sequence, client=client, now=now)
            return known.moved(starts_at=starts_at, sequence=sequence).asked_again(checked=checked, now=now)

        await self._casework.change(Case(id=appointment, practice=practice), asked)

    async def close(self, appointment: str, practice: str) -> None:
        """Also of a case that never began: a request that comes late finds it closed."""
        await self._casework.change(Case(id=appointment, practice=practice), Case.closed)

    async def take_answers(
        self, appointment: str, practice: str, *, questionnaire: str, answers: dict[str, JsonValue], locale: str | None
    ) -> Told:
        """Judge the answers and decide if the request is there; the same answers again change nothing.

        Raises `FormUnknown`, `PracticeUnknown`, `EmergencyNumberMissing`, `AnswersInvalid`, and what `Case.submitted`
        raises. Without a number to name, no answers are taken: what they call for could not be said.
        """
        form = self._catalogue.form(questionnaire)
        profile = await self._reachable(practice)
        now = self._casework.now()
        as_of = day_of(now, ZoneInfo(profile.zone))
        assessment = judge(form, answers, as_of=as_of)
        filled = Filled(answers=answers, assessment=assessment)
        for _ in range(TRIES):
            case = await self._casework.own(appointment, practice) or Case(id=appointment, practice=practice)
            before = await self._casework.filled(case)
            if before is not None and case.state is not State.CLOSED and before.answers == answers:
                return self._told(case, before, profile, locale)
            case.check_takes_answers(form.questionnaire.id)
            sealed = await confidential.seal_filled(self._casework.vault, case, filled)
            submission = self._submission(form, assessment, profile=profile, at=now, as_of=as_of, sealed=sealed)
            after = case.submitted(submission, now=now)
            if await self._casework.save(case, after):
                return self._told(after, filled, profile, locale)
        raise Contended(appointment)

    async def outcome(self, appointment: str, practice: str, *, locale: str | None) -> Told:
        """What the client may know now."""
        case = await self._casework.own(appointment, practice)
        if case is None:
            return Told(state=State.AWAITING, has_answers=False)
        filled = await self._casework.filled(case)
        if filled is None or case.state is State.CLOSED:
            return Told(state=case.state, has_answers=filled is not None)
        return self._told(case, filled, await self._casework.profile(practice), locale)

    async def questionnaire(self, practice: str, *, service: str | None) -> tuple[Form, Profile]:
        """The form a service asks for, or the one that the practice uses.

        Raises `PracticeUnknown`, `NoHealthCheck` and `EmergencyNumberMissing`.
        """
        profile = await self._reachable(practice)
        names = sorted(set(profile.forms.values()))
        name = profile.forms.get(service) if service is not None else names[0] if names else None
        if name is None:
            raise NoHealthCheck("there is no health check for this service")
        return self._catalogue.form(name), profile

    async def _reachable(self, practice: str) -> Profile:
        profile = await self._casework.profile(practice)
        if not profile.emergency_number.strip():
            raise EmergencyNumberMissing("the practice has no emergency number")
        return profile

    def _submission(
        self, form: Form, assessment: Assessment, *, profile: Profile, at: datetime, as_of: date, sealed: bytes
    ) -> Submission:
        return Submission(
            questionnaire=form.questionnaire.id,
            ruleset=form.ruleset.id,
            messages=self._catalogue.messages,
            submitted_at=at,
            as_of=as_of,
            zone=profile.zone,
            review_for=profile.review_for,
            outcome=assessment.outcome,
            urgent=assessment.urgent,
            retry_after=assessment.retry_after,
            sealed=sealed,
        )

    def _told(self, case: Case, filled: Filled, profile: Profile, locale: str | None) -> Told:
        return tell(
            case,
            filled.assessment.messages,
            texts=self._catalogue.texts_for(locale or profile.locale),
            reader=reader_of(filled.answers.get("respondent_role")),
            zone=ZoneInfo(profile.zone),
            emergency_number=profile.emergency_number,
            retry_after=filled.assessment.retry_after,
        )
