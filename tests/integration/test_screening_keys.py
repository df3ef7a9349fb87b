"""Master keys change while answers stay as they are, on a real database."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from deploy.devstack.programs import PROJECT
from services.screening.ports import Damaged, Forgotten, KeyOwner, Locked
from services.screening.vault import MASTER_KEY_BYTES, KeyVault, Masters
from services.screening.vault.masters import name_of
from services.screening.vault.rewrapping import Rewrapping, Standing, standing
from shared import mongo
from shared.mongo import Collection
from tests.support.screening import PRACTICE

A, B, C = (secrets.token_bytes(MASTER_KEY_BYTES) for _ in range(3))
REMEMBERED = timedelta(seconds=60)


@dataclass(slots=True)
class Installation:
    """One key database, and whoever opens it."""

    url: str
    name: str
    keys: Collection
    opened: AsyncExitStack

    async def process(self, current: bytes, *earlier: bytes) -> KeyVault:
        vault = await KeyVault.open(self.keys, Masters.at_hand(current, *earlier), remembered=REMEMBERED)
        self.opened.callback(vault.close)
        return vault

    async def rewrap(self, current: bytes, *earlier: bytes, batch: int = 2) -> Rewrapping:
        work = await Rewrapping.begin(self.keys, Masters.at_hand(current, *earlier), batch=batch)
        async for _ in work.run():
            pass
        return work

    async def unname(self, master: bytes) -> None:
        """As if its data keys had been made when there was one master key, which had no name."""
        before = {"masterKey.provider": name_of(master)}
        await self.keys.update_many(before, {"$set": {"masterKey.provider": "local"}})

    async def command(self, *said: str, current: bytes, earlier: bytes | None = None, **more: str) -> Ended:
        environment = {**os.environ, **more, "PYTHONPATH": str(PROJECT), "STILLPOINT_MONGO_URL": self.url}
        environment |= {
            "STILLPOINT_SCREENING_VAULT_DATABASE": self.name,
            "STILLPOINT_SCREENING_MASTER_KEY": shown(current),
        }
        if earlier is not None:
            environment["STILLPOINT_SCREENING_EARLIER_MASTER_KEYS"] = shown(earlier)
        process = await asyncio.create_subprocess_exec(
            sys.executable, *said, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=environment
        )
        out, err = await process.communicate()
        return Ended(process.returncode, out.decode(), err.decode())

    async def keys_command(self, *said: str, current: bytes, earlier: bytes | None = None) -> Ended:
        return await self.command("-m", "services.screening", "keys", *said, current=current, earlier=earlier)


@dataclass(frozen=True, slots=True)
class Ended:
    code: int | None
    out: str
    err: str


@pytest.fixture
async def here(mongo_url: str, database_name: str) -> AsyncIterator[Installation]:
    async with AsyncExitStack() as opened:
        database = await opened.enter_async_context(mongo.connect(SecretStr(mongo_url), database_name))
        yield Installation(mongo_url, database_name, database["keys"], opened)


def shown(master: bytes) -> str:
    return base64.b64encode(master).decode()


def owner(number: int) -> KeyOwner:
    return KeyOwner.of_client(PRACTICE, f"{number:020}")


async def sealed_by(vault: KeyVault, numbers: range) -> dict[bytes, bytes]:
    """Each secret with what it was sealed to."""
    return {f"secret {n}".encode(): await vault.seal(owner(n), f"secret {n}".encode()) for n in numbers}


async def opens_all(vault: KeyVault, sealed: dict[bytes, bytes]) -> bool:
    return [await vault.unseal(one) for one in sealed.values()] == list(sealed)


async def test_after_a_rotation_the_answers_are_readable_and_the_old_master_key_is_not_needed(
    here: Installation,
) -> None:
    unnamed = await sealed_by(await here.process(A), range(3))
    await here.unname(A)
    named = await sealed_by(await here.process(A), range(3, 5))
    fresh = await sealed_by(await here.process(B, A), range(5, 7))
    sealed = unnamed | named | fresh
    assert await opens_all(await here.process(B, A), sealed)

    work = await here.rewrap(B, A)

    assert (work.done, work.stuck) == (5, [])
    assert await opens_all(await here.process(B), sealed)
    with pytest.raises(Locked, match=name_of(B)):
        await (await here.process(A)).unseal(sealed[b"secret 0"])
    assert await standing(here.keys, Masters.at_hand(B)) == Standing(current=name_of(B), keys={name_of(B): 7})


@pytest.mark.parametrize("masters", [(A, B), (B, A), (B, C, A), (B, A, C)])
async def test_which_master_key_had_no_name_is_found_out_whatever_the_order(
    here: Installation, masters: tuple[bytes, ...]
) -> None:
    sealed = await sealed_by(await here.process(A), range(1))
    await here.unname(A)
    assert await opens_all(await here.process(*masters), sealed)


async def test_a_new_master_key_can_be_made_known_everywhere_before_anybody_uses_it(here: Installation) -> None:
    old, ready = await here.process(A), await here.process(A, B)
    switched = await here.process(B, A)
    assert await opens_all(ready, await sealed_by(switched, range(2)))
    assert await opens_all(switched, await sealed_by(old, range(2, 4)))


async def test_keys_are_made_and_forgotten_while_others_are_wrapped_anew(here: Installation) -> None:
    """A process that has not been told of the new master key yet goes on: what it makes is for the next run."""
    behind = await here.process(A, B)
    sealed = await sealed_by(behind, range(30))
    gone = [sealed.pop(f"secret {n}".encode()) for n in range(0, 30, 3)]

    async def meanwhile() -> dict[bytes, bytes]:
        made = {}
        for n in range(30, 40):
            made |= await sealed_by(behind, range(n, n + 1))
            await behind.forget(PRACTICE, owner((n - 30) * 3).subject)
        return made

    made, *_ = await asyncio.gather(meanwhile(), here.rewrap(B, A, batch=1), here.rewrap(B, A, batch=3))
    await here.rewrap(B, A)

    alone = await here.process(B)
    assert await opens_all(alone, sealed | made)
    assert await here.keys.count_documents({}) == 30
    for one in gone:
        with pytest.raises(Forgotten):
            await alone.unseal(one)


class Overtaken:
    """The keys; a client is forgotten between the reading and the writing of a batch."""

    def __init__(self, keys: Collection, forget: Callable[[], Awaitable[None]]) -> None:
        self._keys, self._forget = keys, forget

    def __getattr__(self, name: str) -> Any:
        return getattr(self._keys, name)

    async def bulk_write(self, *writes: Any, **options: Any) -> Any:
        await self._forget()
        return await self._keys.bulk_write(*writes, **options)


async def test_who_is_forgotten_between_reading_and_writing_stays_forgotten(here: Installation) -> None:
    vault = await here.process(A)
    sealed = await sealed_by(vault, range(3))
    keys = Overtaken(here.keys, lambda: vault.forget(PRACTICE, owner(1).subject))

    async for _ in (await Rewrapping.begin(keys, Masters.at_hand(B, A))).run():
        pass

    alone, gone = await here.process(B), sealed.pop(b"secret 1")
    assert await opens_all(alone, sealed)
    with pytest.raises(Forgotten):
        await alone.unseal(gone)
    assert await here.keys.count_documents({}) == 2


async def test_a_damaged_data_key_stops_nothing_but_itself(here: Installation) -> None:
    sealed = await sealed_by(await here.process(A), range(5))
    await here.keys.update_one(
        {"keyAltNames": f"{PRACTICE}/{owner(1).subject}"}, {"$set": {"keyMaterial": secrets.token_bytes(160)}}
    )
    work = await here.rewrap(B, A, batch=3)

    assert (work.done, len(work.stuck)) == (4, 1)
    damaged = sealed.pop(b"secret 1")
    assert await opens_all(await here.process(B), sealed)
    with pytest.raises(Damaged):
        await (await here.process(B, A)).unseal(damaged)
    assert (await standing(here.keys, Masters.at_hand(B))).elsewhere == {name_of(A): 1}


async def test_a_forgotten_clients_new_key_is_used_by_a_process_that_still_remembers_the_old_one(
    here: Installation,
) -> None:
    first, second = await here.process(A), await here.process(A)
    await first.unseal(await second.seal(owner(1), b"before"))  # both have it in memory
    await first.forget(PRACTICE, owner(1).subject)
    after = [await one.seal(owner(1), b"after") for one in (second, first, second)]
    assert [await (await here.process(A)).unseal(one) for one in after] == [b"after"] * 3


async def test_without_its_master_key_an_answer_stays_locked_and_the_rest_goes_on(here: Installation) -> None:
    lost = await sealed_by(await here.process(A), range(1))
    vault = await here.process(B)
    with pytest.raises(Locked, match=name_of(A)):
        await vault.unseal(lost[b"secret 0"])
    with pytest.raises(Locked):
        await vault.seal(owner(0), b"more of the same client")
    assert await opens_all(vault, await sealed_by(vault, range(1, 3)))

    found = await here.keys_command("rewrap", current=B)
    assert found.code == 2
    assert found.out.splitlines() == [
        f"current: {name_of(B)}, with 2 data keys",
        f"elsewhere: {name_of(A)}, with 1 data keys",
    ]


async def test_the_commands_say_when_the_old_master_key_can_go(here: Installation) -> None:
    sealed = await sealed_by(await here.process(A), range(5))
    before = await here.keys_command("status", current=B, earlier=A)
    done = await here.keys_command("rewrap", "--batch", "2", "--json", current=B, earlier=A)

    lines = [f"current: {name_of(B)}, with 0 data keys", f"elsewhere: {name_of(A)}, with 5 data keys"]
    assert (before.code, before.out.splitlines()) == (2, lines)
    assert (done.code, json.loads(done.out)) == (0, {"current": name_of(B), "keys": {name_of(B): 5}})
    assert done.err.splitlines() == [f"{n} data keys wrapped anew" for n in (2, 4, 5)]
    assert await opens_all(await here.process(B), sealed)


async def test_the_commands_say_in_one_sentence_what_is_wrong(here: Installation, tmp_path: Path) -> None:
    command = ("-m", "services.screening", "keys", "status")
    two = await here.command(*command, current=A, STILLPOINT_SCREENING_MASTER_KEY_FILE=str(tmp_path / "nowhere"))
    assert two.code == 1
    assert two.err.startswith("STILLPOINT_SCREENING_MASTER_KEY_FILE: ")
    assert len(two.err.splitlines()) == 1


async def killed_at(here: Installation, log: Path, step: int, *, on: str) -> int | None:
    """Ends `keys rewrap` at the n-th step of its talks with the database that mention `on`."""
    ended = await here.command(
        *("-m", "tests.support.killed", "screening", "keys", "rewrap", "--batch", "2"),
        current=B, earlier=A, KILL_ON=on, KILL_AT=str(step), KILL_LOG=str(log),
    )  # fmt: skip
    return ended.code


async def test_killed_in_the_middle_it_is_run_again(here: Installation, tmp_path: Path) -> None:
    sealed = await sealed_by(await here.process(A), range(6))
    after_the_first_write = 2  # only writes mention what they write
    assert await killed_at(here, tmp_path / "log", after_the_first_write, on="keyMaterial") == -signal.SIGKILL
    assert (await standing(here.keys, Masters.at_hand(B))).keys == {name_of(A): 4, name_of(B): 2}
    assert await opens_all(await here.process(B, A), sealed)

    again = await here.keys_command("rewrap", current=B, earlier=A)

    assert (again.code, again.err) == (0, "4 data keys wrapped anew\n")
    assert await opens_all(await here.process(B), sealed)


@pytest.mark.long
async def test_killed_anywhere_it_is_run_again(here: Installation, tmp_path: Path) -> None:
    for step in range(1, 40):
        await here.keys.drop()
        sealed = await sealed_by(await here.process(A), range(6))
        code = await killed_at(here, tmp_path / "log", step, on=here.name)
        assert await opens_all(await here.process(B, A), sealed)
        assert (await here.keys_command("rewrap", current=B, earlier=A)).code == 0
        assert await opens_all(await here.process(B), sealed)
        if code == 0:
            assert step > 15
            return
    raise AssertionError("it never came to its end")
