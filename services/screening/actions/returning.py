"""Returning clients: recognised by a date of birth, asked whether anything has changed instead of the whole form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

from pydantic import JsonValue

from services.screening import confidential
from services.screening.actions.cases import reachable
from services.screening.actions.casework import TRIES, Casework, Contended
from services.screening.actions.submitting import Sheets, Submitting
from services.screening.confidential import Filled
from services.screening.domain.audit import CLIENT, Hand
from services.screening.domain.case import Case, State
from services.screening.domain.catalogue import Form
from services.screening.domain.questionnaire import DOB
from services.screening.domain.returning import NEVER_FILLED_IN, RED_FLAGS, Earlier, earlier_of
from services.screening.domain.sheet import day_of
from services.screening.domain.told import Told
from services.screening.ports import Forgotten, Merges, Profile
from shared.errors import Kind, Refusal
from shared.tokens import TokenInvalid, Tokens

PROVEN_FOR: Final = timedelta(minutes=30)
MOST_CASES: Final = 50
# A number may be a family's: so many forms are looked at for the one of whoever comes.
MOST_OPENED: Final = 10
# Of a client, over all visits that are not long ago: whoever knows a number may ask for as many visits as they like.
MOST_OF_CLIENT: Final = 10
COUNTED_FOR: Final = timedelta(days=90)
_PURPOSE: Final = "recognised"


class NotRecognised(Refusal):
    """The proof that somebody was recognised is missing, altered, older than half an hour, or of another visit."""

    slug: ClassVar[str] = "not-recognised"
    kind: ClassVar[Kind] = Kind.UNAUTHENTICATED


class EarlierFormGone(Refusal):
    """The earlier form stands no longer, or not until the visit: the whole form is wanted."""

    slug: ClassVar[str] = "earlier-form-gone"
    kind: ClassVar[Kind] = Kind.CONFLICT


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """The day of the earlier form, and a proof that its owner is here.

    `stands`: nothing but the signs of these days, in `form`, need be asked. Otherwise the clearance ends before the
    visit, or the rules are new: the whole form is wanted, and can be filled in with the earlier answers.
    """

    since: date
    proof: str
    stands: bool
    form: Form
    profile: Profile


@dataclass(frozen=True, slots=True)
class _Found:
    earlier: Earlier
    filled: Filled


class Returning:
    def __init__(self, casework: Casework, submitting: Submitting, *, merges: Merges, tokens: Tokens) -> None:
        self._casework = casework
        self._submitting = submitting
        self._merges, self._tokens = merges, tokens

    async def recognise(self, appointment: str, practice: str, *, dob: date) -> Recognised | None:
        """None if there is no earlier form that stands, if this is another date of birth, or after too many tries.

        Each date takes a try, whether or not there is a form, before it is looked at; the right one gives it back.
        """
        case = await self._took_a_try(appointment, practice)
        if case is None:
            return None
        visits = await self._visits(case)
        if self._tries(visits) > MOST_OF_CLIENT:
            return None
        found = await self._find(visits, lambda filled: filled.answers.get(DOB) == dob.isoformat())
        form = await self._form(case)
        profile = await self._casework.profile(practice)
        if found is None or not found.earlier.may_be_shown(form):
            return None
        await self._casework.change(case, lambda now: now.tried(-1) if now.tries else now)
        expires = self._casework.now() + PROVEN_FOR
        proof = self._tokens.mint(_subject(appointment, found.earlier.fingerprint), practice, expires)
        stands = found.earlier.stands(form, _visit(case, profile))
        since = found.earlier.submission.as_of
        return Recognised(since=since, proof=proof, stands=stands, form=form, profile=profile)

    async def earlier_answers(
        self, appointment: str, practice: str, *, proof: str, hand: Hand = CLIENT
    ) -> dict[str, JsonValue]:
        """To fill in the whole form with, where something did change. Raises `NotRecognised`, `EarlierFormGone`.

        Nothing is told unless it is noted who saw it.
        """
        case = await self._casework.own(appointment, practice)
        _, found = await self._proven(case, proof)
        seen = await self._casework.find(found.earlier.case)
        await self._casework.note_view(seen, hand)
        return {name: answer for name, answer in found.filled.answers.items() if name not in NEVER_FILLED_IN}

    async def unchanged(
        self,
        appointment: str,
        practice: str,
        *,
        proof: str,
        red_flags: list[str],
        locale: str | None,
        hand: Hand = CLIENT,
    ) -> Told:
        """The earlier answers with today's signs, judged today; the clearance ends when the earlier one would.

        The same again changes nothing. Raises `NotRecognised`, `EarlierFormGone`, `AnswersInvalid`,
        `EmergencyNumberMissing`, and what `Case.check_takes_answers` raises.
        """
        profile = reachable(await self._casework.profile(practice))
        for _ in range(TRIES):
            case = await self._casework.own(appointment, practice)
            told = await self._told_before(case, proof, red_flags, profile, locale)
            if told is not None:
                return told
            known, found = await self._proven(case, proof)
            form = await self._form(known)
            if not found.earlier.stands(form, _visit(known, profile)):
                raise EarlierFormGone("the earlier form does not stand until the visit")
            sheets = Sheets(
                form=form,
                answers=found.filled.answers | {RED_FLAGS: list[JsonValue](red_flags)},
                profile=profile,
                at=self._casework.now(),
                hand=hand,
                basis=found.earlier.basis(found.filled.assessment.reason_codes),
            )
            handed_in = await self._submitting.submit(known, sheets, sheets.judged())
            if handed_in is not None:
                return self._submitting.told(*handed_in, profile, locale)
        raise Contended(appointment)

    async def _took_a_try(self, appointment: str, practice: str) -> Case | None:
        for _ in range(TRIES):
            case = await self._casework.own(appointment, practice)
            if case is None or not case.may_try:
                return None
            after = case.tried()
            if await self._casework.save(case, after, hand=CLIENT):
                return after
        raise Contended(appointment)

    async def _told_before(
        self, case: Case | None, proof: str, red_flags: list[str], profile: Profile, locale: str | None
    ) -> Told | None:
        """What was told when the same was said already."""
        if case is None or case.submission is None or case.submission.based_on is None or case.state is State.CLOSED:
            return None
        self._shown(case, proof)
        filled = await confidential.filled_of(self._casework.vault, case.submission)
        same = filled.answers.get(RED_FLAGS) == red_flags
        return self._submitting.told(case, filled, profile, locale) if same else None

    async def _proven(self, case: Case | None, proof: str) -> tuple[Case, _Found]:
        """The earlier form that was recognised, if it is still the latest of its owner, and was not voided since."""
        if case is None or case.client is None or case.request is None:
            raise NotRecognised("the proof is missing, altered or out of date")
        shown = self._shown(case, proof)
        form = await self._form(case)
        case.check_takes_answers(form.questionnaire.id)
        visits = await self._visits(case)
        owner = await self._find(visits, lambda _: True, shown=shown)
        if owner is not None:
            dob = owner.filled.answers[DOB]
            found = await self._find(visits, lambda filled: filled.answers.get(DOB) == dob)
            latest = found is not None and found.earlier.fingerprint == shown
            if found is not None and latest and found.earlier.may_be_shown(form):
                return case, found
        raise EarlierFormGone("the earlier form does not stand any longer")

    def _shown(self, case: Case, proof: str) -> str:
        """The fingerprint of the form that the proof is about."""
        try:
            claim = self._tokens.read(proof, self._casework.now())
        except TokenInvalid as error:
            raise NotRecognised("the proof is missing, altered or out of date") from error
        fingerprint = claim.appointment.rpartition("/")[2]
        if (claim.appointment, claim.practice) != (_subject(case.id, fingerprint), case.practice):
            raise NotRecognised("the proof is missing, altered or out of date")
        return fingerprint

    async def _visits(self, case: Case) -> Sequence[Case]:
        """Of the same client, under whichever of their names, the latest first."""
        refs = await self._merges.family(case.practice, case.client or "")
        return await self._casework.cases.of_clients(case.practice, refs, limit=MOST_CASES)

    def _tries(self, visits: Iterable[Case]) -> int:
        """Read after one's own was taken, so that of many at once no more than are allowed see room."""
        since = self._casework.now() - COUNTED_FOR
        return sum(one.tries for one in visits if one.starts_at is not None and one.starts_at >= since)

    async def _find(
        self, visits: Iterable[Case], is_theirs: Callable[[Filled], bool], *, shown: str | None = None
    ) -> _Found | None:
        """The latest decided form of this client that is theirs; the one with that fingerprint if it is given.

        One that was declined or voided since is found as well, so that nothing older is taken instead.
        """
        named = [one for one in earlier_of(visits) if shown in (None, one.fingerprint)]
        for earlier in named[:MOST_OPENED]:
            try:
                filled = await confidential.filled_of(self._casework.vault, earlier.submission)
            except Forgotten:
                continue
            if is_theirs(filled):
                return _Found(earlier, filled)
        return None

    async def _form(self, case: Case) -> Form:
        """What the service asks for now."""
        profile = await self._casework.profile(case.practice)
        return await self._casework.forms.form(profile, case.request.form if case.request else "")


def _visit(case: Case, profile: Profile) -> date:
    """On the practice's calendar."""
    return day_of(case.starts_at, ZoneInfo(profile.zone)) if case.starts_at else date.max


def _subject(appointment: str, fingerprint: str) -> str:
    """Nothing that could be shown as the token of an appointment."""
    return f"{_PURPOSE}/{appointment}/{fingerprint}"
