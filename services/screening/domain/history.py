"""What outlasts one health check of a client: what was answered yes for a lifetime, and when they were declined."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import ClassVar, Final

from services.screening.domain.catalogue import Form
from services.screening.domain.conditions import Each, Trait
from shared.errors import Kind, Refusal

REPEAT_WITHIN: Final = timedelta(hours=24)
# Of so many health checks that said yes to one question the latest are named; any of them is enough.
MOST_NAMED: Final = 10


class NothingToCorrect(Refusal):
    """No earlier form of this client said yes to these questions; whoever corrects names something else."""

    slug: ClassVar[str] = "nothing-to-correct"
    kind: ClassVar[Kind] = Kind.CONFLICT


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A yes up to `at` was wrong, and by whose word; one that is given later counts again."""

    question: str
    note: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Lasting:
    """The private part. `yes` names for each lifetime question the cases in which to look, the latest last.

    It only says where to look: it is written before the case, and a case that was never completed says nothing.
    """

    yes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    corrections: tuple[Correction, ...] = ()

    def with_yes(self, questions: Iterable[str], appointment: str) -> Lasting:
        return self.joined(Lasting(yes=dict.fromkeys(questions, (appointment,))))

    def joined(self, other: Lasting) -> Lasting:
        """Itself if the other says nothing new."""
        said = {question: _latest(self.yes.get(question, ()), named) for question, named in other.yes.items()}
        new = tuple(one for one in other.corrections if one not in self.corrections)
        both = replace(self, yes={**self.yes, **said}, corrections=(*self.corrections, *new))
        return self if both == self else both

    def corrected(self, corrections: tuple[Correction, ...]) -> Lasting:
        """Raises `NothingToCorrect`."""
        unknown = sorted({one.question for one in corrections} - self.yes.keys())
        if unknown:
            raise NothingToCorrect("no earlier form said yes to this", questions=unknown)
        return self.joined(Lasting(corrections=corrections))

    def without(self, appointment: str) -> Lasting:
        """What a case that was forgotten said; a correction of nothing that is left goes with it."""
        left = {question: tuple(one for one in named if one != appointment) for question, named in self.yes.items()}
        yes = {question: named for question, named in left.items() if named}
        corrections = tuple(one for one in self.corrections if one.question in yes)
        return self if yes == self.yes else Lasting(yes=yes, corrections=corrections)

    def counts(self, question: str, said_at: datetime) -> bool:
        """Whether a yes of that moment was not corrected since."""
        return all(one.at < said_at for one in self.corrections if one.question == question)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declined:
    """The rules declined what was handed in for this appointment."""

    appointment: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Of one client of a practice, under one of their references; there is none of somebody who was never ill.

    `sealed` holds what is `Lasting`. One that was merged keeps only `into`, one that was erased only when that was.
    """

    practice: str
    ref: str
    version: int = 0
    sealed: bytes | None = None
    declines: tuple[Declined, ...] = ()
    into: str | None = None
    erased_at: datetime | None = None

    @property
    def is_empty(self) -> bool:
        return self.sealed is None and not self.declines

    def knowing(self, sealed: bytes | None, *declines: Declined) -> History:
        """With another private part, and declined once more; declines that no repeat can follow any longer go."""
        known = {one.appointment: one for one in (*self.declines, *declines)}
        latest = max((one.at for one in known.values()), default=None)
        kept = tuple(one for one in known.values() if latest is None or latest - one.at < REPEAT_WITHIN)
        after = replace(self, sealed=sealed, declines=kept, erased_at=None)
        return self if after == self else replace(after, version=self.version + 1)

    def without(self, appointment: str) -> History:
        kept = tuple(one for one in self.declines if one.appointment != appointment)
        return self if kept == self.declines else replace(self, declines=kept, version=self.version + 1)

    def declined_before(self, appointment: str, at: datetime) -> list[Declined]:
        """On other appointments, less than a day before."""
        return [
            one
            for one in self.declines
            if one.appointment != appointment and timedelta() <= at - one.at < REPEAT_WITHIN
        ]

    def merged(self, into: str) -> History:
        left = replace(self, sealed=None, declines=(), into=into, erased_at=None)
        return self if left == self else replace(left, version=self.version + 1)

    def forgotten(self, at: datetime) -> History:
        """Always another version, so that whoever read it before writes nothing on top."""
        return History(practice=self.practice, ref=self.ref, version=self.version + 1, erased_at=at)


def lifetime(form: Form) -> frozenset[str]:
    """The questions of which a yes does not go away, as the rule on denying one names them."""
    asked = frozenset(question.id for question in form.questionnaire.questions)
    denying = (rule.when for rule in form.ruleset.rules if isinstance(rule.when, Each))
    among = [asked if each.among is None else each.among for each in denying if each.trait is Trait.DENIED_NOW]
    return asked.intersection(frozenset().union(*among))


def answered(form: Form, answers: Mapping[str, object], word: str) -> frozenset[str]:
    """The lifetime questions that were answered so."""
    return frozenset(question for question in lifetime(form) if answers.get(question) == word)


def _latest(known: tuple[str, ...], named: tuple[str, ...]) -> tuple[str, ...]:
    new = tuple(one for one in named if one not in known)
    return (*known, *new)[-MOST_NAMED:]
