"""What screening does: each action loads, decides with the domain, and saves once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

from pydantic import JsonValue

from services.screening import confidential, outbox
from services.screening.confidential import ClearanceRecord, Filled, Reasons
from services.screening.domain.assessment import Assessment, assess
from services.screening.domain.case import Case, Request, Ruling, State, Submission
from services.screening.domain.catalogue import Catalogue, Form
from services.screening.domain.told import Told, tell
from services.screening.domain.wording import reader_of
from services.screening.ports import Cases, Practices, PracticeUnknown, Profile, Vault
from shared.clock import Clock
from shared.errors import Kind, Refusal
from shared.recent import Recent

TRIES: Final = 10
LONGEST_REVIEW_LIST: Final = 200


class CaseUnknown(Refusal):
    """No health check was begun for this appointment."""

    slug: ClassVar[str] = "case-unknown"
    kind: ClassVar[Kind] = Kind.NOT_FOUND


class EmergencyNumberMissing(Refusal):
    """The form may not be shown without the number that its urgent text names."""

    slug: ClassVar[str] = "emergency-number-missing"
    kind: ClassVar[Kind] = Kind.CONFLICT


class NoHealthCheck(Refusal):
    """The service, or the whole practice, asks for no form."""

    slug: ClassVar[str] = "no-health-check"
    kind: ClassVar[Kind] = Kind.NOT_FOUND


class Contended(Exception):
    """Others kept changing the same case; the same thing may be tried again."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A case with all that is sealed in it, for the practice's eyes."""

    case: Case
    filled: Filled | None
    reasons: Reasons | None


class Screening:
    def __init__(self, *, cases: Cases, practices: Practices, vault: Vault, catalogue: Catalogue, now: Clock) -> None:
        self._cases = cases
        self._practices = practices
        self._vault = vault
        self._catalogue = catalogue
        self._now = now
        self._recent: Recent[Case] = Recent()

    async def keep_practice(self, profile: Profile) -> None:
        await self._practices.keep(profile)

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
        await self._change(
            Case(id=appointment, practice=practice),
            lambda case: case.requested(
                request, starts_at=starts_at, sequence=sequence, client=client, now=self._now()
            ),
        )

    async def move(self, appointment: str, practice: str, *, starts_at: datetime, sequence: int) -> None:
        await self._change(
            Case(id=appointment, practice=practice), lambda case: case.moved(starts_at=starts_at, sequence=sequence)
        )

    async def close(self, appointment: str, practice: str) -> None:
        """Also of a case that never began: a request that comes late finds it closed."""
        await self._change(Case(id=appointment, practice=practice), Case.closed)

    async def forget(self, appointment: str, practice: str) -> None:
        """Leave nothing of the case but that it is closed, also of one that never began."""
        await self._change(Case(id=appointment, practice=practice), Case.forgotten)

    async def take_answers(
        self, appointment: str, practice: str, *, questionnaire: str, answers: dict[str, JsonValue], locale: str | None
    ) -> Told:
        """Judge the answers and decide if the request is there; the same answers again change nothing.

        Raises `FormUnknown`, `PracticeUnknown`, `AnswersInvalid`, and what `Case.submitted` raises.
        """
        form = self._catalogue.form(questionnaire)
        profile = await self._profile(practice)
        now = self._now()
        as_of = now.astimezone(ZoneInfo(profile.zone)).date()
        assessment = _judge(form, answers, as_of=as_of)
        filled = Filled(answers=answers, assessment=assessment)
        for _ in range(TRIES):
            case = await self._own_case(appointment, practice) or Case(id=appointment, practice=practice)
            before = await self._filled(case)
            if before is not None and case.state is not State.CLOSED and before.answers == answers:
                return self._told(case, before, profile, locale)
            case.check_takes_answers(form.questionnaire.id)
            sealed = await confidential.seal_filled(self._vault, case, filled)
            submission = self._submission(form, assessment, profile=profile, at=now, as_of=as_of, sealed=sealed)
            after = case.submitted(submission, now=now)
            if await self._save(case, after):
                return self._told(after, filled, profile, locale)
        raise Contended(appointment)

    async def outcome(self, appointment: str, practice: str, *, locale: str | None) -> Told:
        """What the client may know now."""
        case = await self._own_case(appointment, practice)
        if case is None:
            return Told(state=State.AWAITING, has_answers=False)
        filled = await self._filled(case)
        if filled is None or case.state is State.CLOSED:
            return Told(state=case.state, has_answers=filled is not None)
        return self._told(case, filled, await self._profile(practice), locale)

    async def questionnaire(self, practice: str, *, service: str | None) -> tuple[Form, Profile]:
        """The form a service asks for, or the one that the practice uses.

        Raises `PracticeUnknown`, `NoHealthCheck` and `EmergencyNumberMissing`.
        """
        profile = await self._profile(practice)
        if not profile.emergency_number:
            raise EmergencyNumberMissing("the practice has no emergency number")
        names = sorted(set(profile.forms.values()))
        name = profile.forms.get(service) if service is not None else names[0] if names else None
        if name is None:
            raise NoHealthCheck("there is no health check for this service")
        return self._catalogue.form(name), profile

    async def in_review(self, practice: str) -> list[Case]:
        return await self._cases.in_review(practice, limit=LONGEST_REVIEW_LIST)

    async def open_case(self, appointment: str) -> Opened:
        case = await self._cases.find(appointment)
        if case is None:
            raise CaseUnknown("there is no health check for this appointment")
        reasons = None if case.ruling is None else await confidential.reasons_of(self._vault, case.ruling)
        return Opened(case, await self._filled(case), reasons)

    async def rule(
        self,
        appointment: str,
        *,
        approve: bool,
        note: str,
        clearance: ClearanceRecord | None,
        valid_for: timedelta,
        version: int,
    ) -> Case:
        """A practitioner's decision on the version of the case that they read."""
        opened = await self.open_case(appointment)
        case, filled = opened.case, opened.filled
        needed = filled is not None and filled.assessment.clearance_required
        case.check_ruling(
            approve=approve, note=note, version=version, clearance_needed=needed, clearance_given=clearance is not None
        )
        now = self._now()
        reasons = Reasons(note=note, clearance=clearance)
        sealed = await confidential.seal_reasons(self._vault, case, reasons)
        after = case.ruled(Ruling(approved=approve, at=now, sealed=sealed), valid_for=valid_for)
        if not await self._save(case, after):
            raise case.changed()
        return after

    def evaluate(
        self, questionnaire: str, answers: Mapping[str, object], *, as_of: date, prior_yes: Collection[str]
    ) -> Assessment:
        """Judge without keeping anything."""
        return _judge(self._catalogue.form(questionnaire), answers, as_of=as_of, prior_yes=frozenset(prior_yes))

    async def _change(self, fresh: Case, change: Callable[[Case], Case]) -> None:
        """What this process wrote last is tried first, and believed only if the database takes what follows from it."""
        known = self._recent.take(fresh.id)
        if known is not None:
            with suppress(Refusal):
                after = change(known)
                if after is not known and await self._save(known, after):
                    return
        for _ in range(TRIES):
            case = await self._cases.find(fresh.id) or fresh
            after = change(case)
            if after is case or await self._save(case, after):
                return
        raise Contended(fresh.id)

    async def _save(self, case: Case, after: Case) -> bool:
        saved = await self._cases.save(case, after, outbox.said(case, after, self._now()))
        if saved:
            self._recent.keep(after.id, after)
        return saved

    async def _profile(self, practice: str) -> Profile:
        profile = await self._practices.find(practice)
        if profile is None:
            raise PracticeUnknown("booking has not announced this practice yet")
        return profile

    async def _own_case(self, appointment: str, practice: str) -> Case | None:
        case = await self._cases.find(appointment)
        if case is not None and case.practice != practice:
            raise CaseUnknown("there is no health check for this appointment")
        return case

    async def _filled(self, case: Case) -> Filled | None:
        return None if case.submission is None else await confidential.filled_of(self._vault, case.submission)

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


def _judge(
    form: Form, answers: Mapping[str, object], *, as_of: date, prior_yes: frozenset[str] = frozenset()
) -> Assessment:
    values = form.questionnaire.read(answers)
    return assess(form.ruleset, form.questionnaire.sheet(values, as_of=as_of, prior_yes=prior_yes))
