"""The one base of every refusal: a rule said no, and the caller is told which and why."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar


class Kind(StrEnum):
    """How a refusal is told at a door; `shared.httpkit` maps each to one HTTP status."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not-found"
    CONFLICT = "conflict"
    UNAVAILABLE = "unavailable"


class Refusal(Exception):
    """A rule of the product said no.

    `slug` is the stable `code` of the problem+json answer. The message names the offending value,
    never a person's: no name, number, answer or free text. `extra` are further stable members of the
    answer (for example `{"field": "services[0].length_minutes"}`).
    """

    slug: ClassVar[str]
    kind: ClassVar[Kind]

    def __init__(self, message: str, **extra: Any) -> None:
        super().__init__(message)
        self.extra = extra
