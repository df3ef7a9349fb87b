"""From due texts to POSTs, and from their outcomes to states: each text once, only while it is true."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from services.notify.actions import measures
from services.notify.actions.alerts import Alerts
from services.notify.actions.lessons import Lessons
from services.notify.actions.line import Line
from services.notify.actions.posting import Addresses, Habits, Posting
from services.notify.actions.truths import Truths
from services.notify.domain.delivery import Message, State, begin, turned
from services.notify.domain.leave import Leave
from services.notify.domain.notice import Notice
from services.notify.domain.truth import Truth, judge
from services.notify.domain.turns import after_look, is_failure, lapsed
from services.notify.domain.verdict import Drop, Send, Wait
from services.notify.ports import Gateway, GatewayDown, Stores, Texts
from shared.clock import Clock
from shared.errors import Refusal

log = structlog.get_logger()

PUT_OFF: Final = timedelta(minutes=5)
CARE: Final = timedelta(seconds=1)
LOOKS: Final = 200


class Sending:
    """One of any number of workers: they share the due texts, and each finishes what another left."""

    def __init__(
        self,
        stores: Stores,
        *,
        gateway: Gateway,
        texts: Texts,
        addresses: Addresses,
        habits: Habits,
        lessons: Lessons,
        alerts: Alerts,
        line: Line,
        leave: Leave = Leave(),  # noqa: B008  frozen
        new_attempt: Callable[[], str],
        now: Clock,
    ) -> None:
        self._stores = stores
        self._gateway, self._texts, self._addresses, self._habits = gateway, texts, addresses, habits
        self._lessons, self._alerts, self._line, self._new_attempt, self._now = lessons, alerts, line, new_attempt, now
        self._posting = Posting(
            stores.messages, gateway=gateway, addresses=addresses, habits=habits, lessons=lessons, line=line, now=now
        )
        self._truths = Truths(stores, now=now)
        self._leave = leave
        self._in_hand: set[asyncio.Task[None]] = set()
        self._ids_in_hand: set[str] = set()

    async def send_due(self) -> timedelta | None:
        """One round: take up what others dropped, ask about what is unknown, send what is due.

        Whoever waits for the next round need not wait longer than what it answers.
        """
        self._care_began = self._now()
        self._care = asyncio.create_task(self._take_care())
        under_way: set[asyncio.Task[None]] = {self._care}
        try:
            may_leave = await self._fill(under_way)
            while under_way:
                done, under_way = await asyncio.wait(under_way, timeout=1, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
                if may_leave or not done:
                    may_leave = await self._fill(under_way)
        finally:
            self._care.cancel()
        return await self._until_next()

    async def finish(self) -> None:
        """Wait for the POSTs in hand; one that is torn off halfway would have to be asked about."""
        if self._in_hand:
            await asyncio.wait(self._in_hand)

    async def _fill(self, under_way: set[asyncio.Task[None]]) -> bool:
        """Begin what is due, a group as soon as the last one's POSTs have nearly all left; False if the line closed."""
        while room := await self._line.room(self._posting.group):
            claimed = await self._stores.messages.claim(
                self._now(), limit=room, lease=self._habits.lease, hasty_first=self._line.is_narrow
            )
            if not claimed:
                await self._line.idle()
                return True
            soon = asyncio.Event()
            under_way.add(self._undisturbed(self._send(claimed, soon)))
            await soon.wait()
            self._care_again(under_way)
            if not self._line.flows or any(task.done() for task in under_way):
                return self._line.flows
        return False

    def _undisturbed(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """It goes on when its round is cancelled, until `finish`."""
        task = asyncio.create_task(work)
        self._in_hand.add(task)
        task.add_done_callback(self._in_hand.discard)
        return task

    async def _send(self, claimed: Sequence[Message], soon: asyncio.Event) -> None:
        ids = {message.id for message in claimed}
        self._ids_in_hand |= ids
        try:
            asked_at = self._now()
            truths = await self._truths.of(claimed)
            decided = [self._decided_alone(message, truths.get(message.id), asked_at) for message in claimed]
            decided = await self._line.fitted(claimed, decided)
            await self._alerts.look(decided)
            saved = await self._stores.messages.save(decided)
            measures.written(claimed, saved)
            begun = [message for message in saved if message.state is State.SENDING]
            await self._posting.post(begun, soon)
            if not begun:
                await self._line.idle()
        finally:
            self._ids_in_hand -= ids
            soon.set()

    async def _take_care(self) -> None:
        await self._recover()
        await self._look_up()

    def _care_again(self, under_way: set[asyncio.Task[None]]) -> None:
        """A round lasts as long as something is due; what is unknown is not to wait for its end."""
        now = self._now()
        if self._care.done() and now - self._care_began >= CARE:
            self._care_began = now
            self._care = asyncio.create_task(self._take_care())
            under_way.add(self._care)

    async def _until_next(self) -> timedelta | None:
        if not self._line.flows:
            return None
        now = self._now()
        due = await self._stores.messages.next_due(now)
        return None if due is None else max(due - now, self._habits.apart)

    def _decided_alone(self, message: Message, truth: Truth | None, asked_at: datetime) -> Message:
        """One text that cannot be judged or written is put off, and holds up none of its neighbours."""
        try:
            return self._decided(message, truth, asked_at)
        except (Refusal, LookupError, ValueError):  # too long, or in a template or zone that this release lacks
            log.exception("text.not_decided", id=message.id)
            now = self._now()
            if now + PUT_OFF >= message.not_after:
                return turned(message, State.DEAD, now, "not_decided")
            return turned(message, State.PLANNED, now, "not_decided", due=now + PUT_OFF)

    def _decided(self, message: Message, truth: Truth | None, asked_at: datetime) -> Message:
        """The claimed message as it is to be written: begun, put back for later, or dropped.

        It begins when the truth was asked for: what is posted is never older than that, wherever a worker slept.
        """
        now = self._now()
        if truth is None:
            return turned(message, State.DEAD, now, "visit_unknown")
        match judge(message, truth, now):
            case Wait(until, why):
                return turned(message, State.PLANNED, now, why, due=until)
            case Drop(state, why):
                return turned(message, state, now, why)
            case Send(template):
                return self._begun(message, template, truth, now, asked_at)

    def _begun(self, message: Message, template: str, truth: Truth, now: datetime, asked_at: datetime) -> Message:
        about = truth.about
        body = self._texts.render(template, about, truth.practice, self._addresses.link(message.code))
        to = message.to if message.asked_at is not None or isinstance(about, Notice) else about.phone
        if refused := self._leave.refused(to):
            return turned(message, State.SKIPPED, now, refused, template=template, body=body, to=to)
        return begin(message, attempt=self._new_attempt(), body=body, to=to, at=asked_at, template=template)

    async def _recover(self) -> None:
        """Never what is in our own hands: after a pause of the whole machine its outcome is still written first."""
        now = self._now()
        lapsed_now = await self._stores.messages.lapsed(self._habits.batch)
        found = [message for message in lapsed_now if message.id not in self._ids_in_hand]
        if found:
            log.warning("text.lease_lapsed", ids=[message.id for message in found])
            after = [lapsed(message, now, self._habits.pace) for message in found]
            measures.written(found, await self._stores.messages.save(after))

    async def _look_up(self) -> None:
        """As many side by side as there are POSTs; where the provider does not answer, all others wait as well.

        What it did not answer about waits longest, so that one it never answers about is in nobody's way.
        """
        waiting, at_once = await self._stores.messages.to_look_up(self._now(), LOOKS), self._habits.at_once
        for first in range(0, len(waiting), at_once):
            looked = await asyncio.gather(*map(self._looked_up, waiting[first : first + at_once]))
            known = [(before, after) for before, after in looked if after is not None]
            saved = await self._stores.messages.save([after for _, after in known])
            measures.written([before for before, _ in known], saved)
            if len(known) < len(looked):
                again = self._now() + self._habits.pace.first_look
                await self._stores.messages.save([replace(one, due=again) for one, after in looked if after is None])
                return

    async def _looked_up(self, message: Message) -> tuple[Message, Message | None]:
        """The text as it was, and as it is by the provider's list; None if that could not be had."""
        if message.attempt is None or message.body is None:
            return message, message
        others = frozenset(a.sid for a in message.attempts[:-1] if a.sid is not None)
        try:
            found = await self._gateway.find(message.to, message.body, others)
        except GatewayDown:
            return message, None
        after = after_look(message, found, self._now(), self._habits.pace)
        log.info("text.looked_up", id=message.id, found=found is not None, state=after.state.value)
        if found is not None and is_failure(found.status) and after.state is not message.state:
            await self._lessons.learn(message, found.error_code or 0)
        elif found is None:
            await self._alerts.look([after])
        return message, after
