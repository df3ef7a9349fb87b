"""The shapes of the TOML files of a form, its rules and its texts, and how they become values of the domain."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.screening.domain import conditions as c
from services.screening.domain.answers import AnswerType, Limits
from services.screening.domain.conditions import Band, Condition, Each, Trait
from services.screening.domain.questionnaire import Group, Option, Question, Questionnaire
from services.screening.domain.ruleset import Clearance, Effect, Otherwise, Rule, Ruleset, When
from services.screening.domain.wording import Reader, Texts

Version = Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,39}$")]
ByLocale = dict[str, str]
Mark = Literal["CORE", "C", "2", "1", "PD", "U", "split"]


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


class BandTable(Table):
    """Half-open: from this number on, and below that one."""

    from_: int | None = Field(None, alias="from")
    below: int | None = None

    def band(self) -> Band:
        return Band(self.from_, self.below)


class ConditionTable(Table):
    """Exactly one of `all`, `any`, `age`, `each`, `otherwise`, or a `question` with exactly one test of its answer."""

    all: list[ConditionTable] | None = None
    any: list[ConditionTable] | None = None
    age: BandTable | None = None
    question: str | None = None
    is_: str | bool | list[str] | None = Field(None, alias="is")
    is_not: str | bool | None = None
    ticked: str | None = None
    ticked_count: BandTable | None = None
    days: BandTable | None = None
    number: BandTable | None = None
    written_unless: list[str] | None = None
    each: str | None = None
    among: list[str] | None = None
    but: list[str] | None = None
    otherwise: Literal[True] | None = None

    @model_validator(mode="after")
    def _is_one_thing(self) -> ConditionTable:
        kinds = _KINDS & self.model_fields_set
        tests = self.model_fields_set - _KINDS
        match sorted(kinds):
            case ["question"]:
                fits = len(tests) == 1 and tests <= _TESTS
            case ["each"]:
                fits = tests <= {"among", "but"}
            case [_]:
                fits = not tests
            case _:
                fits = False
        if not fits:
            raise ValueError("a condition is one of all, any, age, each, otherwise, or a question with one test")
        return self

    def condition(self) -> Condition:
        """Of everything but `each` and `otherwise`, which only a rule as a whole can be."""
        if self.all is not None:
            return c.All(tuple(part.condition() for part in self.all))
        if self.any is not None:
            return c.AnyOf(tuple(part.condition() for part in self.any))
        if self.age is not None:
            return c.Age(self.age.band())
        if self.question is None:
            raise ValueError("each and otherwise cannot be part of another condition")
        return self._test(self.question)

    def _test(self, question: str) -> Condition:
        if self.is_ is not None:
            return c.Is(question, frozenset(self.is_ if isinstance(self.is_, list) else [self.is_]))
        if self.is_not is not None:
            return c.IsNot(question, self.is_not)
        if self.ticked is not None:
            return c.Ticked(question, self.ticked)
        if self.ticked_count is not None:
            return c.TickedCount(question, self.ticked_count.band())
        if self.days is not None:
            return c.DaysSince(question, self.days.band())
        if self.number is not None:
            return c.Number(question, self.number.band())
        return c.Written(question, frozenset(self.written_unless or ()))

    def when(self) -> When:
        if self.otherwise:
            return Otherwise()
        if self.each is None:
            return self.condition()
        among = None if self.among is None else frozenset(self.among)
        return Each(Trait(self.each), among, frozenset(self.but or ()))


def described(condition: Condition) -> ConditionTable:
    """The table of a condition, for whoever shows a form and hides its questions."""
    match condition:
        case c.All(of=parts):
            return ConditionTable(all=[described(part) for part in parts])
        case c.AnyOf(of=parts):
            return ConditionTable(any=[described(part) for part in parts])
        case c.Age(band=band):
            return ConditionTable(age=_edges(band))
        case c.Is(question=question, values=values):
            return ConditionTable(question=question, is_=_one_or_all(values))
        case c.IsNot(question=question, value=value):
            return ConditionTable(question=question, is_not=value)
        case c.Ticked(question=question, value=value):
            return ConditionTable(question=question, ticked=value)
        case _:
            raise ValueError("a question cannot be shown by such a condition")


def _edges(band: Band) -> BandTable:
    return BandTable(from_=band.low, below=band.high)


def _one_or_all(values: frozenset[str | bool]) -> str | bool | list[str]:
    texts = sorted(value for value in values if isinstance(value, str))
    return next(iter(values)) if len(values) == 1 else texts


class OptionTable(Table):
    value: str
    text: ByLocale
    urgent: bool = False


class GroupTable(Table):
    id: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    title: ByLocale


class QuestionTable(Table):
    id: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    group: str
    type: str
    text: ByLocale
    options: list[OptionTable] = []
    shown_when: ConditionTable | None = None
    required: bool = True
    essential: bool = False
    least: int | None = None
    most: int | None = None
    longest: int | None = None

    def question(self) -> Question:
        values = frozenset(option.value for option in self.options)
        return Question(
            id=self.id,
            group=self.group,
            type=AnswerType(self.type),
            text=self.text,
            options=tuple(Option(value=o.value, text=o.text, urgent=o.urgent) for o in self.options),
            shown_when=self.shown_when.condition() if self.shown_when else None,
            required=self.required,
            essential=self.essential,
            limits=Limits(values=values, least=self.least, most=self.most, longest=self.longest),
        )


class QuestionnaireTable(Table):
    name: Name
    version: Version
    title: ByLocale
    labels: dict[Literal["yes", "no", "unsure", "skip"], ByLocale]
    group: list[GroupTable]
    question: list[QuestionTable]

    def questionnaire(self, digest: str) -> Questionnaire:
        return Questionnaire(
            name=self.name,
            version=self.version,
            title=self.title,
            labels={str(label): texts for label, texts in self.labels.items()},
            groups=tuple(Group(id=group.id, title=group.title) for group in self.group),
            questions=tuple(question.question() for question in self.question),
            digest=digest,
        )


class ApproveForTable(Table):
    """Days for which an approval counts."""

    default: int = Field(ge=1)
    most: int = Field(ge=1)


class RuleTable(Table):
    id: str = Field(pattern=r"^[A-Z][0-9]{2,3}$")
    when: ConditionTable
    outcome: str
    code: str = Field(pattern=r"^[A-Z][A-Z0-9_:]*[*]?$")
    messages: list[str] = []
    sources: list[str] = Field(min_length=1)
    evidence: list[Mark] = Field(min_length=1)
    explanation: ByLocale
    urgent: bool = False
    clearance: str = "no"
    time_limited: bool = False
    lock: bool = False
    approve_for: ApproveForTable | None = None

    def rule(self) -> Rule:
        return Rule(
            id=self.id,
            when=self.when.when(),
            effect=Effect(self.outcome),
            code=self.code,
            messages=tuple(self.messages),
            sources=tuple(self.sources),
            evidence=tuple(self.evidence),
            explanation=self.explanation,
            urgent=self.urgent,
            clearance=Clearance(self.clearance),
            time_limited=self.time_limited,
            lock=self.lock,
            approve_for=(self.approve_for.default, self.approve_for.most) if self.approve_for else None,
        )


class RulesetTable(Table):
    name: Name
    version: Version
    questionnaire: str
    clearance_questions: list[str] = []
    forces_rescreen: bool = False
    sources: dict[str, str]
    rule: list[RuleTable]

    def ruleset(self, digest: str) -> Ruleset:
        return Ruleset(
            name=self.name,
            version=self.version,
            questionnaire=self.questionnaire,
            rules=tuple(sorted((rule.rule() for rule in self.rule), key=lambda rule: rule.id)),
            clearance_questions=frozenset(self.clearance_questions),
            sources=self.sources,
            digest=digest,
            forces_rescreen=self.forces_rescreen,
        )


class LocaleTable(Table):
    day: str
    moment: str
    months: list[str] = Field(min_length=12, max_length=12)
    self_: dict[str, str] = Field(alias="self")
    guardian: dict[str, str]

    def texts(self, locale: str) -> Texts:
        by_reader = {Reader.SELF: self.self_, Reader.GUARDIAN: self.guardian}
        return Texts(locale=locale, texts=by_reader, day=self.day, moment=self.moment, months=tuple(self.months))


class MessagesTable(Table):
    name: Name
    version: Version
    locale: dict[str, LocaleTable]


_KINDS = frozenset({"all", "any", "age", "question", "each", "otherwise"})
_TESTS = frozenset({"is_", "is_not", "ticked", "ticked_count", "days", "number", "written_unless"})
