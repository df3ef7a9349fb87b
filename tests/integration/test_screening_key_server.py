"""The master key on a real KMIP server, over TLS with certificates on both sides."""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from deploy.devstack import ports
from deploy.devstack.programs import PROJECT
from services.screening.ports import KeyOwner, Locked
from services.screening.vault import MASTER_KEY_BYTES, KeyServer, KeyVault, Master, Masters
from services.screening.vault.kmip import GET
from services.screening.vault.masters import name_of
from services.screening.vault.rewrapping import Rewrapping, new_master, standing
from shared import mongo
from shared.mongo import Collection
from tests.support.key_server import RunningKeyServer
from tests.support.kmip_server import AUTHORITY, CLIENT, SERVER, STRANGER
from tests.support.screening import PRACTICE

LOCAL = secrets.token_bytes(MASTER_KEY_BYTES)
OWNER = KeyOwner.of_client(PRACTICE, "c" * 20)
OTHER = KeyOwner.of_client(PRACTICE, "d" * 20)
FORGETFUL = timedelta(milliseconds=1)
ANSWER = bytes.fromhex("42007b0100000008") + bytes(8)


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningKeyServer]:
    one = await RunningKeyServer.start(tmp_path_factory.mktemp("kmip"))
    yield one
    await one.kill()


@pytest.fixture
async def keys(mongo_url: str, database_name: str) -> AsyncIterator[Collection]:
    async with mongo.connect(SecretStr(mongo_url), database_name) as database:
        yield database["keys"]


@pytest.fixture
async def opened() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def process(opened: AsyncExitStack, keys: Collection, masters: Masters) -> KeyVault:
    vault = await KeyVault.open(keys, masters, remembered=FORGETFUL)
    opened.callback(vault.close)
    return vault


async def rewrap(keys: Collection, masters: Masters) -> int:
    work = await Rewrapping.begin(keys, masters, batch=2)
    async for _ in work.run():
        pass
    return work.done


async def test_every_process_opens_what_lies_under_a_key_of_the_key_server(
    server: RunningKeyServer, keys: Collection, opened: AsyncExitStack
) -> None:
    client = server.client()
    key = await new_master(client)
    masters = Masters.at_server(client, key.key_id or "")
    sealed = await (await process(opened, keys, masters)).seal(OWNER, b"history")

    assert await (await process(opened, keys, masters)).unseal(sealed) == b"history"
    assert (await standing(keys, masters)).keys == {str(key): 1}


async def test_data_keys_move_to_the_key_server_between_its_keys_and_back(
    server: RunningKeyServer, keys: Collection, opened: AsyncExitStack
) -> None:
    client = server.client()
    first, second = await new_master(client), await new_master(client)
    sealed = [await (await process(opened, keys, Masters.at_hand(LOCAL))).seal(owner, b"x") for owner in (OWNER, OTHER)]
    steps = [
        (Masters.at_server(client, first.key_id or "", LOCAL), Masters.at_server(client, first.key_id or "")),
        (Masters.at_server(client, second.key_id or ""), Masters.at_server(client, second.key_id or "")),
        (Masters.at_hand(LOCAL, server=client), Masters.at_hand(LOCAL)),
    ]
    for during, after in steps:
        assert await rewrap(keys, during) == 2
        assert (await standing(keys, after)).elsewhere == {}
        vault = await process(opened, keys, after)
        assert [await vault.unseal(one) for one in sealed] == [b"x", b"x"]


async def test_while_the_key_server_is_away_nothing_opens_and_afterwards_everything_does(
    server: RunningKeyServer, keys: Collection, opened: AsyncExitStack
) -> None:
    client = server.client()
    masters = Masters.at_server(client, (await new_master(client)).key_id or "")
    vault = await process(opened, keys, masters)
    sealed = await vault.seal(OWNER, b"history")
    await server.kill()
    with pytest.raises(Locked, match="does not answer"):
        await (await process(opened, keys, masters)).unseal(sealed)
    with pytest.raises(Locked, match="does not answer"):
        await rewrap(keys, Masters.at_hand(LOCAL, server=client))
    await server.restart()
    assert await vault.unseal(sealed) == b"history"


async def test_a_key_that_the_key_server_does_not_have_is_told_from_a_damaged_answer(
    server: RunningKeyServer, keys: Collection, opened: AsyncExitStack
) -> None:
    vault = await process(opened, keys, Masters.at_server(server.client(), "no-such-key"))
    with pytest.raises(Locked, match="does not hand out"):
        await vault.seal(OWNER, b"history")


async def test_without_the_key_server_its_keys_are_not_configured(
    server: RunningKeyServer, keys: Collection, opened: AsyncExitStack
) -> None:
    client = server.client()
    key = await new_master(client)
    sealed = await (await process(opened, keys, Masters.at_server(client, key.key_id or ""))).seal(OWNER, b"history")
    with pytest.raises(Locked, match=f"{key} is not configured"):
        await (await process(opened, keys, Masters.at_hand(LOCAL))).unseal(sealed)


@pytest.mark.parametrize("wrong", [{"certificate": STRANGER}, {"authority": STRANGER}, {"certificate": SERVER}])
async def test_neither_side_talks_to_a_stranger(server: RunningKeyServer, wrong: dict[str, str]) -> None:
    with pytest.raises(Locked):
        await new_master(server.client(**wrong))


async def test_a_key_server_under_another_name_is_a_stranger(server: RunningKeyServer) -> None:
    elsewhere = KeyServer(endpoint=f"localhost:{server.port}", tls=server.client().tls)
    with pytest.raises(Locked):
        await new_master(elsewhere)


async def command(server: RunningKeyServer, *said: str, **more: str) -> tuple[int | None, str]:
    environment = {**os.environ, **more, "PYTHONPATH": str(PROJECT)}
    environment |= {
        "STILLPOINT_SCREENING_KMIP_ENDPOINT": server.endpoint,
        "STILLPOINT_SCREENING_KMIP_CA_FILE": str(server.folder / AUTHORITY),
        "STILLPOINT_SCREENING_KMIP_CERT_FILE": str(server.folder / CLIENT),
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.screening", "keys", *said), stdout=asyncio.subprocess.PIPE, env=environment
    )
    out, _ = await process.communicate()
    return process.returncode, out.decode()


async def test_the_commands_make_a_master_key_and_move_everything_under_it(
    server: RunningKeyServer,
    keys: Collection,
    opened: AsyncExitStack,
    mongo_url: str,
    database_name: str,
    tmp_path: Path,
) -> None:
    await (await process(opened, keys, Masters.at_hand(LOCAL))).seal(OWNER, b"history")
    earlier = tmp_path / "earlier"
    earlier.touch(mode=0o600)
    earlier.write_text(base64.b64encode(LOCAL).decode())

    made, key_id = await command(server, "register")
    code, out = await command(
        *(server, "rewrap"),
        STILLPOINT_MONGO_URL=mongo_url,
        STILLPOINT_SCREENING_VAULT_DATABASE=database_name,
        STILLPOINT_SCREENING_KMIP_KEY_ID=key_id.strip(),
        STILLPOINT_SCREENING_EARLIER_MASTER_KEY_FILES=str(earlier),
    )
    assert (made, code) == (0, 0)
    assert out == f"current: kmip:{key_id.strip()}, with 1 data keys\n"


@pytest.mark.parametrize(("message", "tries"), [(GET + b"key", 3), (b"something that is not read only", 1)])
async def test_only_what_reads_is_said_again_when_the_server_hangs_up(
    server: RunningKeyServer, message: bytes, tries: int
) -> None:
    """Each connection is ended after the request, but the third."""
    heard: list[bytes] = []

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readexactly(len(message)))
        if len(heard) == 3:
            writer.write(ANSWER)
            await writer.drain()
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server.folder / SERVER)
    async with await asyncio.start_server(hang_up, ports.LOOPBACK, 0, ssl=context) as listening:
        port = listening.sockets[0].getsockname()[1]
        rude = KeyServer(endpoint=f"{ports.LOOPBACK}:{port}", tls=server.client().tls)
        if tries == 3:
            assert await rude.ask(message) == ANSWER
        else:
            with pytest.raises(Locked):
                await rude.ask(message)
    assert heard == [message] * tries


async def test_a_key_server_that_says_nothing_is_not_waited_for(server: RunningKeyServer) -> None:
    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await reader.read()
        writer.close()

    async with await asyncio.start_server(listen, ports.LOOPBACK, 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        silent = KeyServer(endpoint=f"{ports.LOOPBACK}:{port}", tls=server.client().tls, seconds=0.1)
        with pytest.raises(Locked, match="TimeoutError"):
            await silent.ask(b"hello")


def test_a_master_key_is_called_by_where_it_lies() -> None:
    assert str(Master(provider="kmip", key_id="17")) == "kmip:17"
    assert str(Masters.at_hand(LOCAL).current) == name_of(LOCAL)
    assert len(name_of(LOCAL)) == len("local:") + 16
