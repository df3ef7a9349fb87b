"""A rule set as data: what each rule looks for, what it leads to, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from services.screening.domain.conditions import Age, Condition, DaysSince, Each


class Effect(StrEnum):
    """What a fired rule does to the outcome; `cleared` belongs to the one rule that fires when no other spoke."""

    NOTE = "note"
    CLEARED = "cleared"
    NEEDS_REVIEW = "needs_review"
    DECLINED = "declined"


class Clearance(StrEnum):
    """Whether approving after review takes a recorded clearance by a health professional."""

    NO = "no"
    YES = "yes"
    ON_LISTED_QUESTIONS = "on_listed_questions"


@dataclass(frozen=True, slots=True)
class Otherwise:
    """Holds when no other rule declined or asked for a review."""


When = Condition | Each | Otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`code` holds a `*` where a rule on `Each` names its subject. Explanations are by locale, for staff only.

    `approve_for` are the days for which an approval counts if nobody says otherwise, and at most, where this rule
    fired: shorter than those of any approval, because what it looks for changes (specification, section 6f).
    """

    id: str
    when: When
    effect: Effect
    code: str
    messages: tuple[str, ...]
    sources: tuple[str, ...]
    evidence: tuple[str, ...]
    explanation: Mapping[str, str]
    urgent: bool = False
    clearance: Clearance = Clearance.NO
    time_limited: bool = False
    lock: bool = False
    approve_for: tuple[int, int] | None = None
    # Worked out once, because each is asked for in every case in which the rule fires.
    reads: tuple[str, ...] = field(init=False, repr=False, compare=False)
    reads_age: bool = field(init=False, repr=False, compare=False)
    window: DaysSince | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """`reads` are the questions it names, and `window` the days within which an event counts, if it has one."""
        parts = tuple(self.conditions())
        named = (getattr(part, "question", None) for part in parts)
        windows = (part for part in parts if isinstance(part, DaysSince))
        object.__setattr__(self, "reads", tuple(dict.fromkeys(name for name in named if name is not None)))
        object.__setattr__(self, "reads_age", any(isinstance(part, Age) for part in parts))
        object.__setattr__(self, "window", next(windows, None))

    def conditions(self) -> Iterator[Condition]:
        """Every condition it is made of; none for rules that look at all questions at once."""
        if not isinstance(self.when, Each | Otherwise):
            yield from self.when.parts()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruleset:
    """Rules for one questionnaire, in the order of their ids; the result does not depend on the order.

    `forces_rescreen`: what was cleared by an earlier set counts no longer.
    """

    name: str
    version: str
    questionnaire: str
    rules: tuple[Rule, ...]
    clearance_questions: frozenset[str]
    sources: Mapping[str, str]
    digest: str
    forces_rescreen: bool = False

    @property
    def id(self) -> str:
        return f"{self.name}@{self.version}"
