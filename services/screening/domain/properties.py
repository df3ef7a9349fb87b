"""What must hold of a changed set for every form that anybody could hand in, tried on made-up answers (section 6h)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final, TypeVar

from services.screening.domain.answers import SKIP, UNSURE, AnswerType, FuzzyDate
from services.screening.domain.assessment import UNDETERMINED, Assessment, assess
from services.screening.domain.catalogue import Form
from services.screening.domain.examples import quiet
from services.screening.domain.generated import ROLE, Edges, Pick, Temper, edges, random_answers, random_prior_yes
from services.screening.domain.questionnaire import DOB, Question
from services.screening.domain.ruleset import Effect
from services.screening.domain.sheet import NONE, Sheet
from services.screening.domain.strictness import SEVERITY

T = TypeVar("T")
ALWAYS: Final = frozenset({DOB, ROLE})
OPENLY: Final = (AnswerType.TRI, AnswerType.CHOICE, AnswerType.FUZZY_DATE, AnswerType.INT)
NAMELESS: Final = UNDETERMINED.rstrip("*")  # is said only while no rule says more
FIRST_DAY: Final = date(2024, 1, 1)
DAYS: Final = 3_600
LIFE: Final = 36_500


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Somebody made up, on one day. `form` is the changed set, `focus` the questions that it is about."""

    form: Form
    as_of: date
    answers: Mapping[str, Any]
    prior_yes: frozenset[str] = NONE
    focus: frozenset[str] = NONE

    @property
    def sheet(self) -> Sheet:
        asked = self.form.questionnaire
        return asked.sheet(asked.read(self.answers), as_of=self.as_of, prior_yes=self.prior_yes)

    def judged(self) -> Assessment:
        return assess(self.form.ruleset, self.sheet)

    @property
    def severity(self) -> int:
        return SEVERITY[self.judged().outcome]

    def but(self, **answers: Any) -> Client:
        return replace(self, answers={**self.answers, **answers})

    def without(self, names: frozenset[str]) -> Client:
        return replace(self, answers={name: value for name, value in self.answers.items() if name not in names})


Property = Callable[[Client, Pick], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What made-up clients are made for: the edges of both sets, and the questions that the change is about."""

    base: Form
    changed: Form
    near: Edges
    focus: frozenset[str]

    @classmethod
    def of(cls, base: Form, changed: Form) -> Trial:
        known = {question.id for question in base.questionnaire.questions}
        rules = {rule.id: rule for rule in base.ruleset.rules}
        own = frozenset(question.id for question in changed.questionnaire.questions) - known
        read = (name for rule in changed.ruleset.rules if rules.get(rule.id) != rule for name in rule.reads)
        return cls(base=base, changed=changed, near=edges(base, changed), focus=own | frozenset(read) - ALWAYS)


def speaks_against(trial: Trial, pick: Pick, turn: int) -> Iterator[str]:
    """What one made-up client shows: that the changed set is softer than its base, or that a property does not hold.

    `turn` says which property is tried; each client is judged by both sets. Every other one has nothing of note to
    say but to what the change is about, so that nothing else hides what it does.
    """
    base, changed = trial.base, trial.changed
    temper = _one(tuple(Temper), pick)
    as_of = FIRST_DAY + timedelta(days=pick(DAYS))
    answers = random_answers(changed.questionnaire, pick, as_of=as_of, near=trial.near, temper=temper)
    prior_yes = NONE if temper is Temper.CAREFUL else random_prior_yes(base.questionnaire, pick)
    client = Client(form=changed, as_of=as_of, answers=answers, prior_yes=prior_yes, focus=trial.focus)
    if trial.focus and pick(2):
        client = _quiet_but_for(client, pick)
    if trouble := softer(base, client):
        yield trouble
    if trouble := PROPERTIES[turn % len(PROPERTIES)](_honest(client, pick), pick):
        yield trouble


def softer(base: Form, client: Client) -> str | None:
    """The same person by the base, which does not know what is asked beyond it."""
    known = {question.id for question in base.questionnaire.questions}
    as_before = replace(client.without(frozenset(client.answers.keys() - known)), form=base)
    was, now = as_before.judged(), client.judged()
    if SEVERITY[now.outcome] < SEVERITY[was.outcome]:
        return f"somebody who was {was.outcome} is {now.outcome}"
    if was.urgent and not now.urgent:
        return "somebody who was told to get help is not"
    if was.clearance_required and not now.clearance_required:
        return "somebody who needed a clearance does not"
    gone = {code for code in was.reason_codes if not code.startswith(NAMELESS)} - set(now.reason_codes)
    if gone:
        return f"a reason is not given any longer: {min(gone)}"
    if was.retry_after is None and now.retry_after is not None and was.outcome is Effect.DECLINED:
        return "somebody may try again who could not"
    return None


def open_is_never_cleared(client: Client, pick: Pick) -> str | None:
    shown = client.sheet.shown
    named = [q for q in client.form.questionnaire.questions if q.id in shown and not q.essential and _takes_unsure(q)]
    question = _one(named, pick)
    opened: object = [UNSURE] if question.type is AnswerType.MULTI else _one((UNSURE, SKIP), pick)
    if client.but(**{question.id: opened}).severity == 0:
        return f"whoever is unsure of {question.id}, or withholds it, can be cleared"
    return None


def a_yes_is_never_milder_than_a_no(client: Client, pick: Pick) -> str | None:
    noes = sorted(name for name, value in client.answers.items() if value == "no")
    if not noes:
        return None
    about = [name for name in noes if name in client.focus]
    name = _one(about if about and pick(2) else noes, pick)
    before = replace(client, prior_yes=client.prior_yes - {name})
    answer = _one(("yes", UNSURE, SKIP), pick)
    after = _with_follow_ups(before, before.but(**{name: answer}), pick)
    if after.severity < before.severity:
        return f"answering {name} with {answer} instead of no softens the outcome"
    return None


def a_recent_event_is_never_milder(client: Client, pick: Pick) -> str | None:
    dated = _exact(client)
    name = _some_event(dated, pick)
    if name is None:
        return None
    day = date.fromisoformat(dated.answers[name]["value"])
    ago = (dated.as_of - day).days
    if ago < 1 or day < date.fromisoformat(dated.answers[DOB]):
        return None
    closer = day + timedelta(days=1 + pick(min(ago, _one((3, 60, 200, LIFE), pick))))
    if dated.but(**{name: _written(closer)}).severity < dated.severity:
        return f"moving {name} closer to today softens the outcome"
    return None


def order_does_not_matter(client: Client, _: Pick) -> str | None:
    rules = replace(client.form.ruleset, rules=client.form.ruleset.rules[::-1])
    answers = dict(reversed(list(client.answers.items())))
    other = replace(client, form=replace(client.form, ruleset=rules), answers=answers)
    return None if other.judged() == client.judged() else "the order of rules or answers changes the result"


def a_missing_answer_is_never_cleared(client: Client, pick: Pick) -> str | None:
    shown = client.sheet.shown
    asked = [q.id for q in client.form.questionnaire.questions if q.required and not q.essential and q.id in shown]
    name = _one(asked, pick)
    if client.without(frozenset({name})).severity == 0:
        return f"whoever leaves out {name} can be cleared"
    return None


def knowing_less_is_never_milder(client: Client, pick: Pick) -> str | None:
    dated = _exact(client)
    name = _some_event(dated, pick)
    if name is None or dated.sheet.is_before_birth(name):
        return None
    day = date.fromisoformat(dated.answers[name]["value"])
    exact, month, year = (dated.but(**{name: _written(day, kind)}).severity for kind in ("date", "month", "year"))
    return None if exact <= month <= year else f"knowing {name} less exactly softens the outcome"


PROPERTIES: Final[Sequence[Property]] = (
    open_is_never_cleared,
    a_yes_is_never_milder_than_a_no,
    a_recent_event_is_never_milder,
    order_does_not_matter,
    a_missing_answer_is_never_cleared,
    knowing_less_is_never_milder,
)


def _honest(client: Client, _: Pick) -> Client:
    """Without answers to what is not asked: a truth that lifts a contradiction may be milder than it."""
    return client.without(frozenset(client.sheet.orphans))


def _quiet_but_for(client: Client, pick: Pick) -> Client:
    """An adult for themselves, mostly; yes to half of what the change is about, with whatever follows from it."""
    answers = dict(client.answers)
    if pick(4):
        answers |= {DOB: f"{client.as_of.year - 40}-06-15", ROLE: "self"}
    for question in client.form.questionnaire.questions:
        if question.id in client.focus:
            if question.type is AnswerType.TRI and pick(2):
                answers[question.id] = "yes"
        elif question.id not in ALWAYS:
            answers.pop(question.id, None)
            if (said := quiet(question)) is not None:
                answers[question.id] = said
    quieter = replace(client, answers=answers, prior_yes=NONE)
    for name in sorted(client.focus & quieter.sheet.missing):
        question = next(one for one in client.form.questionnaire.questions if one.id == name)
        quieter = quieter.but(**{name: _some_answer(question, quieter, pick)})
    return quieter.without(frozenset(quieter.sheet.orphans))


def _exact(client: Client) -> Client:
    """Who knows every date to the day: the first possible one in their life."""
    values = client.form.questionnaire.read(client.answers)
    born = date.fromisoformat(client.answers[DOB])
    dates = {name: value.first for name, value in values.items() if isinstance(value, FuzzyDate)}
    return client.but(**{name: _written(min(max(day, born), client.as_of)) for name, day in dates.items()})


def _some_event(client: Client, pick: Pick) -> str | None:
    names = sorted(name for name, value in client.answers.items() if isinstance(value, dict))
    return _one(names, pick) if names else None


def _with_follow_ups(before: Client, after: Client, pick: Pick) -> Client:
    """What is asked because of the change is answered somehow, what is no longer asked is left out."""
    questions = {question.id: question for question in after.form.questionnaire.questions}
    was, now = before.sheet, after.sheet
    after = after.without(frozenset(now.orphans - was.orphans))
    for name in sorted(now.missing - was.missing):
        after = after.but(**{name: _some_answer(questions[name], after, pick)})
    return after


def _some_answer(question: Question, client: Client, pick: Pick) -> Any:
    match question.type:
        case AnswerType.TRI:
            return _one(("yes", "no", UNSURE, SKIP), pick)
        case AnswerType.CHOICE:
            return _one((*sorted(question.limits.values), UNSURE, SKIP), pick)
        case AnswerType.FUZZY_DATE:
            life = (client.as_of - date.fromisoformat(client.answers[DOB])).days
            ago = pick(1 + min(life, _one((50, 400, LIFE), pick)))
            return _written(client.as_of - timedelta(days=ago), _one(("date", "month", "year"), pick))
        case AnswerType.INT:
            least, most = question.limits.least or 0, question.limits.most or 1000
            return least + pick(most - least + 1)
        case AnswerType.MULTI:
            return [_one(sorted(question.limits.values), pick)]
        case AnswerType.BOOL:
            return True
        case AnswerType.DATE:
            return client.as_of.isoformat()
        case AnswerType.TEXT:
            return ""


def _takes_unsure(question: Question) -> bool:
    return question.type in OPENLY or (question.type is AnswerType.MULTI and UNSURE in question.limits.values)


def _written(day: date, kind: str = "date") -> dict[str, str]:
    return {"kind": kind, "value": day.isoformat()[: {"date": 10, "month": 7, "year": 4}[kind]]}


def _one(things: Sequence[T], pick: Pick) -> T:
    return things[pick(len(things))]
