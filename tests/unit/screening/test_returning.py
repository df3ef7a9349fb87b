"""Whoever returns is asked what has changed once they are recognised, and no clearance grows longer by it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.screening.actions import EarlierFormGone, NotRecognised, Recognised
from services.screening.actions.casework import judge
from services.screening.actions.returning import MOST_OF_CLIENT
from services.screening.domain.audit import Deed
from services.screening.domain.case import MOST_TRIES, Case, Reopening, State
from services.screening.domain.questionnaire import AnswersInvalid
from services.screening.domain.refusals import AlreadyDecided, CaseClosed
from services.screening.domain.returning import Basis
from tests.support import screening as twin
from tests.support.screening import PRACTICE
from tests.support.screening_audit import an_audit
from tests.support.screening_returning import BORN, OTHER_REF, REF, TOKENS, House, id_of

A, B, C, D, OTHER_VISIT, OTHER_NEXT = (id_of(number) for number in range(6))
DAY = timedelta(days=1)
CHILD = twin.CLEAR | {"respondent_role": "guardian", "dob": "2015-03-01", "guardian_consent": True}
CHILD_BORN = date(2015, 3, 1)
WRONG = date(1980, 4, 5)
IN_REVIEW = {State.IN_REVIEW, State.DECLINED}


class Looking(twin.VaultTwin):
    """Counts what is opened."""

    looked = 0

    async def unseal(self, sealed: bytes) -> bytes:
        self.looked += 1
        await asyncio.sleep(0)
        return await super().unseal(sealed)


@pytest.fixture
def house() -> House:
    return House()


async def recognised(house: House, appointment: str, dob: date = BORN) -> Recognised:
    found = await house.recognise(appointment, dob)
    assert found is not None
    return found


async def returns(house: House, answers: dict[str, Any] = twin.CLEAR, *, after: timedelta = 30 * DAY) -> Case:
    """A visit, and some time later another one that waits for its form."""
    earlier = await house.visit(A, answers)
    house.passes(after)
    await house.request(B)
    return earlier


async def test_a_returning_client_says_that_nothing_changed_and_is_cleared_no_longer_than_before(house: House) -> None:
    earlier = await returns(house)
    found = await recognised(house, B)
    assert (found.since, found.stands) == (date(2026, 11, 20), True)
    told = await house.unchanged(B, found.proof)
    case = house.case(B)
    assert [message.key for message in told.messages] == ["CLEARED"]
    assert (case.state, case.valid_until) == (State.CLEARED, earlier.valid_until)
    assert case.submission is not None
    assert (case.submission.based_on, case.submission.as_of) == (A, date(2026, 12, 20))
    assert (await house.filled(B)).answers == twin.CLEAR


async def test_a_chain_of_unchanged_forms_ends_when_the_first_one_does(house: House) -> None:
    first = await returns(house)
    await house.unchanged(B, (await recognised(house, B)).proof)
    house.passes(30 * DAY)
    await house.request(C)
    await house.unchanged(C, (await recognised(house, C)).proof)
    assert house.case(C).valid_until == first.valid_until
    assert first.valid_until == date(2027, 5, 19)


async def test_the_last_day_of_the_clearance_may_be_the_day_of_the_visit_on_the_practices_calendar(
    house: House,
) -> None:
    earlier = await returns(house)
    assert earlier.valid_until == date(2027, 5, 19)
    last_minute = twin.NOW.replace(year=2027, month=5, day=19, hour=21, minute=59)
    await house.request(C, starts_at=last_minute)
    assert (await recognised(house, C)).stands
    await house.request(D, starts_at=last_minute + timedelta(minutes=1))
    found = await recognised(house, D)
    assert not found.stands
    with pytest.raises(EarlierFormGone):
        await house.unchanged(D, found.proof)
    answers = await house.returning.earlier_answers(D, PRACTICE, proof=found.proof)
    assert answers == {name: answer for name, answer in twin.CLEAR.items() if name != "q_red_flags"}
    assert house.case(D).state is State.AWAITING


async def test_a_sign_of_today_is_declined_at_once_and_urgent(house: House) -> None:
    await returns(house)
    told = await house.unchanged(B, (await recognised(house, B)).proof, signs=("thunderclap",))
    assert [message.key for message in told.messages] == ["URGENT"]
    assert house.case(B).state is State.DECLINED


async def test_not_being_sure_of_a_sign_needs_a_person_also_when_one_approved_before(house: House) -> None:
    await house.visit(A, twin.NEEDS_CLEARANCE)
    await house.approve(A)
    house.passes(DAY)
    await house.request(B)
    await house.unchanged(B, (await recognised(house, B)).proof, signs=("unsure",))
    case = house.case(B)
    assert (case.state, case.valid_until) == (State.IN_REVIEW, None)
    assert case.deadline == house.now + timedelta(hours=48)


@pytest.mark.parametrize(("answers", "born"), [(twin.NEEDS_CLEARANCE, BORN), (CHILD, CHILD_BORN)])
async def test_what_a_person_approved_stays_approved_until_its_last_day(
    house: House, answers: dict[str, Any], born: date
) -> None:
    await house.visit(A, answers)
    await house.approve(A, days=60)
    approved = house.case(A)
    house.passes(20 * DAY)
    await house.request(B)
    told = await house.unchanged(B, (await recognised(house, B, born)).proof)
    case = house.case(B)
    assert (case.state, case.valid_until, case.deadline) == (State.APPROVED, approved.valid_until, None)
    assert [message.key for message in told.messages] == ["CLEARED"]
    assert [said.data.outcome for said in house.cases.said if said.subject == B] == ["cleared"]
    house.passes(10 * DAY)
    await house.request(C)
    await house.unchanged(C, (await recognised(house, C, born)).proof)
    assert house.case(C).valid_until == approved.valid_until


def test_what_is_urgent_carries_nothing_whatever_was_approved() -> None:
    answers = twin.CLEAR | {"q_red_flags": ["unsure"]}
    urgent = judge(twin.CATALOGUE.form("cst-core"), answers, as_of=date(2026, 12, 1))
    basis = Basis(case=A, until=date(2027, 1, 1), approved=frozenset(urgent.reason_codes))
    assert basis.carries(urgent) is None
    assert basis.carries(replace(urgent, urgent=False)) == basis.until


async def test_a_reason_that_nobody_approved_needs_a_person(house: House) -> None:
    """The child has come of age: by then, what a guardian handed in is another matter than what was approved."""
    child = CHILD | {"dob": "2008-12-01"}
    await house.visit(A, child)
    await house.approve(A, days=60)
    house.passes(20 * DAY)
    await house.request(B)
    await house.unchanged(B, (await recognised(house, B, date(2008, 12, 1))).proof)
    assert house.case(B).state is State.IN_REVIEW
    assert "ADULT_BY_PROXY" in await house.reasons(B)


async def test_an_earlier_yes_that_became_known_since_needs_a_person(house: House) -> None:
    await house.visit(C, twin.DECLINED, ref=OTHER_REF)
    house.passes(DAY)
    await returns(house)
    found = await recognised(house, B)
    await house.clients.merge(PRACTICE, OTHER_REF, REF, at=house.now)
    await house.unchanged(B, found.proof)
    assert house.case(B).state is State.IN_REVIEW
    assert await house.reasons(B) == ("CONTRADICTION:PRIOR_ANSWER:q_aneurysm",)


@pytest.mark.parametrize("ends", ["declined", "in_review", "voided", "refilled"])
async def test_whatever_came_after_the_earlier_form_stands_in_its_way(house: House, ends: str) -> None:
    await returns(house)
    proof = (await recognised(house, B)).proof
    if ends == "voided":
        await house.casework.change(house.case(A), lambda case: case.voided(Reopening.CHANGED, now=house.now))
    elif ends == "refilled":
        await house.visit(C, twin.CLEAR)
    else:
        await house.visit(C, twin.DECLINED if ends == "declined" else twin.REVIEWED)
    with pytest.raises(EarlierFormGone):
        await house.unchanged(B, proof)
    assert (await house.recognise(B) is not None) is (ends == "refilled")
    assert house.case(B).submission is None


async def test_a_visit_that_was_cancelled_leaves_its_clearance_and_one_that_was_never_decided_leaves_none(
    house: House,
) -> None:
    await returns(house)
    await house.screening.close(A, PRACTICE)
    assert (await recognised(house, B)).stands
    await house.visit(C, twin.REVIEWED)
    await house.screening.close(C, PRACTICE)
    assert await house.recognise(B) is None


async def test_a_clearance_that_ended_before_the_visit_fills_in_the_form_of_the_same_visit(house: House) -> None:
    await house.visit(A, twin.NEEDS_CLEARANCE, starts_at=house.now + 60 * DAY)
    await house.approve(A, days=28)
    house.passes(46 * DAY)
    await house.casework.change(house.case(A), lambda case: case.asked_again(checked=case.said, now=house.now))
    found = await recognised(house, A)
    assert not found.stands
    answers = await house.returning.earlier_answers(A, PRACTICE, proof=found.proof)
    assert answers["q_bleeding_disorder"] == "yes"
    with pytest.raises(EarlierFormGone):
        await house.unchanged(A, found.proof)


async def test_of_a_number_that_two_people_share_each_finds_their_own_form(house: House) -> None:
    await house.visit(A, twin.CLEAR)
    await house.visit(C, CHILD)
    await house.approve(C)
    house.passes(DAY)
    await house.request(B)
    await house.unchanged(B, (await recognised(house, B)).proof)
    assert house.case(B).state is State.CLEARED
    await house.request(D)
    await house.unchanged(D, (await recognised(house, D, CHILD_BORN)).proof)
    assert house.case(D).state is State.APPROVED


async def test_another_form_or_nobody_known_is_not_recognised(house: House) -> None:
    await house.visit(A, twin.CLEAR)
    await house.request(B, form="cst-intake")
    assert await house.recognise(B) is None
    await house.request(C, ref=OTHER_REF)
    assert await house.recognise(C) is None
    assert await house.recognise(D) is None
    assert D not in house.cases.kept


async def test_five_wrong_dates_are_the_end_of_it_and_a_right_one_costs_nothing(house: House) -> None:
    await returns(house)
    for _ in range(MOST_TRIES + 2):
        await recognised(house, B)
    for _ in range(MOST_TRIES - 1):
        assert await house.recognise(B, WRONG) is None
    await recognised(house, B)
    assert await house.recognise(B, WRONG) is None
    assert await house.recognise(B) is None
    assert (await house.answer(B, twin.CLEAR)).state is State.CLEARED


async def test_tries_are_counted_just_the_same_where_there_is_no_earlier_form(house: House) -> None:
    await house.request(B)
    for _ in range(MOST_TRIES + 1):
        assert await house.recognise(B) is None
    assert house.case(B).tries == MOST_TRIES


async def test_wrong_dates_are_counted_over_all_visits_of_a_client(house: House) -> None:
    """Whoever knows a number may ask for many visits, and has no more tries by that."""
    await returns(house)
    for appointment in (C, D):
        await house.request(appointment)
        for _ in range(MOST_TRIES):
            assert await house.recognise(appointment, WRONG) is None
    assert await house.recognise(B) is None
    assert await house.recognise(B) is None
    await house.visit(OTHER_VISIT, twin.CLEAR, ref=OTHER_REF)
    await house.request(OTHER_NEXT, ref=OTHER_REF)
    await recognised(house, OTHER_NEXT)


async def test_a_right_date_at_the_last_try_of_a_client_is_right_and_many_visits_at_once_are_no_way_around(
    house: House,
) -> None:
    house.vault = vault = Looking()
    await returns(house)
    await house.request(C)
    for appointment, times in ((C, MOST_TRIES), (B, MOST_OF_CLIENT - MOST_TRIES - 1)):
        for _ in range(times):
            assert await house.recognise(appointment, WRONG) is None
    await recognised(house, B)
    more = [id_of(number) for number in range(20, 24)]
    for appointment in more:
        await house.request(appointment)
    vault.looked = 0
    assert await asyncio.gather(*(house.recognise(one, WRONG) for one in more)) == [None] * 4
    assert vault.looked <= 1
    assert await house.recognise(B) is None


async def test_many_wrong_dates_at_once_are_no_more_tries_than_one_after_the_other(house: House) -> None:
    house.vault = vault = Looking()
    await returns(house)
    vault.looked = 0
    dates = [WRONG + number * DAY for number in range(9)]
    found = await asyncio.gather(*(house.recognise(B, dob) for dob in dates))
    assert found == [None] * 9
    assert (vault.looked, house.case(B).tries) == (MOST_TRIES, MOST_TRIES)
    assert await house.recognise(B) is None


async def test_a_proof_is_of_one_visit_and_lasts_half_an_hour(house: House) -> None:
    await returns(house)
    await house.request(C)
    proof = (await recognised(house, B)).proof
    stranger = TOKENS.mint(B, PRACTICE, house.now + DAY)
    for appointment, shown in ((C, proof), (B, proof + "x"), (B, ""), (B, stranger), (D, proof)):
        with pytest.raises(NotRecognised):
            await house.unchanged(appointment, shown)
        with pytest.raises(NotRecognised):
            await house.returning.earlier_answers(appointment, PRACTICE, proof=shown)
    house.passes(timedelta(minutes=30))
    with pytest.raises(NotRecognised):
        await house.unchanged(B, proof)


async def test_the_proof_names_neither_the_earlier_visit_nor_a_date_of_birth(house: House) -> None:
    await returns(house)
    claim = TOKENS.read((await recognised(house, B)).proof, house.now)
    assert A not in claim.appointment
    assert BORN.isoformat() not in claim.appointment


async def test_saying_it_again_changes_nothing_and_saying_something_else_is_refused(house: House) -> None:
    await returns(house)
    proof = (await recognised(house, B)).proof
    first = await house.unchanged(B, proof)
    case, said = house.case(B), len(house.cases.said)
    assert await house.unchanged(B, proof) == first
    assert (house.case(B), len(house.cases.said)) == (case, said)
    with pytest.raises(AlreadyDecided):
        await house.unchanged(B, proof, signs=("thunderclap",))
    await house.screening.close(B, PRACTICE)
    with pytest.raises(CaseClosed):
        await house.unchanged(B, proof)


async def test_signs_that_the_form_does_not_have_are_refused(house: House) -> None:
    await returns(house)
    proof = (await recognised(house, B)).proof
    with pytest.raises(AnswersInvalid):
        await house.unchanged(B, proof, signs=("PLANTED",))
    assert house.case(B).submission is None


async def test_an_erased_client_is_not_recognised(house: House) -> None:
    await returns(house)
    proof = (await recognised(house, B)).proof
    await house.erase("q" * 26, A)
    assert await house.recognise(B) is None
    with pytest.raises(EarlierFormGone):
        await house.unchanged(B, proof)


async def test_whoever_sees_their_earlier_answers_is_noted(house: House) -> None:
    await returns(house)
    noted = an_audit(now=house.now)
    proof = (await recognised(house, B)).proof
    made = twin.casework(house.cases, vault=house.vault, now=house.now, auditing=noted)
    returning = type(house.returning)(made, house.submitting, merges=house.merges, tokens=TOKENS)
    await returning.earlier_answers(B, PRACTICE, proof=proof)
    assert [one.fact.deed for one in await noted.newest(PRACTICE, record=A, before=None, limit=9)] == [Deed.VIEW]


ANSWERS = st.fixed_dictionaries(
    {
        "q_aneurysm": st.sampled_from(["no", "no", "no", "yes"]),
        "q_bleeding_disorder": st.sampled_from(["no", "no", "unsure"]),
        "q_blood_thinners": st.sampled_from(["none", "none", "anticoagulant", "antiplatelet_only"]),
    }
)
STEPS = st.tuples(ANSWERS, st.integers(0, 120), st.integers(1, 180), st.booleans())


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, min_size=1, max_size=5), st.sampled_from([("none",), ("unsure",), ("thunderclap",)]))
def test_saying_that_nothing_changed_never_makes_a_clearance_longer_nor_a_result_milder(
    steps: list[tuple[dict[str, str], int, int, bool]], signs: tuple[str, ...]
) -> None:
    async def all_steps() -> None:
        house = House()
        for number, (said, waits, days, unchanged) in enumerate(steps):
            house.passes(waits * DAY)
            appointment = id_of(number)
            await house.request(appointment, starts_at=house.now + DAY)
            found = await house.recognise(appointment) if unchanged else None
            if found is None or not found.stands:
                await house.answer(appointment, twin.CLEAR | said)
                if house.case(appointment).state is State.IN_REVIEW:
                    await house.approve(appointment, days=days)
                continue
            before = house.case(id_of(number - 1))
            await house.unchanged(appointment, found.proof, signs=signs)
            after = house.case(appointment)
            assert before.valid_until is not None
            assert signs == ("none",) or after.state in IN_REVIEW
            if after.valid_until is not None:
                assert after.valid_until <= before.valid_until
            if after.state in IN_REVIEW:
                return

    asyncio.run(all_steps())


async def test_who_took_it_back_on_the_page_of_a_visit_without_a_form_fills_in_the_whole_form(house: House) -> None:
    """The visit stood by the form of another one, which is what was taken back there."""
    await house.visit(A, twin.CLEAR)
    house.passes(DAY)
    fresh = Case(id=B, practice=PRACTICE)
    await house.casework.change(fresh, lambda case: case.voided(Reopening.CHANGED, now=house.now))
    await house.request(B)
    assert await house.recognise(B) is None
    house.passes(timedelta(minutes=1))
    await house.answer(B, twin.CLEAR)
    house.passes(DAY)
    await house.request(C)
    assert (await recognised(house, C)).stands  # what was filled in since stands
