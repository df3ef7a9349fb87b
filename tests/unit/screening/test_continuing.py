"""What a client and a practitioner do after the answers: asked for more, declined, changed, reminded, on twins."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import pytest

from services.screening.actions import AttachmentUnknown, CaseUnknown, Continuing, Reminding, Reviews, Screening, Word
from services.screening.actions.reminding import overdue
from services.screening.confidential import ClearanceRecord
from services.screening.domain import approval
from services.screening.domain.assessment import Finding
from services.screening.domain.audit import CLIENT
from services.screening.domain.case import Case, Reopening, State, Verdict
from services.screening.domain.files import LARGEST_FILE
from services.screening.domain.refusals import (
    ApprovalTooLong,
    CaseChanged,
    CaseClosed,
    ClearanceInFuture,
    FileRefused,
    NobodyLooks,
    NotDeclined,
    NothingAsked,
    NothingToVoid,
    TooMuchAdded,
)
from services.screening.domain.round import MOST_ATTACHMENTS, MOST_FILES
from services.screening.domain.ruleset import Effect
from services.screening.domain.told import May, Told
from shared.events.screening import CaseDecided, CaseMessageLeft, CaseReviewDue, CaseVoided
from tests.support import screening as twin
from tests.support.screening import APPOINTMENT, NOW, PRACTICE, STARTS_AT

NOTE: Final = "Talked on the phone, all well."
QUESTION: Final = "Which medicine is it, please?"
PDF: Final = b"%PDF-1.7 a note"


class Life:
    """One case on twins, with a clock that the test moves."""

    def __init__(self) -> None:
        self.now = NOW
        self.cases, self.files = twin.CaseTwin(), twin.AttachmentTwin()
        self.casework = twin.casework(self.cases, attachments=self.files)
        self.casework.now = lambda: self.now
        self.reviews, self.reminding = Reviews(self.casework), Reminding(self.casework)
        self.screening: Screening = twin.screening_of(self.casework)
        self._made = 0
        self.continuing = Continuing(self.casework, ids=self._id)

    def _id(self) -> str:
        self._made += 1
        return f"file-{self._made}"

    @property
    def case(self) -> Case:
        return self.cases.kept[APPOINTMENT]

    @property
    def said(self) -> list[type]:
        return [type(one.data) for one in self.cases.said]

    async def settle(self, answers: dict[str, Any], *, starts_at: datetime = STARTS_AT) -> Told:
        await self.screening.take_request(APPOINTMENT, PRACTICE, twin.request(), starts_at=starts_at, sequence=2)
        return await self.answer(answers)

    async def answer(self, answers: dict[str, Any]) -> Told:
        return await self.screening.take_answers(
            APPOINTMENT, PRACTICE, questionnaire=twin.FORM, answers=answers, locale=None
        )

    async def outcome(self) -> Told:
        return await self.screening.outcome(APPOINTMENT, PRACTICE, locale=None)

    async def rule(self, verdict: Verdict, *, version: int | None = None, **said: Any) -> Case:
        word = Word(**{"verdict": verdict, "note": NOTE, "by": "Ines", "caller": "operator"} | said)
        read = self.case.version if version is None else version
        return await self.reviews.rule(APPOINTMENT, word, version=read, hand=twin.STAFF)

    async def explain(self, words: str) -> Told:
        return await self.continuing.explain(APPOINTMENT, PRACTICE, words, locale=None, hand=CLIENT)

    async def attach(self, content: bytes = PDF) -> Told:
        return await self.continuing.attach(APPOINTMENT, PRACTICE, content, locale=None, hand=CLIENT)

    async def appeal(self, words: str = "It was long ago.") -> Told:
        return await self.continuing.ask_for_review(APPOINTMENT, PRACTICE, words, locale=None, hand=CLIENT)

    async def void(self, cause: Reopening = Reopening.CHANGED) -> Told:
        return await self.continuing.void(APPOINTMENT, PRACTICE, cause, locale=None, hand=CLIENT)


def keys(told: Told) -> list[str]:
    return [message.key for message in told.messages]


async def test_a_client_who_is_asked_for_more_answers_in_words_and_is_approved() -> None:
    life = Life()
    await life.settle(twin.REVIEWED)
    await life.rule(Verdict.MORE_INFO, to_client=QUESTION)
    told = await life.outcome()
    assert (keys(told), told.from_practice, told.asked_again) == (["ASKED_MORE"], QUESTION, Reopening.MORE_INFO)
    assert set(told.may) == {May.ANSWER, May.ADD}
    life.now += timedelta(hours=3)
    told = await life.explain("It is apixaban.")
    assert (keys(told), told.from_practice) == (["REVIEW"], "")
    assert life.case.deadline == life.now + timedelta(hours=48)
    opened = await life.reviews.open(APPOINTMENT, twin.STAFF)
    assert opened.words == ("It is apixaban.",)
    assert opened.filled is not None
    assert opened.filled.answers == twin.REVIEWED
    assert [(over.reasons.to_client if over.reasons else "") for over in opened.past] == [QUESTION]
    assert [over.filled.answers for over in opened.past if over.filled] == [twin.REVIEWED]
    await life.rule(Verdict.APPROVE)
    assert life.case.state is State.APPROVED
    assert life.said == [CaseDecided, CaseMessageLeft, CaseDecided, CaseDecided]
    assert [one.data.outcome for one in life.cases.said if isinstance(one.data, CaseDecided)] == [
        *("needs_review", "needs_review", "cleared")
    ]


async def test_a_client_who_is_asked_for_more_may_fill_in_the_form_again() -> None:
    life = Life()
    await life.settle(twin.REVIEWED)
    await life.rule(Verdict.MORE_INFO, to_client=QUESTION)
    assert keys(await life.answer(twin.REVIEWED)) == ["REVIEW"]
    opened = await life.reviews.open(APPOINTMENT, twin.STAFF)
    assert (len(opened.past), opened.words) == (1, ())


async def test_nothing_is_asked_without_words_for_the_client() -> None:
    life = Life()
    await life.settle(twin.REVIEWED)
    with pytest.raises(NothingAsked):
        await life.rule(Verdict.MORE_INFO, to_client="  ")


async def test_the_same_words_again_change_nothing_and_there_is_an_end_to_them() -> None:
    life = Life()
    await life.settle(twin.REVIEWED)
    await life.explain("My doctor agrees.")
    was = life.case
    await life.explain("My doctor agrees.")
    assert life.case is was
    for number in range(9):
        await life.explain(f"More {number}.")
    with pytest.raises(TooMuchAdded):
        await life.explain("And more.")
    assert life.said == [CaseDecided]


@pytest.mark.parametrize("answers", [twin.CLEAR, twin.DECLINED])
async def test_words_and_files_are_taken_only_where_somebody_reads_them(answers: dict[str, Any]) -> None:
    life = Life()
    with pytest.raises(CaseUnknown):
        await life.explain("Hello.")
    await life.settle(answers)
    with pytest.raises(NobodyLooks):
        await life.explain("Hello.")
    with pytest.raises(NobodyLooks):
        await life.attach()
    assert life.files.kept == {}
    await life.screening.close(APPOINTMENT, PRACTICE)
    with pytest.raises(CaseClosed):
        await life.attach()


async def test_a_file_is_read_by_staff_as_it_was_sent_and_lies_sealed_until_then() -> None:
    life = Life()
    await life.settle(twin.NEEDS_CLEARANCE)
    content = PDF + bytes(range(256)) * 9_000  # more than one piece
    told = await life.attach(content)
    assert keys(told) == ["REVIEW_CLEARANCE"]
    (kept,) = life.case.attachments
    assert (kept.kind, kept.size, life.case.added_at) == ("application/pdf", len(content), life.now)
    assert life.files.since == {}
    assert PDF not in b"".join(life.files.kept[kept.id][1])
    assert len(life.files.kept[kept.id][1]) == 3
    assert await life.reviews.attachment(APPOINTMENT, kept.id, twin.STAFF) == (kept, content)
    await life.rule(Verdict.MORE_INFO, to_client=QUESTION)
    assert (await life.reviews.attachment(APPOINTMENT, kept.id, twin.STAFF))[1] == content
    with pytest.raises(AttachmentUnknown):
        await life.reviews.attachment(APPOINTMENT, "file-9", twin.STAFF)


async def test_the_same_file_again_changes_nothing_and_a_round_takes_three() -> None:
    life = Life()
    await life.settle(twin.REVIEWED)
    await life.attach()
    was = life.case
    await life.attach()
    assert life.case is was
    for number in range(2):
        await life.attach(PDF + bytes([number]))
    with pytest.raises(TooMuchAdded):
        await life.attach(PDF + b"4")
    assert len(life.files.kept) == 3


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"<html>%PDF-", b"PK\x03\x04", PDF + bytes(LARGEST_FILE)])
async def test_what_is_no_document_or_picture_or_too_large_is_refused_by_its_content(content: bytes) -> None:
    life = Life()
    await life.settle(twin.REVIEWED)
    with pytest.raises(FileRefused):
        await life.attach(content)
    assert (life.files.kept, life.case.attachments) == ({}, ())


async def test_files_go_when_their_client_is_forgotten() -> None:
    life = Life()
    await life.settle(twin.REVIEWED)
    await life.attach()
    await life.casework.forget(APPOINTMENT, PRACTICE)
    assert life.files.kept == {}


async def test_a_file_that_no_case_names_is_swept_away_and_one_that_is_named_is_bound() -> None:
    life = Life()
    await life.settle(twin.REVIEWED)
    await life.attach()
    (named,) = life.files.kept
    life.files.since[named] = life.now
    await life.files.put("lost", APPOINTMENT, [b"x"], at=life.now)
    await life.reminding.look()
    assert set(life.files.kept) == {named, "lost"}
    life.now += timedelta(hours=2)
    await life.reminding.look()
    assert (set(life.files.kept), life.files.since) == ({named}, {})


async def test_a_declined_client_asks_for_a_person_who_invites_them_to_a_new_form() -> None:
    life = Life()
    await life.settle(twin.DECLINED)
    life.now += timedelta(hours=1)
    told = await life.appeal()
    assert keys(told) == ["REVIEW_REQUESTED"]
    assert "by 11:30 on 22 November 2026" in told.messages[0].text
    was = life.case
    await life.appeal()
    assert life.case is was
    with pytest.raises(NotDeclined):
        await life.appeal("Other words.")
    assert [one.id for one in await life.reviews.waiting(PRACTICE)] == [APPOINTMENT]
    assert (await life.reviews.open(APPOINTMENT, twin.STAFF)).appeal == "It was long ago."
    await life.rule(Verdict.INVITE, to_client="Please come to us with the letter.")
    told = await life.outcome()
    assert (keys(told), told.from_practice) == (["INVITED"], "Please come to us with the letter.")
    assert life.said == [CaseDecided, CaseMessageLeft]
    assert await life.reviews.waiting(PRACTICE) == []


async def test_a_confirmed_decline_is_told_again_and_said() -> None:
    life = Life()
    await life.settle(twin.DECLINED)
    await life.appeal("")
    await life.rule(Verdict.CONFIRM_DECLINED, to_client="We talked about it.")
    told = await life.outcome()
    assert (keys(told), told.from_practice) == (["REFUSED"], "We talked about it.")
    assert life.said == [CaseDecided, CaseDecided, CaseMessageLeft]


@pytest.mark.parametrize("answers", [twin.CLEAR, twin.REVIEWED])
async def test_only_what_the_rules_declined_can_be_appealed(answers: dict[str, Any]) -> None:
    life = Life()
    await life.settle(answers)
    with pytest.raises(NotDeclined):
        await life.appeal()
    if answers == twin.REVIEWED:
        await life.rule(Verdict.REFUSE)
        with pytest.raises(NotDeclined):
            await life.appeal()


@pytest.mark.parametrize(
    ("cause", "key", "said"),
    [
        (Reopening.CHANGED, "ASKED_CHANGED", "changed"),
        (Reopening.WITHDRAWN, "WITHDRAWN", "withdrawn"),
        (Reopening.GUARDIAN_WITHDRAWN, "WITHDRAWN", "withdrawn"),
    ],
)
@pytest.mark.parametrize("answers", [twin.CLEAR, twin.REVIEWED])
async def test_what_a_client_takes_back_counts_no_longer_said_once_however_often(
    cause: Reopening, key: str, said: str, answers: dict[str, Any]
) -> None:
    life = Life()
    await life.settle(answers)
    told = await life.void(cause)
    assert (keys(told), told.state, told.has_answers) == ([key], State.AWAITING, False)
    was = life.case
    assert await life.void(cause) == told
    assert life.case is was
    assert [one.data.cause for one in life.cases.said if isinstance(one.data, CaseVoided)] == [said]
    assert keys(await life.answer(twin.CLEAR)) == ["CLEARED"]
    assert life.said == [CaseDecided, CaseVoided, CaseDecided]


async def test_nothing_can_be_taken_back_of_a_decline_or_before_there_is_anything() -> None:
    life = Life()
    await life.settle(twin.DECLINED)
    with pytest.raises(NothingToVoid):
        await life.void()
    waiting = Life()
    await waiting.screening.take_request(APPOINTMENT, PRACTICE, twin.request(), starts_at=STARTS_AT, sequence=2)
    with pytest.raises(NothingToVoid):
        await waiting.void()


@pytest.mark.parametrize("answers", [None, twin.CLEAR, twin.REVIEWED, twin.DECLINED])
async def test_a_visit_that_is_declined_with_its_course_is_looked_at_no_more_but_its_own_decline_may_be(
    answers: dict[str, Any] | None,
) -> None:
    life = Life()
    await life.settle(answers) if answers else await life.screening.decline(APPOINTMENT, PRACTICE)
    for _ in range(2):
        await life.screening.decline(APPOINTMENT, PRACTICE)
    assert life.case.state is (State.DECLINED if answers == twin.DECLINED else State.CLOSED)
    assert await life.reviews.waiting(PRACTICE) == []


async def test_a_change_is_taken_of_a_visit_that_stands_by_another_ones_health_check() -> None:
    life = Life()
    told = await life.void()
    assert (told.state, told.may, life.case.version) == (State.AWAITING, (May.ANSWER,), 1)
    assert await life.void() == told
    assert [one.data.cause for one in life.cases.said] == ["changed"]
    asked = twin.request()
    await life.screening.ask_again(APPOINTMENT, PRACTICE, asked, starts_at=STARTS_AT, sequence=5, checked=1)
    assert keys(await life.answer(twin.REVIEWED))
    assert (life.case.state, life.said) == (State.IN_REVIEW, [CaseVoided, CaseDecided])


@pytest.mark.parametrize("turn", ["more_info", "changed", "refused"])
async def test_what_is_urgent_stays_first_whatever_becomes_of_the_case(turn: str) -> None:
    life = Life()
    await life.settle(twin.URGENT_UNSURE)
    if turn == "more_info":
        await life.rule(Verdict.MORE_INFO, to_client=QUESTION)
    elif turn == "changed":
        await life.void()
    else:
        await life.rule(Verdict.REFUSE)
    told = await life.outcome()
    assert (keys(told)[0], told.messages[0].urgent, len(told.messages)) == ("URGENT", True, 2)


async def test_an_approval_that_ends_before_the_visit_tells_the_client_that_they_are_asked_again() -> None:
    life = Life()
    await life.settle(twin.REVIEWED, starts_at=STARTS_AT + timedelta(days=60))
    await life.rule(Verdict.APPROVE, valid_days=28)
    assert keys(await life.outcome()) == ["ASKED_LATER"]


async def test_the_very_same_decision_again_is_the_one_that_was_made_also_when_the_case_went_on() -> None:
    life = Life()
    await life.settle(twin.REVIEWED)
    decided = await life.rule(Verdict.APPROVE, version=2, valid_days=20)
    assert await life.rule(Verdict.APPROVE, version=2, valid_days=20) == decided
    await life.void()
    again = await life.rule(Verdict.APPROVE, version=2, valid_days=20)
    assert again.state is State.AWAITING
    assert life.said == [CaseDecided, CaseDecided, CaseVoided]
    for other in ({"valid_days": 21}, {"by": "Juan"}, {"caller": "key"}, {"note": "Something else was said."}):
        with pytest.raises(CaseChanged):
            await life.rule(Verdict.APPROVE, **{"version": 2, "valid_days": 20} | other)


async def test_a_clearance_is_not_of_a_day_to_come_on_the_practices_calendar() -> None:
    life = Life()
    await life.settle(twin.NEEDS_CLEARANCE)
    life.now = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)  # already the 21st in Berlin
    record = ClearanceRecord(given_by="Dr Example", profession="GP", given_on=date(2026, 11, 22), form="document")
    with pytest.raises(ClearanceInFuture):
        await life.rule(Verdict.APPROVE, clearance=record)
    approved = await life.rule(Verdict.APPROVE, clearance=replace(record, given_on=date(2026, 11, 21)))
    assert approved.state is State.APPROVED


def found(*rules: str) -> list[Finding]:
    about: dict[str, Any] = {"effect": Effect.NEEDS_REVIEW, "inputs": {}, "band": None, "sources": (), "evidence": ()}
    return [Finding(rule=rule, code=rule, **about) for rule in rules]


def test_the_shortest_of_what_the_fired_rules_allow_is_the_default_and_the_bound() -> None:
    rules = twin.CATALOGUE.form(twin.FORM).ruleset
    changing = {"R22": (28, 42), "R70": (30, 40), "R53": None}
    bounded = replace(rules, rules=tuple(replace(rule, approve_for=changing.get(rule.id)) for rule in rules.rules))
    assert approval.span(found("R53"), bounded) == approval.Span(default=90, most=180)
    assert approval.span(found("R53", "R22", "R70"), bounded) == approval.Span(default=28, most=40)
    assert approval.span(found("R22"), None) == approval.Span()
    span = approval.span(found("R22"), bounded)
    assert (span.of(None), span.of(42)) == (timedelta(days=28), timedelta(days=42))
    with pytest.raises(ApprovalTooLong) as refused:
        span.of(43)
    assert refused.value.extra == {"most": 42}


async def test_the_practice_is_reminded_once_of_each_deadline_by_however_many_replicas() -> None:
    life = Life()
    await life.settle(twin.REVIEWED)
    life.now += timedelta(hours=35, minutes=59)
    await life.reminding.look()
    assert CaseReviewDue not in life.said
    life.now += timedelta(minutes=1)
    await asyncio.gather(*(Reminding(life.casework).look() for _ in range(3)))
    await life.reminding.look()
    due = [one.data.due_at for one in life.cases.said if isinstance(one.data, CaseReviewDue)]
    assert due == [NOW + timedelta(hours=48)]
    await life.rule(Verdict.MORE_INFO, to_client=QUESTION)
    await life.explain("It is apixaban.")
    renewed = life.case.deadline
    life.now += timedelta(hours=40)
    await life.reminding.look()
    due = [one.data.due_at for one in life.cases.said if isinstance(one.data, CaseReviewDue)]
    assert due == [NOW + timedelta(hours=48), renewed]


async def test_reviews_that_are_overdue_are_counted() -> None:
    life = Life()
    await life.settle(twin.REVIEWED)
    await life.reminding.look()
    assert overdue._value.get() == 0
    life.now += timedelta(hours=49)
    await life.reminding.look()
    assert overdue._value.get() == 1


async def test_whoever_was_cleared_after_leaving_a_review_is_shown_to_the_practice() -> None:
    life = Life()
    await life.settle(twin.REVIEWED)
    await life.void()
    await life.answer(twin.CLEAR)
    assert [one.id for one in await life.reviews.flagged(PRACTICE)] == [APPOINTMENT]
    life.now = STARTS_AT + timedelta(minutes=1)
    assert await life.reviews.flagged(PRACTICE) == []


async def test_opening_a_case_again_and_again_does_not_make_room_for_files_without_end() -> None:
    life = Life()
    await life.settle(twin.REVIEWED)
    for number in range(MOST_FILES):
        await life.attach(PDF + bytes([number]))
        if number % MOST_ATTACHMENTS == MOST_ATTACHMENTS - 1:
            await life.void()
            await life.answer(twin.REVIEWED)
    with pytest.raises(TooMuchAdded):
        await life.attach(PDF)
    assert len(life.files.kept) == MOST_FILES
