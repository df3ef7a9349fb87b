"""A practice's own set from its first draft to the day it counts; nothing is published that was not proven stricter."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from services.screening import overlays
from services.screening.actions.cases import reachable
from services.screening.actions.casework import Casework
from services.screening.actions.politely import politely
from services.screening.actions.versions import Version, Versions
from services.screening.domain.audit import Deed, Hand, Role
from services.screening.domain.comparison import Comparison, next_release
from services.screening.domain.draft import (
    Draft,
    DraftChanged,
    DraftInvalid,
    DraftUnknown,
    Edition,
    NotStricter,
    check_step,
)
from services.screening.overlays import Made, OverlayTable
from services.screening.ports import Profile
from services.screening.proving import CLIENTS, MOST_TOLD, proof

BATCH: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What a draft came to: `troubles` keep it from being published; `release` is the version it may have."""

    draft: Draft
    troubles: tuple[str, ...]
    comparison: Comparison
    release: str


class Drafts:
    """`seeds` gives chance to the proof, another one each time; `clients` are how many it makes up."""

    def __init__(self, casework: Casework, *, seeds: Callable[[], int], clients: int = CLIENTS) -> None:
        self._casework, self._editions = casework, casework.editions
        self._seeds, self._clients = seeds, clients
        self._one = asyncio.Semaphore(1)  # several proofs at once would leave no time in between
        self.versions = Versions(casework)

    async def published(self, practice: str) -> Sequence[Edition]:
        return await self._editions.published(practice)

    async def of(self, practice: str) -> Sequence[Draft]:
        """One for each form at most."""
        profile = await self._casework.profile(practice)
        found = [await self._open(profile, form) for form in self._casework.catalogue.newest]
        return [draft for draft in found if draft is not None]

    async def compare(self, practice: str, form: str, before: str, after: str) -> Comparison:
        """Each as `Versions.find` finds it. Raises what that raises, and `VersionsUnlike`."""
        profile = await self._casework.profile(practice)
        was, now = [await self.versions.find(profile, form, name) for name in (before, after)]
        return await self.versions.compare(was, now)

    async def read(self, practice: str, form: str) -> Draft:
        """Raises `DraftUnknown`."""
        draft = await self._open(await self._casework.profile(practice), form)
        if draft is None:
            raise DraftUnknown("there is no draft of this form")
        return draft

    async def write(self, practice: str, form: str, table: OverlayTable, *, version: int | None, hand: Hand) -> Draft:
        """All of it anew; `version` is the one that was read. Raises `DraftInvalid`, `FormUnknown`, `DraftChanged`."""
        profile = await self._casework.profile(practice)
        self._casework.catalogue.form(form)
        content, digest = overlays.written(table)
        made = self.versions.made(table, digest)
        if made.base.questionnaire.name != form:
            raise DraftInvalid("the draft does not fit its base", troubles=[f"the base is not a version of {form}"])
        before = await self._open(profile, form) or Draft(practice=practice, form=form)
        after = before.written(content, digest, table.release)
        if version in (None, before.version):  # noted before it is kept, or a killed process leaves no trace of it
            await self._note(before, after, hand)
        return await self._save(before, after, version)

    async def discard(self, practice: str, form: str, *, hand: Hand) -> None:
        """Raises `DraftUnknown` and `DraftChanged`."""
        draft = await self.read(practice, form)
        await self._note(draft, None, hand)
        if not await self._editions.drop(draft):
            raise _changed()

    async def test(self, practice: str, form: str) -> Tried:
        """The whole proof; a draft that stands it may be approved and published from then on."""
        profile = await self._casework.profile(practice)
        draft = await self.read(practice, form)
        made = self.versions.drafted(draft)
        troubles = await self._proven(made)
        comparison, release = await self._compared(profile, draft, made)
        if not troubles:
            draft = await self._save(draft, draft.tested(), None)
        return Tried(draft=draft, troubles=tuple(troubles), comparison=comparison, release=release)

    async def approve(self, practice: str, form: str, *, by: str, digest: str, hand: Hand) -> Draft:
        """Of exactly the content that was read. Raises `NotInTest` and `DraftChanged`."""
        draft = await self.read(practice, form)
        if draft.digest != digest:
            raise _changed()
        after = draft.approved(by, self._casework.now())
        await self._note(draft, after, replace(hand, name=by))
        return await self._save(draft, after, None)

    async def publish(self, practice: str, form: str, *, hand: Hand) -> Edition:
        """Proven once more, and counting from then on. Raises `EmergencyNumberMissing`, `NotInTest`, as `check_step`.

        Content first, then what counts and what that forces, in one write; killed in between, nothing has happened.
        """
        profile = reachable(await self._casework.profile(practice))
        draft = await self.read(practice, form)
        draft.check_tested()
        made = self.versions.drafted(draft)
        if troubles := await self._proven(made):
            raise NotStricter("the draft could be softer than the library's set", troubles=troubles)
        comparison, right = await self._compared(profile, draft, made)
        check_step(draft, step=comparison.step, right=right, notes=made.overlay.notes, cases=comparison.cases)
        edition = self._edition(draft, made, hand)
        await self._editions.keep(practice, draft.digest, draft.content)
        if not await self._editions.publish(edition, instead_of=profile.own.get(form)):
            raise _changed()
        await self._finish(draft, edition, profile.own.get(form))
        return edition

    async def finish_all(self) -> None:
        """What a killed process published and did not put away."""
        after = ""
        while drafts := await self._editions.in_test(after=after, limit=BATCH):
            for draft in drafts:
                await self._open(await self._casework.profile(draft.practice), draft.form)
            after = f"{drafts[-1].practice}/{drafts[-1].form}"

    async def _open(self, profile: Profile, form: str) -> Draft | None:
        """None also of one that is published by now."""
        draft = await self._editions.draft(profile.practice, form)
        own = profile.own.get(form)
        if draft is None or own is None or draft.digest != own.digest:
            return draft
        await self._finish(draft, own, None)
        return None

    async def _finish(self, draft: Draft, edition: Edition, before: Edition | None) -> None:
        """The same again changes nothing: it is noted once, and what was drafted since stays."""
        noting = self._casework.auditing
        published = noting.fact(
            Deed.PUBLISH,
            practice=edition.practice,
            record=edition.ruleset,
            hand=Hand(role=Role.STAFF, who=edition.by),
            once=f"{edition.practice}:{edition.ruleset}",
            old=before.release if before else None,
            new=edition.release,
        )
        await noting.note(published)
        await self._editions.drop(draft)

    async def _note(self, before: Draft, after: Draft | None, hand: Hand) -> None:
        """What was drafted or approved, by the versions of the draft; None of one that was thrown away."""
        noting = self._casework.auditing
        noted = noting.fact(
            Deed.SETTINGS,
            practice=before.practice,
            record=before.form,
            hand=hand,
            old=str(before.version),
            new=None if after is None else str(after.version),
        )
        await noting.note(noted)

    async def _save(self, before: Draft, after: Draft, version: int | None) -> Draft:
        if version is not None and before.version != version:
            raise _changed()
        if after is not before and not await self._editions.save(before, after):
            raise _changed()
        return after

    async def _proven(self, made: Made) -> list[str]:
        chance = Random(self._seeds())  # noqa: S311  # made-up clients, no secret
        async with self._one:
            steps = proof(made, self._casework.catalogue, chance.randrange, clients=self._clients)
            return await politely(steps, most=MOST_TOLD)

    async def _compared(self, profile: Profile, draft: Draft, made: Made) -> tuple[Comparison, str]:
        """With what the practice has now, and the version that has to follow from it."""
        own = profile.own.get(draft.form)
        before = Version.of(await self._casework.forms.made(own)) if own else self.versions.of_library(made.base)
        comparison = await self.versions.compare(before, Version.of(made))
        return comparison, next_release(own.release if own else None, comparison.step)

    def _edition(self, draft: Draft, made: Made, hand: Hand) -> Edition:
        return Edition(
            practice=draft.practice,
            form=draft.form,
            questionnaire=made.form.questionnaire.id,
            ruleset=made.form.ruleset.id,
            release=draft.release,
            digest=draft.digest,
            at=self._casework.now(),
            by=hand.name or hand.who,
            approved_by=tuple(one.by for one in draft.approvals),
            forces_rescreen=made.overlay.forces_rescreen,
        )


def _changed() -> DraftChanged:
    return DraftChanged("the draft was changed after it was read, or another one was published")
