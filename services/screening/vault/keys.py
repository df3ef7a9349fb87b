"""How the cipher reaches data keys in the database, and master keys at the key server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from bson import decode, encode
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions
from pymongocrypt.asynchronous.explicit_encrypter import AsyncExplicitEncrypter  # type: ignore[import-untyped]  # no types
from pymongocrypt.asynchronous.state_machine import AsyncMongoCryptCallback  # type: ignore[import-untyped]  # no types
from pymongocrypt.errors import MongoCryptError  # type: ignore[import-untyped]  # no types
from pymongocrypt.options import MongoCryptOptions  # type: ignore[import-untyped]  # no types

from services.screening.ports import Forgotten, Locked
from services.screening.vault.kmip import KeyServer
from services.screening.vault.masters import PLAIN, Master, Masters
from shared.mongo import Collection, Document

CODEC: Final[CodecOptions[Document]] = CodecOptions(tz_aware=True, uuid_representation=UuidRepresentation.STANDARD)


def bson(document: Mapping[str, Any]) -> bytes:
    return encode(document, codec_options=CODEC)


class Requests(AsyncMongoCryptCallback):  # type: ignore[misc]  # the library has no types
    """What the cipher asks of the outside, for keys that are handed to it."""

    def __init__(self, server: KeyServer | None, given: Sequence[Document] = ()) -> None:
        self._server = server
        self.given = given
        self.made: list[Document] = []

    async def fetch_keys(self, _: bytes) -> AsyncIterator[bytes]:
        for key in self.given:
            yield bson(key)

    async def insert_data_key(self, data_key: bytes) -> bytes:
        key = decode(bytes(data_key), CODEC)
        self.made.append(key)
        return _id(key)

    async def kms_request(self, context: Any) -> None:
        if self._server is None:
            raise Locked("the master key lies on a key server, and none is configured")
        answer = await self._server.ask(context.message)
        try:
            while answer and (wanted := context.bytes_needed) > 0:
                context.feed(answer[:wanted])
                answer = answer[wanted:]
        except MongoCryptError as error:
            raise Locked("the key server does not hand out the master key") from error

    def bson_encode(self, document: Mapping[str, Any]) -> bytes:
        return bson(document)

    def close(self) -> None:
        self.made.clear()

    async def collection_info(self, _database: str, _filter: bytes) -> None:
        raise NotImplementedError("encryption is explicit")

    async def mark_command(self, _database: str, _command: bytes) -> None:
        raise NotImplementedError("encryption is explicit")


class StoredKeys(Requests):
    """The same for keys in the database."""

    def __init__(self, keys: Collection, masters: Masters, known: frozenset[str]) -> None:
        super().__init__(masters.server)
        self._keys, self._known = keys, known
        self._fresh: dict[bytes, Document] = {}

    async def insert_data_key(self, data_key: bytes) -> bytes:
        key = decode(bytes(data_key), CODEC)
        await self._keys.insert_one(key)
        return self.keep(key)

    def keep(self, key: Document) -> bytes:
        """What was just made or found is asked for next: it need not come (again) from the database."""
        self._fresh[_id(key)] = key
        return _id(key)

    def drop(self, key_id: bytes) -> None:
        self._fresh.pop(key_id, None)

    async def fetch_keys(self, wanted: bytes) -> AsyncIterator[bytes]:
        """Raises `Forgotten` if there is none, and `Locked` if its master key is not at hand."""
        query = decode(bytes(wanted), CODEC)
        found = [self._fresh.pop(key_id) for key_id in _ids(query) if key_id in self._fresh]
        if not found:
            found = await self._keys.find(query).to_list(None)
        if not found:
            raise Forgotten("the key of this was deleted, and nobody can read it any more")
        for key in found:
            if key["masterKey"]["provider"] not in self._known:
                raise Locked(f"the master key {Master.of(key)} is not configured")
            yield bson(key)

    def close(self) -> None:
        self._fresh.clear()


async def opens(key: Document, master: bytes) -> bool:
    """Whether this is the master key that wrapped it, under the name that all master keys once had."""
    options = MongoCryptOptions({PLAIN: {"key": master}}, None)
    crypt: Any = AsyncExplicitEncrypter(Requests(None, [key]), options)
    try:
        await crypt.rewrap_many_data_key({}, PLAIN)
    except MongoCryptError:
        return False
    finally:
        crypt.close()
    return True


async def providers(keys: Collection, masters: Masters) -> dict[str, dict[str, Any]]:
    """What opens data keys; which master key had no name yet is found out by trying it on a key that it wrapped."""
    unnamed = await keys.find_one({"masterKey.provider": PLAIN})
    for name, master in masters.local.items():
        if unnamed is None or await opens(unnamed, master):
            return masters.providers | {PLAIN: masters.providers[name]}
    return masters.providers


def _id(key: Document) -> bytes:
    found: bytes = key["_id"].bytes
    return found


def _ids(query: Document) -> list[bytes]:
    return [key_id.bytes for part in query.get("$or", []) for key_id in part.get("_id", {}).get("$in", [])]
