"""What a newer set forces is asked anew, once for each upcoming visit, wherever the sweep was killed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.screening.actions import Rescreening
from services.screening.actions.rescreening import BATCH, SETTLED
from services.screening.domain.case import Case, Reopening, State
from services.screening.domain.round import Submission
from services.screening.domain.ruleset import Effect
from shared.events.screening import CaseVoided
from tests.support import screening as twin
from tests.support.screening import NOW, PRACTICE, STAFF, STARTS_AT
from tests.support.screening_drafts import drafts, overlay, table
from tests.support.screening_editions import EditionTwin, RescreenTwin

FORCING = overlay(forces_rescreen=True)
LIBRARY = "cst-core@2026.1.0"


class Killed(Exception):
    """The process is gone at this very point."""


class World:
    """A practice with upcoming visits, at a moment that can be moved."""

    def __init__(self) -> None:
        self.now = NOW
        self.cases = twin.CaseTwin()
        self.casework = twin.casework(self.cases)
        self.casework.now = lambda: self.now
        editions = self.casework.editions
        assert isinstance(editions, EditionTwin)
        self.editions = editions
        self.rescreens = RescreenTwin(editions)
        self.rescreening = Rescreening(self.casework, self.rescreens)

    def has(self, name: str, *, starts_at: datetime = STARTS_AT, outcome: Effect = Effect.CLEARED) -> Case:
        case = Case(id=name, practice=PRACTICE).requested(
            twin.request(), starts_at=starts_at, sequence=2, now=self.now, client="c" * 20
        )
        case = case.submitted(a_submission(outcome), now=self.now)
        self.cases.kept[name] = case
        return case

    async def publish(self, raw: dict[str, Any] = FORCING) -> None:
        of = drafts(self.casework, clients=20)
        await of.write(PRACTICE, "cst-core", table(raw), version=None, hand=STAFF)
        assert (await of.test(PRACTICE, "cst-core")).troubles == ()
        await of.publish(PRACTICE, "cst-core", hand=STAFF)

    @property
    def voided(self) -> list[str]:
        return [said.subject for said in self.cases.said if isinstance(said.data, CaseVoided)]


def a_submission(outcome: Effect = Effect.CLEARED, ruleset: str = LIBRARY) -> Submission:
    return Submission(
        questionnaire=ruleset,
        ruleset=ruleset,
        messages="client@2026.1.0",
        submitted_at=NOW,
        as_of=NOW.date(),
        zone="Europe/Berlin",
        review_for=timedelta(hours=48),
        outcome=outcome,
        urgent=False,
        retry_after=None,
        sealed=b"sealed",
    )


async def test_what_was_cleared_for_an_upcoming_visit_is_asked_anew_once() -> None:
    world = World()
    world.has("cleared")
    world.has("waiting", outcome=Effect.NEEDS_REVIEW)
    world.has("declined", outcome=Effect.DECLINED)
    world.has("past", starts_at=NOW - timedelta(minutes=1))
    await world.publish()
    for _ in range(3):
        await world.rescreening.carry_out()
    assert sorted(world.voided) == ["cleared", "waiting"]
    cleared = world.cases.kept["cleared"]
    assert (cleared.state, cleared.reopened_by) == (State.AWAITING, Reopening.RULESET)
    assert [said.data.cause for said in world.cases.said if isinstance(said.data, CaseVoided)] == ["ruleset"] * 2
    assert world.cases.kept["declined"].state is State.DECLINED
    assert world.cases.kept["past"].state is State.CLEARED


async def test_what_the_new_set_cleared_stays_and_so_does_what_later_ones_clear() -> None:
    world = World()
    await world.publish()
    world.now += timedelta(minutes=1)
    await world.publish(overlay(sources={"OWN": "Other words"}, release="1.0.1"))
    case = world.has("new")
    for number, release in enumerate(("1.0.0", "1.0.1")):
        submission = a_submission(ruleset=f"{LIBRARY}+{release}")
        world.cases.kept[f"new-{number}"] = replace(case, id=f"new-{number}", submission=submission)
    await world.rescreening.carry_out()
    assert world.voided == ["new"]


async def test_an_edition_that_forces_nothing_voids_nothing() -> None:
    world = World()
    world.has("cleared")
    await world.publish(overlay())
    await world.rescreening.carry_out()
    assert world.voided == []


async def test_answers_from_before_that_meet_their_request_later_are_found_and_then_it_is_over() -> None:
    world = World()
    await world.publish()
    await world.rescreening.carry_out()
    world.has("late")
    await world.rescreening.carry_out()
    assert world.voided == ["late"]
    world.now += SETTLED
    await world.rescreening.carry_out()
    assert world.editions.forced == []
    world.has("afterwards")
    await world.rescreening.carry_out()
    assert world.voided == ["late"]


async def test_more_than_a_page_of_visits_is_gone_through_and_killed_anywhere_it_goes_on() -> None:
    world = World()
    for number in range(2 * BATCH + 3):
        world.has(f"case-{number:03}", starts_at=STARTS_AT + timedelta(minutes=number // 2))
    await world.publish()
    saves = 0
    save = world.cases.save

    async def mortal(*args: Any) -> bool:
        nonlocal saves
        saves += 1
        if saves in (1, 57, 150):
            raise Killed
        return await save(*args)

    world.cases.save = mortal  # type: ignore[method-assign]  # the same, in a process that dies
    for _ in range(3):
        with pytest.raises(Killed):
            await world.rescreening.carry_out()
    await world.rescreening.carry_out()
    assert len(world.voided) == len(set(world.voided)) == 2 * BATCH + 3


async def test_a_rule_set_of_the_library_forces_it_in_every_practice_without_its_own() -> None:
    world = World()
    known = world.casework.catalogue.rulesets[LIBRARY]
    newer = replace(known, ruleset=replace(known.ruleset, version="2026.10.0", forces_rescreen=True))
    rulesets = {**world.casework.catalogue.rulesets, newer.ruleset.id: newer}
    world.casework.catalogue = replace(world.casework.catalogue, rulesets=rulesets)
    world.has("old")
    world.cases.kept["new"] = replace(
        world.has("new"), submission=replace(a_submission(), ruleset="cst-core@2026.10.0")
    )
    world.cases.kept["newer"] = replace(
        world.has("newer"), submission=replace(a_submission(), ruleset="cst-core@2026.11.0")
    )
    world.cases.kept["theirs"] = replace(world.has("theirs"), practice="theirs")
    theirs = twin.profile(practice="theirs", own={"cst-core": None})
    world.editions.practices.kept["theirs"] = theirs
    await world.rescreening.carry_out()
    await world.rescreening.carry_out()
    assert world.voided == ["old"]
    world.now += SETTLED
    await world.rescreening.carry_out()
    assert world.rescreens.releases == {"cst-core@2026.10.0": None}
