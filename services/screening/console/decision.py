"""The decision form: what a practitioner typed, read into a word on the case, or what is wrong with it by field."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final, Literal

from services.screening.actions import Word
from services.screening.confidential import ClearanceRecord
from services.screening.domain.case import Verdict
from shared.staff import Staff

Problems = dict[str, str]
LONGEST_NOTE, LONGEST_WORDS, LONGEST_NAME = 4000, 1000, 200
# Which field a refusal of the action is about.
FIELDS: Final[Mapping[str, str]] = {
    "note-too-short": "note",
    "nothing-asked": "to_client",
    "clearance-missing": "given_by",
    "clearance-in-future": "given_on",
    "approval-too-long": "valid_days",
}
ASKED: Final = ("decision", "note", "to_client", "given_by", "profession", "given_on", "form", "valid_days", "version")


def read(form: Mapping[str, str], staff: Staff) -> tuple[Word | None, int, Problems]:
    """The word and the version that was read; problems are keys of the words, by the id of the field."""
    problems: Problems = {}
    verdict = _verdict(form.get("decision", ""), problems)
    version = _number(form.get("version", ""), "version", problems) or 0
    days = _number(form["valid_days"], "valid_days", problems) if form.get("valid_days", "").strip() else None
    note, to_client = form.get("note", "").strip(), form.get("to_client", "").strip()
    if len(note) > LONGEST_NOTE:
        problems["note"] = "field:too-long"
    if len(to_client) > LONGEST_WORDS:
        problems["to_client"] = "field:too-long"
    clearance = _clearance(form, problems)
    if problems or verdict is None:
        return None, version, problems
    word = Word(
        verdict=verdict,
        note=note,
        by=staff.name,
        caller=staff.who,
        to_client=to_client,
        clearance=clearance,
        valid_days=days,
    )
    return word, version, {}


def _verdict(told: str, problems: Problems) -> Verdict | None:
    if told in set(Verdict):
        return Verdict(told)
    problems["decision"] = "field:decision"
    return None


def _number(told: str, field: str, problems: Problems) -> int | None:
    if told.strip().isdecimal() and 1 <= int(told) <= 1_000_000:
        return int(told)
    problems[field] = f"field:{field}"
    return None


def _clearance(form: Mapping[str, str], problems: Problems) -> ClearanceRecord | None:
    """None where nothing of it was filled in; else all of it is needed."""
    by, profession, day = (form.get(name, "").strip() for name in ("given_by", "profession", "given_on"))
    if not (by or profession or day):
        return None
    for name, told in (("given_by", by), ("profession", profession)):
        if not 1 <= len(told) <= LONGEST_NAME:
            problems[name] = f"field:{name}"
    try:
        given_on = date.fromisoformat(day)
    except ValueError:
        problems["given_on"] = "field:given_on"
        return None
    known: Literal["verbal", "document"] = "document" if form.get("form") == "document" else "verbal"
    return ClearanceRecord(given_by=by, profession=profession, given_on=given_on, form=known)
