"""A practice's own set goes from draft to edition in one order only, and what was published stays as it was."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from services.screening.actions import Drafts, EmergencyNumberMissing, Reviews, Screening, Submitting
from services.screening.actions.casework import Casework
from services.screening.actions.forms import Forms
from services.screening.actions.histories import Memory
from services.screening.actions.replaying import replay
from services.screening.domain.audit import Deed, Fact
from services.screening.domain.case import Case, State
from services.screening.domain.catalogue import FormUnknown
from services.screening.domain.comparison import Step
from services.screening.domain.draft import (
    ApprovalsMissing,
    Draft,
    DraftChanged,
    DraftInvalid,
    DraftUnknown,
    Edition,
    NotesIncomplete,
    NotInTest,
    NotStricter,
    Stage,
    WrongRelease,
)
from shared.errors import Refusal
from tests.support import screening as twin
from tests.support.screening import APPOINTMENT, PRACTICE, STAFF, STARTS_AT
from tests.support.screening_drafts import Json, drafts, overlay, rule, table
from tests.support.screening_editions import EditionTwin

FORM = "cst-core"


class Practice:
    """One practice on twins, with whatever it drafts."""

    def __init__(self, **profile: Any) -> None:
        self.cases = twin.CaseTwin()
        self.casework = twin.casework(self.cases)
        practices = self.casework.practices
        assert isinstance(practices, twin.PracticeTwin)
        practices.kept[PRACTICE] = twin.profile(**profile)
        self.drafts = drafts(self.casework)
        self.screening = Screening(self.casework, Submitting(self.casework, Memory(self.casework, twin.HistoryTwin())))

    @property
    def editions(self) -> EditionTwin:
        kept = self.casework.editions
        assert isinstance(kept, EditionTwin)
        return kept

    async def write(self, raw: Json | None = None, *, version: int | None = None) -> Draft:
        return await self.drafts.write(PRACTICE, FORM, table(raw), version=version, hand=STAFF)

    async def publish(self, raw: Json | None = None, *approvers: str) -> Edition:
        draft = await self.write(raw)
        tried = await self.drafts.test(PRACTICE, FORM)
        assert tried.troubles == ()
        for name in approvers:
            await self.drafts.approve(PRACTICE, FORM, by=name, digest=draft.digest, hand=STAFF)
        return await self.drafts.publish(PRACTICE, FORM, hand=STAFF)

    async def answer(self, answers: Json, *, questionnaire: str = FORM, appointment: str = APPOINTMENT) -> Case:
        await self.screening.take_request(
            appointment, PRACTICE, twin.request(), starts_at=STARTS_AT, sequence=2, client="c" * 20
        )
        await self.screening.take_answers(
            appointment, PRACTICE, questionnaire=questionnaire, answers=answers, locale=None
        )
        return self.cases.kept[appointment]


async def test_a_set_is_drafted_tried_and_published_and_judges_from_then_on() -> None:
    practice = Practice()
    draft = await practice.write()
    assert (draft.stage, draft.version, draft.release) == (Stage.DRAFT, 1, "1.0.0")
    tried = await practice.drafts.test(PRACTICE, FORM)
    assert (tried.troubles, tried.release, tried.draft.stage) == ((), "1.0.0", Stage.IN_TEST)
    edition = await practice.drafts.publish(PRACTICE, FORM, hand=STAFF)

    assert (edition.questionnaire, edition.ruleset) == ("cst-core@2026.1.0+1.0.0", "cst-core@2026.1.0+1.0.0")
    with pytest.raises(DraftUnknown):
        await practice.drafts.read(PRACTICE, FORM)
    case = await practice.answer(twin.CLEAR | {"p_migraine": "yes"})
    assert case.state is State.IN_REVIEW
    assert case.submission is not None
    assert (case.submission.questionnaire, case.submission.ruleset) == (edition.questionnaire, edition.ruleset)


async def test_answers_to_the_form_of_the_library_are_no_way_around_the_practices_own() -> None:
    practice = Practice()
    await practice.publish()
    case = await practice.answer(twin.CLEAR, questionnaire="cst-core@2026.1.0")
    assert case.submission is not None
    assert (case.state, case.submission.ruleset) == (State.IN_REVIEW, "cst-core@2026.1.0+1.0.0")


async def test_a_service_that_asks_for_an_exact_version_gets_it() -> None:
    practice = Practice(forms={"session": "cst-core@2026.1.0"})
    await practice.publish()
    form, _ = await practice.screening.questionnaire(PRACTICE, service="session")
    assert form.questionnaire.id == "cst-core@2026.1.0"
    form = await practice.screening.version(PRACTICE, "cst-core@2026.1.0+1.0.0")
    assert form.questionnaire.id == "cst-core@2026.1.0+1.0.0"
    with pytest.raises(FormUnknown):
        await practice.screening.version(PRACTICE, "cst-core@2026.1.0+9.0.0")


async def test_another_practice_has_what_the_library_has() -> None:
    practice = Practice()
    await practice.publish()
    practice.editions.practices.kept["elsewhere"] = twin.profile(practice="elsewhere")
    assert (await practice.screening.version("elsewhere", FORM)).questionnaire.id == "cst-core@2026.1.0"
    with pytest.raises(FormUnknown):
        await practice.screening.version("elsewhere", "cst-core@2026.1.0+1.0.0")


async def test_a_draft_that_does_not_fit_is_not_stored() -> None:
    practice = Practice()
    await practice.write()
    with pytest.raises(DraftInvalid) as refused:
        await practice.write(overlay(rule=[rule(), rule()]))
    assert refused.value.extra["troubles"] == ["rule P01 is named twice"]
    with pytest.raises(DraftInvalid, match="hole") as refused:
        await practice.write(overlay(rule=[rule(when={"question": "q_nothing", "is": "yes"})]))
    assert "P01 names a question that is unknown there: q_nothing" in refused.value.extra["troubles"]
    assert (await practice.drafts.read(PRACTICE, FORM)).version == 1
    with pytest.raises(DraftInvalid):
        await practice.drafts.write(PRACTICE, "cst-intake", table(), version=None, hand=STAFF)


async def test_a_softer_draft_is_neither_put_in_test_nor_published() -> None:
    practice = Practice()
    draft = await practice.write(overlay(change=[{"rule": "R50", "days": {"from": 42, "below": 90}}]))
    tried = await practice.drafts.test(PRACTICE, FORM)
    assert "R50 fires in fewer cases" in tried.troubles
    assert tried.draft.stage is Stage.DRAFT
    with pytest.raises(NotInTest):
        await practice.drafts.publish(PRACTICE, FORM, hand=STAFF)
    with pytest.raises(NotInTest):
        await practice.drafts.approve(PRACTICE, FORM, by="Ines", digest=draft.digest, hand=STAFF)
    practice.editions.drafts[f"{PRACTICE}/{FORM}"] = draft.tested()  # and if something had put it there all the same
    with pytest.raises(NotStricter):
        await practice.drafts.publish(PRACTICE, FORM, hand=STAFF)
    assert practice.editions.listed == []


async def test_nothing_is_published_without_a_number_to_call() -> None:
    practice = Practice()
    await practice.write()
    await practice.drafts.test(PRACTICE, FORM)
    practice.editions.practices.kept[PRACTICE] = twin.profile(emergency_number=" ")
    with pytest.raises(EmergencyNumberMissing):
        await practice.drafts.publish(PRACTICE, FORM, hand=STAFF)


async def test_an_edit_voids_the_test_and_the_approvals() -> None:
    practice = Practice()
    draft = await practice.write()
    await practice.drafts.test(PRACTICE, FORM)
    approved = await practice.drafts.approve(PRACTICE, FORM, by="Ines", digest=draft.digest, hand=STAFF)
    assert await practice.write() == approved
    edited = await practice.write(overlay(notes="Other words."))
    assert (edited.stage, edited.approvals, edited.version) == (Stage.DRAFT, (), approved.version + 1)
    with pytest.raises(DraftChanged):
        await practice.drafts.approve(PRACTICE, FORM, by="Ines", digest=draft.digest, hand=STAFF)
    with pytest.raises(DraftChanged):
        await practice.write(version=1)


@pytest.mark.parametrize(
    ("raw", "step", "right"),
    [
        (overlay(sources={"OWN": "Our own experience since 2020"}, release="1.0.1"), Step.PATCH, "1.0.1"),
        (overlay(change=[{"rule": "R03", "days": {"below": 100}}], release="1.1.0"), Step.MINOR, "1.1.0"),
        (overlay(change=[], release="2.0.0"), Step.MAJOR, "2.0.0"),
    ],
    ids=["texts", "stricter", "softer than before"],
)
async def test_the_version_says_how_far_a_step_goes(raw: Json, step: Step, right: str) -> None:
    practice = Practice()
    await practice.publish()
    fits = [case for case in raw["case"] if case["rule"] == "P01" or raw["change"] == overlay()["change"]]
    if step is Step.MINOR:
        days = (("fires", 99), ("rests", 100))
        fits += [
            {"rule": "R03", "fires": kind == "fires", "base": "injured", "days": {"q_head_injury_date": at}}
            for kind, at in days
        ]
    await practice.write({**raw, "case": fits, "release": "7.7.7"})
    tried = await practice.drafts.test(PRACTICE, FORM)
    assert (tried.troubles, tried.comparison.step, tried.release) == ((), step, right)
    with pytest.raises(WrongRelease) as refused:
        await practice.drafts.publish(PRACTICE, FORM, hand=STAFF)
    assert refused.value.extra == {"release": right, "step": step.value}


async def test_what_is_softer_than_before_needs_two_people_and_every_changed_case_in_the_notes() -> None:
    practice = Practice()
    await practice.publish()
    softer = overlay(change=[], release="2.0.0", case=overlay()["case"][:2])
    with pytest.raises(NotesIncomplete) as refused:
        await practice.publish(softer, "Ines", "Ana")
    changed = refused.value.extra["cases"]
    assert "R03-fires-own-2@2026.1.0+1.0.0" in changed

    softer["notes"] = f"A head injury waits for 42 days again: {', '.join(changed)}."
    with pytest.raises(ApprovalsMissing):
        await practice.publish(softer, "Ines", " ines ", "INES")
    edition = await practice.publish(softer, "Ana")
    assert (edition.release, edition.approved_by) == ("2.0.0", ("Ines", "Ana"))


async def test_the_practices_own_set_ends_with_an_empty_one_never_with_a_softer_one() -> None:
    practice = Practice()
    await practice.publish()
    empty = {"base": "cst-core@2026.1.0", "ruleset": "cst-core@2026.1.0", "release": "2.0.0"}
    with pytest.raises(NotesIncomplete) as refused:
        await practice.publish(empty, "Ines", "Ana")
    await practice.publish({**empty, "notes": " ".join(refused.value.extra["cases"])}, "Ines", "Ana")
    case = await practice.answer(twin.CLEAR)
    assert case.state is State.CLEARED


async def test_two_who_publish_at_once_publish_once() -> None:
    practice = Practice()
    await practice.write()
    await practice.drafts.test(PRACTICE, FORM)
    other = drafts(practice.casework)
    ends = await asyncio.gather(
        practice.drafts.publish(PRACTICE, FORM, hand=STAFF),
        other.publish(PRACTICE, FORM, hand=STAFF),
        return_exceptions=True,
    )
    assert len([one for one in ends if isinstance(one, Edition)]) == 1
    assert len([one for one in ends if isinstance(one, DraftChanged)]) == 1
    assert len(practice.editions.listed) == 1


async def test_two_who_approve_at_once_are_both_counted_or_told() -> None:
    practice = Practice()
    draft = await practice.write()
    await practice.drafts.test(PRACTICE, FORM)
    names = ("Ines", "Ana", "Ines", "Eva")
    for name in names:
        await practice.drafts.approve(PRACTICE, FORM, by=name, digest=draft.digest, hand=STAFF)
    found = await practice.drafts.read(PRACTICE, FORM)
    assert [one.by for one in found.approvals] == ["Ines", "Ana", "Eva"]
    assert not await practice.editions.save(draft, draft.tested())


class Killed(Exception):
    """The process is gone at this very point."""


class MortalEditions(EditionTwin):
    """Dies before or after one of its writes."""

    def __init__(self, practices: Any, dies_at: int, *, after: bool) -> None:
        super().__init__(practices)
        self.writes, self._dies_at, self._after = 0, dies_at, after

    async def keep(self, practice: str, digest: str, content: str) -> None:
        await self._through(lambda: super(MortalEditions, self).keep(practice, digest, content))

    async def publish(self, edition: Edition, *, instead_of: Edition | None) -> bool:
        return bool(await self._through(lambda: super(MortalEditions, self).publish(edition, instead_of=instead_of)))

    async def drop(self, draft: Draft) -> bool:
        return bool(await self._through(lambda: super(MortalEditions, self).drop(draft)))

    async def _through(self, write: Callable[[], Awaitable[Any]]) -> Any:
        self.writes += 1
        if self.writes == self._dies_at and not self._after:
            raise Killed
        result = await write()
        if self.writes == self._dies_at:
            raise Killed
        return result


async def published(practice: Practice, editions: EditionTwin) -> None:
    casework = practice.casework
    casework.editions = editions
    practice.drafts = Drafts(casework, seeds=lambda: 1, clients=20)
    await practice.write()
    await practice.drafts.test(PRACTICE, FORM)
    try:
        await practice.drafts.publish(PRACTICE, FORM, hand=STAFF)
    except Killed:
        await practice.drafts.finish_all()
        if not editions.listed:
            await practice.drafts.publish(PRACTICE, FORM, hand=STAFF)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("dies_at", [1, 2, 3])
async def test_killed_anywhere_it_is_published_once_or_not_at_all(dies_at: int, after: bool) -> None:
    practice = Practice()
    editions = MortalEditions(practice.casework.practices, dies_at, after=after)
    await published(practice, editions)
    assert [one.release for one in editions.listed] == ["1.0.0"]
    assert editions.drafts == {}
    noted = await practice.casework.auditing.newest(PRACTICE, record=None, before=None, limit=50)
    assert [_named(one.fact) for one in noted if one.fact.deed is Deed.PUBLISH] == [
        (Deed.PUBLISH, "cst-core@2026.1.0+1.0.0", "Ines")
    ]


async def test_who_drafts_approves_and_throws_away_is_noted_with_the_versions_of_the_draft() -> None:
    practice = Practice()
    draft = await practice.drafts.write(PRACTICE, FORM, table(), version=None, hand=STAFF)
    await practice.drafts.test(PRACTICE, FORM)
    await practice.drafts.approve(PRACTICE, FORM, by="Ines", digest=draft.digest, hand=STAFF)
    await practice.drafts.discard(PRACTICE, FORM, hand=STAFF)
    noted = await practice.casework.auditing.newest(PRACTICE, record=FORM, before=None, limit=50)
    told = [(one.fact.deed, one.fact.hand.name, one.fact.old, one.fact.new) for one in reversed(noted)]
    assert told == [
        (Deed.SETTINGS, STAFF.name, "0", "1"),
        (Deed.SETTINGS, "Ines", "2", "3"),
        (Deed.SETTINGS, STAFF.name, "3", None),
    ]


def _named(fact: Fact) -> tuple[Deed, str, str]:
    return fact.deed, fact.record, fact.hand.who


async def test_a_case_stays_what_it_was_and_is_explained_and_replayed_by_what_judged_it() -> None:
    practice = Practice()
    await practice.publish()
    await practice.answer(twin.CLEAR | {"p_migraine": "yes"})
    await practice.publish(overlay(sources={"OWN": "Something else"}, release="1.0.1"))

    opened = await Reviews(practice.casework).open(APPOINTMENT, STAFF)
    assert opened.form is not None
    assert opened.form.ruleset.id == "cst-core@2026.1.0+1.0.0"
    assert opened.form.ruleset.sources["OWN"] == "Our own experience"
    assert opened.case.submission is not None
    assert opened.case.submission.pins == practice.casework.forms.pins(opened.form)
    (replayed,) = await replay(opened.case, practice.casework.forms, practice.casework.vault)
    assert (replayed.trouble, replayed.ruleset) == (None, "cst-core@2026.1.0+1.0.0")


async def test_a_replay_says_when_something_else_is_installed_under_the_same_name() -> None:
    practice = Practice()
    case = await practice.answer(twin.REVIEWED)
    assert case.submission is not None
    assert case.submission.pins is not None
    (replayed,) = await replay(case, other_rules(practice.casework), practice.casework.vault)
    assert replayed.trouble == "the rule set of that id is another one now"


def other_rules(casework: Casework) -> Forms:
    known = casework.catalogue.rulesets["cst-core@2026.1.0"]
    altered = replace(known, ruleset=replace(known.ruleset, digest="0" * 64))
    return Forms(replace(casework.catalogue, rulesets={"cst-core@2026.1.0": altered}), casework.editions)


async def test_a_profile_that_comes_later_takes_nothing_of_what_was_published() -> None:
    practice = Practice()
    edition = await practice.publish()
    await practice.screening.keep_practice(twin.profile(version=9, locale="es"))
    kept = await practice.casework.profile(PRACTICE)
    assert (kept.locale, dict(kept.own)) == ("es", {FORM: edition})


async def test_versions_are_compared_field_by_field_and_case_by_case() -> None:
    practice = Practice()
    await practice.write()
    found = await practice.drafts.compare(PRACTICE, FORM, FORM, "draft")
    assert [(one.what, one.id, one.how, one.fields) for one in found.differences] == [
        ("question", "p_migraine", "added", ()),
        ("group", "own", "added", ()),
        ("rule", "P01", "added", ()),
        ("rule", "R03", "changed", ("when",)),
    ]
    changed = {one.name: one for one in found.cases}
    assert {"P01-fires-own-0", "R03-fires-own-2"} <= changed.keys()
    migraine = changed["P01-fires-own-0"]
    assert migraine.before is not None
    assert migraine.after is not None
    assert (migraine.before.outcome, migraine.after.outcome) == ("cleared", "needs_review")
    assert migraine.after.codes == ("OWN_MIGRAINE",)
    with pytest.raises(Refusal, match="not versions of one form"):
        await practice.drafts.compare(PRACTICE, FORM, "cst-intake", "draft")
