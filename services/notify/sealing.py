"""What clients text in their own words, sealed: without the key of the settings nobody reads it."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE: Final = 12
FORM: Final = b"\x01"  # the first byte of what is sealed, so that another form can follow


class Seal:
    """AES-256-GCM; what is sealed under one name cannot be read under another."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(hashlib.sha256(b"notify words\0" + key).digest())

    def seal(self, words: str, name: str) -> bytes:
        nonce = secrets.token_bytes(NONCE)
        return FORM + nonce + self._cipher.encrypt(nonce, words.encode(), FORM + name.encode())

    def read(self, sealed: bytes, name: str) -> str | None:
        """None for what was sealed under another key, or is not what was sealed under this name."""
        nonce, rest = sealed[1 : NONCE + 1], sealed[NONCE + 1 :]
        if sealed[:1] != FORM:
            return None
        try:
            return self._cipher.decrypt(nonce, rest, FORM + name.encode()).decode()
        except InvalidTag:
            return None
