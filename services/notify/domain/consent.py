"""May this number be texted, and for what? Read from a ledger that is only ever added to."""

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


class Purpose(StrEnum):
    """What a consent is to: texts about visits, or offers of further ones. A stop ends both."""

    CARE = "care"
    OFFERS = "offers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the ledger; `key` names its source, so that the same word is entered once.

    `purpose` says nothing of a stop or a start, which are about all texts.
    """

    key: str
    word: Word
    at: datetime
    source: str
    wording: str | None = None
    purpose: Purpose = Purpose.CARE


def hidden(phone: str, key: bytes) -> str:
    """A name for a number that nobody without the key can tell it by: 64 hexadecimal digits, the same for ever."""
    return hmac.new(key, phone.encode(), hashlib.sha256).hexdigest()


def stopped(ledger: Iterable[Entry]) -> bool:
    """The last word about stopping counts; of two in the same instant, the stop.

    Consent given on a form does not lift a stop: the carrier keeps blocking until the client texts START.
    """
    words = [entry for entry in ledger if entry.word in (Word.STOPPED, Word.STARTED)]
    return bool(words) and max(words, key=_stop_last).word is Word.STOPPED


def agrees(ledger: Iterable[Entry], purpose: Purpose) -> bool:
    """Nothing is stopped, and the newest word on this purpose that still counts is a consent.

    A START takes up the texts about visits where they were. It does not bring back a consent to offers from before
    the stop: that is marketing, and needs to be given anew (47 CFR 64.1200(f)(9)).
    """
    entries = list(ledger)
    if stopped(entries):
        return False
    stops = [entry.at for entry in entries if entry.word is Word.STOPPED]
    counts_from = max(stops, default=None) if purpose is Purpose.OFFERS else None
    words = [
        entry
        for entry in entries
        if entry.word in (Word.CONSENTED, Word.WITHHELD)
        and entry.purpose is purpose
        and (counts_from is None or entry.at > counts_from)
    ]
    return bool(words) and max(words, key=_refusal_last).word is Word.CONSENTED


def _stop_last(entry: Entry) -> tuple[datetime, bool]:
    return entry.at, entry.word is Word.STOPPED


def _refusal_last(entry: Entry) -> tuple[datetime, bool]:
    return entry.at, entry.word is Word.WITHHELD
