"""What is known of the texts of a group at this moment: read for all of them at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from services.notify.domain.delivery import Message
from services.notify.domain.traffic import GIVES_WAY, LOOKS_AHEAD, LOOKS_BACK, OFF, WEEK, Traffic
from services.notify.domain.truth import PROMOTES, Truth
from services.notify.domain.visit import Visit
from services.notify.ports import Stores
from shared.clock import Clock

Number = tuple[str, str]
"""A practice and a phone: whose ledger and whose other texts are asked for."""


class Truths:
    def __init__(self, stores: Stores, *, now: Clock) -> None:
        self._stores, self._now = stores, now

    async def of(self, messages: Sequence[Message]) -> dict[str, Truth]:
        """By text; a text that is about nothing that is known is not in it."""
        visits, practices = await asyncio.gather(
            self._stores.visits.many(sorted({m.appointment for m in messages if m.notice is None})),
            self._stores.practices.many(sorted({message.practice for message in messages})),
        )
        numbers = {message.id: _number(message, visits.get(message.appointment)) for message in messages}
        yielding = [m for m in messages if m.step in GIVES_WAY and m.appointment in visits]
        ledgers, marks, courses, traffic = await asyncio.gather(
            self._stores.contacts.ledgers(sorted(set(numbers.values()))),
            self._stores.marks.of(sorted(set(numbers.values()))),
            self._courses([visit for visit in visits.values() if visit.state in OFF]),
            self._traffic(yielding, numbers),
        )
        return {
            m.id: Truth(
                about,
                practice,
                ledgers.get(numbers[m.id], ()),
                courses.get(m.appointment, ()),
                marks.get(numbers[m.id]),
                _beside(m.appointment, traffic.get(numbers[m.id])),
            )
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

    async def _traffic(self, messages: Sequence[Message], numbers: Mapping[str, Number]) -> dict[Number, Traffic]:
        """All visits of the numbers that get these texts, also those that they are about."""
        if not messages:
            return {}
        phones, now = sorted({numbers[message.id][1] for message in messages}), self._now()
        ends_before = None if any(message.step in PROMOTES for message in messages) else now + LOOKS_AHEAD
        asked = sorted({message.appointment for message in messages})
        found, sent, there = await asyncio.gather(
            self._stores.visits.of_numbers(phones, now - LOOKS_BACK, ends_before),
            self._stores.messages.counted(phones, now - WEEK),
            self._stores.messages.standing(asked),
        )
        others = sorted({of.appointment for of in found if of.ends_at < now + LOOKS_AHEAD}.difference(asked))
        if others:
            there |= await self._stores.messages.standing(others)
        visits: dict[Number, list[Visit]] = {}
        for of in found:
            visits.setdefault((of.practice, of.phone), []).append(of)
        return {
            number: Traffic(visits.get(number, ()), sent.get(number, ()), there=there) for number in numbers.values()
        }


def _beside(appointment: str, traffic: Traffic | None) -> Traffic:
    if traffic is None:
        return Traffic()
    return replace(traffic, visits=[visit for visit in traffic.visits if visit.appointment != appointment])


def _number(message: Message, visit: Visit | None) -> Number:
    """The visit's newest number, or the one that a notice goes to."""
    return (message.practice, message.to) if visit is None else (visit.practice, visit.phone)
