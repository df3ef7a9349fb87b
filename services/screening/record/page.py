"""One page that needs nothing else: no script, its style within it, fit for a screen, a printer and an archive."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.screening.actions import Opened
from services.screening.chapters import Chapter, Seen, chapters
from services.screening.domain.assessment import Finding
from services.screening.domain.case import Attachment
from services.screening.domain.history import Lasting
from services.screening.record.spoken import Spoken
from shared.page import STYLE

HERE: Final = Path(__file__).parent
SHEET: Final = STYLE + (HERE / "record.css").read_text()
DIGEST: Final = base64.b64encode(hashlib.sha256(SHEET.encode()).digest()).decode()
RULES: Final = (
    f"default-src 'none'; style-src 'sha256-{DIGEST}'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {"Cache-Control": "no-store", "Content-Security-Policy": RULES, "Referrer-Policy": "no-referrer"}
_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


def show(
    opened: Sequence[Opened],
    *,
    until: Mapping[str, date | None],
    remembered: Sequence[Lasting],
    seen: Sequence[Seen],
    spoken: Spoken,
    at: datetime,
) -> str:
    """`until` says of each case how long it is kept, None while that has no end."""
    visits = {one.case.id: _visit(one, spoken) for one in opened}
    words = spoken.words
    return _TEMPLATES.get_template("record.html").render(
        style=SHEET,
        words=words,
        lang=spoken.texts.locale,
        intro=words["intro"],
        made=words["made"].format(moment=spoken.moment(at)),
        cases=[_case(one, visits[one.case.id], until.get(one.case.id), spoken) for one in opened],
        remembered=[row for one in remembered for row in _remembered(one, opened, visits, spoken)],
        seen=[
            {
                "at": spoken.moment(one.at),
                "by": words["roles"].get(one.by, one.by),
                "what": words["deeds"].get(one.what, one.what),
                "visit": visits.get(one.case, one.case),
            }
            for one in sorted(seen, key=lambda one: one.at, reverse=True)
        ],
    )


def _visit(opened: Opened, spoken: Spoken) -> str:
    starts_at, words = opened.case.starts_at, spoken.words
    return str(words["no_visit"] if starts_at is None else words["visit"].format(moment=spoken.moment(starts_at)))


def _case(opened: Opened, visit: str, until: date | None, spoken: Spoken) -> Mapping[str, object]:
    case, words = opened.case, spoken.words
    kept = words["kept_held"] if until is None else words["kept_until"].format(day=spoken.day(until))
    facts = [
        (words["service"], case.request.service if case.request else ""),
        (words["state"], words["states"][case.state.value]),
        (words["valid_until"], spoken.day(case.valid_until) if case.valid_until else ""),
        (words["kept"], kept),
        (words["reference"], case.id),
    ]
    told = chapters(opened)
    return {
        "id": case.id,
        "visit": visit,
        "facts": [fact for fact in facts if fact[1]],
        "chapters": [_chapter(one, spoken) for one in told],
    }


def _chapter(chapter: Chapter, spoken: Spoken) -> Mapping[str, object]:
    submission, words = chapter.submission, spoken.words
    filled_in = words["filled_in"].format(moment=spoken.moment(submission.submitted_at)) if submission else None
    ended = None
    if chapter.ended_at is not None and chapter.ended_by is not None:
        why = words["endings"][chapter.ended_by.value]
        ended = words["ended"].format(moment=spoken.moment(chapter.ended_at), why=why)
    return {
        "number": chapter.number,
        "title": filled_in or words["not_filled_in"],
        "form": f"{submission.questionnaire}, {submission.ruleset}" if submission else "",
        "answers": list(_answers(chapter, spoken)),
        "outcome": words["outcomes"][chapter.filled.assessment.outcome.value] if chapter.filled else "",
        "reasons": list(_reasons(chapter, spoken)),
        "ruling": _ruling(chapter, spoken),
        "words": [(spoken.moment(at), text) for at, text in chapter.words],
        "appeal": chapter.appeal,
        "files": [_file(one, spoken) for one in chapter.attachments],
        "ended": ended,
    }


def _answers(chapter: Chapter, spoken: Spoken) -> Iterator[tuple[str, str]]:
    """Without the form, as they were stored: no answer is left out because a version went."""
    if chapter.submission is None or chapter.filled is None:
        return
    given = chapter.filled.answers
    if chapter.form is None:
        yield from ((name, str(raw)) for name, raw in given.items())
    else:
        yield from spoken.answers(chapter.form.questionnaire, given, chapter.submission.as_of)


def _reasons(chapter: Chapter, spoken: Spoken) -> Iterator[Mapping[str, object]]:
    """Of every rule that spoke: its explanation, the questions it looked at, and what it leads to."""
    for finding in chapter.filled.assessment.trace if chapter.filled else ():
        yield {
            "code": finding.code,
            "says": _explanation(finding, chapter, spoken.texts.locale),
            "read": _read(finding, chapter, spoken.texts.locale),
            "means": spoken.words["outcomes"][finding.effect.value],
        }


def _explanation(finding: Finding, chapter: Chapter, locale: str) -> str:
    rules = chapter.form.ruleset.rules if chapter.form else ()
    return next((rule.explanation[locale] for rule in rules if rule.id == finding.rule), finding.code)


def _read(finding: Finding, chapter: Chapter, locale: str) -> list[str]:
    questions = chapter.form.questionnaire.questions if chapter.form else ()
    subject = finding.code.rpartition(":")[2]
    return [one.text[locale] for one in questions if one.id in finding.inputs or one.id == subject]


def _ruling(chapter: Chapter, spoken: Spoken) -> Sequence[tuple[str, str]]:
    ruling, reasons, words = chapter.ruling, chapter.reasons, spoken.words
    if ruling is None:
        return ()
    facts = [
        (words["decision"], words["verdicts"][ruling.verdict.value]),
        (words["by"], ruling.by),
        (words["at"], spoken.moment(ruling.at)),
    ]
    if reasons is not None:
        facts += [(words["note"], reasons.note), (words["to_client"], reasons.to_client)]
        record = reasons.clearance
        if record is not None:
            named = words["clearance_by"].format(
                given_by=record.given_by, profession=record.profession, day=spoken.day(record.given_on)
            )
            facts.append((words["clearance"], f"{named} ({words[f'clearance_{record.form}']})"))
    return [fact for fact in facts if fact[1]]


def _file(file: Attachment, spoken: Spoken) -> str:
    """By the name under which the practice downloads it."""
    kind = file.kind.value.rpartition("/")[2]
    return str(
        spoken.words["file"].format(
            name=f"note-{file.id}.{kind}", kind=kind.upper(), size=-(-file.size // 1000), moment=spoken.moment(file.at)
        )
    )


def _remembered(
    lasting: Lasting, opened: Sequence[Opened], visits: Mapping[str, str], spoken: Spoken
) -> Iterator[Mapping[str, object]]:
    """Each yes that does not go away, where it was said, and by whose word it was wrong."""
    forms = [one.form for each in opened for one in chapters(each) if one.form is not None]
    texts = {q.id: q.text[spoken.texts.locale] for form in forms for q in form.questionnaire.questions}
    for question, cases in sorted(lasting.yes.items()):
        yield {
            "question": texts.get(question, question),
            "visits": [visits.get(case, case) for case in cases],
            "corrections": [
                spoken.words["corrected_by"].format(note=one.note, by=one.by, moment=spoken.moment(one.at))
                for one in lasting.corrections
                if one.question == question
            ],
        }
