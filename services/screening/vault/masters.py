"""Master keys: the one that wraps from now on, and the earlier ones that still open what they wrapped."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from services.screening.vault.kmip import KeyServer
from shared.mongo import Document

MASTER_KEY_BYTES: Final = 96
KMIP: Final = "kmip"
PLAIN: Final = "local"
"""The one master key there was before keys had names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Master:
    """A master key as key documents name it; `key_id` is its id at the key server, if it lies on one."""

    provider: str
    key_id: str | None = None

    def __str__(self) -> str:
        return self.provider if self.key_id is None else f"{self.provider}:{self.key_id}"

    @property
    def options(self) -> Document | None:
        return None if self.key_id is None else {"keyId": self.key_id}

    @classmethod
    def of(cls, key: Document) -> Master:
        """The one that wraps this data key."""
        named = key["masterKey"]
        return cls(provider=named["provider"], key_id=named.get("keyId"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Masters:
    """All that can open a data key. `local` maps the names of keys that are at hand to the keys."""

    current: Master
    local: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    server: KeyServer | None = field(default=None, repr=False)

    @classmethod
    def at_hand(cls, current: bytes, *earlier: bytes, server: KeyServer | None = None) -> Masters:
        """Wrap with `current`; a server holds earlier keys only."""
        keys = {name_of(key): key for key in (current, *earlier)}
        return cls(current=Master(provider=name_of(current)), local=keys, server=server)

    @classmethod
    def at_server(cls, server: KeyServer, key_id: str, *earlier: bytes) -> Masters:
        keys = {name_of(key): key for key in earlier}
        return cls(current=Master(provider=KMIP, key_id=key_id), local=keys, server=server)

    @property
    def providers(self) -> dict[str, dict[str, Any]]:
        """As the cipher wants them."""
        found: dict[str, dict[str, Any]] = {name: {"key": key} for name, key in self.local.items()}
        return found if self.server is None else found | {KMIP: {"endpoint": self.server.endpoint}}


def name_of(key: bytes) -> str:
    """Tells keys apart, and nothing about them: 64 bits of a hash over 768 random ones."""
    return f"{PLAIN}:{hashlib.sha256(key).hexdigest()[:16]}"
