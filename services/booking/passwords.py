"""Passwords, kept as Argon2id digests: made and compared in a thread, a few at a time."""

from __future__ import annotations

import asyncio
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

# Each takes 64 MiB for a moment.
AT_ONCE: Final = 2


class Argon2:
    """Parameters of RFC 9106 for little memory."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
        self._places = asyncio.Semaphore(AT_ONCE)
        self._nobodys = ""

    async def digest(self, password: str) -> str:
        async with self._places:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def fits(self, digest: str, password: str) -> bool:
        if not digest:
            self._nobodys = self._nobodys or await self.digest("")
        async with self._places:
            fits = await asyncio.to_thread(self._compared, digest or self._nobodys, password)
        return fits and bool(digest)

    def _compared(self, digest: str, password: str) -> bool:
        try:
            return self._hasher.verify(digest, password)
        except (VerificationError, InvalidHashError):
            return False
