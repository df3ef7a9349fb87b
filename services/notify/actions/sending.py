"""From due texts to POSTs, and from their outcomes to states: each text once, only while it is true."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog
from prometheus_client import Counter, Histogram

from services.notify.actions.lessons import Lessons
from services.notify.domain.delivery import Message, State, begin, turned
from services.notify.domain.notice import Notice
from services.notify.domain.provider import NotCreated, Outcome, Refused
from services.notify.domain.truth import Drop, Send, Truth, Wait, judge
from services.notify.domain.turns import Pace, after_look, after_post, lapsed
from services.notify.domain.visit import NOT_CONFIRMED, Visit, VisitState
from services.notify.ports import Gateway, GatewayDown, Outgoing, Stores, Texts
from shared.clock import Clock
from shared.errors import Refusal

log = structlog.get_logger()
posts = Counter("texts_posted_total", "POSTs to the provider by their outcome", ["outcome"])
lateness = Histogram("texts_late_seconds", "Time from when a text was due until its POST", ["step"])

PUT_OFF = timedelta(minutes=5)
HELD_UP = timedelta(seconds=20)
LOOKS_AT_ONCE = 50
OFF = {VisitState.CANCELLED, *NOT_CONFIRMED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """The address of a text's page, by its code, and of its receipts, by its code and attempt."""

    link: Callable[[str], str]
    receipt: Callable[[str, str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """`batch` texts are claimed together, `at_once` of them are posted together; both are theirs for `lease`."""

    batch: int = 100
    at_once: int = 10
    lease: timedelta = timedelta(seconds=60)
    pace: Pace = field(default_factory=Pace)


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
        new_attempt: Callable[[], str],
        now: Clock,
    ) -> None:
        self._stores = stores
        self._gateway, self._texts, self._addresses, self._habits = gateway, texts, addresses, habits
        self._lessons, self._new_attempt, self._now = lessons, new_attempt, now
        self._in_hand: set[asyncio.Task[None]] = set()

    async def send_due(self) -> None:
        """One round: take up what others dropped, ask about what is unknown, send what is due."""
        await self._recover()
        await self._look_up()
        habits = self._habits
        while not self._lessons.resting:
            batch = await self._stores.messages.claim(self._now(), limit=habits.batch, lease=habits.lease)
            for start in range(0, len(batch), habits.at_once):
                await self._undisturbed(batch[start : start + habits.at_once])
            if not batch:
                return

    async def finish(self) -> None:
        """Wait for the POSTs in hand; one that is torn off halfway would have to be asked about."""
        if self._in_hand:
            await asyncio.wait(self._in_hand)

    async def _undisturbed(self, batch: Sequence[Message]) -> None:
        task = asyncio.create_task(self._send(batch))
        self._in_hand.add(task)
        task.add_done_callback(self._in_hand.discard)
        await asyncio.shield(task)

    async def _send(self, claimed: Sequence[Message]) -> None:
        truths = await self._truths(claimed)
        decided = [self._decided_alone(message, truths.get(message.id)) for message in claimed]
        saved = await self._stores.messages.save(decided, self._habits.lease)
        begun = [message for message in saved if message.state is State.SENDING]
        outcomes = await asyncio.gather(*(self._post(message) for message in begun))
        for message, outcome in zip(begun, outcomes, strict=True):
            if isinstance(outcome, Refused):
                await self._lessons.learn(message, outcome.code)
        at = self._now()
        await self._record([(message, outcome, at) for message, outcome in zip(begun, outcomes, strict=True)])

    async def _truths(self, messages: Sequence[Message]) -> dict[str, Truth]:
        """By text; a text that is about nothing that is known is not in it."""
        visits = await self._stores.visits.many(sorted({m.appointment for m in messages if m.notice is None}))
        practices = await self._stores.practices.many(sorted({message.practice for message in messages}))
        courses = await self._courses([visit for visit in visits.values() if visit.state in OFF])
        numbers = {message.id: _number(message, visits.get(message.appointment)) for message in messages}
        ledgers = await self._stores.contacts.ledgers(sorted(set(numbers.values())))
        return {
            m.id: Truth(about, practice, ledgers.get(numbers[m.id], ()), courses.get(m.appointment, ()))
            for m in messages
            if (about := m.notice or visits.get(m.appointment)) and (practice := practices.get(m.practice))
        }

    async def _courses(self, visits: Sequence[Visit]) -> dict[str, Sequence[Visit]]:
        """By appointment, the visits of its course: what became of them decides who tells of it."""
        seats = {visit.appointment: visit.seat.course for visit in visits if visit.seat is not None}
        if not seats:
            return {}
        known = await self._stores.visits.of_courses(sorted(set(seats.values())), self._now())
        return {
            appointment: [visit for visit in known if visit.seat is not None and visit.seat.course == course]
            for appointment, course in seats.items()
        }

    def _decided_alone(self, message: Message, truth: Truth | None) -> Message:
        """One text that cannot be judged or written is put off, and holds up none of its neighbours."""
        try:
            return self._decided(message, truth)
        except (Refusal, LookupError, ValueError):  # too long, or in a template or zone that this release lacks
            log.exception("text.not_decided", id=message.id)
            now = self._now()
            if now + PUT_OFF >= message.not_after:
                return turned(message, State.DEAD, now, "not_decided")
            return turned(message, State.PLANNED, now, "not_decided", due=now + PUT_OFF)

    def _decided(self, message: Message, truth: Truth | None) -> Message:
        """The claimed message as it is to be written: begun, put back for later, or dropped."""
        now = self._now()
        if truth is None:
            return turned(message, State.DEAD, now, "visit_unknown")
        match judge(message, truth, now):
            case Wait(until):
                return turned(message, State.PLANNED, now, "quiet_hours", due=until)
            case Drop(state, why):
                return turned(message, state, now, why)
            case Send(template):
                return self._begun(replace(message, template=template), truth, now)

    def _begun(self, message: Message, truth: Truth, now: datetime) -> Message:
        about = truth.about
        body = self._texts.render(message.template, about, truth.practice, self._addresses.link(message.code))
        to = message.to if message.asked_at is not None or isinstance(about, Notice) else about.phone
        return begin(message, attempt=self._new_attempt(), body=body, to=to, at=now)

    async def _post(self, message: Message) -> Outcome:
        attempt = message.attempt
        if attempt is None or message.body is None:
            raise ValueError(f"{message.id} was never begun")
        now = self._now()
        if now - attempt.at > HELD_UP:  # suspended in between; what was true then may not be true now
            return NotCreated("held_up")
        lateness.labels(message.step).observe(max((attempt.at - message.planned_for).total_seconds(), 0))
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

    async def _record(self, outcomes: Sequence[tuple[Message, Outcome, datetime]]) -> None:
        """Write every outcome; where a receipt was faster, apply it to what the receipt left."""
        pace = self._habits.pace
        left = list(outcomes)
        while left:
            changed = [
                (message, after)
                for message, outcome, at in left
                if (after := after_post(message, outcome, at, pace)) != message
            ]
            saved = {message.id for message in await self._stores.messages.save([after for _, after in changed])}
            lost = {message.id for message, _ in changed} - saved
            left = [
                (newest, outcome, at)
                for message, outcome, at in left
                if message.id in lost and (newest := await self._stores.messages.get(message.id)) is not None
            ]

    async def _recover(self) -> None:
        now = self._now()
        found = await self._stores.messages.lapsed(self._habits.batch)
        if found:
            log.warning("text.lease_lapsed", ids=[message.id for message in found])
            await self._stores.messages.save([lapsed(message, now, self._habits.pace) for message in found])

    async def _look_up(self) -> None:
        for message in await self._stores.messages.to_look_up(self._now(), LOOKS_AT_ONCE):
            attempt = message.attempt
            if attempt is None or message.body is None:
                continue
            others = frozenset(a.sid for a in message.attempts[:-1] if a.sid is not None)
            try:
                found = await self._gateway.find(message.to, message.body, others)
            except GatewayDown:
                return
            after = after_look(message, found, self._now(), self._habits.pace)
            log.info("text.looked_up", id=message.id, found=found is not None, state=after.state.value)
            if found is not None and found.error_code is not None and after.state is not message.state:
                await self._lessons.learn(message, found.error_code)
            await self._stores.messages.save([after])


def _number(message: Message, visit: Visit | None) -> tuple[str, str]:
    """Whose ledger is asked: the visit's newest number, or the one that a notice goes to."""
    return (message.practice, message.to) if visit is None else (visit.practice, visit.phone)
