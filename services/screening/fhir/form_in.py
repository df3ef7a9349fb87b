"""A foreign Questionnaire as what a practice can add to a form of the library: every part of it understood, or none."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from services.screening import overlays
from services.screening.domain.catalogue import Catalogue, Form
from services.screening.domain.examples import OWN
from services.screening.domain.overlay import OverlayBroken
from services.screening.domain.questionnaire import Question
from services.screening.domain.strictness import weaker
from services.screening.fhir import form_out, incoming, names, suggested
from services.screening.fhir.incoming import Remark, Remarks, shown_url
from services.screening.fhir.item_in import Asked, ItemReader
from services.screening.fhir.names import Json
from services.screening.fhir.words_in import Languages, own_id
from services.screening.overlays import OverlayTable
from services.screening.tables import GroupTable, QuestionTable

USED: Final = ("resourceType", "language", "url", "version", "title", "_title", "item", "status", "subjectType", "name")
SAID: Final = ("date", "publisher", "description", "purpose", "copyright", "code", "experimental", "derivedFrom")
UNREAD: Final = ("id", "meta", "text", "contact", "identifier", "useContext", "jurisdiction", "approvalDate")
GROUP: Final = ("linkId", "text", "_text", "type", "item")
MOST_QUESTIONS: Final = 100
_GROUP_ID: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """`overlay` is what a draft can begin with; `changed` and `left_out` say where it is not what was sent."""

    overlay: OverlayTable
    changed: tuple[Remark, ...]
    left_out: tuple[Remark, ...]


def read(raw: bytes, base: Form, catalogue: Catalogue, *, release: str = "1.0.0") -> Read:
    """For that form of the library, whose own questions may stand in it unchanged. Raises `NotSupported`."""
    found = incoming.resource(raw, "Questionnaire", without=UNREAD)
    remarks = Remarks()
    remarks.only("", found, USED, SAID)
    language = str(found.get("language", "")).partition("-")[0]
    if not language:
        remarks.refuse("language", "is missing: in which language the texts are is not guessed")
    reader = _Reader(base, Languages(language, catalogue.texts.keys(), remarks))
    reader.read(found)
    remarks.check()
    overlay = reader.overlay(found, catalogue, release)
    _prove(overlay, catalogue)
    return Read(overlay=overlay, changed=tuple(remarks.changed), left_out=tuple(remarks.left_out))


def _prove(overlay: OverlayTable, catalogue: Catalogue) -> None:
    """As a draft is, as far as that takes no time. Raises `NotSupported`."""
    if troubles := [Remark("", trouble) for trouble in _troubles(overlay, catalogue)]:
        raise incoming.not_supported(troubles)


def _troubles(overlay: OverlayTable, catalogue: Catalogue) -> list[str]:
    try:
        made = overlays.made(overlay, "0" * 64, catalogue)
    except OverlayBroken as broken:
        return list(broken.troubles)
    shape = [*made.holes(catalogue.texts), *weaker(made.base, made.form)]
    return shape or [trouble for trouble in made.case_troubles() if trouble]


class _Reader:
    def __init__(self, base: Form, languages: Languages) -> None:
        form = base.questionnaire
        self._base, self._languages, self._remarks = base, languages, languages.remarks
        self._asked = Asked(form=form.name)
        self._items = ItemReader(languages, self._asked)
        self._library = _library(base, languages.first)
        self._links: set[str] = set()
        self._groups: list[GroupTable] = []
        self._questions: list[QuestionTable] = []

    def read(self, found: Json) -> None:
        items = found.get("item", [])
        if not items or sum(1 + len(item.get("item", [])) for item in items) > 2 * MOST_QUESTIONS:
            self._remarks.refuse("item", f"has none, or more than {MOST_QUESTIONS} questions")
            return
        numbered = [(f"item[{number}]", item) for number, item in enumerate(items)]
        loose = 0
        for is_group, run in groupby(numbered, key=lambda one: one[1].get("type") == "group"):
            if is_group:
                for path, item in run:
                    self._group(path, item)
            else:
                loose += 1
                group = f"{OWN}imported" + (f"_{loose}" if loose > 1 else "")
                self._add_group(group, self._languages.texts("", found, "title"))
                self._together(group, run)

    def overlay(self, found: Json, catalogue: Catalogue, release: str) -> OverlayTable:
        beside = catalogue.examples[self._base.ruleset.id]
        base = self._base.questionnaire
        rules = suggested.rules(self._questions, base)
        asked = self._asked.by_id
        whence = "|".join(shown_url(found[name]) for name in ("url", "version") if name in found)
        used = {question.group for question in self._questions}
        return OverlayTable.model_validate(
            {
                "base": base.id,
                "ruleset": self._base.ruleset.id,
                "release": release,
                "group": [group.model_dump() for group in self._groups if group.id in used],
                "question": [one.model_dump(by_alias=True, exclude_none=True) for one in self._questions],
                "rule": rules,
                "case": suggested.cases(rules, asked, beside.as_of),
                "sources": {suggested.SOURCE: f"The practice's own, imported from {whence or 'a Questionnaire'}"},
            }
        )

    def _group(self, path: str, item: Json) -> None:
        self._remarks.only(path, item, GROUP, ("id", "code", "prefix"))
        if "linkId" not in item:
            self._remarks.refuse(path, "has no linkId")
            return
        self._link(path, item)
        group, title = _group_id(item["linkId"]), self._languages.texts(path, item, "text")
        theirs = next((one for one in self._base.questionnaire.groups if one.id == group), None)
        if theirs is None:
            self._add_group(group, title)
        elif {locale: theirs.title.get(locale) for locale in title} != title:
            self._remarks.refuse(path, "is a group of the library, which an import cannot change")
        within = item.get("item", [])
        if not within:
            self._remarks.refuse(path, "is a group without questions")
        self._together(group, ((f"{path}.item[{number}]", one) for number, one in enumerate(within)))

    def _add_group(self, group: str, title: dict[str, str]) -> None:
        if group in {one.id for one in self._groups}:
            self._remarks.refuse("item", "two groups have the same id here")
        self._groups.append(GroupTable(id=group, title=title))

    def _together(self, group: str, items: Iterable[tuple[str, Json]]) -> None:
        for here, item in items:
            if "linkId" in item and "type" in item:
                self._question(here, item, group)
            else:
                self._remarks.refuse(here, "has no linkId or no type")

    def _question(self, path: str, item: Json, group: str) -> None:
        self._link(path, item)
        link, library = item["linkId"], self._library.get(item["linkId"])
        if library is not None:
            if item != library[1]:
                self._remarks.refuse(path, "is a question of the library, which an import cannot change")
            self._asked.questions[link], self._asked.codes[link] = library[0], _codes(library[0])
            return
        name = own_id(link)
        if name == OWN or name in self._asked.by_id:
            self._remarks.refuse(f"{path}.linkId", "has no id of its own here")
        if len(self._questions) >= MOST_QUESTIONS:
            self._remarks.refuse("item", f"has more than {MOST_QUESTIONS} questions")
            return
        self._questions.append(self._items.question(path, item, name, group))

    def _link(self, path: str, item: Json) -> None:
        if item["linkId"] in self._links:
            self._remarks.refuse(f"{path}.linkId", "is there twice")
        self._links.add(item["linkId"])


def _group_id(link: str) -> str:
    """Our own come back under their names."""
    ours = link.removeprefix(names.GROUP)
    return ours if ours != link and _GROUP_ID.fullmatch(ours) else own_id(link)


def _library(base: Form, language: str) -> dict[str, tuple[Question, Json]]:
    """The library's questions as we hand them out ourselves, by which they are known again."""
    form = base.questionnaire
    if language not in form.title:
        return {}
    items = {one["linkId"]: one for group in form_out.of_form(form, language)["item"] for one in group["item"]}
    return {question.id: (question, items[question.id]) for question in form.questions}


def _codes(question: Question) -> dict[str, str]:
    words: Collection[str] = names.LABELLED.get(question.type, ())
    return {value: value for value in (*words, *(option.value for option in question.options))}
