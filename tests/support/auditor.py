"""An independent auditor of bookings: it reads the database only, and knows none of booking's code."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from shared.mongo import Database

Visit = dict[str, Any]
STANDING = frozenset({"held", "requested", "in_review", "confirmed", "attended", "missed"})
CELL = timedelta(minutes=5)
GRACE = timedelta(minutes=5)


async def findings(database: Database, *, answered: Iterable[str] | None = None) -> list[str]:
    """Everything wrong with the appointments, in words; `answered` are the ids that somebody was told of."""
    visits = [visit async for visit in database["appointments"].find({})]
    known = None if answered is None else set(answered)
    found = [*_overlaps(visits), *_cells(visits), *_history(visits), *_courses(visits), *_clearances(visits)]
    waiting = [entry async for entry in database["waiting"].find({})]
    found += _offers(waiting, [offer async for offer in database["offers"].find({})], visits)
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


async def overdue(database: Database, *, now: datetime) -> list[str]:
    """What should have been given back, or have followed the first visit of its course, some time ago."""
    late = database["appointments"].find({"held_until": {"$lt": now - GRACE}})
    return [f"{visit['_id']} is {visit['state']} and was due at {visit['held_until']}" async for visit in late]


def _courses(visits: list[Visit]) -> Iterator[str]:
    """A course is asked for as a whole or not at all, and nothing of it is confirmed before its first visit was."""
    courses: defaultdict[str, list[Visit]] = defaultdict(list)
    for visit in visits:
        if "seat" in visit:
            courses[visit["seat"]["course"]].append(visit)
    for course, theirs in courses.items():
        confirmed = {one["seat"]["index"] for one in theirs if "confirmed" in {turn["deed"] for turn in one["history"]}}
        if confirmed and 0 not in confirmed:
            yield f"course {course}: {sorted(confirmed)} were confirmed, and the first visit never was"
        asked = [one["seat"]["index"] for one in theirs if "requested_with" in one]
        count, waiting = theirs[0]["seat"].get("count"), {one["state"] for one in theirs} & {"held", "requested"}
        if count is not None and asked and not waiting and len(asked) != count:
            yield f"course {course}: only {sorted(asked)} of {count} were asked for"


def _clearances(visits: list[Visit]) -> Iterator[str]:
    """Nothing is confirmed for a day that its clearance does not reach, nor while its newest check is asked for."""
    for visit in visits:
        until, deeds = visit.get("cleared_until"), [turn["deed"] for turn in visit["history"]]
        day = visit["starts_at"].astimezone(ZoneInfo(visit["offer"]["zone"])).date().isoformat()
        if visit["state"] != "confirmed":
            continue
        if until is not None and until < day:
            yield f"{visit['_id']} is confirmed on {day} and cleared until {until}"
        told = [deed for deed in deeds if deed in {"confirmed", "postponed", "check_asked", "reviewed"}]
        if told[-1:] in (["check_asked"], ["reviewed"]):
            yield f"{visit['_id']} is confirmed and was last {told[-1]}"


def _offers(waiting: list[Visit], offers: list[Visit], visits: list[Visit]) -> Iterator[str]:
    """Who waits is offered one time at once and gets one at most; what was claimed is a visit of whoever waited."""
    of: defaultdict[str, list[Visit]] = defaultdict(list)
    for offer in offers:
        of[offer["waiting"]].append(offer)
    for entry in waiting:
        theirs = of[entry["_id"]]
        claimed = [offer for offer in theirs if offer["state"] == "claimed"]
        if sum(offer["state"] == "open" for offer in theirs) > 1:
            yield f"waiting {entry['_id']} is offered more than one time"
        if len(claimed) != (entry["state"] == "claimed"):
            yield f"waiting {entry['_id']} is {entry['state']} and claimed {len(claimed)} offers"
        known = {(one.get("client", {}).get("ref"), starts) for one in visits for starts in _were_at(one)}
        for offer in claimed:
            if (entry["client"]["ref"], offer["starts_at"]) not in known:
                yield f"offer {offer['_id']} was claimed and there is no such visit"


def _were_at(visit: Visit) -> set[datetime]:
    """Every start that the visit has had."""
    return {visit["starts_at"], *(turn["moved_from"] for turn in visit["history"] if "moved_from" in turn)}


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
