"""The vault: field encryption with one data key per owner, each wrapped by the installation's master key.

MongoDB's own client-side encryption, used explicitly: AES-256-CBC with HMAC-SHA-512, random, so that equal answers
do not look equal. The key documents live in a database of their own, whose backups can be kept for a shorter time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

from bson import decode, encode
from bson.binary import Binary, UuidRepresentation
from bson.codec_options import CodecOptions
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError
from pymongocrypt.asynchronous.explicit_encrypter import AsyncExplicitEncrypter  # type: ignore[import-untyped]  # no types
from pymongocrypt.asynchronous.state_machine import AsyncMongoCryptCallback  # type: ignore[import-untyped]  # no types
from pymongocrypt.options import MongoCryptOptions  # type: ignore[import-untyped]  # no types

from services.screening.ports import KeyOwner
from shared.mongo import Collection, Document, ensure

MASTER_KEY_BYTES: Final = 96
ALGORITHM: Final = "AEAD_AES_256_CBC_HMAC_SHA_512-Random"
CODEC: Final[CodecOptions[Document]] = CodecOptions(tz_aware=True, uuid_representation=UuidRepresentation.STANDARD)
INDEX: Final = IndexModel(
    [("keyAltNames", ASCENDING)],
    name="key_names",
    unique=True,
    partialFilterExpression={"keyAltNames": {"$exists": True}},
)


class KeyVault:
    """Keys stay in memory for `remembered`; for so long a deleted key still opens what it sealed."""

    def __init__(self, keys: Collection, master_key: bytes, remembered: timedelta) -> None:
        options = MongoCryptOptions(
            {"local": {"key": master_key}}, None, key_expiration_ms=int(remembered.total_seconds() * 1000)
        )
        self._keys = _Keys(keys)
        self._crypt: Any = AsyncExplicitEncrypter(self._keys, options)

    @classmethod
    async def open(cls, keys: Collection, master_key: bytes, *, remembered: timedelta) -> KeyVault:
        await ensure(keys, [INDEX])
        return cls(keys, master_key, remembered)

    def close(self) -> None:
        """Forget every key."""
        self._crypt.close()

    async def seal(self, owner: KeyOwner, secret: bytes) -> bytes:
        """Makes the key of the owner if there is none; a key that was made and then not used does no harm."""
        name = _name(owner.practice, owner.subject)
        with suppress(DuplicateKeyError):
            await self._crypt.create_data_key("local", key_alt_names=[name])
        sealed = await self._crypt.encrypt(encode({"v": Binary(secret)}), ALGORITHM, key_alt_name=name)
        return bytes(decode(sealed, CODEC)["v"])

    async def unseal(self, sealed: bytes) -> bytes:
        opened = await self._crypt.decrypt(encode({"v": Binary(sealed, 6)}))
        return bytes(decode(opened, CODEC)["v"])

    async def forget(self, practice: str, subject: str) -> None:
        await self._keys.delete(_name(practice, subject))


class _Keys(AsyncMongoCryptCallback):  # type: ignore[misc]  # the library has no types
    """How the cipher reaches its key documents."""

    def __init__(self, keys: Collection) -> None:
        self._keys = keys
        self._made: dict[str, bytes] = {}

    async def insert_data_key(self, data_key: bytes) -> None:
        document = decode(bytes(data_key), CODEC)
        await self._keys.insert_one(document)
        # What was just made is asked for next: it need not come back from the database.
        self._made[document["keyAltNames"][0]] = bytes(data_key)

    async def fetch_keys(self, wanted: bytes) -> AsyncIterator[bytes]:
        query = decode(bytes(wanted), CODEC)
        made = [self._made.pop(name, None) for name in _names(query)]
        if made and all(made):
            for key in made:
                yield key or b""
            return
        async for document in self._keys.find(query):
            yield encode(document, codec_options=CODEC)

    async def delete(self, name: str) -> None:
        self._made.pop(name, None)
        await self._keys.delete_one({"keyAltNames": name})

    def bson_encode(self, document: Mapping[str, Any]) -> bytes:
        return encode(document)

    def close(self) -> None:
        self._made.clear()

    async def kms_request(self, _: object) -> None:
        raise NotImplementedError("the master key is local")

    async def collection_info(self, _database: str, _filter: bytes) -> None:
        raise NotImplementedError("encryption is explicit")

    async def mark_command(self, _database: str, _command: bytes) -> None:
        raise NotImplementedError("encryption is explicit")


def _name(practice: str, subject: str) -> str:
    return f"{practice}/{subject}"


def _names(query: Document) -> list[str]:
    return [name for part in query.get("$or", []) for name in part.get("keyAltNames", {}).get("$in", [])]
