"""The POSTs of what was begun: side by side as far as there is room, their outcomes written in groups as they come."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import structlog
from prometheus_client import Counter, Histogram

from services.notify.actions import measures
from services.notify.actions.lessons import Lessons
from services.notify.actions.line import HELD_BACK, Line, held_back
from services.notify.domain.delivery import Message
from services.notify.domain.provider import NotCreated, Outcome, Refused
from services.notify.domain.turns import Pace, after_post
from services.notify.ports import Gateway, Messages, Outgoing
from shared.clock import Clock

log = structlog.get_logger()
posts = Counter("texts_posted_total", "POSTs to the provider by their outcome", ["outcome"])
lateness = Histogram(
    "texts_late_seconds", "Time from when a text was due until its POST", ["step"], buckets=measures.LATE
)

HELD_UP: Final = timedelta(seconds=20)
# Outcomes wait so long for others to be written with.
TOGETHER: Final = timedelta(milliseconds=50)
# What is begun leaves within about this: what was true when it was begun is hardly older when it goes out.
SOON: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """The address of a text's page, by its code, and of its receipts, by its code and attempt."""

    link: Callable[[str], str]
    receipt: Callable[[str, str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """At most `batch` texts are claimed together and `at_once` POSTs are under way; a text is its worker's for `lease`.

    A round follows the next text that is due, but not sooner than `apart` after the last.
    """

    batch: int = 100
    at_once: int = 10
    lease: timedelta = timedelta(seconds=60)
    apart: timedelta = timedelta(milliseconds=400)
    pace: Pace = field(default_factory=Pace)


class Places:
    """So many POSTs at the same time as there are places; the number may change at any time."""

    def __init__(self, most: Callable[[], int]) -> None:
        self._most = most
        self._taken = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def take(self) -> None:
        if self._taken < self._most() and not self._waiting:
            self._taken += 1
            return
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        await place

    def leave(self) -> None:
        self._taken -= 1
        while self._waiting and self._taken < self._most():
            place = self._waiting.popleft()
            if not place.done():
                self._taken += 1
                place.set_result(None)


class Posting:
    def __init__(
        self,
        messages: Messages,
        *,
        gateway: Gateway,
        addresses: Addresses,
        habits: Habits,
        lessons: Lessons,
        line: Line,
        now: Clock,
    ) -> None:
        self._messages, self._gateway, self._addresses, self._habits = messages, gateway, addresses, habits
        self._lessons, self._line, self._now = lessons, line, now
        self._places = Places(lambda: line.at_once)
        self._took = SOON.total_seconds()

    @property
    def group(self) -> int:
        """How many texts are worth beginning together: as many as leave soon, at the pace of the last POSTs."""
        return max(min(int(self._line.at_once * SOON.total_seconds() / self._took), self._habits.batch), 1)

    async def post(self, begun: Sequence[Message], soon: asyncio.Event) -> None:
        """`soon` is set when no more than half of them wait for their place: by then the next group can be judged."""
        left = len(begun)
        few = max(left // 2, self._line.at_once)

        async def one(message: Message) -> tuple[Message, Outcome]:
            nonlocal left
            await self._places.take()
            left -= 1
            if left <= few:
                soon.set()
            try:
                return message, await self._timed(message)
            finally:
                self._places.leave()

        under_way = {asyncio.create_task(one(message)) for message in begun}
        while under_way:
            done, under_way = await asyncio.wait(under_way, timeout=TOGETHER.total_seconds())
            if done:
                await self._heard([task.result() for task in done])

    async def _heard(self, outcomes: Sequence[tuple[Message, Outcome]]) -> None:
        for message, outcome in outcomes:
            if isinstance(outcome, Refused):
                await self._lessons.learn(message, outcome.code)
        await self._record(outcomes)
        await self._line.heard([outcome for _, outcome in outcomes])

    async def _timed(self, message: Message) -> Outcome:
        clock = asyncio.get_running_loop().time
        began = clock()
        outcome = await self._post(message)
        self._took += (max(clock() - began, 0.001) - self._took) / 8
        return outcome

    async def _post(self, message: Message) -> Outcome:
        attempt = message.attempt
        if attempt is None or message.body is None:
            raise ValueError(f"{message.id} was never begun")
        now = self._now()
        if now - attempt.at > HELD_UP or now >= message.not_after:  # what was true then may not be true now
            return NotCreated("held_up")
        if self._line.closed:
            held_back.labels(HELD_BACK).inc()
            return NotCreated(HELD_BACK)
        lateness.labels(message.step).observe(max((now - (message.due or message.planned_for)).total_seconds(), 0))
        text = Outgoing(
            to=message.to,
            body=message.body,
            receipt_url=self._addresses.receipt(message.code, attempt.id),
            validity=min(message.validity, message.not_after - now),
        )
        outcome = await self._gateway.send(text)
        posts.labels(type(outcome).__name__).inc()
        log.info("text.posted", id=message.id, outcome=repr(outcome), tries=message.tries)
        return outcome

    async def _record(self, outcomes: Sequence[tuple[Message, Outcome]]) -> None:
        """Write every outcome; where a receipt was faster, apply it to what the receipt left."""
        pace, at = self._habits.pace, self._now()
        left = [(message, message.attempt, outcome) for message, outcome in outcomes]
        while left:
            changed = [
                (message, after)
                for message, attempt, outcome in left
                if (after := after_post(message, outcome, at, pace, attempt=attempt.id if attempt else None)) != message
            ]
            written = await self._messages.save([after for _, after in changed])
            measures.written([message for message, _ in changed], written)
            saved = {message.id for message in written}
            lost = {message.id for message, _ in changed} - saved
            left = [
                (newest, attempt, outcome)
                for message, attempt, outcome in left
                if message.id in lost and (newest := await self._messages.get(message.id)) is not None
            ]
