"""Fixtures for every test: a real MongoDB and a real RabbitMQ for the session, a fresh corner of each for one test."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable

import pytest
from pymongo import MongoClient

from tests.support import backends
from tests.support.backends import RabbitBackend


def pytest_report_header() -> str:
    return f"backends: MongoDB is {backends.mongo_source()}, RabbitMQ is {backends.rabbit_source()}"


@pytest.fixture(scope="session")
async def mongo_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A running MongoDB, started when the first test asks for it."""
    async with backends.mongo(tmp_path_factory.mktemp("mongo")) as url:
        yield url


@pytest.fixture(scope="session")
async def rabbit_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RabbitBackend]:
    """A running broker, started when the first test asks for it."""
    async with backends.rabbit(tmp_path_factory.mktemp("rabbit")) as server:
        yield server


@pytest.fixture
async def fresh_database(mongo_url: str) -> AsyncIterator[Callable[[], str]]:
    """Call it for the name of a database that nobody uses; dropped after the test."""
    names: list[str] = []

    def fresh() -> str:
        names.append(f"test_{secrets.token_hex(6)}")
        return names[-1]

    yield fresh
    client: MongoClient[dict[str, object]]
    with MongoClient(mongo_url) as client:
        for name in names:
            client.drop_database(name)


@pytest.fixture
def database_name(fresh_database: Callable[[], str]) -> str:
    return fresh_database()


@pytest.fixture
async def rabbit(rabbit_server: RabbitBackend) -> AsyncIterator[RabbitBackend]:
    """A virtual host of this test's own; nothing is declared in it."""
    async with backends.fresh_vhost(rabbit_server) as fresh:
        yield fresh


# Files go to the workers one after the other: one that takes minutes must not be the last to begin.
LONGEST_FIRST = ("system", "browser", "integration", "contract")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {name: number for number, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: order.get(item.path.relative_to(item.config.rootpath).parts[1], len(order)))
