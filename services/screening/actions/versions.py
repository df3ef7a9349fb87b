"""Every version of a form that a practice can name, with the cases it is tried on, and what differs between two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from services.screening import overlays
from services.screening.actions.casework import Casework
from services.screening.actions.politely import politely
from services.screening.domain.catalogue import Form
from services.screening.domain.comparison import Comparison, case_changes, compare
from services.screening.domain.draft import Draft, DraftInvalid, DraftUnknown, Edition
from services.screening.domain.examples import Example
from services.screening.domain.overlay import OverlayBroken
from services.screening.overlays import Made, OverlayTable
from services.screening.ports import Profile
from shared.errors import Kind, Refusal

DRAFT: Final = "draft"


class VersionsUnlike(Refusal):
    """Two forms of different names are not versions of each other."""

    slug: ClassVar[str] = "versions-unlike"
    kind: ClassVar[Kind] = Kind.INVALID


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """`base_cases` are the library's, `own_cases` come with it."""

    form: Form
    base_cases: tuple[Example, ...]
    own_cases: tuple[Example, ...] = ()

    @classmethod
    def of(cls, made: Made) -> Version:
        return cls(form=made.form, base_cases=made.beside.cases, own_cases=made.overlay.examples)


class Versions:
    def __init__(self, casework: Casework) -> None:
        self._catalogue, self._editions, self._forms = casework.catalogue, casework.editions, casework.forms

    async def find(self, profile: Profile, form: str, name: str) -> Version:
        """`draft`, an exact id, or the bare name for what counts now. Raises `DraftUnknown` and `FormUnknown`."""
        if name == DRAFT:
            draft = await self._editions.draft(profile.practice, form)
            if draft is None:
                raise DraftUnknown("there is no draft of this form")
            return Version.of(self.drafted(draft))
        own = await self._own(profile, name)
        if own is not None:
            return Version.of(await self._forms.made(own))
        found = self._catalogue.rulesets.get(name) or self._catalogue.form(name)
        return self.of_library(found)

    def of_library(self, form: Form) -> Version:
        return Version(form=form, base_cases=self._catalogue.examples[form.ruleset.id].cases)

    def drafted(self, draft: Draft) -> Made:
        """Raises `DraftInvalid`."""
        return self.made(overlays.read(draft.content), draft.digest)

    def made(self, table: OverlayTable, digest: str) -> Made:
        """Raises `DraftInvalid`."""
        try:
            made = overlays.made(table, digest, self._catalogue)
        except OverlayBroken as broken:
            raise DraftInvalid("the draft does not fit its base", troubles=list(broken.troubles)) from broken
        if holes := made.holes(self._catalogue.texts):
            raise DraftInvalid("the draft has a hole", troubles=list(holes))
        return made

    async def compare(self, before: Version, after: Version) -> Comparison:
        """On the cases of both; those that only the earlier one brings are marked with its version."""
        if before.form.questionnaire.name != after.form.questionnaire.name:
            raise VersionsUnlike("these are not versions of one form")
        return compare(
            before.form, after.form, await politely(case_changes(before.form, after.form, cases_of(before, after)))
        )

    async def _own(self, profile: Profile, name: str) -> Edition | None:
        """The one that counts for a bare name, or any that ever was for an exact one."""
        if name in profile.own:
            return profile.own[name]
        published = await self._editions.published(profile.practice)
        return next((one for one in published if name in (one.questionnaire, one.ruleset)), None)


def cases_of(before: Version, after: Version) -> Iterator[Example]:
    """Of both; those that only the earlier one brings are marked with its version."""
    yield from after.base_cases
    yield from after.own_cases
    kept = {(one.rule, one.fires, str(one.answers)) for one in (*after.base_cases, *after.own_cases)}
    for one in (*before.base_cases, *before.own_cases):
        if (one.rule, one.fires, str(one.answers)) not in kept:
            yield replace(one, name=f"{one.name}@{before.form.questionnaire.version}")
