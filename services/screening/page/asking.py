"""What the page of the form is shown with: its words, and the one group that it stands at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from services.screening.actions import Wanted
from services.screening.domain.questionnaire import Questionnaire
from services.screening.domain.wording import Reader
from services.screening.page.groups import Group, Walk, age_in, groups, number_in
from services.screening.page.questions import Section, sections
from services.screening.page.reception import Visitor
from services.screening.page.sheet import Posted, Problems
from services.screening.routes import payloads as p
from services.screening.routes import views

OLDEST_YEARS: Final = 110
BORN: Final = "born"


def shown(visitor: Visitor, wanted: Wanted) -> p.QuestionnaireOut:
    return views.questionnaire(wanted.form.questionnaire, visitor.texts, wanted.profile.emergency_number)


def parts(visitor: Visitor, wanted: Wanted) -> list[Section]:
    return list(sections(wanted.form.questionnaire, shown(visitor, wanted), visitor.words))


def walk(visitor: Visitor, wanted: Wanted, posted: Posted, today: date) -> Walk:
    return Walk(groups(parts(visitor, wanted)), age_in(posted, today))


def questions(visitor: Visitor, wanted: Wanted, posted: Posted, today: date) -> dict[str, object]:
    """What any page with questions of the form on it needs."""
    check = shown(visitor, wanted)
    return {
        "check": check,
        "urgent_texts": {Reader.SELF: check.urgent_text, Reader.GUARDIAN: check.urgent_text_guardian},
        "reader": Reader.GUARDIAN if posted.get("respondent_role") == Reader.GUARDIAN else Reader.SELF,
        "form": posted,
        "months": visitor.texts.months,
        "years": range(today.year, today.year - OLDEST_YEARS, -1),
        "today": today.isoformat(),
        "unsure": wanted.form.questionnaire.labels["unsure"][visitor.locale],
    }


def standing(visitor: Visitor, walk: Walk, at: Group, posted: Posted, *, tried: bool) -> dict[str, object]:
    """At which group, after how many of how many; once sending was tried, every group can send."""
    numbers, talks = walk.numbers, bool(posted.get("talk"))
    number = sum(one <= at.number for one in numbers)
    return {
        "groups": walk.groups,
        "age": walk.age,
        "at": at,
        "number": number,
        "count": len(numbers),
        "part": visitor.words.said["part"].format(number=number, all=len(numbers)),
        "carried": walk.carried(at, posted),
        "talks": talks,
        "tried": tried or talks,
        "sends": tried or talks or walk.is_last(at),
    }


def wrong(visitor: Visitor, at: Group, form: Questionnaire, problems: Problems) -> dict[str, object]:
    """The problems of one group in its order, and how each question is named at the top of the page."""
    here = [one for one in form.questions if one.id in problems and one.id in at.questions]
    named = {one.id: _first_sentence(one.text[visitor.locale]) for one in here}
    if BORN in problems:
        named |= {BORN: visitor.words.said["returning"]["born"]}
    return {"problems": problems, "asked_again": named}


def focus(walk: Walk, form: Questionnaire, posted: Posted, problems: Problems, *, turned: bool) -> dict[str, object]:
    """What is met first: the urgent words at the press after the tick, then what is wrong, then the next questions."""
    ticked = _urgent(form, posted)
    left = walk.groups[number_in(posted, walk.groups) - 1]
    if ticked and (not turned or ticked & left.questions):
        first = "urgent"
    else:
        first = "summary" if problems else "group" if turned else ""
    return {"urgent_now": bool(ticked), "focus": first}


def _urgent(form: Questionnaire, posted: Mapping[str, str]) -> frozenset[str]:
    """The questions of which an urgent answer is ticked."""
    return frozenset(
        question.id
        for question in form.questions
        for option in question.options
        if option.urgent and (f"{question.id}.{option.value}" in posted or posted.get(question.id) == option.value)
    )


def _first_sentence(text: str) -> str:
    """The question itself, without what explains it."""
    asked, mark, _ = text.partition("?")
    return asked + mark
