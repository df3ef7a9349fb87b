"""A number that takes no texts: how long that is believed, and what speaks against it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.notify.domain.consent import Entry

# A landline may become a mobile, and a number somebody else's.
BELIEVED: Final = timedelta(days=180)
FROM_BOOKING: Final = "booking"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What the provider said of a number, by the text to it; the number itself is not kept here."""

    practice: str
    appointment: str
    why: str
    code: int
    at: datetime


def holds(mark: Mark, ledger: Iterable[Entry]) -> bool:
    """Unless booking has told since of a visit with that number again: every visit brings its own answer."""
    return not any(entry.source == FROM_BOOKING and entry.at > mark.at for entry in ledger)
