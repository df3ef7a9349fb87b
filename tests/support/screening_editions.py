"""Twins of what is kept of drafts and editions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from services.screening.domain.draft import Draft, Edition, Stage
from services.screening.ports import Profile


class KeepsProfiles(Protocol):
    kept: dict[str, Profile]


class EditionTwin:
    """`forced` and `listed` lie beside the profiles, as in the document of a practice."""

    def __init__(self, practices: KeepsProfiles) -> None:
        self.practices = practices
        self.drafts: dict[str, Draft] = {}
        self.contents: dict[tuple[str, str], str] = {}
        self.listed: list[Edition] = []
        self.forced: list[Edition] = []

    async def draft(self, practice: str, form: str) -> Draft | None:
        return self.drafts.get(f"{practice}/{form}")

    async def save(self, before: Draft, after: Draft) -> bool:
        name = f"{after.practice}/{after.form}"
        if not _same(self.drafts.get(name), before):
            return False
        self.drafts[name] = after
        return True

    async def drop(self, draft: Draft) -> bool:
        name = f"{draft.practice}/{draft.form}"
        if name not in self.drafts or not _same(self.drafts[name], draft):
            return False
        del self.drafts[name]
        return True

    async def in_test(self, *, after: str, limit: int) -> Sequence[Draft]:
        names = sorted(name for name, one in self.drafts.items() if one.stage is Stage.IN_TEST and name > after)
        return [self.drafts[name] for name in names[:limit]]

    async def keep(self, practice: str, digest: str, content: str) -> None:
        self.contents.setdefault((practice, digest), content)

    async def content(self, practice: str, digest: str) -> str | None:
        return self.contents.get((practice, digest))

    async def publish(self, edition: Edition, *, instead_of: Edition | None) -> bool:
        profile = self.practices.kept.get(edition.practice)
        if profile is None or profile.own.get(edition.form) != instead_of:
            return False
        self.practices.kept[edition.practice] = replace(profile, own={**profile.own, edition.form: edition})
        self.listed.append(edition)
        if edition.forces_rescreen:
            self.forced.append(edition)
        return True

    async def published(self, practice: str) -> Sequence[Edition]:
        return [one for one in self.listed if one.practice == practice]


class RescreenTwin:
    def __init__(self, editions: EditionTwin) -> None:
        self._editions = editions
        self.releases: dict[str, datetime | None] = {}

    async def forced(self, *, limit: int) -> Sequence[Edition]:
        return self._editions.forced[:limit]

    async def done(self, edition: Edition) -> None:
        forced = self._editions.forced
        forced[:] = [one for one in forced if (one.practice, one.digest) != (edition.practice, edition.digest)]

    async def release(self, ruleset: str, *, at: datetime) -> datetime | None:
        return self.releases.setdefault(ruleset, at)

    async def release_done(self, ruleset: str) -> None:
        self.releases[ruleset] = None

    async def practices(self, *, after: str, limit: int) -> Sequence[Profile]:
        kept = self._editions.practices.kept
        return [kept[name] for name in sorted(kept) if name > after][:limit]


def _same(kept: Draft | None, read: Draft) -> bool:
    return (kept.version, kept.digest) == (read.version, read.digest) if kept else read.version == 0
