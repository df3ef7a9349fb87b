"""`python -m services.screening diff`, `prove`, `replay` and `pin`: versions of forms, on the command line."""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Annotated, Any, Final, NoReturn

import cyclopts
from pydantic import Field, ValidationError
from pymongo.errors import PyMongoError

from services.screening import library, overlays
from services.screening.actions import Auditing
from services.screening.actions.forms import Forms
from services.screening.actions.replaying import Replayed, replay
from services.screening.actions.versions import Version, cases_of
from services.screening.domain.audit import Deed, Hand, Role
from services.screening.domain.catalogue import Catalogue
from services.screening.domain.comparison import CaseChange, Comparison, Difference, case_changes, compare
from services.screening.domain.overlay import OverlayBroken
from services.screening.library import LibraryBroken
from services.screening.overlays import Made, OverlayTable
from services.screening.ports import Forgotten, Locked
from services.screening.proving import CLIENTS, MOST_TOLD, proof
from services.screening.settings import VaultSettings
from services.screening.store import MongoAudit, MongoEditions, MongoTrails, stored
from services.screening.vault import KeyVault
from shared import mongo
from shared.clock import utc_now
from shared.settings import read

FOUND: Final = 1
UNREADABLE: Final = 2
DIGESTS: Final = library.HERE / "digests.json"


class ReplaySettings(VaultSettings):
    """All that is needed to judge a stored case again: no broker."""

    screening_database: str = Field("stillpoint_screening", description="Name of screening's MongoDB database")


def diff(before: str, after: str) -> None:
    """Say what differs between two versions of a form, and every test case that comes to something else.

    Ends with 0 if nothing differs, with 1 if something does, and with 2 and a sentence if it cannot be said.

    Parameters
    ----------
    before
        An exact version of the library, such as cst-core@2026.1.0, or a TOML or JSON file with a practice's own set.
    after
        Likewise.
    """
    catalogue = _library()
    was, now = _version(before, catalogue), _version(after, catalogue)
    if was.form.questionnaire.name != now.form.questionnaire.name:
        _give_up(f"{before} and {after} are not versions of one form")
    changes = (one for one in case_changes(was.form, now.form, cases_of(was, now)) if one is not None)
    lines = list(_lines(compare(was.form, now.form, changes)))
    for line in lines:
        print(line)
    sys.exit(FOUND if lines else 0)


def prove(file: Path, *, clients: int = CLIENTS, seed: int = 1) -> None:
    """Show that a practice's own set is nowhere softer than its base, as publishing it would.

    Ends with 0 if it is not, with 1 and what speaks against it if it could be, and with 2 and a sentence if the file
    does not fit the library.

    Parameters
    ----------
    file
        TOML or JSON.
    clients
        How many made-up clients are judged by both sets.
    seed
        Of chance; the same makes up the same clients.
    """
    catalogue = _library()
    made = _made(file, catalogue)
    steps = proof(made, catalogue, Random(seed).randrange, clients=clients)  # noqa: S311  # made-up clients, no secret
    troubles = [step for step in steps if step is not None][:MOST_TOLD]
    for trouble in troubles:
        print(trouble)
    if not troubles:
        print(f"{made.form.ruleset.id} is nowhere softer than {made.base.ruleset.id}")
    sys.exit(FOUND if troubles else 0)


def replay_case(appointment: str) -> None:
    """Judge the forms of a stored case again by the versions that it names; nothing of an answer is shown.

    That they were opened is noted in the audit. Ends with 0 if the same bytes came of all, with 1 if not, and with 2
    and a sentence if that could not be found out.

    Parameters
    ----------
    appointment
        Its id.
    """
    try:
        found = asyncio.run(replayed(read(ReplaySettings), appointment))
    except (Locked, Forgotten) as refusal:
        _give_up(str(refusal))
    except PyMongoError as error:
        _give_up(f"the database does not answer: {type(error).__name__}")
    for one in found:
        print(f"{one.questionnaire} by {one.ruleset}, zones {one.zones or 'not noted'}: {one.trouble or 'the same'}")
    sys.exit(FOUND if any(one.trouble for one in found) else 0)


def pin(file: Annotated[Path, cyclopts.Parameter(show=False)] = DIGESTS) -> None:
    """Note the digest of every file of the library that has none yet; what is noted never changes.

    Ends with 1 and the names if a file was changed after it was published.
    """
    noted: dict[str, str] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    found = library.digests()
    changed = sorted(name for name in noted if found.get(name) != noted[name])
    for name in changed:
        print(f"{name} was changed or removed after it was published: make a new version instead", file=sys.stderr)
    file.write_text(json.dumps({**found, **noted}, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    sys.exit(FOUND if changed else 0)


async def replayed(settings: ReplaySettings, appointment: str) -> Sequence[Replayed]:
    """Noted before anything is opened."""
    forms = _library()
    async with AsyncExitStack() as opened:
        db = await opened.enter_async_context(mongo.connect(settings.mongo_url, settings.screening_database))
        keys = await opened.enter_async_context(mongo.connect(settings.mongo_url, settings.screening_vault_database))
        case = await stored(db, appointment)
        if case is None:
            _give_up("there is no health check for this appointment")
        vault = await KeyVault.open(keys["keys"], settings.masters, remembered=timedelta(seconds=60))
        opened.callback(vault.close)
        audit, trails = await MongoAudit.open(db, keys["heads"]), await MongoTrails.open(db)
        noting = Auditing(audit, trails, now=utc_now, ids=lambda: secrets.token_hex(12))
        hand = Hand(role=Role.SERVICE, who="replay")
        await noting.note(noting.fact(Deed.VIEW, practice=case.practice, record=case.id, hand=hand))
        return await replay(case, Forms(forms, await MongoEditions.open(db)), vault)


def _lines(found: Comparison) -> Iterator[str]:
    if not (found.differences or found.cases):
        return
    yield f"This is a {found.step} step."
    yield from (_line(one) for one in found.differences)
    yield from (f"{one.name}: {_result(one)}" for one in found.cases)
    yield from (f"softer: {one}" for one in found.softer)


def _line(one: Difference) -> str:
    fields = f" ({', '.join(one.fields)})" if one.fields else ""
    return f"{one.what} {one.id}: {one.how}{fields}"


def _result(one: CaseChange) -> str:
    def said(result: Any) -> str:
        return "not a filled in form" if result is None else f"{result.outcome} {', '.join(result.codes)}".strip()

    return f"{said(one.before)} -> {said(one.after)}"


def _version(name: str, catalogue: Catalogue) -> Version:
    found = catalogue.rulesets.get(name) or catalogue.forms.get(name)
    if found is not None:
        return Version(form=found, base_cases=catalogue.examples[found.ruleset.id].cases)
    if "@" in name:
        _give_up(f"the library has no {name}; there are {', '.join(sorted(catalogue.rulesets))}")
    return Version.of(_made(Path(name), catalogue))


def _made(file: Path, catalogue: Catalogue) -> Made:
    try:
        table = OverlayTable.model_validate_json(json.dumps(_content(file)))
        made = overlays.made(table, overlays.written(table)[1], catalogue)
    except (OSError, UnicodeDecodeError) as error:
        _give_up(f"{file}: cannot be read ({type(error).__name__})")
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        _give_up(f"{file}: {'.'.join(str(part) for part in first['loc'])}: {first['msg']}")
    except (OverlayBroken, ValueError) as error:
        _give_up(f"{file}: {error}")
    return made


def _content(file: Path) -> Mapping[str, Any]:
    """Raises ValueError."""
    text = file.read_text(encoding="utf-8")
    found: Mapping[str, Any] = tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
    return found


def _library() -> Catalogue:
    try:
        return library.read()
    except LibraryBroken as error:
        _give_up(str(error))


def _give_up(why: str) -> NoReturn:
    print(why, file=sys.stderr)
    sys.exit(UNREADABLE)
