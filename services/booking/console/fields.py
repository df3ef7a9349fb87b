"""The fields of a form in which an owner changes the practice: what was typed into them, read and looked at."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

Values = Mapping[str, Any]
Choices = Mapping[str, Sequence[tuple[str, str]]]
"""By field: what can be chosen, and how it is told."""
Speak = Callable[..., str]
DIGITS: Final = re.compile(r"\d{1,9}", re.ASCII)


class Kind(StrEnum):
    """How a field is shown."""

    LINE = "line"
    PROSE = "prose"
    NUMBER = "number"
    CHOICE = "choice"
    TICK = "tick"
    TICKS = "ticks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """`least` and `most` are of a number, or `most` of the characters; an apart one is shown by its page itself."""

    name: str
    kind: Kind = Kind.LINE
    least: int = 0
    most: int = 200
    step: int = 1
    is_needed: bool = False
    is_apart: bool = False
    type: str = "text"
    complete: str = "off"

    @property
    def attributes(self) -> Mapping[str, object]:
        common: dict[str, object] = {"autocomplete": self.complete, "required": self.is_needed or None}
        if self.kind is Kind.NUMBER:
            return common | {"type": "number", "min": self.least, "max": self.most, "step": self.step}
        return common | {"maxlength": self.most, "type": self.type}


@dataclass(frozen=True, slots=True)
class Group:
    """Fields under one heading; without a name they stand first and open."""

    name: str
    fields: tuple[Field, ...]

    def holds(self, problems: Collection[str]) -> bool:
        return any(field.name in problems for field in self.fields)


def every(groups: Sequence[Group]) -> Iterator[Field]:
    for group in groups:
        yield from group.fields


def number(name: str, least: int, most: int, *, step: int = 1, is_needed: bool = True) -> Field:
    return Field(name=name, kind=Kind.NUMBER, least=least, most=most, step=step, is_needed=is_needed)


def read(groups: Sequence[Group], choices: Choices, form: Mapping[str, str]) -> tuple[dict[str, Any], set[str]]:
    """The values of all fields, and which of them nobody could have meant; the practice's rules come later."""
    values: dict[str, Any] = {}
    wrong: set[str] = set()
    for field in every(groups):
        try:
            values[field.name] = _value(field, choices.get(field.name, ()), form)
        except ValueError:
            wrong.add(field.name)
    return values, wrong


def _value(field: Field, choices: Sequence[tuple[str, str]], form: Mapping[str, str]) -> Any:
    """Raises `ValueError`."""
    typed = form.get(field.name, "")
    match field.kind:
        case Kind.TICK:
            return field.name in form
        case Kind.TICKS:
            return tuple(value for value, _ in choices if f"{field.name}.{value}" in form)
        case Kind.CHOICE:
            if typed not in {value for value, _ in choices}:
                raise ValueError
            return typed
        case Kind.NUMBER:
            return _whole(field, typed.strip())
        case Kind.LINE:
            return _text(field, " ".join(typed.split()))
        case Kind.PROSE:
            return _text(field, typed.replace("\r\n", "\n").strip())


def _whole(field: Field, typed: str) -> int | None:
    if not typed and not field.is_needed:
        return None
    if not DIGITS.fullmatch(typed) or not field.least <= int(typed) <= field.most or int(typed) % field.step:
        raise ValueError
    return int(typed)


def _text(field: Field, text: str) -> str:
    if len(text) > field.most or (field.is_needed and not text) or not text.replace("\n", "").isprintable():
        raise ValueError
    return text


def lines(text: str) -> tuple[str, ...]:
    """What stands in a field in which each line is one thing."""
    return tuple(line.strip() for line in text.split("\n") if line.strip())


def typed(groups: Sequence[Group], values: Mapping[str, Any]) -> dict[str, str]:
    """The form in which these values stand."""
    form: dict[str, str] = {}
    for field in every(groups):
        value = values[field.name]
        if field.kind is Kind.TICKS:
            form |= {f"{field.name}.{one}": "yes" for one in value}
        elif field.kind is Kind.TICK:
            form |= {field.name: "yes"} if value else {}
        elif field.kind is Kind.PROSE and not isinstance(value, str):
            form[field.name] = "\n".join(value)
        else:
            form[field.name] = "" if value is None else str(value)
    return form


def label(part: str, field: str, speak: Speak) -> str:
    return speak(f"{part}:{field}")


def hint(part: str, field: str, speak: Speak) -> str:
    """Empty where the label says it all."""
    key = f"{part}:{field}:hint"
    return "" if (told := speak(key)) == key else told


def why(part: str, field: Field, speak: Speak) -> str:
    """What is wrong with a field, in words that say what would be right."""
    key = f"wrong:{part}:{field.name}"
    if (told := speak(key)) != key:
        return told
    name = label(part, field.name, speak)
    if field.kind is Kind.NUMBER:
        given = {"name": name, "least": field.least, "most": field.most}
        return speak("wrong:step", step=field.step, **given) if field.step > 1 else speak("wrong:number", **given)
    if field.kind in {Kind.LINE, Kind.PROSE}:
        return speak("wrong:text", name=name, most=field.most)
    return speak("wrong:choice", name=name)
