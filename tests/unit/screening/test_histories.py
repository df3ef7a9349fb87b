"""An earlier yes of a client is known at every later form, in whatever order things come."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.screening import confidential
from services.screening.actions import CaseUnknown, Memory
from services.screening.domain.case import Case, State
from services.screening.domain.history import MOST_NAMED, History, Lasting, NothingToCorrect, lifetime
from services.screening.domain.refusals import CaseClosed, NoteTooShort
from tests.support import screening as twin
from tests.support.screening import NOW, PRACTICE
from tests.support.screening_audit import Full, FullAudit, an_audit
from tests.support.screening_returning import NOTE, OTHER_REF, REF, THIRD_REF, House, id_of

A, B, C, D = (id_of(number) for number in range(4))
DAY = timedelta(days=1)
SAID_YES = twin.DECLINED
SAYS_NO = twin.CLEAR
CONTRADICTS = ("CONTRADICTION:PRIOR_ANSWER:q_aneurysm",)


@pytest.fixture
def house() -> House:
    return House()


def later(house: House) -> House:
    house.passes(2 * DAY)
    return house


async def test_a_lifetime_yes_that_is_no_now_goes_to_a_person(house: House) -> None:
    await house.visit(A, SAID_YES)
    assert (await later(house).visit(B, SAYS_NO)).state is State.IN_REVIEW
    assert await house.reasons(B) == CONTRADICTS


async def test_answers_first_end_as_request_first(house: House) -> None:
    await house.visit(A, SAID_YES)
    await later(house).answer(B, SAYS_NO)
    assert house.case(B).state is State.AWAITING
    await house.request(B)
    await house.visit(C, SAYS_NO)
    assert house.case(B) == replace(house.case(C), id=B, submission=house.case(B).submission)
    assert await house.filled(B) == await house.filled(C)
    assert await house.reasons(B) == CONTRADICTS


async def test_a_yes_that_came_before_the_request_is_remembered_when_it_is_known_whose_it_is(house: House) -> None:
    await house.answer(A, SAID_YES)
    assert house.histories.kept == {}
    submission = house.case(A).submission
    assert submission is not None
    assert submission.lasting
    await house.request(A)
    submission = house.case(A).submission
    assert submission is not None
    assert not submission.lasting
    await later(house).visit(B, SAYS_NO)
    assert await house.reasons(B) == CONTRADICTS


async def test_other_clients_other_practices_and_other_questions_are_left_alone(house: House) -> None:
    await house.visit(A, SAID_YES)
    later(house)
    assert (await house.visit(B, SAYS_NO, ref=OTHER_REF)).state is State.CLEARED
    assert (await house.visit(C, SAID_YES | {"q_skull_fracture": "no"})).state is State.DECLINED
    assert "CONTRADICTION:PRIOR_ANSWER:q_skull_fracture" not in await house.reasons(C)


async def test_somebody_healthy_costs_one_look_and_leaves_nothing(house: House) -> None:
    await house.visit(A, SAYS_NO)
    await house.answer(B, SAYS_NO)
    await house.request(B)
    assert house.histories.found == 2
    assert house.histories.kept == {}


async def test_nothing_is_opened_again_when_nothing_is_remembered(house: House) -> None:
    await house.answer(B, SAYS_NO)
    opened = 0

    class Counted(twin.VaultTwin):
        async def unseal(self, sealed: bytes) -> bytes:
            nonlocal opened
            opened += 1
            return await super().unseal(sealed)

    house.vault = Counted()
    await house.request(B)
    assert opened == 0


async def test_what_a_client_said_is_sealed_under_a_key_of_their_own(house: House) -> None:
    await house.visit(A, SAID_YES)
    history = house.histories.kept[PRACTICE, REF]
    assert history.sealed is not None
    assert history.sealed.startswith(f"{PRACTICE}/client:{REF}|".encode())
    assert "aneurysm" not in repr(history)


async def test_a_name_whose_case_was_never_completed_does_not_count(house: House) -> None:
    """What a process leaves that is killed between the two writes."""
    await house.request(A)
    sealed = Lasting().with_yes(["q_aneurysm"], A)
    empty = History(practice=PRACTICE, ref=REF)
    kept = await confidential.seal_lasting(house.vault, empty, sealed)
    assert await house.histories.save(empty, empty.knowing(kept))
    assert (await house.visit(B, SAYS_NO)).state is State.CLEARED
    await house.answer(A, SAYS_NO)
    assert house.case(A).state is State.CLEARED
    assert (await house.visit(C, SAYS_NO)).state is State.CLEARED


async def test_an_earlier_round_of_the_same_case_counts(house: House) -> None:
    await house.visit(A, twin.NEEDS_CLEARANCE)
    await house.approve(A)
    await house.casework.change(house.case(A), lambda case: case.asked_again(checked=case.said, now=house.now))
    await house.answer(A, SAYS_NO)
    assert await house.reasons(A) == ("CONTRADICTION:PRIOR_ANSWER:q_bleeding_disorder",)


async def test_a_correction_takes_an_earlier_yes_back_and_a_later_one_counts_again(house: House) -> None:
    await house.visit(A, SAID_YES)
    later(house)
    await house.memory.correct(A, ["q_aneurysm"], note=NOTE, by="Ines", hand=twin.STAFF)
    assert (await later(house).visit(B, SAYS_NO)).state is State.CLEARED
    await later(house).visit(C, SAID_YES)
    assert (await later(house).visit(D, SAYS_NO)).state is State.IN_REVIEW


async def test_what_cannot_be_noted_is_not_corrected(house: House) -> None:
    await house.visit(A, SAID_YES)
    casework = twin.casework(house.cases, vault=house.vault, now=house.now, auditing=an_audit(FullAudit()))
    with pytest.raises(Full):
        await Memory(casework, house.histories).correct(A, ["q_aneurysm"], note=NOTE, by="Ines", hand=twin.STAFF)
    (kept,) = await house.memory.of([house.case(A)])
    assert kept.corrections == ()


async def test_only_what_was_said_can_be_corrected_and_not_without_a_reason(house: House) -> None:
    await house.visit(A, SAID_YES)
    with pytest.raises(NothingToCorrect) as refused:
        await house.memory.correct(A, ["q_brain_bleed", "q_aneurysm"], note=NOTE, by="Ines", hand=twin.STAFF)
    assert refused.value.extra == {"questions": ["q_brain_bleed"]}
    with pytest.raises(NoteTooShort):
        await house.memory.correct(A, ["q_aneurysm"], note="w r o n g    ", by="Ines", hand=twin.STAFF)
    with pytest.raises(CaseUnknown):
        await house.memory.correct(B, ["q_aneurysm"], note=NOTE, by="Ines", hand=twin.STAFF)
    await later(house).visit(C, SAYS_NO)
    assert await house.reasons(C) == CONTRADICTS


async def test_an_erased_client_starts_anew_and_can_say_yes_again(house: House) -> None:
    await house.visit(A, SAID_YES)
    await later(house).erase("q" * 26, A)
    assert f"{PRACTICE}/client:{REF}" in house.vault.forgotten
    assert house.histories.kept[PRACTICE, REF].is_empty
    assert (await later(house).visit(B, SAYS_NO)).state is State.CLEARED
    await house.visit(C, SAID_YES)
    assert (await later(house).visit(D, SAYS_NO)).state is State.IN_REVIEW


class Interrupted:
    """Something that happens in the middle of it all, at the so manieth look at what is kept."""

    def __init__(self, looks: int, happens: Callable[[], Awaitable[None]]) -> None:
        self.left, self._happens = looks, happens

    async def looked(self) -> None:
        self.left -= 1
        if self.left == 0:
            await self._happens()


class InterruptedCases(twin.CaseTwin):
    def __init__(self, interrupted: Interrupted) -> None:
        super().__init__()
        self._interrupted = interrupted

    async def find(self, appointment: str) -> Case | None:
        found = await super().find(appointment)
        await self._interrupted.looked()
        return found


class InterruptedHistories(twin.HistoryTwin):
    def __init__(self, interrupted: Interrupted) -> None:
        super().__init__()
        self._interrupted = interrupted

    async def find(self, practice: str, ref: str) -> History | None:
        found = await super().find(practice, ref)
        await self._interrupted.looked()
        return found


@pytest.mark.parametrize("looks", range(1, 5))
@pytest.mark.parametrize("answers_first", [False, True])
async def test_a_form_that_is_under_way_while_its_client_is_erased_leaves_nothing(
    house: House, looks: int, answers_first: bool
) -> None:
    interrupted = Interrupted(looks, lambda: house.erase("q" * 26, A))
    await (house.answer(A, SAID_YES) if answers_first else house.request(A))
    kept = house.cases.kept
    house.cases, house.histories = InterruptedCases(interrupted), InterruptedHistories(interrupted)
    house.cases.kept = kept
    with suppress(CaseClosed):
        await (house.request(A) if answers_first else house.answer(A, SAID_YES))
    assert interrupted.left <= 0
    assert house.histories.kept[PRACTICE, REF].is_empty
    assert house.case(A).is_empty


async def test_merged_records_share_what_was_said_under_either(house: House) -> None:
    await house.visit(A, SAID_YES, ref=OTHER_REF)
    await house.clients.merge(PRACTICE, OTHER_REF, REF, at=house.now)
    await later(house).visit(B, SAYS_NO)
    await house.visit(C, SAYS_NO, ref=OTHER_REF)
    assert await house.reasons(B) == await house.reasons(C) == CONTRADICTS
    assert f"{PRACTICE}/client:{OTHER_REF}" in house.vault.forgotten


async def test_what_is_said_under_a_merged_record_is_known_under_the_other(house: House) -> None:
    await house.clients.merge(PRACTICE, OTHER_REF, REF, at=house.now)
    await house.visit(A, SAID_YES, ref=OTHER_REF)
    await later(house).visit(B, SAYS_NO)
    assert await house.reasons(B) == CONTRADICTS


@pytest.mark.parametrize("said_by", [REF, OTHER_REF, THIRD_REF])
@pytest.mark.parametrize(
    "heard",
    [
        [(THIRD_REF, OTHER_REF), (OTHER_REF, REF)],
        [(OTHER_REF, REF), (THIRD_REF, OTHER_REF)],
        [(OTHER_REF, REF), (THIRD_REF, OTHER_REF), (OTHER_REF, REF), (THIRD_REF, OTHER_REF)],
    ],
)
async def test_mergers_end_the_same_in_whatever_order_they_are_heard(
    house: House, heard: list[tuple[str, str]], said_by: str
) -> None:
    await house.visit(A, SAID_YES, ref=said_by)
    for ref, into in heard:
        await house.clients.merge(PRACTICE, ref, into, at=house.now)
    later(house)
    for number, ref in enumerate((REF, OTHER_REF, THIRD_REF)):
        await house.visit(id_of(100 + number), SAYS_NO, ref=ref)
        assert await house.reasons(id_of(100 + number)) == CONTRADICTS


async def test_a_merger_that_is_heard_after_the_erasure_brings_nothing_back(house: House) -> None:
    await house.visit(A, SAID_YES, ref=OTHER_REF)
    merged_at = house.now
    await later(house).erase("q" * 26, A, refs=(REF, OTHER_REF))
    await house.clients.merge(PRACTICE, OTHER_REF, REF, at=merged_at)
    assert all(history.is_empty and history.into is None for history in house.histories.kept.values())


async def test_two_forms_at_the_same_instant_and_a_third_never_misses_the_yes(house: House) -> None:
    for turn in range(20):
        yes, no, third, ref = id_of(turn), id_of(1000 + turn), id_of(2000 + turn), f"{turn:020}"
        await house.request(yes, ref=ref)
        await house.request(no, ref=ref)
        await asyncio.gather(house.answer(no, SAYS_NO), house.answer(yes, SAID_YES))
        assert (await house.visit(third, SAYS_NO, ref=ref)).state is State.IN_REVIEW


async def test_many_forms_of_one_client_at_once_are_all_remembered(house: House) -> None:
    many = [id_of(number) for number in range(8)]
    for one in many:
        await house.request(one)
    await asyncio.gather(*(house.answer(one, SAID_YES) for one in many))
    lasting = await house.memory.of([house.case(many[0])])
    assert [set(one.yes["q_aneurysm"]) for one in lasting] == [set(many)]


async def test_somebody_declined_less_than_a_day_before_is_marked_and_judged_as_ever(house: House) -> None:
    signs = twin.CLEAR | {"q_red_flags": ["thunderclap"]}
    await house.visit(A, signs)
    house.passes(DAY - timedelta(milliseconds=1))
    await house.answer(C, SAYS_NO)
    again = await house.visit(B, SAYS_NO)
    await house.request(C)
    assert again.submission is not None
    assert (again.state, again.submission.repeated) == (State.CLEARED, True)
    assert house.case(C) == replace(again, id=C, submission=house.case(C).submission)
    first_of_all = house.case(A).submission
    assert first_of_all is not None
    assert not first_of_all.repeated
    house.passes(timedelta(milliseconds=1))
    late = await house.visit(D, SAYS_NO)
    assert late.submission is not None
    assert not late.submission.repeated


async def test_what_was_kept_long_enough_is_let_go_with_its_case(house: House) -> None:
    await house.visit(A, SAID_YES)
    await later(house).visit(B, SAID_YES)
    await house.clients.let_go(house.case(B), hand=twin.STAFF)
    [lasting] = await house.memory.of([house.case(A)])
    assert lasting.yes == {"q_aneurysm": (A,)}
    await house.clients.let_go(house.case(A), hand=twin.STAFF)
    left = house.histories.kept[PRACTICE, REF]
    assert left == History(practice=PRACTICE, ref=REF, version=left.version, erased_at=house.now)
    assert (await later(house).visit(C, SAYS_NO)).state is State.CLEARED


def test_only_so_many_cases_are_named_and_the_latest_of_them() -> None:
    lasting = Lasting()
    for number in range(MOST_NAMED + 3):
        lasting = lasting.with_yes(["q_stroke"], id_of(number))
    assert lasting.yes["q_stroke"] == tuple(id_of(number) for number in range(3, MOST_NAMED + 3))
    assert lasting.with_yes(["q_stroke"], id_of(5)) is lasting


def test_the_lifetime_questions_are_those_of_the_specification() -> None:
    eleven = "aneurysm skull_fracture brain_bleed stroke chiari shunt csf_leak bleeding_disorder brain_tumour"
    named = {f"q_{one}" for one in (*eleven.split(), "head_spine_surgery", "seizure")}
    assert lifetime(twin.CATALOGUE.form("cst-intake")) == named
    assert lifetime(twin.CATALOGUE.form("cst-core")) == {
        "q_aneurysm",
        "q_skull_fracture",
        "q_brain_bleed",
        "q_bleeding_disorder",
    }


SAID = st.fixed_dictionaries(
    {name: st.sampled_from(["yes", "no", "unsure", "skip"]) for name in lifetime(twin.CATALOGUE.form("cst-core"))}
)


@settings(max_examples=60, deadline=None)
@given(st.lists(SAID, max_size=3), SAID, st.booleans())
def test_whichever_half_comes_first_the_end_is_the_same(
    earlier: list[dict[str, str]], now: dict[str, str], merged: bool
) -> None:
    async def ends() -> None:
        house = House()
        for number, said in enumerate(earlier):
            ref = OTHER_REF if merged and number % 2 else REF
            await later(house).visit(id_of(number), SAYS_NO | said, ref=ref)
        if merged:
            await house.clients.merge(PRACTICE, OTHER_REF, REF, at=NOW)
        aside = dict(house.histories.kept)
        await later(house).visit(id_of(50), SAYS_NO | now)
        request_first = house.case(id_of(50)), await house.filled(id_of(50)), await _remembered(house)
        del house.cases.kept[id_of(50)]
        house.histories.kept = aside
        await house.answer(id_of(50), SAYS_NO | now)
        await house.request(id_of(50))
        assert (house.case(id_of(50)), await house.filled(id_of(50)), await _remembered(house)) == request_first
        denied = {name for said in earlier for name, word in said.items() if word == "yes" and now[name] == "no"}
        found = {code for code in await house.reasons(id_of(50)) if "PRIOR" in code}
        assert found == {f"CONTRADICTION:PRIOR_ANSWER:{name}" for name in denied}

    asyncio.run(ends())


async def _remembered(house: House) -> object:
    return await house.memory.of([house.case(id_of(50))])
