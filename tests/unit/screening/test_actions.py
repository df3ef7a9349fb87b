"""A case from its two halves to a decision, a ruling and its end, on twins."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.screening import inbox
from services.screening.actions import CaseUnknown, EmergencyNumberMissing, NoHealthCheck, Screening, Word
from services.screening.confidential import ClearanceRecord
from services.screening.domain.case import Case, State, Verdict
from services.screening.domain.catalogue import FormUnknown
from services.screening.domain.questionnaire import AnswersInvalid
from services.screening.domain.refusals import (
    AlreadyAnswered,
    AlreadyDecided,
    CannotApprove,
    CaseChanged,
    CaseClosed,
    ClearanceMissing,
    NoteTooShort,
    NotInReview,
    OtherFormAsked,
)
from services.screening.domain.told import May, Told
from services.screening.ports import Cases, PracticeUnknown
from shared.errors import Refusal
from shared.events import Event, envelope
from shared.retry import DONE
from tests.support import screening as twin
from tests.support.screening import APPOINTMENT, NOW, PRACTICE, STARTS_AT

NOTE = "Talked on the phone, all well."
CLEARANCE = ClearanceRecord(given_by="Dr Example", profession="GP", given_on=date(2026, 11, 19), form="verbal")


async def hear(screening: Screening, fact: Event, *, sequence: int = 2) -> None:
    heard = envelope(fact, subject=APPOINTMENT, practice=PRACTICE, sequence=sequence, at=NOW)
    clients = twin.clients(twin.CaseTwin())
    assert await inbox.subscriptions(screening, clients)[type(fact)](heard) == DONE


async def answer(screening: Screening, answers: dict[str, Any] = twin.CLEAR) -> Told:
    return await screening.take_answers(APPOINTMENT, PRACTICE, questionnaire=twin.FORM, answers=answers, locale=None)


async def settle(answers: dict[str, Any]) -> tuple[Screening, twin.CaseTwin]:
    cases = twin.CaseTwin()
    screening = twin.screening(cases)
    await hear(screening, twin.requested())
    await answer(screening, answers)
    return screening, cases


async def rule(cases: Cases, *, version: int = 2, verdict: Verdict = Verdict.APPROVE, **said: Any) -> None:
    word = Word(**{"verdict": verdict, "note": NOTE, "by": "Ines", "caller": "operator"} | said)
    await twin.reviews(cases).rule(APPOINTMENT, word, version=version, hand=twin.STAFF)


class Behind(twin.CaseTwin):
    """Shows what a practitioner had on the screen when somebody else decided."""

    def __init__(self, shown: Case) -> None:
        super().__init__()
        self._shown = [shown]

    async def find(self, appointment: str) -> Case | None:
        return self._shown.pop() if self._shown else await super().find(appointment)


@pytest.mark.parametrize(
    ("answers", "outcome"), [(twin.CLEAR, "cleared"), (twin.REVIEWED, "needs_review"), (twin.DECLINED, "declined")]
)
async def test_the_case_is_decided_when_both_halves_are_in_whichever_comes_first(
    answers: dict[str, Any], outcome: str
) -> None:
    cases = twin.CaseTwin()
    screening = twin.screening(cases)
    await answer(screening, answers)
    assert cases.said == []
    await hear(screening, twin.requested())
    other_way_round = (await settle(answers))[1]
    for said in (cases.said, other_way_round.said):
        (decided,) = said
        assert (decided.subject, decided.practice, decided.sequence) == (APPOINTMENT, PRACTICE, 2)
        assert (decided.data.outcome, decided.data.decided_by) == (outcome, "rules")
    assert cases.kept[APPOINTMENT].state is other_way_round.kept[APPOINTMENT].state


async def test_a_clearance_counts_for_180_days_from_the_date_of_the_answers_in_the_practices_zone() -> None:
    cases = twin.CaseTwin()
    late = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)  # already the 21st in Berlin
    screening = twin.screening(cases, now=late)
    await answer(screening)
    await hear(screening, twin.requested())
    submission = cases.kept[APPOINTMENT].submission
    assert submission is not None
    assert submission.as_of == date(2026, 11, 21)
    assert cases.said[0].data.valid_until == date(2027, 5, 20)


async def test_an_event_says_no_reason() -> None:
    _, cases = await settle(twin.DECLINED)
    assert set(cases.said[0].data.model_dump(exclude_none=True)) == {
        *("appointment", "outcome", "decided_by", "questionnaire", "ruleset")
    }
    assert "ANEURYSM" not in cases.said[0].to_json().decode()


async def test_answers_that_come_last_are_told_their_outcome_and_answers_that_come_first_only_what_is_urgent() -> None:
    assert (await answer(twin.screening(twin.CaseTwin()))).messages == ()
    screening = twin.screening(twin.CaseTwin())
    urgent = await answer(screening, twin.URGENT)
    assert urgent.state is State.AWAITING
    assert [(message.key, message.urgent) for message in urgent.messages] == [("URGENT", True)]
    assert "112" in urgent.messages[0].text
    await hear(screening, twin.requested())
    told = await screening.outcome(APPOINTMENT, PRACTICE, locale=None)
    assert [message.key for message in told.messages] == ["URGENT"]


async def test_a_review_is_told_with_its_deadline_in_the_practices_time() -> None:
    screening, cases = await settle(twin.REVIEWED)
    told = await screening.outcome(APPOINTMENT, PRACTICE, locale="en-GB")
    assert cases.kept[APPOINTMENT].deadline == NOW + timedelta(hours=48)
    assert "by 10:30 on 22 November 2026" in told.messages[0].text


async def test_a_decline_that_time_lifts_is_told_with_the_day() -> None:
    injured = {"q_head_injury_date": {"kind": "date", "value": "2026-11-10"}, "q_head_injury_checked": "yes"}
    screening, cases = await settle(twin.CLEAR | injured | {"q_head_injury": "yes", "q_head_injury_symptoms": "no"})
    told = await screening.outcome(APPOINTMENT, PRACTICE, locale=None)
    assert "from 22 December 2026" in told.messages[0].text
    assert cases.said[0].data.retry_after == date(2026, 12, 22)


async def test_a_guardian_is_told_in_the_words_for_a_guardian() -> None:
    child = {"respondent_role": "guardian", "dob": "2016-01-01", "guardian_consent": True}
    screening, _ = await settle(twin.CLEAR | child | {"q_aneurysm": "yes"})
    told = await screening.outcome(APPOINTMENT, PRACTICE, locale=None)
    assert "for your child now" in told.messages[0].text


async def test_the_same_answers_again_change_nothing_and_are_told_the_same() -> None:
    screening, cases = await settle(twin.REVIEWED)
    was = cases.kept[APPOINTMENT]
    again = await answer(screening, dict(reversed(twin.REVIEWED.items())))
    assert cases.kept[APPOINTMENT] is was
    assert again == await screening.outcome(APPOINTMENT, PRACTICE, locale=None)
    assert len(cases.said) == 1


async def test_worse_answers_are_not_replaced_by_better_ones_before_the_request_is_there() -> None:
    cases = twin.CaseTwin()
    screening = twin.screening(cases)
    urgent = await answer(screening, twin.URGENT)
    was = cases.kept[APPOINTMENT]
    with pytest.raises(AlreadyAnswered):
        await answer(screening, twin.CLEAR)
    assert await answer(screening, twin.URGENT) == urgent
    assert cases.kept[APPOINTMENT] is was
    await hear(screening, twin.requested())
    assert cases.said[0].data.outcome == "declined"


async def test_other_answers_than_those_decided_on_are_refused() -> None:
    screening, cases = await settle(twin.REVIEWED)
    with pytest.raises(AlreadyDecided):
        await answer(screening, twin.CLEAR)
    assert len(cases.said) == 1


async def test_heard_twice_or_late_changes_nothing() -> None:
    screening, cases = await settle(twin.CLEAR)
    was = cases.kept[APPOINTMENT]
    await hear(screening, twin.requested())
    await hear(screening, twin.requested(starts_at=STARTS_AT + timedelta(days=1)), sequence=1)
    assert cases.kept[APPOINTMENT] is was


async def test_the_newest_time_of_the_visit_is_kept_even_if_its_move_is_heard_first() -> None:
    cases = twin.CaseTwin()
    screening = twin.screening(cases)
    later = STARTS_AT + timedelta(days=2)
    await hear(screening, twin.moved(starts_at=later), sequence=4)
    await hear(screening, twin.moved(starts_at=STARTS_AT + timedelta(days=1)), sequence=3)
    await hear(screening, twin.requested(), sequence=2)
    await answer(screening)
    assert cases.kept[APPOINTMENT].starts_at == later
    assert cases.kept[APPOINTMENT].state is State.CLEARED


async def test_a_cancelled_appointment_closes_its_case_even_before_its_request_is_heard() -> None:
    cases = twin.CaseTwin()
    screening = twin.screening(cases)
    await hear(screening, twin.cancelled(), sequence=3)
    await hear(screening, twin.requested())
    await hear(screening, twin.moved(), sequence=4)
    await hear(screening, twin.cancelled(), sequence=3)
    with pytest.raises(CaseClosed):
        await answer(screening)
    assert cases.said == []
    assert (await screening.outcome(APPOINTMENT, PRACTICE, locale=None)).state is State.CLOSED


async def test_a_service_without_a_health_check_makes_no_case() -> None:
    cases = twin.CaseTwin()
    screening = twin.screening(cases)
    unscreened = twin.SERVICE.model_copy(update={"screening": None})
    for fact in (twin.requested, twin.moved, twin.cancelled):
        await hear(screening, fact(service=unscreened))
    assert cases.kept == {}


async def test_a_request_for_a_form_that_is_not_installed_is_refused() -> None:
    screening = twin.screening(twin.CaseTwin())
    with pytest.raises(FormUnknown):
        await hear(screening, twin.requested(service=twin.SERVICE.model_copy(update={"screening": "cst-else"})))


async def test_answers_to_another_form_than_the_service_asks_for_are_no_answers() -> None:
    cases = twin.CaseTwin()
    screening = twin.screening(cases)
    await answer(screening)
    case = cases.kept[APPOINTMENT]
    asked = case.requested(twin.request("cst-intake"), starts_at=STARTS_AT, sequence=2, now=NOW)
    assert (asked.state, asked.submission) == (State.AWAITING, None)
    with pytest.raises(OtherFormAsked):
        asked.check_takes_answers(twin.FORM)
    asked.check_takes_answers("cst-intake@2026.1.0")


async def test_what_does_not_fit_is_refused_and_nothing_is_kept() -> None:
    cases = twin.CaseTwin()
    screening = twin.screening(cases)
    for refusal, changes in (
        (AnswersInvalid, {"answers": {"q_new": "yes"}}),
        (FormUnknown, {"questionnaire": "cst-else"}),
        (PracticeUnknown, {"practice": "elsewhere"}),
    ):
        asked: dict[str, Any] = {
            "practice": PRACTICE,
            "questionnaire": "cst-core",
            "answers": twin.CLEAR,
            "locale": None,
        }
        with pytest.raises(refusal):
            await screening.take_answers(APPOINTMENT, **(asked | changes))
    assert cases.kept == {}


async def test_another_practice_does_not_find_the_case() -> None:
    screening, _ = await settle(twin.CLEAR)
    with pytest.raises(CaseUnknown):
        await screening.outcome(APPOINTMENT, "elsewhere", locale=None)


async def test_nothing_can_be_told_before_there_is_anything() -> None:
    cases = twin.CaseTwin()
    told = await twin.screening(cases).outcome(APPOINTMENT, PRACTICE, locale=None)
    assert told == Told(state=State.AWAITING, has_answers=False, may=(May.ANSWER,))
    with pytest.raises(CaseUnknown):
        await twin.reviews(cases).open(APPOINTMENT, twin.STAFF)


@pytest.mark.parametrize(
    ("verdict", "outcome", "key"), [(Verdict.APPROVE, "cleared", "CLEARED"), (Verdict.REFUSE, "declined", "REFUSED")]
)
async def test_a_practitioners_decision_is_said_once_and_told_to_the_client(
    verdict: Verdict, outcome: str, key: str
) -> None:
    screening, cases = await settle(twin.REVIEWED)
    await rule(cases, verdict=verdict)
    decided = cases.said[1]
    assert (decided.data.outcome, decided.data.decided_by, decided.sequence) == (outcome, "practitioner", 3)
    assert decided.data.valid_until == (date(2027, 2, 18) if verdict is Verdict.APPROVE else None)
    assert NOTE not in decided.to_json().decode()
    told = await screening.outcome(APPOINTMENT, PRACTICE, locale=None)
    assert [message.key for message in told.messages] == [key]
    reasons = (await twin.reviews(cases).open(APPOINTMENT, twin.STAFF)).reasons
    assert reasons is not None
    assert reasons.note == NOTE
    with pytest.raises(NotInReview):
        await rule(cases, version=3, note="Another one, of later.")


@pytest.mark.parametrize(
    ("answers", "more", "refusal"),
    [
        (twin.REVIEWED, {"version": 1}, CaseChanged),
        (twin.REVIEWED, {"note": " too  short "}, NoteTooShort),
        (twin.REVIEWED, {"note": "", "verdict": Verdict.REFUSE}, NoteTooShort),
        (twin.NEEDS_CLEARANCE, {}, ClearanceMissing),
        (twin.DECLINED, {}, CannotApprove),
        (twin.DECLINED, {"verdict": Verdict.REFUSE}, NotInReview),
        (twin.URGENT, {}, CannotApprove),
        (twin.URGENT_UNSURE, {"clearance": CLEARANCE}, CannotApprove),
        (twin.CLEAR, {}, NotInReview),
    ],
)
async def test_what_may_not_be_decided_is_refused(
    answers: dict[str, Any], more: dict[str, Any], refusal: type[Refusal]
) -> None:
    _, cases = await settle(answers)
    with pytest.raises(refusal):
        await rule(cases, **more)
    assert len(cases.said) == 1


async def test_a_recorded_clearance_lets_a_case_be_approved_and_an_unsure_sign_can_be_refused() -> None:
    _, cases = await settle(twin.NEEDS_CLEARANCE)
    await rule(cases, clearance=CLEARANCE)
    assert cases.kept[APPOINTMENT].state is State.APPROVED
    _, cases = await settle(twin.URGENT_UNSURE)
    await rule(cases, verdict=Verdict.REFUSE)
    assert cases.kept[APPOINTMENT].state is State.REFUSED


async def test_an_approval_counts_so_many_days_on_the_practices_calendar() -> None:
    screening, cases = await settle(twin.REVIEWED)
    late = datetime(2026, 12, 1, 23, 30, tzinfo=UTC)  # already the 2nd in Berlin, 12 days from now
    await hear(screening, twin.moved(starts_at=late), sequence=3)
    await rule(cases, version=3, valid_days=12)
    assert cases.kept[APPOINTMENT].valid_until == date(2026, 12, 2)


async def test_a_refusal_needs_no_last_day() -> None:
    _, cases = await settle(twin.REVIEWED)
    await rule(cases, verdict=Verdict.REFUSE, valid_days=1)
    assert cases.kept[APPOINTMENT].state is State.REFUSED


async def test_of_two_practitioners_the_second_is_told_that_the_case_changed() -> None:
    _, cases = await settle(twin.REVIEWED)
    stale = cases.kept[APPOINTMENT]
    await rule(cases)
    behind = Behind(stale)
    behind.kept = cases.kept
    with pytest.raises(CaseChanged):
        await rule(behind, verdict=Verdict.REFUSE)
    assert cases.kept[APPOINTMENT].state is State.APPROVED


async def test_the_queue_holds_only_what_waits_with_the_oldest_deadline_first() -> None:
    cases = twin.CaseTwin()
    for number, answers in enumerate([twin.REVIEWED, twin.CLEAR, twin.REVIEWED]):
        screening = twin.screening(cases, now=NOW - timedelta(hours=number))
        appointment = f"{number + 2}" * 26
        await screening.take_answers(appointment, PRACTICE, questionnaire="cst-core", answers=answers, locale=None)
        await screening.take_request(appointment, PRACTICE, twin.request("cst-core"), starts_at=STARTS_AT, sequence=2)
    waiting = await twin.reviews(cases).waiting(PRACTICE)
    assert [case.id[0] for case in waiting] == ["4", "2"]
    assert await twin.reviews(cases).waiting("elsewhere") == []


async def test_who_may_frame_the_pages_and_how_they_look_is_heard_of_booking() -> None:
    screening = twin.screening(twin.CaseTwin())
    await hear(screening, twin.practice_changed(sites=("https://www.a.example",), theme="0123456789ab"), sequence=2)
    told = await screening.practice(PRACTICE)
    assert told is not None
    assert (told.sites, told.theme) == (("https://www.a.example",), "0123456789ab")
    await hear(screening, twin.practice_changed(), sequence=3)
    told = await screening.practice(PRACTICE)
    assert told is not None
    assert (told.sites, told.theme) == ((), "")


async def test_the_newest_profile_of_a_practice_counts_and_its_form_needs_an_emergency_number() -> None:
    screening = twin.screening(twin.CaseTwin())
    await hear(screening, twin.practice_changed(emergency_number="999"), sequence=3)
    await hear(screening, twin.practice_changed(emergency_number="000"), sequence=2)
    form, profile = await screening.questionnaire(PRACTICE, service=None)
    assert (form.questionnaire.id, profile.emergency_number) == (twin.FORM, "999")
    assert (await screening.questionnaire(PRACTICE, service="session"))[0] is form
    with pytest.raises(NoHealthCheck):
        await screening.questionnaire(PRACTICE, service="unscreened")
    await hear(screening, twin.practice_changed(emergency_number=""), sequence=4)
    with pytest.raises(EmergencyNumberMissing):
        await screening.questionnaire(PRACTICE, service=None)
