"""Cases and practices in MongoDB: plain what is needed to find and order them, sealed what was answered and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any, Final

from bson.binary import Binary
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from services.screening.domain.case import Case, Request, Ruling, State, Submission
from services.screening.domain.ruleset import Effect
from services.screening.ports import Profile
from shared.events import Envelope
from shared.mongo import Database, Document, ensure
from shared.relay import Outbox, Relay

ENCRYPTED: Final = 6
REVIEWS: Final = IndexModel(
    [("practice", ASCENDING), ("deadline", ASCENDING)],
    name="reviews",
    partialFilterExpression={"state": State.IN_REVIEW.value},
)
BINARY: Final[Document] = {"properties": {"sealed": {"bsonType": "binData"}}}
SEALED: Final[Document] = {"bsonType": "object", "required": ["sealed"], **BINARY}
SCHEMA: Final[Document] = {
    "required": ["practice", "version", "state"],
    "properties": {
        "practice": {"bsonType": "string"},
        "version": {"bsonType": "int", "minimum": 1},
        "state": {"enum": [state.value for state in State]},
        "submission": SEALED,
        "ruling": SEALED,
    },
}


class MongoCases:
    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._cases = database["cases"]
        self._outbox = outbox

    @classmethod
    async def open(cls, database: Database, relay: Relay) -> MongoCases:
        await ensure(database["cases"], [REVIEWS], SCHEMA)
        return cls(database, await relay.outbox(database["cases"]))

    async def find(self, appointment: str) -> Case | None:
        document = await self._cases.find_one({"_id": appointment}, {"outbox": 0})
        return None if document is None else _case(document)

    async def save(self, before: Case, after: Case, said: Sequence[Envelope[Any]]) -> bool:
        written = await (self._insert(after, said) if before.version == 0 else self._update(before, after, said))
        if written and said:
            self._outbox.hand_over(after.id, said)
        return written

    async def in_review(self, practice: str, *, limit: int) -> list[Case]:
        waiting = self._cases.find({"practice": practice, "state": State.IN_REVIEW.value}, {"outbox": 0})
        return [_case(document) for document in await waiting.sort("deadline", ASCENDING).limit(limit).to_list(limit)]

    async def _insert(self, case: Case, said: Sequence[Envelope[Any]]) -> bool:
        try:
            await self._cases.insert_one({"_id": case.id, **_fields(case), "outbox": self._outbox.entries(said)})
        except DuplicateKeyError:
            return False
        return True

    async def _update(self, before: Case, after: Case, said: Sequence[Envelope[Any]]) -> bool:
        was, now = _fields(before), _fields(after)
        changed = {name: value for name, value in now.items() if name not in was or was[name] != value}
        update = self._outbox.update(after.id, set_=changed, unset=sorted(was.keys() - now.keys()), said=said)
        result = await self._cases.update_one({"_id": after.id, "version": before.version}, update)
        return result.matched_count == 1


class MongoPractices:
    def __init__(self, database: Database) -> None:
        self._practices = database["practices"]

    @classmethod
    async def open(cls, database: Database) -> MongoPractices:
        await ensure(database["practices"], [])
        return cls(database)

    async def find(self, practice: str) -> Profile | None:
        found = await self._practices.find_one({"_id": practice})
        if found is None:
            return None
        review_for = timedelta(hours=found.pop("review_hours"))
        return Profile(practice=found.pop("_id"), review_for=review_for, **found)

    async def keep(self, profile: Profile) -> None:
        fields = asdict(profile)
        practice = fields.pop("practice")
        fields["review_hours"] = _hours(fields.pop("review_for"))
        older = {"_id": practice, "version": {"$lt": profile.version}}
        try:
            await self._practices.replace_one(older, fields, upsert=True)
        except DuplicateKeyError:
            return  # the same or a newer profile is there


def _fields(case: Case) -> Document:
    """What is stored besides the id; a field without a value is left out."""
    fields: Document = {
        "practice": case.practice,
        "version": case.version,
        "state": case.state.value,
        "heard": case.heard,
        "starts_at": case.starts_at,
        "request": None if case.request is None else {"service": case.request.service, "form": case.request.form},
        "submission": None if case.submission is None else _submission_fields(case.submission),
        "decided_at": case.decided_at,
        "deadline": case.deadline,
        "valid_until": _text(case.valid_until),
        "ruling": None if case.ruling is None else _ruling_fields(case.ruling),
    }
    return {name: value for name, value in fields.items() if value is not None}


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
        "retry_after": _text(submission.retry_after),
        "sealed": Binary(submission.sealed, ENCRYPTED),
    }


def _ruling_fields(ruling: Ruling) -> Document:
    return {"approved": ruling.approved, "at": ruling.at, "sealed": Binary(ruling.sealed, ENCRYPTED)}


def _case(document: Document) -> Case:
    request, submission, ruling = (document.get(name) for name in ("request", "submission", "ruling"))
    return Case(
        id=document["_id"],
        practice=document["practice"],
        version=document["version"],
        state=State(document["state"]),
        heard=document["heard"],
        starts_at=document.get("starts_at"),
        request=None if request is None else Request(**request),
        submission=None if submission is None else _submission(submission),
        decided_at=document.get("decided_at"),
        deadline=document.get("deadline"),
        valid_until=_date(document.get("valid_until")),
        ruling=None if ruling is None else Ruling(**{**ruling, "sealed": bytes(ruling["sealed"])}),
    )


def _submission(found: Document) -> Submission:
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
    )


def _hours(span: timedelta) -> int:
    return int(span.total_seconds() // 3600)


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _date(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
