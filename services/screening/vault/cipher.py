"""Sealing and opening with MongoDB's own client-side encryption, used explicitly.

AES-256-CBC with HMAC-SHA-512, random, so that equal answers do not look equal. The key documents live in a database
of their own, whose backups can be kept for a shorter time.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import structlog
from bson import decode
from bson.binary import Binary
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError
from pymongocrypt.asynchronous.explicit_encrypter import AsyncExplicitEncrypter  # type: ignore[import-untyped]  # no types
from pymongocrypt.errors import MongoCryptError  # type: ignore[import-untyped]  # no types
from pymongocrypt.options import MongoCryptOptions  # type: ignore[import-untyped]  # no types

from services.screening.ports import Damaged, Forgotten, KeyOwner
from services.screening.vault.keys import CODEC, StoredKeys, bson, providers
from services.screening.vault.masters import Masters
from shared.mongo import Collection, Document, ensure

log = structlog.get_logger()

ALGORITHM: Final = "AEAD_AES_256_CBC_HMAC_SHA_512-Random"
SEALED: Final = 6  # BSON's binary subtype of what is encrypted
TRIES: Final = 10
INDEXES: Final = [
    IndexModel(
        [("keyAltNames", ASCENDING)],
        name="key_names",
        unique=True,
        partialFilterExpression={"keyAltNames": {"$exists": True}},
    ),
    IndexModel([("masterKey.provider", ASCENDING), ("masterKey.keyId", ASCENDING)], name="masters"),
]


class KeyVault:
    """Keys stay in memory for `remembered`; for so long a deleted key still opens what it sealed."""

    def __init__(self, keys: Collection, masters: Masters, opened_by: Document, remembered: timedelta) -> None:
        options = MongoCryptOptions(opened_by, None, key_expiration_ms=int(remembered.total_seconds() * 1000))
        self._collection, self._master = keys, masters.current
        self._keys = StoredKeys(keys, masters, frozenset(opened_by))
        self._crypt: Any = AsyncExplicitEncrypter(self._keys, options)

    @classmethod
    async def open(cls, keys: Collection, masters: Masters, *, remembered: timedelta) -> KeyVault:
        """Opens without a lost master key too: what lies under the others can be read."""
        await ensure(keys, INDEXES)
        opened_by = await providers(keys, masters)
        unknown = set(await keys.distinct("masterKey.provider")) - set(opened_by)
        if unknown:
            log.error("vault.locked", masters=sorted(unknown), help="python -m services.screening keys status")
        return cls(keys, masters, opened_by, remembered)

    def close(self) -> None:
        """Forget every key."""
        self._crypt.close()
        self._keys.close()

    async def seal(self, owner: KeyOwner, secret: bytes) -> bytes:
        """Makes the key of the owner if there is none; a key that was made and then not used does no harm.

        The key is named by its id: under the owner's name, memory could hold the key of before an erasure.
        """
        key_id = await self._key(_name(owner.practice, owner.subject))
        try:
            sealed = await self._crypt.encrypt(bson({"v": Binary(secret)}), ALGORITHM, key_id=key_id)
        finally:
            self._keys.drop(key_id)
        return bytes(decode(sealed, CODEC)["v"])

    async def unseal(self, sealed: bytes) -> bytes:
        try:
            opened = await self._crypt.decrypt(bson({"v": Binary(sealed, SEALED)}))
        except MongoCryptError as error:
            raise Damaged("what was sealed was changed since, or its key was") from error
        return bytes(decode(opened, CODEC)["v"])

    async def forget(self, practice: str, subject: str) -> None:
        await self._collection.delete_one({"keyAltNames": _name(practice, subject)})

    async def _key(self, name: str) -> bytes:
        for _ in range(TRIES):
            try:
                key_id: bytes = await self._crypt.create_data_key(
                    self._master.provider, master_key=self._master.options, key_alt_names=[name]
                )
            except DuplicateKeyError:
                found = await self._collection.find_one({"keyAltNames": name})
                if found is not None:
                    return self._keys.keep(found)
            else:
                return key_id
        raise Forgotten("the key of this is deleted again and again")


def _name(practice: str, subject: str) -> str:
    return f"{practice}/{subject}"
