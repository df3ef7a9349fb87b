"""`python -m services.screening keys`: which master key the data keys lie under, and moving them to the current one.

Ends with 0 when all of them lie under the current master key, with 2 when some do not, and with 1 and a sentence when
nothing could be done.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

import cyclopts
from pydantic import TypeAdapter
from pymongo.errors import PyMongoError

from services.screening.ports import Locked
from services.screening.settings import RegisterSettings, VaultSettings
from services.screening.vault.rewrapping import Rewrapping, Standing, new_master, standing
from shared import mongo
from shared.settings import read

ELSEWHERE: Final = 2

app = cyclopts.App(name="keys", help="Which master key the data keys lie under, and moving them to the current one.")
_standing = TypeAdapter(Standing)
Result = TypeVar("Result")


@app.command
def status(*, json: bool = False) -> None:
    """Count how many data keys lie under which master key.

    Parameters
    ----------
    json
        One JSON object instead of lines to read.
    """
    _tell(_done(_status(read(VaultSettings))), json=json)


@app.command
def rewrap(*, batch: int = 100, json: bool = False) -> None:
    """Wrap every data key under the current master key. Safe while the services run; killed, run it again.

    Parameters
    ----------
    batch
        So many data keys in one write.
    json
        One JSON object at the end instead of lines to read; progress goes to standard error either way.
    """
    if batch < 1:
        sys.exit("--batch must be 1 or more")
    _tell(_done(_rewrap(read(VaultSettings), batch)), json=json)


@app.command
def register() -> None:
    """Have the KMIP server make a master key, and print its id for STILLPOINT_SCREENING_KMIP_KEY_ID."""
    server = read(RegisterSettings).server
    if server is None:
        raise AssertionError("an endpoint is required")
    print(_done(new_master(server)).key_id)


async def _status(settings: VaultSettings) -> Standing:
    async with mongo.connect(settings.mongo_url, settings.screening_vault_database) as vault:
        return await standing(vault["keys"], settings.masters)


async def _rewrap(settings: VaultSettings, batch: int) -> Standing:
    async with mongo.connect(settings.mongo_url, settings.screening_vault_database) as vault:
        work = await Rewrapping.begin(vault["keys"], settings.masters, batch=batch)
        async for done in work.run():
            print(f"{done} data keys wrapped anew", file=sys.stderr, flush=True)
        if work.stuck:
            print(f"{len(work.stuck)} data keys are damaged and do not open", file=sys.stderr)
        return await standing(vault["keys"], settings.masters)


def _done(work: Coroutine[Any, Any, Result]) -> Result:
    try:
        return asyncio.run(work)
    except Locked as error:
        sys.exit(f"{error}")
    except PyMongoError as error:
        sys.exit(f"the database does not answer ({type(error).__name__}); what was done is done, run it again")


def _tell(found: Standing, *, json: bool) -> None:
    if json:
        print(_standing.dump_json(found).decode())
    else:
        print(f"current: {found.current}, with {found.keys.get(found.current, 0)} data keys")
        for name, count in found.elsewhere.items():
            print(f"elsewhere: {name}, with {count} data keys")
    sys.exit(ELSEWHERE if found.elsewhere else 0)
