"""What screening does as a case goes its way: it takes requests and answers, and decides once both are there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import ClassVar

from pydantic import JsonValue

from services.screening.actions.casework import TRIES, Casework, Contended
from services.screening.actions.forms import OWN
from services.screening.actions.submitting import Sheets, Submitting
from services.screening.actions.telling import told_of
from services.screening.domain.audit import CLIENT, Hand
from services.screening.domain.case import Case, Reopening, Request, State
from services.screening.domain.catalogue import Form
from services.screening.domain.told import May, Told
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The form of one visit. `recalls`: an earlier one may stand in for it, which says nothing of whether there is one.

    Whoever was asked again for any other reason than time was asked because their last answers count no longer.
    """

    form: Form
    profile: Profile
    recalls: bool


class Screening:
    def __init__(self, casework: Casework, submitting: Submitting) -> None:
        self._casework = casework
        self._submitting = submitting

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
        await self._known(practice, request)
        await self._casework.change(
            Case(id=appointment, practice=practice),
            lambda case: case.requested(
                request, starts_at=starts_at, sequence=sequence, client=client, now=self._casework.now()
            ),
            prepare=partial(self._submitting.of_client, client=client),
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
        await self._known(practice, request)

        def asked(case: Case) -> Case:
            now = self._casework.now()
            known = case.requested(request, starts_at=starts_at, sequence=sequence, client=client, now=now)
            return known.moved(starts_at=starts_at, sequence=sequence).asked_again(checked=checked, now=now)

        prepare = partial(self._submitting.of_client, client=client)
        await self._casework.change(Case(id=appointment, practice=practice), asked, prepare=prepare)

    async def attend(self, appointment: str, practice: str, *, attended: bool) -> None:
        """Whether the visit took place: by that it is known how long its health check is kept."""
        fresh = Case(id=appointment, practice=practice)
        await self._casework.change(fresh, lambda case: case.came(attended))

    async def close(self, appointment: str, practice: str) -> None:
        """Also of a case that never began: a request that comes late finds it closed."""
        await self._casework.change(Case(id=appointment, practice=practice), Case.closed)

    async def decline(self, appointment: str, practice: str) -> None:
        """The visit takes no place: nothing more is decided of it, unless it was declined here and may be looked at."""
        await self._casework.change(Case(id=appointment, practice=practice), Case.declined_elsewhere)

    async def take_answers(
        self,
        appointment: str,
        practice: str,
        *,
        questionnaire: str,
        answers: dict[str, JsonValue],
        locale: str | None,
        hand: Hand = CLIENT,
    ) -> Told:
        """Judge the answers and decide if the request is there; the same answers again change nothing.

        Raises `FormUnknown`, `PracticeUnknown`, `EmergencyNumberMissing`, `AnswersInvalid`, and what `Case.submitted`
        raises. Without a number to name, no answers are taken: what they call for could not be said.
        """
        profile = await self._reachable(practice)
        form = await self._casework.forms.answered(profile, questionnaire)
        sheets = Sheets(form=form, answers=answers, profile=profile, at=self._casework.now(), hand=hand)
        assessment = sheets.judged()
        for _ in range(TRIES):
            case = await self._casework.own(appointment, practice) or Case(id=appointment, practice=practice)
            before = await self._casework.filled(case)
            if before is not None and case.state is not State.CLOSED and before.answers == answers:
                return await told_of(self._casework, case, locale, profile)
            handed_in = await self._submitting.submit(case, sheets, assessment)
            if handed_in is not None:
                return self._submitting.told(*handed_in, profile, locale)
        raise Contended(appointment)

    async def outcome(self, appointment: str, practice: str, *, locale: str | None) -> Told:
        """What the client may know now."""
        case = await self._casework.own(appointment, practice)
        if case is None:
            return Told(state=State.AWAITING, has_answers=False, may=(May.ANSWER,))
        return await told_of(self._casework, case, locale)

    async def questionnaire(self, practice: str, *, service: str | None) -> tuple[Form, Profile]:
        """The form a service asks for, or the one that the practice uses.

        Raises `PracticeUnknown`, `NoHealthCheck` and `EmergencyNumberMissing`.
        """
        profile = await self._reachable(practice)
        names = sorted(set(profile.forms.values()))
        name = profile.forms.get(service) if service is not None else names[0] if names else None
        if name is None:
            raise NoHealthCheck("there is no health check for this service")
        return await self._casework.forms.form(profile, name), profile

    async def wanted(self, appointment: str, practice: str, *, service: str | None) -> Wanted:
        """What the visit asks for, or its service while the visit is not known. As `questionnaire`."""
        case = await self._casework.own(appointment, practice)
        if case is None or case.request is None:
            form, profile = await self.questionnaire(practice, service=service)
            return Wanted(form=form, profile=profile, recalls=False)
        profile = await self._reachable(practice)
        form = await self._casework.forms.form(profile, case.request.form)
        recalls = case.may_try and case.reopened_by in {None, Reopening.EXPIRED}
        return Wanted(form=form, profile=profile, recalls=recalls)

    async def practice(self, practice: str) -> Profile | None:
        """None if booking has not announced it yet."""
        return await self._casework.practices.find(practice)

    async def version(self, practice: str, name: str) -> Form:
        """What counts now for a bare name, and exactly that version for any other. Raises `FormUnknown`."""
        profile = await self._casework.practices.find(practice)
        catalogue = self._casework.catalogue
        return catalogue.form(name) if profile is None else await self._casework.forms.form(profile, name)

    async def _known(self, practice: str, request: Request) -> None:
        """A name is the library's; only an exact version can be the practice's own. Raises `FormUnknown`."""
        if OWN in request.form:
            await self._casework.forms.form(await self._casework.profile(practice), request.form)
        else:
            self._casework.catalogue.form(request.form)

    async def _reachable(self, practice: str) -> Profile:
        return reachable(await self._casework.profile(practice))


def reachable(profile: Profile) -> Profile:
    """Raises `EmergencyNumberMissing`."""
    if not profile.emergency_number.strip():
        raise EmergencyNumberMissing("the practice has no emergency number")
    return profile
