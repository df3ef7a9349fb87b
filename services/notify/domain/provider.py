"""What the provider's statuses and error codes mean, as tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider has the text and named it."""

    sid: str
    status: str = "queued"


@dataclass(frozen=True, slots=True)
class NotCreated:
    """It surely never got there: no connection, or told to slow down."""

    why: str
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may or may not have got there."""

    why: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider said no, with its error code (0 if it gave none)."""

    code: int


Outcome = Accepted | NotCreated | Unknown | Refused


@dataclass(frozen=True, slots=True)
class Found:
    """A text that the provider lists."""

    sid: str
    status: str
    error_code: int | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """What an error code asks for: another try `after` so long if fewer than `most` were made, or an end for `why`.

    `stop` enters an opt-out, `rest` stops the sender for a while, `alert` is for a person's eye.
    """

    why: str
    after: timedelta | None = None
    most: int = 1
    stop: bool = False
    rest: bool = False
    alert: bool = False


# https://www.twilio.com/docs/api/errors, read in November 2026. Codes may change; one that is not here is neither
# retried nor passed over in silence.
TREATMENTS: Mapping[int, Treatment] = {
    20003: Treatment(why="credentials", after=timedelta(minutes=5), most=1_000, rest=True, alert=True),
    20404: Treatment(why="no_such_account", alert=True),
    21211: Treatment(why="bad_number"),
    21408: Treatment(why="region_not_enabled", alert=True),
    21606: Treatment(why="sender_not_usable", alert=True),
    21610: Treatment(why="opted_out", stop=True),
    21611: Treatment(why="queue_full", after=timedelta(minutes=5), most=20),
    21612: Treatment(why="no_route", alert=True),
    21614: Treatment(why="not_mobile"),
    21617: Treatment(why="too_long", alert=True),
    30001: Treatment(why="queue_overflow", after=timedelta(minutes=2), most=3),
    30002: Treatment(why="account_suspended", rest=True, alert=True),
    30003: Treatment(why="unreachable", after=timedelta(minutes=30), most=2),
    30004: Treatment(why="blocked", alert=True),
    30005: Treatment(why="unknown_number"),
    30006: Treatment(why="landline"),
    30007: Treatment(why="filtered", alert=True),
    30008: Treatment(why="unknown_error", after=timedelta(minutes=15), most=2),
    30034: Treatment(why="sender_not_registered", rest=True, alert=True),
    30036: Treatment(why="expired"),
    30610: Treatment(why="provider_quiet_hours"),
    30640: Treatment(why="provider_compliance"),
}
UNLISTED = Treatment(why="unlisted_error", alert=True)


def treatment(code: int | None) -> Treatment:
    return TREATMENTS.get(code or 0, UNLISTED)
