"""When a question is shown, in FHIR's words.

`enableWhen` is a flat list under one `all` or `any`, and knows no ages. What it can say is said with it. For the rest
the Structured Data Capture extension holds the whole condition as a FHIRPath expression, which others can follow, and
one of our own the condition itself, which comes back unchanged. Software that knows neither asks a question too many.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pydantic_core import from_json

from services.screening.domain.answers import OPEN, AnswerType
from services.screening.domain.conditions import Age, All, AnyOf, Band, Condition, Is, IsNot, Ticked
from services.screening.domain.questionnaire import DOB, Question
from services.screening.fhir import names
from services.screening.fhir.names import Json
from services.screening.tables import ConditionTable, described

Known = Mapping[str, Question]


def fields(condition: Condition, form: str, known: Known) -> Json:
    """What an item says of it, extensions apart."""
    flat = _flat(condition, form, known)
    if flat is None:
        return {}
    tests, behavior = flat
    return {"enableWhen": list(tests)} | ({"enableBehavior": behavior} if len(tests) > 1 else {})


def extensions(condition: Condition, form: str, known: Known) -> Iterator[Json]:
    said = fields(condition, form, known)
    if said and read(said["enableWhen"], said.get("enableBehavior"), known) == condition:
        return
    if not said:
        expression = {"language": names.FHIRPATH, "expression": path(condition)}
        yield names.extension(names.EXPRESSION, valueExpression=expression)
    whole = described(condition).model_dump_json(by_alias=True, exclude_none=True)
    yield names.extension(names.SHOWN_WHEN, valueString=whole)


def whole(text: str) -> Condition:
    """What `extensions` wrote. Raises ValueError."""
    return ConditionTable.model_validate(from_json(text)).condition()


def read(tests: Sequence[Json], behavior: str | None, known: Known) -> Condition:
    """Of tests that `=` or `!=`. Answers of one question that any of is enough are one condition. Raises KeyError."""
    leaves = [_leaf(test, known[test["question"]]) for test in tests]
    alike = {leaf.question for leaf in leaves}
    if behavior == "any" and len(alike) == 1 and all(isinstance(leaf, Is) for leaf in leaves):
        values = frozenset[str | bool]().union(*(leaf.values for leaf in leaves if isinstance(leaf, Is)))
        return Is(leaves[0].question, values)
    if len(leaves) == 1:
        return leaves[0]
    return AnyOf(tuple(leaves)) if behavior == "any" else All(tuple(leaves))


def path(condition: Condition) -> str:
    """As FHIRPath over the response. Whoever was born on 29 February is a day older here than by our own count."""
    match condition:
        case All(of=parts):
            return " and ".join(f"({path(part)})" for part in parts)
        case AnyOf(of=parts):
            return " or ".join(f"({path(part)})" for part in parts)
        case Age(band=band):
            return " and ".join(_ages(band))
        case Is(question=name, values=values):
            return " or ".join(f"{_given(name, value)}.exists()" for value in _sorted(values))
        case IsNot(question=name, value=value):
            return f"{_given(name, value)}.empty()"
        case Ticked(question=name, value=value):
            return f"{_given(name, value)}.exists()"
        case _:
            raise ValueError("a question cannot be shown by such a condition")


def _ages(band: Band) -> Iterator[str]:
    born = _answer(DOB)
    if band.low is not None:
        yield f"({born} + {band.low} years <= today())"
    if band.high is not None:
        yield f"({born} + {band.high} years > today())"


def _answer(question: str) -> str:
    return f"%resource.repeat(item).where(linkId='{question}').answer.value"


def _given(question: str, value: str | bool) -> str:
    if isinstance(value, bool):
        return f"{_answer(question)}.where($this = {str(value).lower()})"
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"{_answer(question)}.where(code = '{escaped}')"


def _flat(condition: Condition, form: str, known: Known) -> tuple[Sequence[Json], str] | None:
    match condition:
        case Is(question=name, values=values):
            return [_test(known[name], "=", value, form) for value in _sorted(values)], "any"
        case Ticked(question=name, value=value):
            return [_test(known[name], "=", value, form)], "any"
        case IsNot(question=name, value=value):
            return [_test(known[name], "!=", value, form)], "any"
        case All(of=parts) | AnyOf(of=parts):
            behavior = "all" if isinstance(condition, All) else "any"
            flat = [_flat(part, form, known) for part in parts if not isinstance(part, All | AnyOf)]
            sayable = [one for one in flat if one is not None and (behavior == "any" or len(one[0]) == 1)]
            return ([test for tests, _ in sayable for test in tests], behavior) if len(sayable) == len(parts) else None
        case _:
            return None


def _test(question: Question, operator: str, value: str | bool, form: str) -> Json:
    test = {"question": question.id, "operator": operator}
    if isinstance(value, bool):
        return test | {"answerBoolean": value}
    labelled = question.type is AnswerType.TRI or (question.type is AnswerType.CHOICE and value in OPEN)
    system = names.LABELS if labelled else names.options_of(form, question.id)
    return test | {"answerCoding": names.code(value, system=system)}


def _leaf(test: Json, question: Question) -> Is | IsNot | Ticked:
    value: str | bool = test["answerBoolean"] if "answerBoolean" in test else test["answerCoding"]["code"]
    if isinstance(value, bool) and question.type is AnswerType.TRI:
        value = "yes" if value else "no"
    if test["operator"] == "!=":
        return IsNot(question.id, value)
    if question.type is AnswerType.MULTI:
        return Ticked(question.id, str(value))
    return Is(question.id, frozenset({value}))


def _sorted(values: frozenset[str | bool]) -> list[str | bool]:
    return sorted(values, key=str)
