"""A practice's own set as JSON or TOML: its shape, how it is written, and the form that it makes of its base."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from typing import Annotated, Any, Final

from pydantic import Field, JsonValue

from services.screening import soundness
from services.screening.domain.catalogue import Catalogue, Form
from services.screening.domain.examples import Example, Examples, own_rules, untested, wrong
from services.screening.domain.overlay import Change, Overlay, OverlayBroken, applied
from services.screening.domain.questionnaire import Group
from services.screening.domain.ruleset import Effect
from services.screening.tables import (
    ApproveForTable,
    BandTable,
    ByLocale,
    GroupTable,
    QuestionTable,
    RuleTable,
    Table,
    Version,
)

MOST: Final = 100
Exact = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,39}@[0-9]+\.[0-9]+\.[0-9]+$")]
Id = Annotated[str, Field(max_length=64)]


class ChangeTable(Table):
    """Of a rule of the base: a graver outcome, wider bounds, urgent, with a clearance; what is left out stays."""

    rule: Id
    outcome: Id | None = None
    urgent: bool = False
    clearance: bool = False
    time_limited: bool | None = None
    days: BandTable | None = None
    age: BandTable | None = None
    number: BandTable | None = None
    ticked_count: BandTable | None = None
    approve_for: ApproveForTable | None = None

    def change(self) -> Change:
        bands = {"days": self.days, "age": self.age, "number": self.number, "ticked_count": self.ticked_count}
        return Change(
            rule=self.rule,
            effect=None if self.outcome is None else Effect(self.outcome),
            urgent=self.urgent,
            clearance=self.clearance,
            time_limited=self.time_limited,
            bands={kind: band.band() for kind, band in bands.items() if band is not None},
            approve_for=(self.approve_for.default, self.approve_for.most) if self.approve_for else None,
        )


class CaseTable(Table):
    """A case of a rule: a quiet form of the library, with other answers; `days` date events so long before."""

    rule: Id
    fires: bool
    base: Id = "adult"
    set: dict[str, JsonValue] = Field({}, max_length=MOST)
    unset: list[Id] = Field([], max_length=MOST)
    days: dict[str, Annotated[int, Field(ge=-100_000, le=100_000)]] = Field({}, max_length=MOST)
    prior_yes: list[Id] = Field([], max_length=MOST)

    def example(self, name: str, beside: Examples) -> Example:
        """Raises ValueError."""
        if self.base not in beside.bases:
            raise ValueError(f"{name} starts from an unknown form: {self.base}")
        answers: dict[str, object] = {**beside.bases[self.base], **self.set}
        for question in self.unset:
            answers.pop(question, None)
        for question, days in self.days.items():
            answers[question] = {"kind": "date", "value": (beside.as_of - timedelta(days=days)).isoformat()}
        return Example(
            name=name,
            rule=self.rule,
            fires=self.fires,
            answers=answers,
            as_of=beside.as_of,
            prior_yes=frozenset(self.prior_yes),
        )


class OverlayTable(Table):
    """`base` and `ruleset` are exact versions of the library; `release` is the practice's own version.

    Questions begin with p_, rules with P and codes with OWN_, so that no version of the library can ever have the same.
    """

    base: Exact
    ruleset: Exact
    release: Version
    notes: Annotated[str, Field(max_length=20_000)] = ""
    forces_rescreen: bool = False
    group: list[GroupTable] = Field([], max_length=MOST)
    question: list[QuestionTable] = Field([], max_length=MOST)
    rule: list[RuleTable] = Field([], max_length=MOST)
    change: list[ChangeTable] = Field([], max_length=MOST)
    clearance_questions: list[Id] = Field([], max_length=MOST)
    sources: ByLocale = Field({}, max_length=MOST)
    case: list[CaseTable] = Field([], max_length=1_000)

    def overlay(self, beside: Examples) -> Overlay:
        """Raises `OverlayBroken`."""
        try:
            return Overlay(
                base=self.base,
                ruleset=self.ruleset,
                release=self.release,
                notes=self.notes,
                forces_rescreen=self.forces_rescreen,
                groups=tuple(Group(id=group.id, title=group.title) for group in self.group),
                questions=tuple(question.question() for question in self.question),
                rules=tuple(rule.rule() for rule in self.rule),
                changes=tuple(change.change() for change in self.change),
                clearance_questions=frozenset(self.clearance_questions),
                sources=self.sources,
                examples=tuple(self._examples(beside)),
            )
        except ValueError as error:
            raise OverlayBroken((str(error),)) from error

    def _examples(self, beside: Examples) -> Iterator[Example]:
        for number, case in enumerate(self.case):
            yield case.example(f"{case.rule}-{'fires' if case.fires else 'rests'}-own-{number}", beside)


@dataclass(frozen=True, slots=True)
class Made:
    """An overlay with its base, the form that it makes, and the cases beside the base."""

    overlay: Overlay
    base: Form
    form: Form
    beside: Examples

    @property
    def examples(self) -> tuple[Example, ...]:
        return (*self.beside.cases, *self.overlay.examples)

    def holes(self, locales: Mapping[str, object]) -> tuple[str, ...]:
        """What would keep the library from starting with such a set."""
        form = self.form
        return tuple(chain(soundness.of_questionnaire(form.questionnaire, locales), soundness.of_rules(form, locales)))

    def case_troubles(self) -> Iterator[str | None]:
        """Cases of its own that come to something else than they say, and cases that are missing; None as it goes on.

        A case of the base counts for a changed rule as far as it still says what the rule does.
        """
        touched = self.overlay.touched | own_rules(self.form, self.base).keys()
        right: list[Example] = []
        for one in self.examples:
            amiss = list(wrong(self.form, [one])) if one.rule in touched or one in self.overlay.examples else []
            if not amiss and one.rule in touched:
                right.append(one)
            yield from amiss if one in self.overlay.examples else [None]
        yield from untested(self.form, touched, right)


def written(table: OverlayTable) -> tuple[str, str]:
    """The canonical JSON, and its SHA-256 in hexadecimal."""
    raw: dict[str, Any] = table.model_dump(mode="json", by_alias=True, exclude_unset=True)
    content = json.dumps(raw, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return content, hashlib.sha256(content.encode()).hexdigest()


def read(content: str) -> OverlayTable:
    """What `written` wrote."""
    return OverlayTable.model_validate_json(content)


def made(table: OverlayTable, digest: str, catalogue: Catalogue) -> Made:
    """Raises `OverlayBroken`."""
    base = catalogue.rulesets.get(table.ruleset)
    if base is None or base.questionnaire.id != table.base:
        raise OverlayBroken((f"the library has no {table.base} with {table.ruleset}",))
    beside = catalogue.examples[table.ruleset]
    overlay = table.overlay(beside)
    return Made(overlay, base, applied(base, overlay, digest), beside)
