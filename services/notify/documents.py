"""How notify's facts are written down as documents, and read back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from dataclasses import fields as fields_of
from datetime import time, timedelta
from typing import Any, Final

from services.notify.domain.consent import Entry, Purpose, Word
from services.notify.domain.delivery import Attempt, Message, State, Turn
from services.notify.domain.haste import haste
from services.notify.domain.notice import Notice, NoticeKind
from services.notify.domain.practice import Practice, Timing, Worded
from services.notify.domain.quiet import Quiet
from services.notify.domain.reply import Heard, Meaning
from services.notify.domain.visit import Seat, Visit, VisitState
from services.notify.ports import Reply
from shared.mongo import Document

# Kept by notify beside what booking told: what booking tells never overwrites them.
OWN_OF_VISIT: Final = ("replies", "heard", "yes_to")
OF_MESSAGE: Final = tuple(field.name for field in fields_of(Message))
OWN_OF_PRACTICE: Final = ("wordings", "worded", "paused", "edits", "planned_under")


def of_practice(practice: Practice) -> Document:
    fields = asdict(practice) | {"steps": sorted(practice.steps)}
    fields["quiet"] = {"from": practice.quiet.from_.isoformat(), "until": practice.quiet.until.isoformat()}
    fields["timings"] = {step: _of_timing(timing) for step, timing in practice.timings.items()}
    return _with_id({name: value for name, value in fields.items() if name not in OWN_OF_PRACTICE}, "id")


def to_practice(document: Document) -> Practice:
    quiet = Quiet(time.fromisoformat(document["quiet"]["from"]), time.fromisoformat(document["quiet"]["until"]))
    fields: dict[str, Any] = {**document, "steps": frozenset(document["steps"]), "quiet": quiet}
    fields["timings"] = {step: _to_timing(timing) for step, timing in document.get("timings", {}).items()}
    fields["paused"] = frozenset(document.get("paused", ()))
    fields["worded"] = {words: Worded(one["by"], one["at"]) for words, one in document.get("worded", {}).items()}
    return Practice(id=fields.pop("_id"), **fields)


def of_own(practice: Practice) -> Document:
    """What its desk has set, but how often."""
    worded = {words: asdict(one) for words, one in practice.worded.items()}
    return {"wordings": dict(practice.wordings), "worded": worded, "paused": sorted(practice.paused)}


def _of_timing(timing: Timing) -> Document:
    return _given(asdict(timing) | {"at": timing.at.isoformat() if timing.at is not None else None})


def _to_timing(document: Document) -> Timing:
    at = document.get("at")
    return Timing(document.get("days"), document.get("hours"), None if at is None else time.fromisoformat(at))


def of_visit(visit: Visit) -> Document:
    fields = asdict(visit) | {"state": visit.state.value}
    fields["seat"] = _given(fields["seat"]) if visit.seat is not None else None
    untold = OWN_OF_VISIT if visit.moved_at is not None else (*OWN_OF_VISIT, "moved_at")
    return _with_id({name: value for name, value in fields.items() if name not in untold}, "appointment")


def to_visit(document: Document) -> Visit:
    fields: dict[str, Any] = {name: value for name, value in document.items() if name != "outbox"}
    fields |= {"state": VisitState(fields["state"]), "heard": tuple(fields["heard"])}
    if fields.get("seat") is not None:  # what was kept before there were courses has no such field
        fields["seat"] = Seat(**fields["seat"])
    return Visit(appointment=fields.pop("_id"), **fields)


def of_entry(entry: Entry) -> Document:
    return _given(asdict(entry) | {"word": entry.word.value, "purpose": entry.purpose.value})


def to_entry(document: Document) -> Entry:
    """What was entered before there were purposes is about care."""
    purpose = Purpose(document.get("purpose", Purpose.CARE))
    return Entry(**{**document, "word": Word(document["word"]), "purpose": purpose})


def of_message(message: Message) -> Document:
    fields: Document = {name: getattr(message, name) for name in OF_MESSAGE}
    fields |= {"state": message.state.value, "validity": message.validity.total_seconds()}
    fields["turns"] = [_of_turn(turn) for turn in message.turns]
    fields["attempts"] = [_given({"id": a.id, "at": a.at, "sid": a.sid}) for a in message.attempts]
    hasty = haste(message)
    fields["haste"] = None if hasty is None else hasty.value
    if message.notice is not None:
        fields["notice"] = _given(asdict(message.notice) | {"kind": message.notice.kind.value})
    return _with_id(_given(fields | {"at": message.at}), "id")


def lacking(document: Document) -> Iterator[str]:
    """The fields that this text could have and has not."""
    return (name for name in (*OF_MESSAGE[1:], "haste") if name not in document)


def to_message(document: Document) -> Message:
    fields = {name: value for name, value in document.items() if name not in ("until", "stamp", "at", "haste")}
    fields |= {"state": State(fields["state"]), "validity": timedelta(seconds=fields["validity"])}
    fields["turns"] = tuple(Turn(State(t["state"]), t["at"], t.get("why")) for t in fields["turns"])
    fields["attempts"] = tuple(Attempt(**attempt) for attempt in fields["attempts"])
    if "notice" in fields:
        fields["notice"] = Notice(**{**fields["notice"], "kind": NoticeKind(fields["notice"]["kind"])})
    return Message(id=fields.pop("_id"), **({"due": None} | fields))


def of_reply(reply: Reply) -> Document:
    heard = asdict(reply.heard) | {"meaning": reply.heard.meaning.value}
    fields = asdict(reply) | {"heard": heard}
    return _with_id(_given(fields), "sid")


def _of_turn(turn: Turn) -> Document:
    told: Document = {"state": turn.state.value, "at": turn.at}
    return told if turn.why is None else {**told, "why": turn.why}


def to_reply(document: Document) -> Reply:
    told = document["heard"]
    heard = Heard(Meaning(told["meaning"]), told["by_keyword"], told.get("worried", False))
    return Reply(
        sid=document["_id"],
        phone=document["phone"],
        heard=heard,
        opt_out_type=document.get("opt_out_type"),
        received_at=document["received_at"],
        sealed=document.get("sealed"),
    )


def _with_id(fields: Document, name: str) -> Document:
    return {"_id": fields.pop(name), **fields}


def _given(fields: Document) -> Document:
    return {name: value for name, value in fields.items() if value is not None}
