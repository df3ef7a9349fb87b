"""One question of a foreign Questionnaire: its type here, its limits, its options, and when it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from services.screening.domain.answers import OPEN, AnswerType
from services.screening.domain.conditions import Condition
from services.screening.domain.questionnaire import DOB, Question
from services.screening.fhir import enabled, names
from services.screening.fhir.incoming import Remark, shown, shown_url
from services.screening.fhir.names import Json
from services.screening.fhir.words_in import Languages, slug
from services.screening.tables import OptionTable, QuestionTable, described

USED: Final = (
    *("linkId", "text", "_text", "type", "required", "repeats", "enableWhen", "enableBehavior"),
    *("maxLength", "answerOption", "extension"),
)
LEFT_OUT: Final = ("id", "code", "prefix")
KNOWN: Final = frozenset({names.TYPE, names.LEAST, names.MOST, names.OPENLY, names.EXPRESSION, names.SHOWN_WHEN})
TYPES: Final[Mapping[str, AnswerType]] = {
    "boolean": AnswerType.TRI,
    "choice": AnswerType.CHOICE,
    "date": AnswerType.FUZZY_DATE,
    "integer": AnswerType.INT,
    "string": AnswerType.TEXT,
    "text": AnswerType.TEXT,
}
WIDER: Final[Mapping[str, str]] = {
    "boolean": "can also be answered unsure and skip, and is a question with four answers here",
    "choice": "can also be answered unsure and skip",
    "date": "can also be answered with a month or a year alone, unsure and skip",
    "integer": "can also be answered unsure and skip",
}
YES_NO: Final[Mapping[str, str]] = {"yes": "yes", "y": "yes", "no": "no", "n": "no"}
LONGEST_ANSWER: Final = 2_000
USUAL_ANSWER: Final = 500
MOST_OPTIONS: Final = 50
MOST_TESTS: Final = 20
ENOUGH: Final = 10**9


@dataclass(slots=True)
class Asked:
    """The questions that came before: by their link ids, with what each code is here."""

    form: str
    questions: dict[str, Question] = field(default_factory=dict)
    codes: dict[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def by_id(self) -> dict[str, Question]:
        return {question.id: question for question in self.questions.values()}


class ItemReader:
    """Says what it finds to `languages.remarks`; what it returns counts only if nothing was refused."""

    def __init__(self, languages: Languages, asked: Asked) -> None:
        self._languages, self._asked, self._remarks = languages, asked, languages.remarks

    def question(self, path: str, item: Json, own_id: str, group: str) -> QuestionTable:
        remarks, link = self._remarks, item["linkId"]
        remarks.only(path, item, USED, LEFT_OUT)
        extensions = self._extensions(path, item)
        options, codes = self._options(path, item)
        kind = self._type(path, item, extensions, codes)
        ours = names.TYPE in extensions
        if kind is AnswerType.TRI:
            options, codes = [], {code: YES_NO.get(code.lower(), code) for code in codes}
        shown_when = self._shown_when(path, item, extensions)
        required = bool(item.get("required")) or not (ours or kind is AnswerType.TEXT)
        if required and not item.get("required"):
            remarks.changed.append(Remark(path, "has to be answered: here nothing said never counts as no"))
        table = QuestionTable(
            id=own_id,
            group=group,
            type=kind.value,
            text=self._languages.texts(path, item, "text"),
            options=options,
            shown_when=None if shown_when is None else described(shown_when),
            required=required,
            least=self._bound(path, extensions.get(names.LEAST), kind),
            most=self._bound(path, extensions.get(names.MOST), kind),
            longest=self._longest(path, item, kind),
        )
        if table.least is not None and table.most is not None and table.least > table.most:
            remarks.refuse(path, "allows no number at all")
        self._asked.questions[link], self._asked.codes[link] = table.question(), codes
        return table

    def _type(self, path: str, item: Json, extensions: Mapping[str, Json], codes: Mapping[str, str]) -> AnswerType:
        named, ours = item["type"], extensions.get(names.TYPE, {}).get("valueCode")
        if ours is not None:
            fits = ours in set(AnswerType) and names.ITEM_TYPES[AnswerType(ours)] == named
            if not fits or (ours == AnswerType.MULTI) is not bool(item.get("repeats")):
                self._remarks.refuse(f"{path}.extension", "the answer type does not fit the item")
                return AnswerType.TEXT
            return AnswerType(ours)
        if named not in TYPES:
            self._remarks.refuse(f"{path}.type", f"{shown(named)} is not supported")
            return AnswerType.TEXT
        if item.get("repeats") and (named != "choice" or "none" not in codes.values()):
            what = "needs an option with the code none: nothing ticked counts as no answer"
            self._remarks.refuse(f"{path}.repeats", what if named == "choice" else "is not supported for this type")
        if item.get("repeats"):
            return AnswerType.MULTI
        if named in WIDER:
            self._remarks.changed.append(Remark(path, WIDER[named]))
        is_tri = named == "choice" and {YES_NO.get(code.lower()) for code in codes} == {"yes", "no"}
        return AnswerType.TRI if is_tri and len(codes) == len({"yes", "no"}) else TYPES[named]

    def _extensions(self, path: str, item: Json) -> dict[str, Json]:
        found: dict[str, Json] = {}
        for number, one in enumerate(item.get("extension", [])):
            url = one.get("url")
            if url not in KNOWN or (url in found and url != names.OPENLY):
                self._remarks.refuse(f"{path}.extension[{number}]", f"the extension {shown_url(url)} is not supported")
            found[str(url)] = one
        return found

    def _options(self, path: str, item: Json) -> tuple[list[OptionTable], dict[str, str]]:
        """With what each code is here; unsure and skip, which every question takes, are no options of its own."""
        options: dict[str, OptionTable] = {}
        codes: dict[str, str] = {}
        given = item.get("answerOption", [])
        if item["type"] == "choice" and not 1 <= len(given) <= MOST_OPTIONS:
            self._remarks.refuse(f"{path}.answerOption", f"has not 1 to {MOST_OPTIONS} options")
            return [], {}
        if given and item["type"] != "choice":
            self._remarks.refuse(f"{path}.answerOption", "is supported for a choice only")
            return [], {}
        for number, one in enumerate(given):
            here = f"{path}.answerOption[{number}]"
            self._remarks.only(here, one, ("valueCoding", "valueString", "_valueString", "extension"))
            coding = one.get("valueCoding", {"code": one.get("valueString", "")})
            self._remarks.only(f"{here}.valueCoding", coding, ("system", "code", "display", "_display"), ("version",))
            code = str(coding.get("code", ""))
            if coding.get("system") == names.LABELS:
                codes[code] = code
                continue
            field_name, part = ("display", coding) if "valueCoding" in one else ("valueString", one)
            value = code if slug(code) == code else slug(code)
            if not value or value in options or value in codes.values() or (value in OPEN and not item.get("repeats")):
                self._remarks.refuse(here, "has no code of its own that can be a value here")
                continue
            texts = self._languages.texts(here, part, field_name)
            options[value] = OptionTable(value=value, text=texts, urgent=self._urgent(here, one))
            codes[code] = value
        return list(options.values()), codes

    def _urgent(self, path: str, option: Json) -> bool:
        found = option.get("extension", [])
        for one in found:
            if one.get("url") != names.URGENT:
                self._remarks.refuse(f"{path}.extension", f"{shown_url(one.get('url'))} is not supported")
        return any(one.get("valueBoolean") is True for one in found)

    def _bound(self, path: str, extension: Json | None, kind: AnswerType) -> int | None:
        if extension is None:
            return None
        bound = extension.get("valueInteger")
        if kind is not AnswerType.INT or not isinstance(bound, int) or abs(bound) > ENOUGH:
            self._remarks.refuse(f"{path}.extension", "a bound is supported as a whole number of an integer only")
            return None
        return bound

    def _longest(self, path: str, item: Json, kind: AnswerType) -> int | None:
        longest = item.get("maxLength")
        if kind is not AnswerType.TEXT:
            if longest is not None:
                self._remarks.refuse(f"{path}.maxLength", "is supported for texts only")
            return None
        if longest is None:
            self._remarks.changed.append(Remark(path, f"takes at most {USUAL_ANSWER} characters"))
            return USUAL_ANSWER
        if not 1 <= longest <= LONGEST_ANSWER:
            self._remarks.refuse(f"{path}.maxLength", f"is not 1 to {LONGEST_ANSWER}")
        return int(longest)

    def _shown_when(self, path: str, item: Json, extensions: Mapping[str, Json]) -> Condition | None:
        """Ours if it is whole and says the same as the rest of the item; else what enableWhen says."""
        tests, behavior = item.get("enableWhen", []), item.get("enableBehavior")
        if names.SHOWN_WHEN in extensions:
            return self._whole(path, item, extensions)
        if names.EXPRESSION in extensions:
            self._remarks.refuse(f"{path}.extension", "an enableWhenExpression is not supported")
        if len(tests) > MOST_TESTS or (len(tests) > 1 and behavior not in ("all", "any")):
            self._remarks.refuse(f"{path}.enableBehavior", f"is not all or any of at most {MOST_TESTS} tests")
            return None
        before = len(self._remarks.troubles)
        ours = [self._test(f"{path}.enableWhen[{number}]", test) for number, test in enumerate(tests)]
        if not tests or len(self._remarks.troubles) > before:
            return None
        return enabled.read(ours, behavior, self._asked.by_id)

    def _whole(self, path: str, item: Json, extensions: Mapping[str, Json]) -> Condition | None:
        asked, known = self._asked.by_id, (names.EXPRESSION, names.SHOWN_WHEN)
        given = {name: item[name] for name in ("enableWhen", "enableBehavior") if name in item}
        try:
            condition = enabled.whole(str(extensions[names.SHOWN_WHEN].get("valueString")))
            said = enabled.fields(condition, self._asked.form, asked)
            beside = [*enabled.extensions(condition, self._asked.form, asked)]
            unknown = {getattr(part, "question", DOB) for part in condition.parts()} - asked.keys() - {DOB}
        except (ValueError, KeyError, RecursionError):
            condition, said, beside, unknown = None, {}, [], set()
        if (
            condition is None
            or unknown
            or said != given
            or beside != [extensions[url] for url in known if url in extensions]
        ):
            self._remarks.refuse(f"{path}.extension", "the condition is none, or says something else than enableWhen")
            return None
        return condition

    def _test(self, path: str, test: Json) -> Json:
        """With the ids and values that the question has here."""
        self._remarks.only(path, test, ("question", "operator", "answerBoolean", "answerCoding"))
        question = self._asked.questions.get(str(test.get("question")))
        if question is None:
            self._remarks.refuse(f"{path}.question", "does not name a question that is asked before")
            return {}
        if test.get("operator") not in ("=", "!="):
            self._remarks.refuse(f"{path}.operator", "is not = or !=")
        ours = {"question": question.id, "operator": test.get("operator")}
        if isinstance(test.get("answerBoolean"), bool) and question.type in (AnswerType.TRI, AnswerType.BOOL):
            return ours | {"answerBoolean": test["answerBoolean"]}
        code = test.get("answerCoding", {}).get("code")
        value = self._asked.codes[test["question"]].get(str(code))
        if value is None:
            self._remarks.refuse(path, "does not name an answer of that question")
        return ours | {"answerCoding": {"code": value}}
