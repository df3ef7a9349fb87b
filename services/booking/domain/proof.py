"""The proof that a client reads the texts of a number: a code that is sent there and shown to us, for ever after."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from shared.errors import Kind, Refusal

CODE_LASTS: Final = timedelta(minutes=10)
MOST_TRIES: Final = 5
PAUSE: Final = timedelta(seconds=30)
HOUR: Final = timedelta(hours=1)
MOST_AN_HOUR: Final = 5


class TooMany(Refusal):
    """More than is allowed in so short a time; `retry_after` is in whole seconds."""

    slug = "too-many"
    kind = Kind.LIMITED


class NumberNotProven(Refusal):
    """The practice wants to know first that texts to this number are read: ask for a code and show it."""

    slug = "number-not-proven"
    kind = Kind.INVALID


class WrongCode(Refusal):
    """Not the newest code that was sent to this number, or it was sent too long ago."""

    slug = "wrong-code"
    kind = Kind.INVALID


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What is known of one number at one practice; `hashed` is the newest code, `asked` when codes were lately sent.

    `id` is the reference that a client with this number has there. `proven_at` is when the number was proven.
    """

    id: str
    practice: str
    version: int = 0
    asked: tuple[datetime, ...] = ()
    hashed: str | None = None
    tries: int = 0
    proven_at: datetime | None = None

    @property
    def expires_at(self) -> datetime | None:
        return self.asked[-1] + CODE_LASTS if self.hashed is not None else None


def ask(proof: Proof, *, hashed: str, now: datetime) -> Proof:
    """A new code, which replaces the one before; raises `TooMany` when it comes too soon."""
    free_from = next_code_at(proof)
    if free_from is not None and now < free_from:
        raise too_many("a code was sent a moment ago", free_from - now)
    asked = (*proof.asked, now)[-MOST_AN_HOUR:]
    return replace(proof, version=proof.version + 1, asked=asked, hashed=hashed, tries=0)


def show(proof: Proof, *, hashed: str, now: datetime) -> Proof:
    """The code was shown: proven if it is the right one, and one try less if not. Each code can be tried five times."""
    if proof.hashed is None or proof.expires_at is None or now >= proof.expires_at:
        raise WrongCode("there is no code for this number, or it is too old; ask for a new one", field="code")
    if proof.tries >= MOST_TRIES:
        wait = (next_code_at(proof) or now) - now
        raise too_many("this code was tried too often; ask for a new one", wait)
    shown = replace(proof, version=proof.version + 1, tries=proof.tries + 1)
    return replace(shown, hashed=None, tries=0, proven_at=now) if hashed == proof.hashed else shown


def next_code_at(proof: Proof) -> datetime | None:
    """When a code can be asked for again; None if none was ever sent."""
    if not proof.asked:
        return None
    soonest = proof.asked[-1] + PAUSE
    return soonest if len(proof.asked) < MOST_AN_HOUR else max(soonest, proof.asked[-MOST_AN_HOUR] + HOUR)


def too_many(words: str, wait: timedelta) -> TooMany:
    """Whole seconds, rounded up and never none: whoever waits so long gets through."""
    return TooMany(words, retry_after=max(1, -(-wait // timedelta(seconds=1))))
