"""The invariants of FHIR R4B that a validator of shapes does not know, for the resources that we hand out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Json = dict[str, Any]

STATUS = {
    "Questionnaire": {"draft", "active", "retired", "unknown"},
    "QuestionnaireResponse": {"in-progress", "completed", "amended", "entered-in-error", "stopped"},
    "Task": {"completed"},
    "Communication": {"completed"},
    "DocumentReference": {"current"},
}
ITEM_TYPES = {"group", "display", "boolean", "integer", "date", "string", "text", "choice"}
ANSWERED = {"boolean": "Boolean", "integer": "Integer", "date": "Date", "text": "String", "choice": "Coding"}
CODE = re.compile(r"[^\s]+(\s[^\s]+)*")
PARTIAL = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")
COUNTED_TYPES = {"boolean", "integer", "decimal", "string", "text", "url"}


def of_bundle(bundle: Json) -> Iterator[str]:
    """What is wrong, as the name of the invariant with where it was broken."""
    urls = [entry["fullUrl"] for entry in bundle["entry"]]
    if len(set(urls)) != len(urls):
        yield "bdl-7: a full URL is there twice"
    resources = [entry["resource"] for entry in bundle["entry"]]
    forms = {f"{one['url']}|{one['version']}": one for one in resources if one["resourceType"] == "Questionnaire"}
    for one in resources:
        kind = one["resourceType"]
        if kind in STATUS and one["status"] not in STATUS[kind]:
            yield f"status of {kind}"
        if kind == "Questionnaire":
            yield from of_questionnaire(one)
        if kind == "QuestionnaireResponse" and one["questionnaire"] in forms:
            yield from of_response(one, forms[one["questionnaire"]])
    for _, value in walked(bundle):
        if isinstance(value, dict) and "reference" in value and value["reference"] not in urls:
            yield f"a reference leads out of the bundle: {value['reference']}"
    yield from of_elements(bundle)


def of_elements(resource: Json) -> Iterator[str]:
    for path, value in walked(resource):
        if value in ("", [], {}):
            yield f"ele-1: {path} is empty"
        if isinstance(value, dict) and "url" in value and path.split(".")[-1].startswith("extension"):
            values = [name for name in value if name.startswith("value")]
            if bool(values) == ("extension" in value) or len(values) > 1:
                yield f"ext-1: {path}"
        if path.endswith((".code", ".valueCode")) and isinstance(value, str) and not CODE.fullmatch(value):
            yield f"{path} is not a code"
        if isinstance(value, str) and re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", value):
            yield f"{path} has a control character"


def of_questionnaire(form: Json) -> Iterator[str]:
    if not re.fullmatch(r"[A-Z]([A-Za-z0-9_]){0,254}", form["name"]):
        yield "que-0"
    items = [*_items(form.get("item", []))]
    links = [item["linkId"] for item in items]
    if len(set(links)) != len(links):
        yield "que-2"
    for item in items:
        yield from (f"{rule}: {item['linkId']}" for rule in _item(item, links))


def _item(item: Json, links: Sequence[str]) -> Iterator[str]:
    kind, options, tests = item["type"], item.get("answerOption", []), item.get("enableWhen", [])
    broken = {
        "type": kind not in ITEM_TYPES,
        "que-1": (kind == "group" and not item.get("item")) or (kind == "display" and bool(item.get("item"))),
        "que-4": bool(options) and "answerValueSet" in item,
        "que-5": bool(options)
        and kind not in ("choice", "open-choice", "decimal", "integer", "date", "string", "text"),
        "que-6": kind == "display" and ("required" in item or "repeats" in item),
        "que-7": any(test["operator"] == "exists" and "answerBoolean" not in test for test in tests),
        "que-8": kind in ("group", "display") and "initial" in item,
        "que-10": kind not in COUNTED_TYPES and "maxLength" in item,
        "que-11": bool(options) and "initial" in item,
        "que-12": len(tests) > 1 and item.get("enableBehavior") not in ("all", "any"),
        "a choice without options": kind == "choice" and not options,
        "a condition on what is not asked before": any(
            test["question"] not in links[: links.index(item["linkId"])] for test in tests
        ),
    }
    yield from (rule for rule, is_so in broken.items() if is_so)


def of_response(response: Json, form: Json) -> Iterator[str]:
    """As the Questionnaire asks: the same groups in the same order, each answer of its type and among its options."""
    groups = {group["linkId"]: group for group in form["item"]}
    order = [group["linkId"] for group in response.get("item", [])]
    if order != [link for link in groups if link in order]:
        yield "the groups are not those of the form, in their order"
    for group in response.get("item", []):
        asked = {item["linkId"]: item for item in groups[group["linkId"]]["item"]}
        for item in group["item"]:
            if "answer" in item and "item" in item:
                yield f"qrs-1: {item['linkId']}"
            yield from _answers(item, asked[item["linkId"]])


def _answers(item: Json, asked: Mapping[str, Any]) -> Iterator[str]:
    name, wanted = item["linkId"], f"value{ANSWERED[asked['type']]}"
    if len(item["answer"]) > 1 and not asked.get("repeats"):
        yield f"{name} has several answers"
    codes = {(one["valueCoding"]["system"], one["valueCoding"]["code"]) for one in asked.get("answerOption", [])}
    for answer in item["answer"]:
        if not answer.keys() <= {wanted, f"_{wanted}"} or len(answer) != 1:
            yield f"{name} is not answered with a {wanted}"
        elif wanted == "valueCoding" and (answer[wanted]["system"], answer[wanted]["code"]) not in codes:
            yield f"{name} is answered with what is no option"
        elif wanted == "valueDate" and wanted in answer and not PARTIAL.fullmatch(answer[wanted]):
            yield f"{name} is not a date"


def _items(items: Sequence[Json]) -> Iterator[Json]:
    for item in items:
        yield item
        yield from _items(item.get("item", []))


def walked(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    yield path, value
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield from walked(part, f"{path}.{name}" if isinstance(name, str) else f"{path}[{name}]")
