"""A form as a FHIR R4B Questionnaire, in one language with all the others beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from services.screening.domain.answers import OPEN, AnswerType
from services.screening.domain.questionnaire import Option, Question, Questionnaire
from services.screening.fhir import enabled, names
from services.screening.fhir.enabled import Known
from services.screening.fhir.names import Json


def of_form(form: Questionnaire, locale: str) -> Json:
    """Every group is an item with its questions in it; ids of questions are link ids."""
    known = {question.id: question for question in form.questions}
    return {
        "resourceType": "Questionnaire",
        "language": locale,
        "url": f"{names.FORM}{form.name}",
        "version": form.version,
        "name": "".join(part.capitalize() for part in form.name.split("-")),
        **names.in_languages("title", form.title, locale),
        "status": "active",
        "subjectType": ["Patient"],
        "item": [
            {
                "linkId": f"{names.GROUP}{group.id}",
                **names.in_languages("text", group.title, locale),
                "type": "group",
                "item": [_item(one, form, known, locale) for one in form.questions if one.group == group.id],
            }
            for group in form.groups
        ],
    }


def _item(question: Question, form: Questionnaire, known: Known, locale: str) -> Json:
    limits, condition = question.limits, question.shown_when
    item: Json = {
        "extension": [*_extensions(question, form, known, locale)],
        "linkId": question.id,
        **names.in_languages("text", question.text, locale),
        "type": names.ITEM_TYPES[question.type],
        "required": question.required,
    }
    if condition is not None:
        item |= enabled.fields(condition, form.name, known)
    if question.type is AnswerType.MULTI:
        item["repeats"] = True
    if limits.longest is not None:
        item["maxLength"] = limits.longest
    if options := [*_options(question, form, locale)]:
        item["answerOption"] = options
    return item


def _extensions(question: Question, form: Questionnaire, known: Known, locale: str) -> Iterator[Json]:
    yield names.extension(names.TYPE, valueCode=question.type.value)
    if question.limits.least is not None:
        yield names.extension(names.LEAST, valueInteger=question.limits.least)
    if question.limits.most is not None:
        yield names.extension(names.MOST, valueInteger=question.limits.most)
    if question.type in names.BESIDE_A_VALUE:
        for word in sorted(OPEN):
            yield names.extension(names.OPENLY, valueCoding=_label(word, form, locale))
    if question.shown_when is not None:
        yield from enabled.extensions(question.shown_when, form.name, known)


def _options(question: Question, form: Questionnaire, locale: str) -> Iterator[Json]:
    system = names.options_of(form.name, question.id)
    for option in question.options:
        yield _option(option, system, locale)
    if not question.essential:
        for word in names.LABELLED.get(question.type, ()):
            yield {"valueCoding": _label(word, form, locale)}


def _option(option: Option, system: str, locale: str) -> Json:
    shown = {"valueCoding": {**names.code(option.value, system=system), **_display(option.text, locale)}}
    return {"extension": [names.extension(names.URGENT, valueBoolean=True)], **shown} if option.urgent else shown


def _label(word: str, form: Questionnaire, locale: str) -> Json:
    return {**names.code(word, system=names.LABELS), **_display(form.labels[word], locale)}


def _display(texts: Mapping[str, str], locale: str) -> Json:
    return names.in_languages("display", texts, locale)
