"""What the provider's error codes mean and ask for: a table, because codes and their meaning may change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final


class Trouble(StrEnum):
    """What sort of no a code is, and with it who has to do something."""

    SENDER = "sender"  # nothing of ours gets through: the sender stops, and the plan stays
    ROUTE = "route"  # not to there or not from here: somebody has to look at the account
    NUMBER = "number"  # this number takes no texts: the desk asks for another one
    OPTED_OUT = "opted_out"  # they said STOP, and it holds
    BUSY = "busy"  # too much at once: later
    NETWORK = "network"  # it may get there another time
    WORDS = "words"  # taken for spam: no text of these words until somebody has read them
    EXPIRED = "expired"  # it was to die by then
    RULES = "rules"  # a rule of the provider that is not to be got round
    UNLISTED = "unlisted"


# These a person has to see.
ALERTING: Final = frozenset({Trouble.SENDER, Trouble.ROUTE, Trouble.WORDS, Trouble.UNLISTED})
# The page of each code was read on this day; what has no page of its own yet says so.
READ_ON: Final = date(2026, 11, 21)
PAGES: Final = "https://www.twilio.com/docs/api/errors/"
UNVERIFIED: Final = "generally known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """What one code asks for: `retries` further tries `after` so long and up to `spread` of that more, else an end.

    `rests` stops the sender for so long, `stops` until a person lets it go on; `pauses` stops the template.
    """

    why: str
    trouble: Trouble
    retries: int = 0
    after: timedelta | None = None
    spread: float = 0.25
    rests: timedelta | None = None
    stops: bool = False
    pauses: bool = False
    source: str = PAGES

    @property
    def alert(self) -> bool:
        return self.trouble in ALERTING

    @property
    def opts_out(self) -> bool:
        return self.trouble is Trouble.OPTED_OUT

    @property
    def marks(self) -> bool:
        return self.trouble is Trouble.NUMBER


def _minutes(count: int) -> timedelta:
    return timedelta(minutes=count)


TREATMENTS: Final[Mapping[int, Treatment]] = {
    # Refused at the POST: no text was made.
    20003: Treatment(why="credentials", trouble=Trouble.SENDER, retries=1_000, after=_minutes(5), rests=_minutes(5)),
    20404: Treatment(why="no_such_account", trouble=Trouble.ROUTE),
    21211: Treatment(why="bad_number", trouble=Trouble.NUMBER),
    21408: Treatment(why="region_not_enabled", trouble=Trouble.ROUTE),
    21606: Treatment(why="sender_not_usable", trouble=Trouble.ROUTE, source=UNVERIFIED),
    21610: Treatment(why="opted_out", trouble=Trouble.OPTED_OUT),
    21611: Treatment(why="queue_full", trouble=Trouble.BUSY, retries=20, after=_minutes(5)),
    21612: Treatment(why="no_route", trouble=Trouble.ROUTE, source=UNVERIFIED),
    21614: Treatment(why="not_mobile", trouble=Trouble.NUMBER),
    21617: Treatment(why="too_long", trouble=Trouble.ROUTE),
    # Told in a receipt: the text was made, and did not arrive. Many that overflow a queue together would meet again.
    30001: Treatment(why="queue_overflow", trouble=Trouble.BUSY, retries=3, after=_minutes(2), spread=2.0),
    30002: Treatment(why="account_suspended", trouble=Trouble.SENDER, stops=True),
    30003: Treatment(why="unreachable", trouble=Trouble.NETWORK, retries=1, after=_minutes(30)),
    30004: Treatment(why="blocked", trouble=Trouble.WORDS, pauses=True),
    30005: Treatment(why="unknown_number", trouble=Trouble.NUMBER),
    30006: Treatment(why="landline", trouble=Trouble.NUMBER),
    30007: Treatment(why="filtered", trouble=Trouble.WORDS, pauses=True),
    30008: Treatment(why="unknown_error", trouble=Trouble.NETWORK, retries=1, after=_minutes(15)),
    30034: Treatment(why="sender_not_registered", trouble=Trouble.SENDER, stops=True),
    30036: Treatment(why="expired", trouble=Trouble.EXPIRED),
    30610: Treatment(why="provider_quiet_hours", trouble=Trouble.RULES),
    30640: Treatment(why="provider_compliance", trouble=Trouble.RULES),
}
UNLISTED: Final = Treatment(why="unlisted_error", trouble=Trouble.UNLISTED)


def treatment(code: int | None) -> Treatment:
    """Whatever is not in the table is never tried again, and is shown."""
    return TREATMENTS.get(code or 0, UNLISTED)
