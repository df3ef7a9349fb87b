"""Asked one by one, answered by the database together: what many events want at nearly the same time is one trip."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

GATHERED_FOR: Final = 0.05

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class Gathering(Generic[Asked, Answer]):
    """`ask` answers several in their order. If it fails, it fails for who began it, and the rest go on."""

    def __init__(self, ask: Callable[[Sequence[Asked]], Awaitable[Sequence[Answer]]]) -> None:
        self._ask = ask
        self._waiting: list[tuple[Asked, asyncio.Future[Answer]]] = []
        self._asking = asyncio.Lock()

    async def __call__(self, asked: Asked) -> Answer:
        """A moment later than asked."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        mine = (asked, answer)
        self._waiting.append(mine)
        async with self._asking:
            if not answer.done():
                try:
                    await asyncio.sleep(GATHERED_FOR)
                    batch = [mine, *(one for one in self._waiting if one is not mine)]
                    for (_, promised), told in zip(batch, await self._ask([one for one, _ in batch]), strict=True):
                        promised.set_result(told)
                finally:
                    self._waiting = [one for one in self._waiting if one is not mine and not one[1].done()]
        return answer.result()
