"""The numbers of a practice that take no texts: shown, so that somebody asks for another one, and cleared by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from services.notify.domain.mark import Mark
from services.notify.domain.sender import Limits, Sender
from services.notify.ports import Stores
from shared.errors import Kind, Refusal

MOST_SHOWN: Final = 200


class MarkUnknown(Refusal):
    """No text about this visit found its number to take none."""

    slug: ClassVar[str] = "mark-unknown"
    kind: ClassVar[Kind] = Kind.NOT_FOUND


class Numbers:
    """`limits` are those of the one sender of this installation."""

    def __init__(self, stores: Stores, *, sender: str, limits: Limits) -> None:
        self._stores, self._sender, self.limits = stores, sender, limits

    async def senders(self) -> Sequence[Sender]:
        """This one first, then those that were used before."""
        known = [one for one in await self._stores.senders.all() if one.name != self._sender]
        return [await self._stores.senders.get(self._sender), *known]

    async def bad(self, practice: str) -> Sequence[Mark]:
        return await self._stores.marks.of_practice(practice, MOST_SHOWN)

    async def clear(self, practice: str, appointment: str) -> None:
        if not await self._stores.marks.clear(practice, appointment):
            raise MarkUnknown("no number of this visit is marked")
