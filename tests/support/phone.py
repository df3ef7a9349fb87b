"""The emulator's control API, as the hands and eyes of a client with a phone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import aiohttp


@dataclass(frozen=True, slots=True)
class Phone:
    """One number. `origin` is where the emulator answers."""

    http: aiohttp.ClientSession
    origin: str
    number: str

    async def texts(self) -> list[dict[str, Any]]:
        """What this phone was sent, oldest first."""
        async with self.http.get(f"{self.origin}/emulator/messages", params={"phone": self.number}) as answer:
            found = (await answer.json())["messages"]
        return [text for text in found if text["to"] == self.number]

    async def bodies(self) -> list[str]:
        return [text["body"] for text in await self.texts()]

    async def saw(self, words: str) -> str | None:
        return next((body for body in await self.bodies() if words in body), None)

    async def text(self, body: str) -> None:
        async with self.http.post(
            f"{self.origin}/emulator/inbound", json={"from": self.number, "body": body}
        ) as answer:
            answer.raise_for_status()
