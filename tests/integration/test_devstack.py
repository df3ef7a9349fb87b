"""The private broker and database: started, killed, restarted, with what they had stored."""

from __future__ import annotations

from pathlib import Path

import aio_pika
from pymongo import MongoClient

from deploy.devstack import broker, database
from deploy.devstack.broker import Broker
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


async def test_a_killed_database_comes_back_on_its_port_with_what_was_acknowledged(tmp_path: Path) -> None:
    async with database.started(tmp_path) as private:
        before = private.url
        with MongoClient[dict[str, object]](private.url) as client:
            client["kept"]["notes"].insert_one({"_id": "one"})
        await private.kill()
        await private.start()
        assert private.url == before
        with MongoClient[dict[str, object]](private.url) as client:
            assert client["kept"]["notes"].find_one() == {"_id": "one"}


async def test_two_tests_never_see_each_other(rabbit: RabbitBackend, mongo_url: str, database_name: str) -> None:
    async with await aio_pika.connect(rabbit.url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("only-here", durable=True)
        assert queue.declaration_result.message_count == 0
    with MongoClient[dict[str, object]](mongo_url) as client:
        assert client[database_name].list_collection_names() == []


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
