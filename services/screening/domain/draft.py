"""A practice's own set on its way: drafted, tried, approved, and published for good."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final

from services.screening.domain.comparison import CaseChange, Step
from shared.errors import Kind, Refusal

NEEDED: Final = 2  # who have to agree before anything may become softer than it was


class DraftUnknown(Refusal):
    """Nobody is drafting a set of this form."""

    slug: ClassVar[str] = "draft-unknown"
    kind: ClassVar[Kind] = Kind.NOT_FOUND


class DraftChanged(Refusal):
    """Somebody else changed the draft after it was read, or published in the meantime."""

    slug: ClassVar[str] = "draft-changed"
    kind: ClassVar[Kind] = Kind.CONFLICT


class DraftInvalid(Refusal):
    """The draft does not fit its base, or has a hole; `troubles` names all that is wrong."""

    slug: ClassVar[str] = "draft-invalid"
    kind: ClassVar[Kind] = Kind.INVALID


class NotStricter(Refusal):
    """The draft could be softer than the library's set; `troubles` says where."""

    slug: ClassVar[str] = "not-stricter"
    kind: ClassVar[Kind] = Kind.INVALID


class NotInTest(Refusal):
    """Only a draft that stood its test can be approved or published."""

    slug: ClassVar[str] = "not-in-test"
    kind: ClassVar[Kind] = Kind.CONFLICT


class WrongRelease(Refusal):
    """The version does not say how far the draft goes; `release` is the one that does."""

    slug: ClassVar[str] = "wrong-release"
    kind: ClassVar[Kind] = Kind.INVALID


class ApprovalsMissing(Refusal):
    """Something becomes softer than the practice had it, and two people have not agreed to exactly this."""

    slug: ClassVar[str] = "approvals-missing"
    kind: ClassVar[Kind] = Kind.CONFLICT


class NotesIncomplete(Refusal):
    """Something becomes softer, and the notes do not name every test case that comes to something else."""

    slug: ClassVar[str] = "release-notes-incomplete"
    kind: ClassVar[Kind] = Kind.INVALID


class Stage(StrEnum):
    """Of a draft; once published it is an edition, and retired when another one is."""

    DRAFT = "draft"
    IN_TEST = "in_test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """`form` is the bare name; `content` the overlay as canonical JSON, of which `digest` is the SHA-256.

    Approvals are of exactly this content. `version` counts every change, for whoever changes it at the same time.
    """

    practice: str
    form: str
    version: int = 0
    stage: Stage = Stage.DRAFT
    content: str = ""
    digest: str = ""
    release: str = ""
    approvals: tuple[Approval, ...] = ()

    def written(self, content: str, digest: str, release: str) -> Draft:
        """Itself if nothing changes; otherwise to be tried and approved anew."""
        if digest == self.digest:
            return self
        fresh = Draft(practice=self.practice, form=self.form, version=self.version + 1)
        return replace(fresh, content=content, digest=digest, release=release)

    def tested(self) -> Draft:
        return self if self.stage is Stage.IN_TEST else replace(self, stage=Stage.IN_TEST, version=self.version + 1)

    def approved(self, by: str, at: datetime) -> Draft:
        """Somebody who agreed already has agreed. Raises `NotInTest`."""
        self.check_tested()
        if _name(by) in {_name(one.by) for one in self.approvals}:
            return self
        return replace(self, approvals=(*self.approvals, Approval(by=by, at=at)), version=self.version + 1)

    def check_tested(self) -> None:
        if self.stage is not Stage.IN_TEST:
            raise NotInTest("the draft has not stood its test")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """What was published, for good. `questionnaire` and `ruleset` are the ids under which cases name it."""

    practice: str
    form: str
    questionnaire: str
    ruleset: str
    release: str
    digest: str
    at: datetime
    by: str
    approved_by: tuple[str, ...] = ()
    forces_rescreen: bool = False


def check_step(draft: Draft, *, step: Step, right: str, notes: str, cases: Iterable[CaseChange]) -> None:
    """Raises `WrongRelease`, and of what may be softer than before `ApprovalsMissing` and `NotesIncomplete`."""
    if draft.release != right:
        raise WrongRelease(f"this is a {step} step: the version has to be {right}", release=right, step=step.value)
    if step is not Step.MAJOR:
        return
    missing = unnamed(notes, cases)
    if missing:
        raise NotesIncomplete("the notes do not name every case that changes", cases=missing)
    if len({_name(one.by) for one in draft.approvals}) < NEEDED:
        raise ApprovalsMissing(f"{NEEDED} people have to approve what is softer than before", needed=NEEDED)


def unnamed(notes: str, cases: Iterable[CaseChange]) -> Sequence[str]:
    """Whole words only: R5-rests-1 is not named by R5-rests-12."""
    words = {word.strip(".,:;()") for word in notes.split()}
    return [case.name for case in cases if case.name not in words]


def _name(by: str) -> str:
    return " ".join(by.split()).casefold()
