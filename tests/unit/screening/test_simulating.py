"""A simulation says how many, never who: counts of outcomes and codes, and of stored forms no small ones."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.screening.actions import Screening, Simulated, Submitting
from services.screening.actions.histories import Memory
from services.screening.actions.simulating import BATCH, FEWEST, shown
from services.screening.domain.audit import Deed
from services.screening.domain.draft import DraftUnknown
from services.screening.routes import form_views
from tests.support import screening as twin
from tests.support.screening import NOW, PRACTICE, STAFF, STARTS_AT
from tests.support.screening_drafts import Json, drafts, overlay, rule, simulating, table

STRICTER = overlay(
    rule=[rule(), rule(id="P02", when={"question": "q_blood_thinners", "is": "antiplatelet_only"}, code="OWN_ASPIRIN")],
    case=[
        *overlay()["case"],
        {"rule": "P02", "fires": True, "set": {"q_blood_thinners": "antiplatelet_only"}},
        {"rule": "P02", "fires": False},
    ],
)
ASPIRIN = twin.CLEAR | {"q_blood_thinners": "antiplatelet_only"}


class World:
    def __init__(self) -> None:
        self.cases = twin.CaseTwin()
        self.vault = twin.VaultTwin()
        self.casework = twin.casework(self.cases, vault=self.vault)
        self.screening = Screening(self.casework, Submitting(self.casework, Memory(self.casework, twin.HistoryTwin())))

    async def stored(self, *forms: Json) -> list[str]:
        names = [f"client-{number:03}" for number in range(len(forms))]
        for number, (name, answers) in enumerate(zip(names, forms, strict=True)):
            starts_at = STARTS_AT + timedelta(minutes=number)
            await self.screening.take_request(name, PRACTICE, twin.request(), starts_at=starts_at, sequence=2)
            await self.screening.take_answers(name, PRACTICE, questionnaire="cst-core", answers=answers, locale=None)
        return names

    async def simulated(self, raw: Json = STRICTER) -> Simulated:
        await drafts(self.casework).write(PRACTICE, "cst-core", table(raw), version=None, hand=STAFF)
        return await simulating(self.casework).simulate(PRACTICE, "cst-core", STAFF)


async def test_stored_forms_are_judged_by_the_draft_and_counted() -> None:
    world = World()
    await world.stored(*[ASPIRIN] * 7, *[twin.CLEAR] * 5, *[twin.DECLINED] * 2)
    found = (await world.simulated()).stored
    assert found.judged == 14
    assert dict(found.outcomes) == {
        ("cleared", "cleared"): 5,
        ("cleared", "needs_review"): 7,
        ("declined", "declined"): 2,
    }
    assert (dict(found.added), dict(found.removed)) == ({"OWN_ASPIRIN": 7}, {})


async def test_of_stored_forms_small_numbers_are_not_told() -> None:
    world = World()
    names = await world.stored(*[ASPIRIN] * 3, *[twin.CLEAR] * 6)
    said = form_views.simulation(await world.simulated()).model_dump(exclude_none=True)
    assert said["stored"] == {
        "judged": 5,
        "outcomes": [
            {"before": "cleared", "after": "cleared", "count": 6},
            {"before": "cleared", "after": "needs_review"},
        ],
        "added": [{"code": "OWN_ASPIRIN"}],
        "removed": [],
    }
    assert not any(name in str(said) for name in names)
    assert [shown(number) for number in (0, 1, FEWEST - 1, FEWEST)] == [0, None, None, FEWEST]


async def test_test_cases_are_nobodys_and_all_counted() -> None:
    found = await World().simulated()
    assert found.own.judged == 6
    assert found.own.added["OWN_ASPIRIN"] == 1
    assert found.base.judged == 143
    order = ("cleared", "needs_review", "declined")
    assert all(order.index(before) <= order.index(after) for before, after in found.base.outcomes)


async def test_the_newest_are_taken_page_by_page_and_the_forgotten_left_out() -> None:
    world = World()
    names = await world.stored(*[twin.CLEAR] * (BATCH + 7))
    await world.vault.forget(PRACTICE, names[0])
    found = await world.simulated()
    assert (found.stored.judged, found.left_out) == (BATCH + 6, 1)


async def test_a_simulation_is_noted_before_anything_is_opened() -> None:
    world = World()
    await world.stored(twin.CLEAR)
    await world.simulated()
    noted = await world.casework.auditing.newest(PRACTICE, record="cst-core@2026.1.0+1.0.0", before=None, limit=9)
    assert [(one.fact.deed, one.fact.hand, one.fact.at) for one in noted] == [(Deed.VIEW, STAFF, NOW)]


async def test_without_a_draft_there_is_nothing_to_simulate() -> None:
    with pytest.raises(DraftUnknown):
        await simulating(World().casework).simulate(PRACTICE, "cst-core", STAFF)
