"""How the entries of the waitlist and their offers lie in their collections, and back."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Any

from services.booking.documents import client_document, read_client
from services.booking.domain.freed import Freed, Offered, Seat, Standing
from services.booking.domain.waitlist import Hours, Range, Wait, Waiting
from shared.mongo import Document


def waiting_document(waiting: Waiting) -> Document:
    """`first` and `last` are the outermost of all its dates, by which the line is searched."""
    return {
        "_id": waiting.id,
        "practice": waiting.practice,
        "service": waiting.service,
        "practitioner": waiting.practitioner,
        "client": client_document(waiting.client),
        "ranges": [_range(one) for one in waiting.ranges],
        "first": min(one.first for one in waiting.ranges).isoformat(),
        "last": max(one.last for one in waiting.ranges).isoformat(),
        "since": waiting.since,
        "until": waiting.until,
        "asked": waiting.asked,
        "state": waiting.state.value,
    }


def waiting(document: Document) -> Waiting:
    return Waiting(
        id=document["_id"],
        practice=document["practice"],
        service=document["service"],
        practitioner=document["practitioner"],
        client=read_client(document["client"]),
        ranges=tuple(_read_range(one) for one in document["ranges"]),
        since=document["since"],
        until=document["until"],
        asked=document["asked"],
        state=Wait(document["state"]),
    )


def told(waiting: Waiting) -> dict[str, object]:
    """What an export says of an entry. Who only ever waited has no record: all that is known of them stands here."""
    client = client_document(waiting.client)
    return {
        "waiting": waiting.id,
        "state": waiting.state.value,
        "service": waiting.service,
        "practitioner": waiting.practitioner,
        "ranges": [_range(one) for one in waiting.ranges],
        "since": waiting.since.isoformat(),
        "until": waiting.until.isoformat(),
        "client": client | {"consent": {**client["consent"], "given_at": client["consent"]["given_at"].isoformat()}},
    }


def offered_document(offered: Offered) -> Document:
    fields: dict[str, Any] = asdict(offered)
    fields |= {"_id": fields.pop("id"), "state": offered.state.value}
    return {name: value for name, value in fields.items() if value is not None}


def offered(document: Document) -> Offered:
    fields = {name: value for name, value in document.items() if name not in {"_id", "outbox"}}
    seat = {**document["seat"], "freed": Freed(**document["seat"]["freed"])}
    fields |= {"seat": Seat(**seat), "state": Standing(document["state"])}
    return Offered(id=document["_id"], **fields)


def _range(one: Range) -> Document:
    return {
        "first": one.first.isoformat(),
        "last": one.last.isoformat(),
        "hours": [asdict(hours) for hours in one.hours],
    }


def _read_range(document: Document) -> Range:
    return Range(
        first=date.fromisoformat(document["first"]),
        last=date.fromisoformat(document["last"]),
        hours=tuple(Hours(**hours) for hours in document["hours"]),
    )
