"""The audit: who did what to which record, each entry bound to the one before it, and no answer in any of them."""

from __future__ import annotations

import hashlib
import ipaddress
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

# How much of a client's address says from where without saying who: a provider's neighbourhood.
COARSE: Final = {4: 24, 6: 48}
NOTHING_BEFORE: Final = "0" * 64


class Role(StrEnum):
    CLIENT = "client"
    STAFF = "staff"
    SERVICE = "service"


class Deed(StrEnum):
    """What was done; `view` is any reading of answers. What was decided is in the case, not here."""

    VIEW = "view"
    SUBMIT = "submit"
    DECIDE = "decide"
    APPROVE_REFUSED = "approve_refused"
    MORE_INFO = "more_info"
    APPEAL = "appeal"
    VOID = "void"
    ATTACH = "attach"
    CORRECT = "correct"
    EXPORT = "export"
    ERASE = "erase"
    KEY_DELETED = "key_deleted"
    HOLD = "hold"
    RELEASE = "release"
    RETENTION = "retention"
    SETTINGS = "settings"
    PUBLISH = "publish"


class Result(StrEnum):
    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """Whose hand it was: `who` names a key or what was heard, `name` the person as the practice named them.

    `where` is the network address; of a client only the network, because what names them has to be forgotten one day.
    """

    role: Role
    who: str
    where: str | None = None
    name: str | None = None


CLIENT: Final = Hand(role=Role.CLIENT, who="client")
BOOKING: Final = Hand(role=Role.SERVICE, who="booking")
RULES: Final = Hand(role=Role.SERVICE, who="rules")


def coarse(address: str) -> str | None:
    """The network of that address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return str(ipaddress.ip_network((found, COARSE[found.version]), strict=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What is to be noted, once for its `id` in its practice. `record` is an appointment, a client or a rule set.

    `old` and `new` are versions of the record, `at` counts in milliseconds.
    """

    id: str
    practice: str
    at: datetime
    deed: Deed
    record: str
    hand: Hand
    old: str | None = None
    new: str | None = None
    result: Result = Result.DONE

    def written(self) -> dict[str, str | datetime]:
        """What there is of it, flat, as it is stored."""
        fields: dict[str, str | datetime | None] = {
            "id": self.id,
            "practice": self.practice,
            "at": milliseconds(self.at),
            "deed": self.deed.value,
            "record": self.record,
            "role": self.hand.role.value,
            "who": self.hand.who,
            "where": self.hand.where,
            "name": self.hand.name,
            "old": self.old,
            "new": self.new,
            "result": self.result.value,
        }
        return {name: value for name, value in fields.items() if value is not None}

    @classmethod
    def read(cls, found: Mapping[str, str | datetime]) -> Fact:
        """The opposite of `written`; what else is there is left alone."""
        texts = {name: value for name, value in found.items() if isinstance(value, str)}
        at = found["at"]
        if not isinstance(at, datetime):
            raise TypeError("the time of an entry is none")
        return cls(
            id=texts["id"],
            practice=texts["practice"],
            at=at,
            deed=Deed(texts["deed"]),
            record=texts["record"],
            hand=Hand(role=Role(texts["role"]), who=texts["who"], where=texts.get("where"), name=texts.get("name")),
            old=texts.get("old"),
            new=texts.get("new"),
            result=Result(texts["result"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """How far a chain goes: its last number, and the digest of that entry."""

    seq: int = 0
    digest: str = NOTHING_BEFORE


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A fact in its place of the chain; `digest` is that of all the rest, `prev` that of the entry before."""

    seq: int
    prev: str
    digest: str
    fact: Fact

    @property
    def head(self) -> Head:
        return Head(seq=self.seq, digest=self.digest)

    def written(self) -> dict[str, object]:
        return {**self.fact.written(), "seq": self.seq, "prev": self.prev, "digest": self.digest}


def chained(head: Head, facts: Iterable[Fact]) -> Sequence[Entry]:
    """The entries that follow the head, in this order."""
    entries: list[Entry] = []
    for fact in facts:
        entry = Entry(seq=head.seq + 1, prev=head.digest, digest="", fact=replace(fact, at=milliseconds(fact.at)))
        entry = replace(entry, digest=digest(entry.written()))
        entries.append(entry)
        head = entry.head
    return entries


def once(facts: Iterable[Fact]) -> Sequence[Fact]:
    """The first of each id, in their order."""
    found: dict[str, Fact] = {}
    for fact in facts:
        found.setdefault(fact.id, fact)
    return list(found.values())


def digest(entry: Mapping[str, object]) -> str:
    """SHA-256 over the canonical JSON of all fields but the digest itself; in hexadecimal."""
    fields = {name: value for name, value in entry.items() if name not in ("_id", "digest")}
    canonical = json.dumps(fields, default=_text, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def milliseconds(at: datetime) -> datetime:
    """As the database keeps a time."""
    return at.astimezone(UTC).replace(microsecond=at.microsecond // 1000 * 1000)


def _text(value: object) -> str:
    return value.isoformat(timespec="milliseconds") if isinstance(value, datetime) else repr(value)
