"""What a check comes to, in words for whoever has to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    GOOD = "good"
    LOOK = "look"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """`to_do` is empty where all is good. `LOOK` works, and is not as it should stay."""

    area: str
    verdict: Verdict
    told: str
    to_do: str = ""


def good(area: str, told: str) -> Finding:
    return Finding(area, Verdict.GOOD, told)


def look(area: str, told: str, to_do: str) -> Finding:
    return Finding(area, Verdict.LOOK, told, to_do)


def bad(area: str, told: str, to_do: str) -> Finding:
    return Finding(area, Verdict.BAD, told, to_do)
