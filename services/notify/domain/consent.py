"""May this number be texted? Read from a ledger that is only ever added to."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Word(StrEnum):
    """What was said: consent and its refusal come with a visit, stop and start by text or from the provider."""

    CONSENTED = "consented"
    WITHHELD = "withheld"
    STOPPED = "stopped"
    STARTED = "started"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the ledger; `key` names its source, so that the same word is entered once."""

    key: str
    word: Word
    at: datetime
    source: str
    wording: str | None = None


def hidden(phone: str, key: bytes) -> str:
    """A name for a number that nobody without the key can tell it by: 64 hexadecimal digits, the same for ever."""
    return hmac.new(key, phone.encode(), hashlib.sha256).hexdigest()


def stopped(ledger: Iterable[Entry]) -> bool:
    """The last word about stopping counts.

    Consent given on a form does not lift a stop: the carrier keeps blocking until the client texts START.
    """
    words = [entry for entry in ledger if entry.word in (Word.STOPPED, Word.STARTED)]
    return bool(words) and max(words, key=lambda entry: entry.at).word is Word.STOPPED
