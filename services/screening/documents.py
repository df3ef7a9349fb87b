"""Cases and profiles as MongoDB documents: plain what finds and orders them, sealed what was answered and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any, Final

from bson.binary import Binary

from services.screening import publications
from services.screening.domain import standing
from services.screening.domain.case import (
    Added,
    Attachment,
    Case,
    FileKind,
    Reopening,
    Request,
    Round,
    Ruling,
    State,
    Submission,
    Verdict,
)
from services.screening.domain.pins import Pins
from services.screening.domain.retention import kept
from services.screening.domain.ruleset import Effect
from services.screening.ports import Profile
from shared.mongo import Document

UNLISTED: Final = {"published": 0, "forced": 0}  # of a practice, what grows
ENCRYPTED: Final = 6  # the binary subtype of what was encrypted on the client's side


def fields(case: Case, names: Iterable[str] | None = None) -> Document:
    """What is stored of these attributes, or of all but the id; one without a value is left out."""
    return {
        name: WRITTEN[name](value)
        for name in (WRITTEN if names is None else names)
        if (value := getattr(case, name)) is not None
    }


def kept_fields(case: Case) -> Document:
    """By what the retention finds it."""
    why = kept(case)
    return {} if why is None else {"kept_as": why[0].value, "kept_since": why[1].isoformat()}


def derived_fields(case: Case) -> Document:
    """By what the retention finds a case, and the practice a visit that it had better look at again."""
    return kept_fields(case) | ({"flagged": True} if standing.flags(case) else {})


def _submission_fields(submission: Submission) -> Document:
    return {
        "questionnaire": submission.questionnaire,
        "ruleset": submission.ruleset,
        "messages": submission.messages,
        "submitted_at": submission.submitted_at,
        "as_of": submission.as_of.isoformat(),
        "zone": submission.zone,
        "review_hours": _hours(submission.review_for),
        "outcome": submission.outcome.value,
        "urgent": submission.urgent,
        "retry_after": submission.retry_after.isoformat() if submission.retry_after else None,
        "sealed": Binary(submission.sealed, ENCRYPTED),
        "based_on": submission.based_on,
        "based_until": submission.based_until.isoformat() if submission.based_until else None,
        "repeated": submission.repeated,
        "lasting": submission.lasting,
        "of_age": submission.of_age.isoformat() if submission.of_age else None,
        "pins": None if submission.pins is None else asdict(submission.pins),
    }


def _ruling_fields(ruling: Ruling) -> Document:
    sealed = Binary(ruling.sealed, ENCRYPTED)
    said = {"verdict": ruling.verdict.value, "by": ruling.by, "at": ruling.at, "sealed": sealed}
    return {**said, "caller": ruling.caller, "on": ruling.on}


def _added_fields(words: tuple[Added, ...]) -> list[Document]:
    return [{"at": one.at, "sealed": Binary(one.sealed, ENCRYPTED)} for one in words]


def _attachment_fields(attachments: tuple[Attachment, ...]) -> list[Document]:
    return [
        {"id": one.id, "kind": one.kind.value, "size": one.size, "at": one.at, "sealed": Binary(one.sealed, ENCRYPTED)}
        for one in attachments
    ]


def _round_fields(over: Round) -> Document:
    return {
        "state": over.state.value,
        "ended_at": over.ended_at,
        "ended_by": over.ended_by.value,
        "submission": None if over.submission is None else _submission_fields(over.submission),
        "decided_at": over.decided_at,
        "valid_until": over.valid_until.isoformat() if over.valid_until else None,
        "ruling": None if over.ruling is None else _ruling_fields(over.ruling),
        "words": _added_fields(over.words),
        "attachments": _attachment_fields(over.attachments),
    }


def case(document: Document) -> Case:
    request, appeal = document.get("request"), document.get("appeal")
    return Case(
        id=document["_id"],
        practice=document["practice"],
        version=document["version"],
        state=State(document["state"]),
        heard=document["heard"],
        said=document.get("said", 0),
        starts_at=document.get("starts_at"),
        client=document.get("client"),
        request=None if request is None else Request(**request),
        submission=_submission(document.get("submission")),
        decided_at=document.get("decided_at"),
        deadline=document.get("deadline"),
        remind_at=document.get("remind_at"),
        reminded=document.get("reminded"),
        valid_until=_date(document.get("valid_until")),
        ruling=_ruling(document.get("ruling")),
        appeal=None if appeal is None else bytes(appeal),
        words=_words(document),
        attachments=_attachments(document),
        rounds=tuple(_round(one) for one in document.get("rounds", ())),
        tries=document.get("tries", 0),
        attended=document.get("attended", False),
        last_visit=_date(document.get("last_visit")),
    )


def _round(found: Document) -> Round:
    return Round(
        state=State(found["state"]),
        ended_at=found["ended_at"],
        ended_by=Reopening(found["ended_by"]),
        submission=_submission(found["submission"]),
        decided_at=found["decided_at"],
        valid_until=_date(found["valid_until"]),
        ruling=_ruling(found["ruling"]),
        words=_words(found),
        attachments=_attachments(found),
    )


def _words(found: Document) -> tuple[Added, ...]:
    return tuple(Added(at=one["at"], sealed=bytes(one["sealed"])) for one in found.get("words", ()))


def _attachments(found: Document) -> tuple[Attachment, ...]:
    return tuple(
        Attachment(**one | {"kind": FileKind(one["kind"]), "sealed": bytes(one["sealed"])})
        for one in found.get("attachments", ())
    )


def _ruling(found: Document | None) -> Ruling | None:
    if found is None:
        return None
    return Ruling(
        verdict=Verdict(found["verdict"]),
        by=found["by"],
        at=found["at"],
        sealed=bytes(found["sealed"]),
        caller=found.get("caller", ""),
        on=found.get("on", 0),
    )


def _submission(found: Document | None) -> Submission | None:
    if found is None:
        return None
    return Submission(
        questionnaire=found["questionnaire"],
        ruleset=found["ruleset"],
        messages=found["messages"],
        submitted_at=found["submitted_at"],
        as_of=date.fromisoformat(found["as_of"]),
        zone=found["zone"],
        review_for=timedelta(hours=found["review_hours"]),
        outcome=Effect(found["outcome"]),
        urgent=found["urgent"],
        retry_after=_date(found["retry_after"]),
        sealed=bytes(found["sealed"]),
        based_on=found.get("based_on"),
        based_until=_date(found.get("based_until")),
        repeated=found.get("repeated", False),
        lasting=found.get("lasting", False),
        of_age=_date(found.get("of_age")),
        pins=None if found.get("pins") is None else Pins(**found["pins"]),
    )


def profile_fields(profile: Profile) -> Document:
    """Of what booking tells; what the practice published itself is written when it is published."""
    found = asdict(profile)
    del found["practice"], found["own"]
    return {**found, "review_for": _hours(profile.review_for)}


def profile(found: Document) -> Profile:
    rest = {name: value for name, value in found.items() if name not in ("_id", "review_for", "own", *UNLISTED)}
    read = {
        "own": publications.own(found.get("own", {})),
        "review_for": timedelta(hours=found["review_for"]),
        "sites": tuple(found.get("sites", ())),
    }
    return Profile(**rest | read | {"practice": found["_id"]})


def _request_fields(request: Request) -> Document:
    return {"service": request.service, "form": request.form}


def _hours(span: timedelta) -> int:
    return int(span.total_seconds() // 3600)


def _date(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _same(value: Any) -> Any:
    return value


# How each attribute of a case but its id is written; the document has the same names.
WRITTEN: Final[Mapping[str, Callable[[Any], Any]]] = {
    "practice": _same,
    "version": _same,
    "state": str,
    "heard": _same,
    "said": _same,
    "starts_at": _same,
    "client": _same,
    "request": _request_fields,
    "submission": _submission_fields,
    "decided_at": _same,
    "deadline": _same,
    "remind_at": _same,
    "reminded": _same,
    "valid_until": date.isoformat,
    "ruling": _ruling_fields,
    "appeal": lambda sealed: Binary(sealed, ENCRYPTED),
    "words": _added_fields,
    "attachments": _attachment_fields,
    "rounds": lambda rounds: [_round_fields(over) for over in rounds],
    "tries": _same,
    "attended": _same,
    "last_visit": date.isoformat,
}
