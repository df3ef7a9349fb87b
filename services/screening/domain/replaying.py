"""Judging a stored form again by exactly what judged it: the same bytes, or a sentence that says why not."""

from __future__ import annotations

from collections.abc import Mapping

from services.screening.domain.assessment import Assessment, assess
from services.screening.domain.catalogue import Form
from services.screening.domain.conditions import Each, Trait
from services.screening.domain.pins import Pins
from services.screening.domain.round import Submission


def judged_again(form: Form, submission: Submission, answers: Mapping[str, object], found: Assessment) -> Assessment:
    """On the day of then; what earlier forms had said yes to is known as far as it made a difference."""
    values = form.questionnaire.read(answers)
    return assess(form.ruleset, form.questionnaire.sheet(values, as_of=submission.as_of, prior_yes=prior(form, found)))


def prior(form: Form, found: Assessment) -> frozenset[str]:
    """The questions that the rules about denying an earlier yes were about."""
    denying = {
        rule.id: rule.code.partition("*")[0]
        for rule in form.ruleset.rules
        if isinstance(rule.when, Each) and rule.when.trait is Trait.DENIED_NOW
    }
    return frozenset(one.code.removeprefix(denying[one.rule]) for one in found.trace if one.rule in denying)


def differs(pinned: Pins, installed: Pins) -> list[str]:
    """What is installed under the same id is not what judged the form; other time-zone data changes nothing of it."""
    parts = {
        "questionnaire": (pinned.questionnaire, installed.questionnaire),
        "rule set": (pinned.ruleset, installed.ruleset),
    }
    return [f"the {part} of that id is another one now" for part, (was, now) in parts.items() if was != now]
