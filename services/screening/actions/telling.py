"""What the client of a case is told now, with whatever a person has to say to them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from services.screening import confidential
from services.screening.actions.casework import Casework
from services.screening.confidential import Filled
from services.screening.domain.case import Case, Ruling, State
from services.screening.domain.told import Told, possible, tell
from services.screening.domain.wording import reader_of
from services.screening.ports import Profile


async def told_of(casework: Casework, case: Case, locale: str | None, profile: Profile | None = None) -> Told:
    """Raises `PracticeUnknown` once there is something to tell."""
    filled = None if case.state is State.CLOSED else await _last_filled(casework, case)
    if filled is None:
        return Told(state=case.state, has_answers=case.submission is not None, may=possible(case))
    profile = profile or await casework.profile(case.practice)
    return tell(
        case,
        filled.assessment.messages,
        texts=casework.catalogue.texts_for(locale or profile.locale),
        reader=reader_of(filled.answers.get("respondent_role")),
        zone=ZoneInfo(profile.zone),
        emergency_number=profile.emergency_number,
        retry_after=filled.assessment.retry_after,
        from_practice=await _from_practice(casework, case),
    )


async def _last_filled(casework: Casework, case: Case) -> Filled | None:
    """The answers of this round, or else of the one before it."""
    before = case.rounds[-1].submission if case.rounds else None
    last = case.submission or before
    return None if last is None else await confidential.filled_of(casework.vault, last)


async def _from_practice(casework: Casework, case: Case) -> str:
    ruling = _heard(case)
    if ruling is None:
        return ""
    return (await confidential.reasons_of(casework.vault, ruling)).to_client


def _heard(case: Case) -> Ruling | None:
    """The ruling that the client has to hear of now."""
    if case.was_asked_more:
        return case.rounds[-1].ruling
    return case.ruling
