"""Rotation: data keys under an earlier master key are wrapped anew under the current one, the answers untouched."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bson import decode
from pymongo import UpdateOne
from pymongocrypt.asynchronous.explicit_encrypter import AsyncExplicitEncrypter  # type: ignore[import-untyped]  # no types
from pymongocrypt.errors import MongoCryptError  # type: ignore[import-untyped]  # no types
from pymongocrypt.options import MongoCryptOptions  # type: ignore[import-untyped]  # no types

from services.screening.vault.cipher import INDEXES
from services.screening.vault.keys import CODEC, Requests, providers
from services.screening.vault.kmip import KeyServer
from services.screening.vault.masters import KMIP, Master, Masters
from shared.mongo import Collection, Document, ensure

MOST_STUCK: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How many data keys lie under which master key."""

    current: str
    keys: dict[str, int]

    @property
    def elsewhere(self) -> dict[str, int]:
        return {name: count for name, count in self.keys.items() if name != self.current}


@dataclass(slots=True)
class Rewrapping:
    """May be killed anywhere and begun again: a data key is replaced in one write, and what is done is left alone."""

    keys: Collection
    masters: Masters
    opened_by: dict[str, dict[str, Any]] = field(repr=False)
    batch: int
    done: int = 0
    stuck: list[Any] = field(default_factory=list)
    """Ids of data keys that their master key does not open."""

    @classmethod
    async def begin(cls, keys: Collection, masters: Masters, *, batch: int = 100) -> Rewrapping:
        await ensure(keys, INDEXES)
        return cls(keys, masters, await providers(keys, masters), batch)

    async def run(self) -> AsyncIterator[int]:
        """Yields, after each batch, how many were done; raises `Locked` when the key server is away.

        Keys that are made or deleted meanwhile are in nobody's way. Whoever still makes keys under an earlier master
        key can make some after this has passed: count again when the last such process is gone.
        """
        while len(self.stuck) < MOST_STUCK:
            batch = await self.keys.find(self._left()).limit(self.batch).to_list(None)
            if not batch:
                return
            self.done += await self._rewrap(batch)
            yield self.done

    def _left(self) -> Document:
        current = self.masters.current
        others: list[Document] = [{"masterKey.provider": {"$in": sorted(set(self.opened_by) - {current.provider})}}]
        if current.key_id is not None:
            others.append({"masterKey.provider": KMIP, "masterKey.keyId": {"$ne": current.key_id}})
        return {"$or": others, "_id": {"$nin": self.stuck}}

    async def _rewrap(self, batch: Sequence[Document]) -> int:
        try:
            wrapped = await self._wrapped(batch)
        except MongoCryptError:
            if len(batch) == 1:
                self.stuck.append(batch[0]["_id"])
                return 0
            return sum([await self._rewrap([key]) for key in batch])
        result = await self.keys.bulk_write([_replaced(key) for key in wrapped], ordered=False)
        return result.modified_count

    async def _wrapped(self, batch: Sequence[Document]) -> list[Document]:
        current = self.masters.current
        crypt: Any = AsyncExplicitEncrypter(
            Requests(self.masters.server, batch), MongoCryptOptions(self.opened_by, None)
        )
        try:
            rewrapped = await crypt.rewrap_many_data_key({}, current.provider, current.options)
        finally:
            crypt.close()
        found: list[Document] = decode(bytes(rewrapped), CODEC)["v"]
        return found


def _replaced(key: Document) -> UpdateOne:
    """Whoever writes last wrote the same data key; one that was deleted meanwhile stays deleted."""
    return UpdateOne(
        {"_id": key["_id"]},
        {
            "$set": {"keyMaterial": key["keyMaterial"], "masterKey": key["masterKey"]},
            "$currentDate": {"updateDate": True},
        },
    )


async def standing(keys: Collection, masters: Masters) -> Standing:
    """Counts what there is now, by the index over the names of master keys."""
    of = {"provider": "$masterKey.provider", "keyId": "$masterKey.keyId"}
    pipeline: list[Document] = [
        {"$sort": {"masterKey.provider": 1, "masterKey.keyId": 1}},
        {"$project": {"_id": 0, "masterKey.provider": 1, "masterKey.keyId": 1}},
        {"$group": {"_id": of, "keys": {"$sum": 1}}},
    ]
    counted = {str(Master.of({"masterKey": one["_id"]})): one["keys"] async for one in keys.aggregate(pipeline)}
    return Standing(current=str(masters.current), keys=dict(sorted(counted.items())))


async def new_master(server: KeyServer) -> Master:
    """Let the key server keep a new secret of 96 random bytes, and make it ready for use. Never tried twice."""
    requests = Requests(server)
    crypt: Any = AsyncExplicitEncrypter(requests, MongoCryptOptions({KMIP: {"endpoint": server.endpoint}}, None))
    try:
        await crypt.create_data_key(KMIP)
        return Master.of(requests.made[0])
    finally:
        crypt.close()
