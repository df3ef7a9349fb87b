"""Walking a chain of the audit from its first entry to its last, and telling where it is no longer what it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from services.screening.domain.audit import Head, digest

DIGITS: Final = 10
HEAD_COMES_WITHIN: Final = timedelta(minutes=5)


class Flaw(StrEnum):
    MISSING = "missing"
    CHANGED = "changed"
    MISPLACED = "misplaced"
    UNLINKED = "unlinked"
    CUT_OFF = "cut_off"
    REWRITTEN = "rewritten"
    NO_HEAD = "no_head"


SAYS: Final[Mapping[Flaw, str]] = {
    Flaw.MISSING: "there is no such entry, but there are later ones",
    Flaw.CHANGED: "the entry is not what its digest was made of",
    Flaw.MISPLACED: "the entry lies where another one belongs",
    Flaw.UNLINKED: "the entry does not follow from the one before it: one of the two is not the one that was written",
    Flaw.CUT_OFF: "the chain ended here or later once, and ends earlier now",
    Flaw.REWRITTEN: "the chain agrees with itself, but not with its head in the vault's database",
    Flaw.NO_HEAD: "the head of the chain is not in the vault's database",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a walk found: how many entries, the head as it is, and the first flaw with the number where it shows."""

    practice: str
    entries: int
    head: Head
    flaw: Flaw | None
    at: int | None


def place(practice: str, seq: int) -> str:
    """The id of an entry; ids of one practice sort as their numbers do."""
    return f"{practice}/{seq:0{DIGITS}}"


class Walk:
    """One chain, entry by entry in the order of their ids; `head` is what the vault's database says of it.

    Entries up to `base` were kept for long enough: they are gone, or about to go.
    """

    def __init__(self, practice: str, head: Head | None, base: Head | None = None) -> None:
        self.practice = practice
        self.entries = 0
        self._head = head
        self._last = self._base = base or Head()
        self._first_at: datetime | None = None
        self._flaw: Flaw | None = None
        self._at: int | None = None

    @property
    def last(self) -> Head:
        """How far the chain was found to be whole."""
        return self._last

    def step(self, found: Mapping[str, object]) -> None:
        """Take the next document; after the first flaw they are only counted."""
        ids = found.get("_id")
        if isinstance(ids, str) and self._base.seq and ids <= place(self.practice, self._base.seq):
            return
        self.entries += 1
        if self._flaw is not None:
            return
        seq = self._last.seq + 1
        written = found.get("digest")
        if flaw := self._flaw_of(found, seq):
            self._flaw, self._at = flaw, seq
            return
        at = found.get("at")
        if self._first_at is None and isinstance(at, datetime):
            self._first_at = at
        self._last = Head(seq=seq, digest=str(written))

    def done(self, now: datetime) -> Report:
        """A chain that began a moment ago may have no head yet."""
        flaw, at = self._flaw, self._at
        if flaw is None and self._head is None and not self._is_new(now):
            flaw, at = Flaw.NO_HEAD, self._last.seq
        if flaw is None and self._head is not None and self._head.seq > self._last.seq:
            flaw, at = Flaw.CUT_OFF, self._last.seq + 1
        return Report(practice=self.practice, entries=self.entries, head=self._last, flaw=flaw, at=at)

    def _flaw_of(self, found: Mapping[str, object], seq: int) -> Flaw | None:
        ids = found.get("_id")
        if ids != place(self.practice, seq):
            return Flaw.MISSING if _is_later(ids, self.practice, seq) else Flaw.MISPLACED
        if found.get("seq") != seq or found.get("practice") != self.practice:
            return Flaw.CHANGED if found.get("digest") != digest(found) else Flaw.MISPLACED
        if found.get("digest") != digest(found):
            return Flaw.CHANGED
        if found.get("prev") != self._last.digest:
            return Flaw.UNLINKED
        if self._head is not None and self._head.seq == seq and self._head.digest != found.get("digest"):
            return Flaw.REWRITTEN
        return None

    def _is_new(self, now: datetime) -> bool:
        return self._first_at is None or now - self._first_at < HEAD_COMES_WITHIN


def _is_later(found: object, practice: str, seq: int) -> bool:
    if not isinstance(found, str):
        return False
    number = found.removeprefix(f"{practice}/")
    return len(number) == DIGITS and number.isascii() and number.isdigit() and int(number) > seq
