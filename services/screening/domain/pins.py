"""Exactly what judged a form: the digests behind the ids that a case names, and the time-zone data its day is of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """SHA-256 of the canonical content each; `zones` is the version of the time-zone data."""

    questionnaire: str
    ruleset: str
    messages: str
    zones: str
