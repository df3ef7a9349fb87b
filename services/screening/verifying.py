"""`python -m services.screening audit`: whether the audit is still what was written.

Ends with 0 when every chain is whole, with 1 when one is not, and with 2 and a sentence when that could not be found
out.
"""

from __future__ import annotations

import asyncio
import json as js
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any, Final, NoReturn

import cyclopts
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings
from pymongo.errors import PyMongoError

from services.screening.domain.audit import Head
from services.screening.domain.audit_check import SAYS, Report, Walk
from services.screening.store import MongoAudit
from shared import mongo
from shared.clock import utc_now
from shared.settings import Settings as Shared
from shared.settings import read

BROKEN: Final = 1
UNKNOWN: Final = 2
PROGRESS_EVERY: Final = 100_000

app = cyclopts.App(name="audit", help="Whether the audit is still what was written.")


class AuditSettings(BaseSettings):
    """All that is needed to read the audit: no key, and no broker."""

    model_config = Shared.model_config

    mongo_url: SecretStr = Field(description="MongoDB connection URL, with credentials if the server asks for them")
    screening_database: str = Field("stillpoint_screening", description="Name of screening's MongoDB database")
    screening_vault_database: str = Field("stillpoint_vault", description="Name of the vault's MongoDB database")


@app.command
def verify(*, practice: str | None = None, json: bool = False) -> None:
    """Walk the chains from their first entry to their heads, and tell the first flaw of each.

    Changes nothing, and is safe while the services run.

    Parameters
    ----------
    practice
        Only the chain of this practice.
    json
        A line of JSON for each chain instead of one to read; progress goes to standard error either way.
    """
    try:
        found = asyncio.run(_verified(read(AuditSettings), practice))
    except SystemExit as missing:
        _give_up(str(missing.code))
    except PyMongoError as error:
        _give_up(f"the database does not answer: {type(error).__name__}")
    for report in found:
        print(js.dumps(_shown(report)) if json else _line(report))
    sys.exit(BROKEN if any(report.flaw for report in found) else 0)


async def reports(
    audit: MongoAudit, practice: str | None, *, now: datetime, progress: Callable[[str], None]
) -> Sequence[Report]:
    """One for each practice that has a chain, or had one; not more than one entry is in hand at a time."""
    heads = {name: (head, base) async for name, head, base in audit.heads() if practice in (None, name)}
    found = [report async for report in _walked(audit.documents(practice), heads, now, progress)]
    gone = sorted(heads.keys() - {report.practice for report in found})
    return [*found, *(Walk(name, *heads[name]).done(now) for name in gone)]


async def _walked(
    documents: AsyncIterator[Mapping[str, Any]],
    heads: Mapping[str, tuple[Head, Head]],
    now: datetime,
    progress: Callable[[str], None],
) -> AsyncIterator[Report]:
    walk: Walk | None = None
    async for document in documents:
        practice = str(document["_id"]).partition("/")[0]
        if walk is None or walk.practice != practice:
            if walk is not None:
                yield walk.done(now)
            walk = Walk(practice, *heads.get(practice, (None, None)))
        walk.step(document)
        if walk.entries % PROGRESS_EVERY == 0:
            progress(f"{practice}: {walk.entries} entries")
    if walk is not None:
        yield walk.done(now)


async def _verified(settings: AuditSettings, practice: str | None) -> Sequence[Report]:
    async with AsyncExitStack() as opened:
        entries = await opened.enter_async_context(mongo.connect(settings.mongo_url, settings.screening_database))
        vault = await opened.enter_async_context(mongo.connect(settings.mongo_url, settings.screening_vault_database))
        audit = MongoAudit.of(entries, vault["heads"])
        return await reports(audit, practice, now=utc_now(), progress=lambda line: print(line, file=sys.stderr))


def _give_up(why: str) -> NoReturn:
    print(why, file=sys.stderr)
    sys.exit(UNKNOWN)


def _shown(report: Report) -> dict[str, object]:
    return {
        "practice": report.practice,
        "entries": report.entries,
        "seq": report.head.seq,
        "digest": report.head.digest,
        "flaw": report.flaw,
        "at": report.at,
    }


def _line(report: Report) -> str:
    if report.flaw is None:
        return f"{report.practice}: {report.entries} entries, whole, head {report.head.digest}"
    return f"{report.practice}: {report.entries} entries, {report.flaw} at {report.at}: {SAYS[report.flaw]}"
