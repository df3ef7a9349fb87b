"""An independent auditor of bookings: it reads the database only, and knows none of booking's code."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from shared.mongo import Database

Visit = dict[str, Any]
STANDING = frozenset({"held", "requested", "in_review", "confirmed", "attended", "missed"})
CELL = timedelta(minutes=5)


async def findings(database: Database, *, answered: Iterable[str] | None = None) -> list[str]:
    """Everything wrong with the appointments, in words; `answered` are the ids that somebody was told of."""
    visits = [visit async for visit in database["appointments"].find({})]
    known = None if answered is None else set(answered)
    found = [*_overlaps(visits), *_cells(visits), *_history(visits)]
    if known is not None:
        found += [f"orphan {visit['_id']}" for visit in visits if visit["_id"] not in known]
    return found


async def quiet(database: Database) -> bool:
    """Nothing written is still to be announced, and nobody's time has run out without anybody doing anything."""
    now = datetime.now(UTC)
    names = await database.list_collection_names()
    unsaid = [await database[name].find_one({"outbox.0": {"$exists": True}}, {"_id": 1}) for name in names]
    overdue = await database["appointments"].find_one({"due_at": {"$lte": now}}, {"_id": 1})
    return not any(unsaid) and overdue is None


def _overlaps(visits: list[Visit]) -> Iterator[str]:
    """Per practitioner and room at most one visit at any minute, and the larger of two needs between neighbours."""
    taken: defaultdict[tuple[str, str], list[Visit]] = defaultdict(list)
    for visit in visits:
        if visit["state"] in STANDING:
            for resource in {visit["offer"]["practitioner"], visit["offer"].get("room")} - {None}:
                taken[visit["practice"], resource].append(visit)
    for resource, theirs in taken.items():
        for one, other in pairwise(sorted(theirs, key=_starts)):
            gap = other["starts_at"] - one["ends_at"]
            need = max(one["offer"]["after_minutes"], other["offer"]["before_minutes"])
            if gap < timedelta(minutes=need):
                yield f"{resource}: {one['_id']} and {other['_id']} are {gap} apart and need {need} minutes"


def _cells(visits: list[Visit]) -> Iterator[str]:
    """A standing visit owns a cell for each five minutes of each resource; one that ended early owns none."""
    for visit in visits:
        cells = visit.get("cells")
        if visit["state"] not in STANDING:
            if cells is not None:
                yield f"{visit['_id']} is {visit['state']} and owns cells"
            continue
        resources = 2 if "room" in visit["offer"] else 1
        least = resources * ((visit["ends_at"] - visit["starts_at"]) // CELL)
        if cells is None or len(cells) < least or len(cells) != len(set(cells)):
            yield f"{visit['_id']} owns the wrong cells"


def _history(visits: list[Visit]) -> Iterator[str]:
    """Versions grow by one with each turn, and the last turn is the version of the visit."""
    for visit in visits:
        versions = [turn["version"] for turn in visit["history"]]
        if versions != list(range(1, visit["version"] + 1)):
            yield f"{visit['_id']} has version {visit['version']} and turns {versions}"


def _starts(visit: Visit) -> datetime:
    starts_at: datetime = visit["starts_at"]
    return starts_at
