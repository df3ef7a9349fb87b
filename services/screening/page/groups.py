"""The form one group at a time: at most six questions, in the form's own sections and order; and where a client is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from services.screening.domain.questionnaire import DOB
from services.screening.domain.sheet import completed_years
from services.screening.page.questions import Block, Section

MOST: Final = 6
PARTS: Final = ("year", "month", "day")
AT: Final = "at"
NEXT: Final = "next"
BACK: Final = "back"
STAY: Final = "stay"
TURNS: Final = frozenset({NEXT, BACK, STAY})


@dataclass(frozen=True, slots=True)
class Group:
    """`number` counts all groups from 1 and stays the same, whichever of them apply to somebody."""

    number: int
    title: str
    blocks: Sequence[Block]

    @property
    def questions(self) -> frozenset[str]:
        return frozenset[str]().union(*(block.questions for block in self.blocks))

    def applies(self, age: int | None) -> bool:
        return any(block.applies(age) for block in self.blocks)


def groups(sections: Sequence[Section]) -> Sequence[Group]:
    """A section of more than six is split into parts as even as can be; what follows a question stays with it."""
    parts = [(section.title, part) for section in sections for part in _parts(section.blocks)]
    return [Group(number, title, blocks) for number, (title, blocks) in enumerate(parts, start=1)]


def age_in(posted: Mapping[str, str], today: date) -> int | None:
    """Completed years by the date of birth as typed so far; None while it is no date that somebody can have."""
    try:
        born = date(*(int(posted.get(f"{DOB}.{part}", "").strip()[:4]) for part in PARTS))
    except ValueError:
        return None
    age = completed_years(born, today)
    return age if age >= 0 else None


@dataclass(frozen=True, slots=True)
class Walk:
    """Through the groups that apply to somebody of this age; all may apply while it is not known."""

    groups: Sequence[Group]
    age: int | None

    @property
    def numbers(self) -> list[int]:
        """Without the first group, which asks for the age, no form begins."""
        return [group.number for group in self.groups if group.number == 1 or group.applies(self.age)]

    def at(self, number: int) -> Group:
        """The group of that number, or the nearest before it that applies."""
        return self.groups[max((one for one in self.numbers if one <= number), default=1) - 1]

    def after(self, number: int) -> Group:
        return self.groups[min((one for one in self.numbers if one > number), default=self.numbers[-1]) - 1]

    def holding(self, questions: Mapping[str, object]) -> Group:
        """The first that asks one of these; the first of all if none does."""
        return next((group for group in self.groups if group.questions & questions.keys()), self.groups[0])

    def is_last(self, group: Group) -> bool:
        return group.number == self.numbers[-1]

    def carried(self, group: Group, posted: Mapping[str, str]) -> dict[str, str]:
        """Answers to the questions of the other groups, as they were posted."""
        others = frozenset[str]().union(*(one.questions for one in self.groups if one.number != group.number))
        return {name: value for name, value in posted.items() if value and name.partition(".")[0] in others}


def number_in(posted: Mapping[str, str], among: Sequence[Group]) -> int:
    """The group that was on the page that was sent."""
    text = posted.get(AT, "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < len("1000") else 1
    return min(max(number, 1), len(among))


def _parts(blocks: Sequence[Block]) -> Iterator[Sequence[Block]]:
    count = -(-len(blocks) // MOST)
    size, larger = divmod(len(blocks), count)
    start = 0
    for number in range(count):
        end = start + size + (number < larger)
        yield blocks[start:end]
        start = end
