"""The one base of every refusal: a rule said no, and the caller is told which and why."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, ClassVar


class Kind(IntEnum):
    """What sort of no it is, valued by the HTTP status that tells it."""

    UNAUTHENTICATED = 401
    FORBIDDEN = 403
    NOT_FOUND = 404
    CONFLICT = 409
    INVALID = 422
    LIMITED = 429
    UNAVAILABLE = 503


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


class Unavailable(Refusal):
    """Something behind us is away for a moment."""

    slug, kind = "unavailable", Kind.UNAVAILABLE
