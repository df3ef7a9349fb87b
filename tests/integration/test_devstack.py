"""The private broker and database: started, killed, restarted, with what they had stored."""

from __future__ import annotations

import socket
from pathlib import Path

import aio_pika
import pytest
from aiormq.exceptions import ChannelAccessRefused
from pymongo import MongoClient

from deploy.devstack import broker, database, home, ports
from deploy.devstack.broker import Broker
from deploy.devstack.database import Database
from deploy.devstack.trouble import Trouble
from shared.bus import inbox
from tests.support.backends import RabbitBackend
from tests.support.waiting import until


async def test_a_killed_broker_comes_back_on_its_port_with_its_messages(tmp_path: Path) -> None:
    async with broker.started(tmp_path) as private:
        before = private.url
        await _publish(private, b"kept")
        await until(lambda: private.survives_kill("kept"))
        await private.kill()
        await private.start()
        assert private.url == before
        assert await _get(private) == b"kept"
        await private.kill()  # an orderly end takes six seconds


async def test_a_killed_database_comes_back_on_its_port_with_what_was_acknowledged(tmp_path: Path) -> None:
    async with database.started(tmp_path) as private:
        before = private.url
        _write_down(private)
        await private.kill()
        await private.start()
        assert private.url == before
        assert _read_back(private)


async def test_a_database_that_has_to_move_to_another_port_keeps_its_data(tmp_path: Path) -> None:
    async with database.started(tmp_path) as private:
        before = private.port
        _write_down(private)
    (tmp_path / "ports.json").unlink()
    async with database.started(tmp_path) as moved:
        assert moved.port != before
        assert _read_back(moved)


def test_ports_are_remembered_while_they_are_free(tmp_path: Path) -> None:
    first = ports.remembered(tmp_path / "ports.json", ("one", "two"))
    with socket.create_server((ports.LOOPBACK, first["one"])):
        second = ports.remembered(tmp_path / "ports.json", ("one", "two"))
    assert second["one"] != first["one"]
    assert second["two"] == first["two"]


def test_secrets_are_made_once_and_only_for_their_owner(tmp_path: Path) -> None:
    first = home.kept_secrets(tmp_path)
    assert home.kept_secrets(tmp_path) == first
    assert (tmp_path / "secrets.json").stat().st_mode & 0o077 == 0


def test_a_second_system_in_one_folder_is_told_how_to_end_the_first(tmp_path: Path) -> None:
    with (
        home.locked(tmp_path / "stack"),
        pytest.raises(Trouble, match=r"already runs.*kill \d+"),
        home.locked(tmp_path / "stack"),
    ):
        pass


async def test_two_tests_never_see_each_other(rabbit: RabbitBackend, mongo_url: str, database_name: str) -> None:
    async with await aio_pika.connect(rabbit.url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("only-here", durable=True)
        assert queue.declaration_result.message_count == 0
    with MongoClient[dict[str, object]](mongo_url) as client:
        assert client[database_name].list_collection_names() == []


async def test_the_services_user_finds_the_topology_and_may_not_add_to_it(rabbit: RabbitBackend) -> None:
    url = await rabbit.apply_topology()
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.declare_queue(inbox("booking"), passive=True)
        with pytest.raises(ChannelAccessRefused):
            await channel.declare_queue("misspelt", durable=True)


async def _publish(private: Broker, body: bytes) -> None:
    async with await aio_pika.connect(private.url) as connection:
        channel = await connection.channel()
        await channel.declare_queue("kept", durable=True, arguments={"x-queue-type": "quorum"})
        message = aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(message, "kept")


async def _get(private: Broker) -> bytes:
    async with await aio_pika.connect(private.url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("kept", passive=True)
        message = await queue.get(timeout=10)
        await message.ack()
        return message.body


def _write_down(private: Database) -> None:
    with MongoClient[dict[str, object]](private.url) as client:
        client["kept"]["notes"].insert_one({"_id": "one"})


def _read_back(private: Database) -> bool:
    with MongoClient[dict[str, object]](private.url) as client:
        return client["kept"]["notes"].find_one() == {"_id": "one"}
