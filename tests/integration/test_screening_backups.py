"""What backups bring back of a client who was forgotten: without the vault's, nothing that anybody can read."""

from __future__ import annotations

import base64
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import structlog
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pydantic import SecretStr

from services.screening.ports import Forgotten
from services.screening.vault import MASTER_KEY_BYTES, KeyVault, Masters
from shared import mongo
from shared.events.booking import ClientEraseAsked
from shared.mongo import Database
from tests.support import screening as twin
from tests.support.backends import RabbitBackend
from tests.support.screening_app import App, an_appointment, app
from tests.support.waiting import until

MASTER = secrets.token_bytes(MASTER_KEY_BYTES)
KEY_SECONDS = 0.3
RAW: CodecOptions[Any] = CodecOptions(document_class=RawBSONDocument)
Dump = dict[str, list[RawBSONDocument]]


async def dump(database: Database) -> Dump:
    """All documents byte for byte, as a backup holds them."""
    names = await database.list_collection_names()
    return {name: await database.get_collection(name, codec_options=RAW).find().to_list(None) for name in names}


async def restore(database: Database, dumped: Dump) -> None:
    """Instead of what is there now, indexes and validators apart."""
    for name in await database.list_collection_names():
        await database[name].delete_many({})
    for name, documents in dumped.items():
        if documents:
            await database.get_collection(name, codec_options=RAW).insert_many(documents)


@dataclass(frozen=True, slots=True)
class Practice:
    """A service, the vault's database, and another process that has been reading all along."""

    app: App
    vault: Database
    watching: KeyVault

    async def sealed(self, appointment: str) -> bytes:
        case = await self.app.database["cases"].find_one({"_id": appointment})
        assert case is not None
        return bytes(case["submission"]["sealed"])

    async def opens(self, appointment: str) -> bool:
        return (await self.app.outcome(appointment)).status == 200

    async def decided(self, client: str) -> str:
        appointment = an_appointment()
        asked = twin.requested(appointment=appointment)
        known = asked.client.model_copy(update={"ref": client})
        await self.app.say(asked.model_copy(update={"client": known}), subject=appointment)
        await self.app.becomes(appointment, "awaiting")
        assert (await self.app.answer(appointment, twin.REVIEWED)).status == 200
        return appointment

    async def erase(self, appointment: str, client: str) -> None:
        ask = an_appointment()
        asked = ClientEraseAsked(ask=ask, refs=(client,), phones=(), appointments=(appointment,))
        await self.app.say(asked, subject=ask)
        await until(lambda: self.app.database["asks"].find_one({"_id": ask, "done_at": {"$exists": True}}))


@pytest.fixture
async def practice(mongo_url: str, fresh_database: Callable[[], str], rabbit: RabbitBackend) -> AsyncIterator[Practice]:
    name = fresh_database()
    settings: dict[str, Any] = {
        "screening_vault_database": name,
        "screening_master_key": SecretStr(base64.b64encode(MASTER).decode()),
        "screening_key_seconds": KEY_SECONDS,
    }
    async with AsyncExitStack() as opened:
        vault = await opened.enter_async_context(mongo.connect(SecretStr(mongo_url), name))
        one = await opened.enter_async_context(app(mongo_url, fresh_database, rabbit, **settings))
        watching = await KeyVault.open(
            vault["keys"], Masters.at_hand(MASTER), remembered=timedelta(seconds=KEY_SECONDS)
        )
        opened.callback(watching.close)
        yield Practice(one, vault, watching)


async def test_a_backup_of_the_answers_brings_back_nothing_that_anybody_can_read(practice: Practice) -> None:
    gone, stays = await practice.decided("a" * 20), await practice.decided("b" * 20)
    sealed = await practice.sealed(gone)
    backup = await dump(practice.app.database)
    assert b"anticoagulant" in await practice.watching.unseal(sealed)  # its key is in this process's memory now

    await practice.erase(gone, "a" * 20)
    await restore(practice.app.database, backup)

    assert await practice.sealed(gone) == sealed
    told = await until(lambda: forgotten_at(practice, gone))
    assert (told.status, told.body["code"]) == (404, "forgotten")
    await until(lambda: is_closed_to(practice.watching, sealed))
    fresh = await KeyVault.open(practice.vault["keys"], Masters.at_hand(MASTER), remembered=timedelta(seconds=60))
    assert await is_closed_to(fresh, sealed)
    fresh.close()
    answers = await practice.app.as_operator("GET", f"/v1/cases/{gone}")
    assert (answers.status, answers.code) == (404, "forgotten")
    assert "anticoagulant" not in str(answers.body)
    assert await practice.opens(stays)
    assert b"anticoagulant" in await practice.watching.unseal(await practice.sealed(stays))


async def test_an_old_backup_of_the_vault_beside_it_brings_everything_back_until_the_erasure_is_run_again(
    practice: Practice,
) -> None:
    gone = await practice.decided("a" * 20)
    sealed = await practice.sealed(gone)
    answers, keys = await dump(practice.app.database), await dump(practice.vault)
    await practice.erase(gone, "a" * 20)
    await until(lambda: is_closed_to(practice.watching, sealed))

    await restore(practice.app.database, answers)
    await restore(practice.vault, keys)
    assert b"anticoagulant" in await practice.watching.unseal(sealed)

    await practice.erase(gone, "a" * 20)
    await until(lambda: is_closed_to(practice.watching, sealed))


@pytest.fixture
def logged_plainly() -> Iterator[None]:
    """As services log: `telemetry.configure` keeps loggers for ever, and structlog's own default shows local values."""
    structlog.configure(processors=[structlog.processors.format_exc_info, structlog.processors.JSONRenderer()])
    yield
    structlog.reset_defaults()


async def test_a_damaged_answer_is_an_error_of_ours_and_neither_answer_nor_log_holds_any_of_it(
    practice: Practice, capfd: pytest.CaptureFixture[str], logged_plainly: None
) -> None:
    appointment = await practice.decided("a" * 20)
    sealed = await practice.sealed(appointment)
    damaged = sealed[:-1] + bytes([sealed[-1] ^ 1])
    await practice.app.database["cases"].update_one({"_id": appointment}, {"$set": {"submission.sealed": damaged}})

    told = await practice.app.as_operator("GET", f"/v1/cases/{appointment}")

    assert (told.status, told.code) == (500, "internal-error")
    logged = "".join(capfd.readouterr())
    assert "Damaged" in logged
    for content in ("anticoagulant", "q_blood_thinners", repr(damaged[:20])[2:-1], damaged.hex(), "1980-05-04"):
        assert content not in logged
        assert content not in str(told.body)


async def test_with_the_master_key_lost_the_service_runs_says_so_and_takes_new_clients(
    mongo_url: str, fresh_database: Callable[[], str], rabbit: RabbitBackend, capfd: pytest.CaptureFixture[str]
) -> None:
    databases = {"screening_database": fresh_database(), "screening_vault_database": fresh_database()}
    old, new = an_appointment(), an_appointment()
    async with app(mongo_url, fresh_database, rabbit, **databases) as before:
        assert (await before.answer(old, twin.REVIEWED)).status == 202
    capfd.readouterr()

    async with app(mongo_url, fresh_database, rabbit, **databases) as after:  # with a master key of its own
        told = [await after.outcome(old), await after.answer(old, twin.REVIEWED)]
        assert [(one.status, one.code) for one in told] == [(503, "vault-locked")] * 2
        assert (await after.answer(new, twin.REVIEWED)).status == 202
        assert (await after.outcome(new)).status == 200
    logged = capfd.readouterr().out
    assert "vault.locked" in logged
    assert "Traceback" not in logged


async def is_closed_to(vault: KeyVault, sealed: bytes) -> bool:
    try:
        await vault.unseal(sealed)
    except Forgotten:
        return True
    return False


async def forgotten_at(practice: Practice, appointment: str) -> Any:
    told = await practice.app.outcome(appointment)
    return told if told.status != 200 else None
