"""How long a case is kept, what a legal hold keeps, and that a killed process forgets no less and no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.screening.actions import Clients, HoldUnknown, Memory, ReasonTooShort, Retention
from services.screening.actions.retention import BATCH
from services.screening.domain.audit import Deed, Fact, Hand, Role
from services.screening.domain.case import Case, State
from services.screening.domain.retention import Kept, Terms, kept, of_age
from shared.events import Envelope
from tests.support import screening as twin
from tests.support.screening import APPOINTMENT, NOW, PRACTICE, STARTS_AT
from tests.support.screening_audit import AuditTwin, Full, FullAudit, an_audit
from tests.unit.screening.test_killed import Killed, Mortal

TERMS = Terms(unanswered=timedelta(days=7), unvisited=timedelta(days=90), visited_years=7)
DESK = Hand(role=Role.STAFF, who="operator", name="The desk")
REASON = "A letter from a court, 2026/17"
REF, OLD_REF = "c" * 20, "d" * 20
BORN = {"respondent_role": "guardian", "guardian_consent": True, "dob": "2016-03-09"}


class World:
    """What outlives a process; each `run` is one at another time."""

    def __init__(self) -> None:
        self.cases, self.vault = twin.CaseTwin(), twin.VaultTwin()
        self.holds, self.merges, self.asks = twin.HoldTwin(), twin.MergeTwin(), twin.AskTwin()
        self.audit, self.files = AuditTwin(), twin.AttachmentTwin()

    def at(self, now: datetime) -> Retention:
        auditing = an_audit(self.audit, now=now)
        work = twin.casework(self.cases, vault=self.vault, now=now, auditing=auditing, attachments=self.files)
        memory = Memory(work, twin.HistoryTwin())
        clients = Clients(work, merges=self.merges, asks=self.asks, holds=self.holds, memory=memory)
        return Retention(work, clients, holds=self.holds, merges=self.merges, terms=TERMS)

    async def visit(
        self,
        appointment: str = APPOINTMENT,
        *,
        starts_at: datetime = STARTS_AT,
        answers: Mapping[str, Any] | None = twin.CLEAR,
        attended: bool = True,
        requested: bool = True,
        client: str = REF,
    ) -> None:
        screening = twin.screening(self.cases, vault=self.vault)
        if requested:
            await screening.take_request(
                appointment, PRACTICE, twin.request(), starts_at=starts_at, sequence=2, client=client
            )
        if answers is not None:
            await screening.take_answers(
                appointment, PRACTICE, questionnaire=twin.FORM, answers=dict(answers), locale=None
            )
        if attended:
            await screening.attend(appointment, PRACTICE, attended=True)

    def is_kept(self, appointment: str = APPOINTMENT) -> bool:
        return not self.cases.kept[appointment].is_empty


async def gone_on(world: World, first_day: date, appointment: str = APPOINTMENT, *, left: State = State.CLOSED) -> None:
    """Kept on the day before, as was said of it at once, and gone on that day, with its key."""
    assert await world.at(NOW).until(world.cases.kept[appointment]) == first_day - timedelta(days=1)
    eve = datetime(first_day.year, first_day.month, first_day.day, 12, tzinfo=UTC) - timedelta(days=1)
    await world.at(eve).carry_out()
    assert world.is_kept(appointment)
    await world.at(eve + timedelta(days=1)).carry_out()
    assert not world.is_kept(appointment)
    assert world.cases.kept[appointment].state is left
    assert f"{PRACTICE}/{appointment}" in world.vault.forgotten


async def test_what_nobody_filled_in_goes_after_a_week() -> None:
    world = World()
    await world.visit(answers=None, attended=False)
    await gone_on(world, STARTS_AT.date() + timedelta(days=8))


async def test_answers_that_never_got_a_visit_go_after_a_week() -> None:
    world = World()
    await world.visit(requested=False, attended=False)
    await gone_on(world, NOW.date() + timedelta(days=8), left=State.AWAITING)


async def test_answers_that_went_before_they_were_asked_for_can_be_given_anew_when_they_are() -> None:
    """As for a later visit of a course, whose own check is wanted months after somebody filled in a form for it."""
    world = World()
    await world.visit(requested=False, attended=False)
    await world.at(NOW + timedelta(days=30)).carry_out()
    await world.visit(answers=twin.REVIEWED, attended=False)
    assert (world.cases.kept[APPOINTMENT].state, world.is_kept()) == (State.IN_REVIEW, True)


@pytest.mark.parametrize("answers", [twin.CLEAR, twin.DECLINED, twin.REVIEWED])
async def test_a_visit_that_did_not_take_place_is_kept_for_90_days(answers: dict[str, Any]) -> None:
    world = World()
    await world.visit(answers=answers, attended=False)
    await gone_on(world, STARTS_AT.date() + timedelta(days=91))


async def test_an_adults_visit_is_kept_for_seven_years() -> None:
    world = World()
    await world.visit()
    await gone_on(world, date(2033, 12, 2))


async def test_a_childs_visit_is_kept_until_the_year_after_the_25th_birthday() -> None:
    world = World()
    await world.visit(answers=twin.CLEAR | BORN)
    await gone_on(world, date(2042, 1, 1))


async def test_all_visits_of_a_client_are_kept_as_long_as_the_last_one_under_whichever_name() -> None:
    world = World()
    later = STARTS_AT + timedelta(days=3 * 365)
    await world.visit()
    await world.visit("b" * 26, starts_at=later, client=OLD_REF)
    await world.merges.join(PRACTICE, OLD_REF, REF, at=NOW)

    assert await world.at(NOW).until(world.cases.kept[APPOINTMENT]) == later.date().replace(year=later.year + 7)
    await world.at(datetime(2034, 1, 1, tzinfo=UTC)).carry_out()
    assert world.is_kept()
    assert world.cases.kept[APPOINTMENT].last_visit == later.date()
    await world.at(datetime(2036, 12, 31, tzinfo=UTC)).carry_out()
    assert not world.is_kept()
    assert not world.is_kept("b" * 26)


async def test_a_visit_that_was_marked_as_missed_after_all_is_one_that_did_not_take_place() -> None:
    world = World()
    await world.visit()
    await twin.screening(world.cases).attend(APPOINTMENT, PRACTICE, attended=False)

    assert kept(world.cases.kept[APPOINTMENT]) == (Kept.UNVISITED, STARTS_AT.date())


async def test_more_than_a_batch_is_forgotten_in_one_round_around_what_is_held() -> None:
    world = World()
    for number in range(BATCH + 30):
        await world.visit(f"v{number:025}", client=f"{number % 10:020}", attended=False)
    await world.at(NOW).hold(PRACTICE, f"{3:020}", reason=REASON, hand=DESK)
    await world.at(STARTS_AT + timedelta(days=400)).carry_out()

    assert sum(not case.is_empty for case in world.cases.kept.values()) == (BATCH + 30) // 10


class MortalCases(twin.CaseTwin):
    def __init__(self) -> None:
        super().__init__()
        self.life: Mortal | None = None

    async def save(self, before: Case, after: Case, said: Sequence[Envelope[Any]], trail: Sequence[Fact] = ()) -> bool:
        save = partial(super().save, before, after, said, trail)
        return bool(await (self.life.through(save) if self.life else save()))


class MortalVault(twin.VaultTwin):
    def __init__(self) -> None:
        super().__init__()
        self.life: Mortal | None = None

    async def forget(self, practice: str, subject: str) -> None:
        forget = partial(super().forget, practice, subject)
        await (self.life.through(forget) if self.life else forget())


class MortalFiles(twin.AttachmentTwin):
    def __init__(self) -> None:
        super().__init__()
        self.life: Mortal | None = None

    async def forget(self, appointment: str) -> None:
        forget = partial(super().forget, appointment)
        await (self.life.through(forget) if self.life else forget())


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("dies_at", range(1, 6))
async def test_killed_anywhere_the_key_and_the_files_of_an_old_case_go_in_the_next_round(
    dies_at: int, after: bool
) -> None:
    world = World()
    world.cases, world.vault, world.files = cases, vault, files = MortalCases(), MortalVault(), MortalFiles()
    await world.visit()
    await files.put("f" * 24, APPOINTMENT, [b"sealed"], at=NOW)
    await files.bind("f" * 24)
    much_later = datetime(2050, 1, 1, tzinfo=UTC)
    cases.life = vault.life = files.life = Mortal(dies_at, after=after)
    with suppress(Killed):
        await world.at(much_later).carry_out()
    cases.life = vault.life = files.life = None
    await world.at(much_later).carry_out()
    assert not world.is_kept()
    assert files.kept == {}
    assert f"{PRACTICE}/{APPOINTMENT}" in vault.forgotten
    assert cases.kept[APPOINTMENT].is_empty
    noted = [entry.fact.deed for entry in world.audit.chains[PRACTICE]]
    assert (noted.count(Deed.RETENTION), noted.count(Deed.KEY_DELETED)) == (1, 1)


async def test_answers_that_are_asked_for_while_they_are_let_go_stay() -> None:
    class Late(twin.CaseTwin):
        """A request comes in right after the old ones were found."""

        async def kept_before(self, why: Kept, before: date, *, after: Any, limit: int) -> list[Case]:
            found = await super().kept_before(why, before, after=after, limit=limit)
            for case in found:
                await twin.screening(self, vault=world.vault).take_request(
                    case.id, PRACTICE, twin.request(), starts_at=STARTS_AT, sequence=2, client=REF
                )
            return found

    world = World()
    world.cases = Late()
    await world.visit(requested=False, attended=False)
    await world.at(NOW + timedelta(days=30)).carry_out()
    assert world.cases.kept[APPOINTMENT].state is State.CLEARED
    assert f"{PRACTICE}/{APPOINTMENT}" not in world.vault.forgotten


async def test_what_goes_a_second_time_is_noted_a_second_time() -> None:
    world = World()
    for days in (0, 30):
        answering = twin.screening(world.cases, vault=world.vault, now=NOW + timedelta(days=days))
        await answering.take_answers(
            APPOINTMENT, PRACTICE, questionnaire=twin.FORM, answers=dict(twin.CLEAR), locale=None
        )
        await world.at(NOW + timedelta(days=days + 20)).carry_out()
    noted = [entry.fact.deed for entry in world.audit.chains[PRACTICE]]
    assert (noted.count(Deed.RETENTION), noted.count(Deed.KEY_DELETED)) == (2, 2)


async def test_a_hold_stops_the_retention_until_it_ends() -> None:
    world = World()
    await world.visit()
    await world.merges.join(PRACTICE, OLD_REF, REF, at=NOW)
    await world.at(NOW).hold(PRACTICE, OLD_REF, reason=REASON, hand=DESK)
    assert await world.at(NOW).until(world.cases.kept[APPOINTMENT]) is None
    much_later = datetime(2050, 1, 1, tzinfo=UTC)
    await world.at(much_later).carry_out()
    assert world.is_kept()

    await world.at(much_later).release(PRACTICE, OLD_REF, hand=DESK)
    await world.at(much_later).carry_out()
    assert not world.is_kept()


async def test_an_erasure_waits_for_the_hold_to_end_and_is_said_only_then() -> None:
    world = World()
    await world.visit()
    await world.at(NOW).hold(PRACTICE, REF, reason=REASON, hand=DESK)
    clients = twin.clients(world.cases, vault=world.vault, holds=world.holds, merges=world.merges, asks=world.asks)
    await clients.erase("q" * 26, PRACTICE, appointments=[APPOINTMENT], refs=[REF], at=NOW)
    await world.at(NOW).carry_out()
    assert world.is_kept()
    assert world.asks.said == []

    await world.at(NOW).release(PRACTICE, REF, hand=DESK)
    await world.at(NOW).carry_out()
    assert not world.is_kept()
    assert [said.data.records for said in world.asks.said] == [1]
    assert world.asks.kept["q" * 26].refs == ()


async def test_a_hold_has_a_written_reason_that_is_sealed_and_placed_once() -> None:
    world = World()
    with pytest.raises(ReasonTooShort):
        await world.at(NOW).hold(PRACTICE, REF, reason="  short  ", hand=DESK)
    first = await world.at(NOW).hold(PRACTICE, REF, reason=REASON, hand=DESK)
    again = await world.at(NOW + timedelta(days=1)).hold(PRACTICE, REF, reason="Another reason", hand=DESK)

    assert again == first
    assert (first.by, REASON.encode() in first.sealed) == ("The desk", False)
    ((held, reason),) = await world.at(NOW).held(PRACTICE)
    assert (held.client, reason) == (REF, REASON)
    assert await world.at(NOW).held("elsewhere") == []


async def test_the_end_of_a_hold_is_noted_before_it_ends_so_that_none_ends_unseen() -> None:
    world = World()
    await world.at(NOW).hold(PRACTICE, REF, reason=REASON, hand=DESK)
    world.audit = FullAudit()
    with pytest.raises(Full):
        await world.at(NOW).release(PRACTICE, REF, hand=DESK)
    ((held, reason),) = await world.at(NOW).held(PRACTICE)
    assert (held.client, reason) == (REF, REASON)

    world.audit = AuditTwin()
    await world.at(NOW).release(PRACTICE, REF, hand=DESK)
    assert [entry.fact.deed for entry in world.audit.chains[PRACTICE]] == [Deed.RELEASE]
    with pytest.raises(HoldUnknown):
        await world.at(NOW).release(PRACTICE, REF, hand=DESK)
    assert len(world.audit.chains[PRACTICE]) == 1


async def test_there_is_nothing_to_release_where_nothing_is_held() -> None:
    with pytest.raises(HoldUnknown):
        await World().at(NOW).release(PRACTICE, REF, hand=DESK)


@given(born=st.dates(date(1930, 1, 1), date(2026, 11, 20)), days=st.integers(0, 20_000))
def test_coming_of_age_is_in_the_year_of_the_18th_birthday_and_only_ahead(born: date, days: int) -> None:
    as_of = born + timedelta(days=days)
    end = of_age(born, as_of)

    assert (end is None) == (
        (as_of.year - born.year, (as_of.month, as_of.day)) >= (18, (born.month, born.day))
        and (as_of.year - born.year > 18 or (as_of.month, as_of.day) >= (born.month, born.day))
    )
    assert end is None or end == date(born.year + 18, 12, 31)


@pytest.mark.parametrize("today", [date(2028, 2, 29), date(2027, 3, 1)])
def test_the_cutoffs_exist_on_every_day(today: date) -> None:
    cutoffs = TERMS.cutoffs(today)

    assert cutoffs[Kept.VISITED] < cutoffs[Kept.UNVISITED] < cutoffs[Kept.UNANSWERED] < today


def test_what_was_forgotten_has_no_term() -> None:
    assert kept(replace(Case(id=APPOINTMENT, practice=PRACTICE), state=State.CLOSED)) is None
