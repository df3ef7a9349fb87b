"""Stopping texts by hand: one template of a practice, or the sender with all of them; and letting them go on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, Final

import structlog

from services.notify.actions.desk import PracticeUnknown
from services.notify.domain.leave import Leave
from services.notify.domain.practice import Practice
from services.notify.domain.sender import Pause, Sender
from services.notify.ports import Backlog, Contended, Stores
from shared.clock import Clock
from shared.errors import Kind, Refusal

log = structlog.get_logger()
TRIES: Final = 8
MOST_COUNTED: Final = 10_000


class TemplateUnknown(Refusal):
    """There is no such template."""

    slug: ClassVar[str] = "template-unknown"
    kind: ClassVar[Kind] = Kind.NOT_FOUND


class SenderUnknown(Refusal):
    """Texts do not leave by this sender."""

    slug: ClassVar[str] = "sender-unknown"
    kind: ClassVar[Kind] = Kind.NOT_FOUND


class Pauses:
    """`sender` is the one that this installation texts by."""

    def __init__(
        self,
        stores: Stores,
        *,
        templates: frozenset[str],
        sender: str,
        leave: Leave,
        wake: Callable[[], None],
        now: Clock,
    ) -> None:
        self._stores, self._templates, self._sender, self.leave = stores, templates, sender, leave
        self._wake, self._now = wake, now

    async def paused(self, practice: str) -> Mapping[str, int]:
        """The paused templates, and how many of their texts are due and wait."""
        known = await self._practice(practice)
        waiting = await self._stores.overview.waiting(practice, most=MOST_COUNTED)
        return {template: waiting.get(template, 0) for template in sorted(known.paused)}

    async def pause(self, practice: str, template: str, *, by: str) -> None:
        await self._set(practice, template, by=by, paused=True)

    async def resume(self, practice: str, template: str, *, by: str) -> None:
        """What waits looks every ten minutes whether it was let go."""
        await self._set(practice, template, by=by, paused=False)

    async def senders(self) -> Sequence[Sender]:
        return [await self._stores.senders.get(self._sender)]

    async def pause_sender(self, sender: str, *, by: str, why: str) -> Sender:
        self._known(sender)
        if await self._stores.senders.pause(sender, Pause(by=by, why=why, at=self._now())):
            log.warning("sender.paused", sender=sender, by=by)
        return await self._stores.senders.get(sender)

    async def resume_sender(self, sender: str, *, by: str) -> Sender:
        self._known(sender)
        await self._stores.senders.resume(sender, by=by, at=self._now())
        log.warning("sender.resumed", sender=sender, by=by)
        self._wake()
        return await self._stores.senders.get(sender)

    async def backlog(self) -> Backlog:
        return await self._stores.overview.backlog(self._now(), most=MOST_COUNTED)

    async def _set(self, practice: str, template: str, *, by: str, paused: bool) -> None:
        if template not in self._templates:
            raise TemplateUnknown(f"{template} is not a template")
        for _ in range(TRIES):
            known = await self._practice(practice)
            if (template in known.paused) is paused:
                return
            after = known.paused | {template} if paused else known.paused - {template}
            if await self._stores.practices.edit(replace(known, paused=after)):
                log.warning("template.paused" if paused else "template.resumed", template=template, by=by)
                return
        raise Contended(practice)

    async def _practice(self, practice: str) -> Practice:
        known = await self._stores.practices.get(practice)
        if known is None:
            raise PracticeUnknown(f"{practice} is not known to notify")
        return known

    def _known(self, sender: str) -> None:
        if sender != self._sender:
            raise SenderUnknown(f"texts do not leave by {sender}")
