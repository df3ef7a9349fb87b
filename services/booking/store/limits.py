"""Where what strangers asked for is counted: in this process, or in a database that all replicas share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from limits.aio.storage import MongoDBStorage, Storage
from limits.storage import storage_from_string
from pydantic import SecretStr


@contextmanager
def counting(url: SecretStr, *, database: str) -> Iterator[Storage]:
    """`url` is async+memory:// or begins with async+mongodb://; the database is booking's own."""
    storage = storage_from_string(
        url.get_secret_value(),
        database_name=database,
        counter_collection_name="limits",
        window_collection_name="limit_windows",
    )
    assert isinstance(storage, Storage)  # noqa: S101  what the settings let in is asynchronous
    try:
        yield storage
    finally:
        if isinstance(storage, MongoDBStorage):
            storage.storage.close()
