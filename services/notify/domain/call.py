"""A client who wants, or needs, to be called by the practice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class CallWhy(StrEnum):
    """The client asked for it, or texted something that should not wait until a person reads it."""

    ASKED = "asked"
    WORRIED = "worried"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """`id` is the SID of the text that began it, `texted_at` when the last such text came. One is open for a visit."""

    id: str
    practice: str
    appointment: str
    phone: str
    why: CallWhy
    since: datetime
    texted_at: datetime
    done_at: datetime | None = None
    done_by: str | None = None

    @property
    def is_open(self) -> bool:
        return self.done_at is None
