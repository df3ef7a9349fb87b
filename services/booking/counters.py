"""Where what strangers ask for is counted: in this process, or in a database that all replicas share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from limits.aio.storage import MemoryStorage, MongoDBStorage, Storage
from limits.storage import storage_from_string
from pydantic import SecretStr

from shared.clock import utc_now

IN_MEMORY: Final = "async+memory://"
FEW: Final = 1_000


class Memory(MemoryStorage):
    """Counts as its parent does, which looks through every counter on each hit, however many there are.

    This one does so only when there are twice as many as were left the last time: the cost of a hit does not grow.
    """

    def __init__(self) -> None:
        super().__init__(IN_MEMORY)
        self._enough = FEW

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        now = utc_now().timestamp()
        if len(self.expirations) >= self._enough:
            for over in [one for one, until in self.expirations.items() if until <= now]:
                await self.clear(over)
            self._enough = max(FEW, 2 * len(self.expirations))
        before = await self.get(key)
        self.storage[key] = before + amount
        if before == 0:
            self.expirations[key] = now + expiry
        return before + amount


@contextmanager
def counting(url: SecretStr, *, database: str) -> Iterator[Storage]:
    """`url` is async+memory:// or begins with async+mongodb://; the database is booking's own."""
    if url.get_secret_value() == IN_MEMORY:
        yield Memory()
        return
    storage = storage_from_string(
        url.get_secret_value(),
        database_name=database,
        counter_collection_name="limits",
        window_collection_name="limit_windows",
    )
    assert isinstance(storage, MongoDBStorage)  # noqa: S101  the settings let nothing else in
    try:
        yield storage
    finally:
        storage.storage.close()
