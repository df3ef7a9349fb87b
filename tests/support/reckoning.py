"""What became of many texts, by the provider's own count held against ours."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from deploy.twilio_emulator.app import Emulator
from deploy.twilio_emulator.message import Direction
from services.notify.domain.delivery import Message, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Reckoning:
    """What became of the texts, by the provider's own count and by ours.

    `doubled` are texts that are there twice, `lost` those that are neither there nor given up where a person sees it,
    `given_up` the dead ones by step, `desk` their visits, `differing` those of which the two say different things,
    `again` how many took more than one POST. `late` is in seconds.
    """

    texts: int
    doubled: tuple[str, ...]
    lost: tuple[str, ...]
    given_up: Mapping[str, int]
    desk: tuple[str, ...]
    differing: tuple[str, ...]
    answers: int
    again: int
    late: tuple[float, ...]

    @classmethod
    def of(cls, planted: Mapping[str, datetime], emulator: Emulator, kept: Sequence[Message]) -> Reckoning:
        answers = {message.body for message in kept if message.asked_at is not None}
        there = [text for text in emulator.messages if text.direction is Direction.API]
        own = [text for text in there if text.body not in answers]
        same, of_number = Counter((text.to, text.body) for text in there), Counter(text.to for text in own)
        firsts = {text.to: text.created_at for text in own}  # listed newest first
        dead = [message for message in kept if message.state is State.DEAD]
        unanswered = [message for message in dead if message.asked_at is None]
        twice = {to for (to, _), count in same.items() if count > 1} | {to for to, n in of_number.items() if n > 1}
        return cls(
            texts=len(there),
            doubled=tuple(sorted(twice)),
            lost=tuple(sorted(planted.keys() - firsts.keys() - {message.to for message in unanswered})),
            given_up=Counter(message.step for message in dead),
            desk=tuple(sorted(message.appointment for message in unanswered)),
            differing=tuple(_differing(emulator, kept)),
            answers=len(there) - len(own),
            again=sum(message.tries + message.waits > 1 for message in kept),
            late=tuple(sorted((at - planted[to]).total_seconds() for to, at in firsts.items())),
        )

    def lateness(self, factor: float) -> str:
        cuts = statistics.quantiles(self.late, n=1000, method="inclusive")
        found = {"p50": cuts[499], "p95": cuts[949], "p99": cuts[989], "p99.9": cuts[998], "max": self.late[-1]}
        return ", ".join(f"{name} {late:.2f} s ({late * factor:.0f} s)" for name, late in found.items())


def _differing(emulator: Emulator, kept: Sequence[Message]) -> Iterator[str]:
    """Ours that are not there, or in another state, or under another SID; and theirs that are not ours."""
    ours = {message.sid: message for message in kept if message.sid is not None}
    for text in emulator.messages:
        if text.direction is Direction.API and (
            text.sid not in ours or ours[text.sid].state.value != text.status.value or ours[text.sid].to != text.to
        ):
            yield f"{text.to}: {text.sid} is {text.status}, not {ours[text.sid].state if text.sid in ours else None}"
    for sid, message in ours.items():
        if emulator.messages.get(sid) is None:
            yield f"{message.to}: {sid} is not at the provider"
