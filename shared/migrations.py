"""Which shape a service's database has, and the numbered steps that bring it to the shape that this release knows."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import stamina
import structlog
from pydantic import SecretStr

from shared import VERSION
from shared.mongo import UNREACHABLE, Database, Document, connect, leased

log = structlog.get_logger()

COLLECTION: Final = "schema"
AT: Final = "at"
RESTORING: Final = "restoring"
LEASE: Final = timedelta(seconds=15)
RENEWED_EVERY: Final = 5.0
LOOKED_EVERY: Final = 0.5


class Unusable(Exception):
    """The database is not for this release, or not whole; the message is one sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step. It may be cut off and run again from its beginning, and replicas of the release before run beside it.

    A step that the release before cannot live with `breaks` it: it belongs into the release after the one that has
    learnt to do without what it takes away.
    """

    number: int
    name: str
    run: Callable[[Database], Awaitable[None]]
    breaks: bool = False


@asynccontextmanager
async def opened(url: SecretStr, name: str, steps: Sequence[Migration]) -> AsyncIterator[Database]:
    """The database of that name, in the shape that `steps` give it."""
    async with connect(url, name) as database:
        await migrate(database, steps)
        yield database


async def migrate(database: Database, steps: Sequence[Migration]) -> None:
    """Run what is missing, one replica at a time and each step once; raises `Unusable`."""
    newest = steps[-1].number if steps else 0
    while await _found(database, newest) < newest:
        async with _turn(database) as is_mine:
            if is_mine:  # what was found before the turn came may have been done by another meanwhile
                done = await _found(database, newest)
                await _run(database, [step for step in steps if step.number > done])
            else:
                await asyncio.sleep(LOOKED_EVERY)


@stamina.retry(on=UNREACHABLE, attempts=None, timeout=60)
async def _found(database: Database, newest: int) -> int:
    """The number of the last step that was done."""
    held = {document["_id"]: document async for document in database[COLLECTION].find()}
    if RESTORING in held:
        raise Unusable(f"{database.name} is being restored from a backup, or that was cut off: restore it again")
    at: Document = held.get(AT, {})
    if at.get("needs", 0) > newest:
        release = at.get("release", "a newer one")
        raise Unusable(
            f"{database.name} was changed by release {release}, which {VERSION} does not know: start that one"
        )
    return int(at.get("number", 0))


async def _run(database: Database, steps: Sequence[Migration]) -> None:
    for step in steps:
        log.info("migration.begun", database=database.name, number=step.number, name=step.name)
        await step.run(database)
        most = {"number": step.number} | ({"needs": step.number} if step.breaks else {})
        told = {"$max": most, "$set": {"release": VERSION}}
        await database[COLLECTION].update_one({"_id": AT}, told, upsert=True)
        log.info("migration.done", database=database.name, number=step.number, name=step.name)


@asynccontextmanager
async def _turn(database: Database) -> AsyncIterator[bool]:
    """The lease, held for as long as it takes; a process that dies gives it back by its silence."""
    holder = secrets.token_hex(8)
    if not await leased(database, "migrations", holder=holder, term=LEASE):
        yield False
        return

    async def renewed() -> None:
        while True:
            await asyncio.sleep(RENEWED_EVERY)
            await leased(database, "migrations", holder=holder, term=LEASE)

    renewing = asyncio.create_task(renewed())
    try:
        yield True
    finally:
        renewing.cancel()
        await leased(database, "migrations", holder=holder, term=timedelta())
