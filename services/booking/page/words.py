"""How the pages say things: dates, times, zones, prices, states, and why something did not work."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

from services.booking.domain.appointment import State
from services.booking.domain.practice import Price
from shared.errors import Refusal

PICK_AGAIN: Final = "Please pick one of the times below."
KEPT_LONGER: Final = "We are keeping this time a little longer for you."
CODE_SENT: Final = "We have texted you a code of six digits. Please type it in below, and send the page once more."
LET_GO: Final = "That time was given back meanwhile. Please pick one of the times below."

_REFUSED: Final[Mapping[str, str]] = {
    "slot-taken": "Somebody was faster: that time has just been taken. Please pick another one.",
    "outside-hours": "That time is not on offer any more. Please pick another one.",
    "too-short-notice": "That time is too soon to be booked now. Please pick a later one.",
    "too-far-ahead": "That day cannot be booked yet. Please pick an earlier one.",
    "not-offered": "That person does not offer this kind of visit. Please pick another time.",
    "idempotency-key-reused": PICK_AGAIN,
    "wrong-state": "This booking has changed meanwhile. Below is how it stands now.",
    "hold-expired": "We could keep the time no longer, and it was given back. Please pick a time again.",
    "too-late": "It is too late to change this visit here. Please call us instead.",
    "already-renewed": "We have kept this time longer once already. Please finish before it is given back.",
    "birth-date-needed": "Please give the date of birth of the person who comes.",
    "age-not-served": "This kind of visit is for people of another age on that day. Choose another one, or call us.",
    "guardian-needed": "Who is under 18 on that day needs a parent or guardian. Please call us.",
    "new-clients-only": "This kind of visit is for a first time with us. Please choose another one.",
    "returning-clients-only": "This kind of visit is for people who have been here before. Please choose another one.",
    "too-many-visits": "There are as many visits to come with this number as we can take. Please call us.",
    "country-not-served": "We cannot text numbers of that country. Please give another one, or call us.",
    "not-a-mobile-number": "Please give a mobile number that can get texts.",
    "contended": "That did not go through. Please try once more.",
    "no-such-practice": "No practice can be booked under this address. Please check the link.",
    "no-such-service": "This kind of visit is not offered any more. Please start again.",
    "no-such-practitioner": "This person is not offering visits any more. Please start again.",
    "offer-expired": "This offer has ended. Please pick another time.",
    "no-such-offer": "There is no such offer here. Please check the link.",
    "no-such-appointment": "There is no such booking here. Please check the link.",
    "token-invalid": "Links to a booking end some time after the visit, and work only as they were sent. "
    "Please open the link from your newest text, or call us.",
}

HEADLINES: Final[Mapping[State, str]] = {
    State.HELD: "Your details",
    State.REQUESTED: "One step left",
    State.IN_REVIEW: "We are looking at your booking",
    State.CONFIRMED: "You are booked",
    State.ATTENDED: "Thank you for coming",
    State.MISSED: "This visit has passed",
    State.DECLINED: "We could not confirm this booking",
    State.LAPSED: "This time was given back",
    State.CANCELLED: "This visit is cancelled",
}

CHECK_HEADLINES: Final[Mapping[str, str]] = {
    "again": "Please fill in your health check again",
    "later": "We are keeping your time",
}

_NO_MINOR: Final = frozenset({"CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF", "XPF"})
_THREE_MINOR: Final = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
_REGIONS: Final = (
    "Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific",
)  # fmt: skip


def refused(refusal: Refusal) -> str:
    if "retry_after" in refusal.extra:
        return f"That was too often in a short time. Please wait {wait(refusal.extra['retry_after'])} and try again."
    return _REFUSED.get(refusal.slug, "That did not work. Please go back and try again.")


def wait(seconds: int) -> str:
    """A minute, 12 minutes, 3 hours: rounded up."""
    minutes = -(-seconds // 60)
    hours = -(-minutes // 60)
    if minutes <= 1:
        return "a minute"
    return f"{minutes} minutes" if minutes <= 90 else f"{hours} hours"


def day(of: date) -> str:
    """Tuesday 24 November; the year is left to whoever shows many days."""
    return f"{of:%A} {of.day} {of:%B}"


def days(first: date, last: date) -> str:
    """24 to 30 November 2026, with as much of the first date as differs."""
    if first.year != last.year:
        return f"{first.day} {first:%B %Y} to {last.day} {last:%B %Y}"
    if first.month != last.month:
        return f"{first.day} {first:%B} to {last.day} {last:%B %Y}"
    return f"{first.day} to {last.day} {last:%B %Y}"


def clock(local: datetime) -> str:
    """14:30; with the zone's own letters in the hour that the clocks go through twice."""
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return f"{local:%H:%M} {local:%Z}" if twice else f"{local:%H:%M}"


def moment(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{clock(local)} on {day(local.date())} {local.year}"


def city(zone: str) -> str:
    """New York, for America/New_York: how people name a zone."""
    return zone.rpartition("/")[2].replace("_", " ")


def phone(number: str) -> str:
    """+41 44 000 00 00, as people read it; the address of a call keeps the bare one."""
    try:
        return phonenumbers.format_number(phonenumbers.parse(number), PhoneNumberFormat.INTERNATIONAL)
    except NumberParseException:  # of a country that has none; shown as the practice wrote it
        return number


def length(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    if hours == 0 or minutes <= 90:
        return f"{minutes} minutes"
    return f"{hours} hours" if rest == 0 else f"{hours} hours {rest} minutes"


def price(of: Price) -> str:
    digits = 0 if of.currency in _NO_MINOR else 3 if of.currency in _THREE_MINOR else 2
    return f"{of.currency}\N{NO-BREAK SPACE}{of.minor_units / 10**digits:,.{digits}f}"


@cache
def zones() -> Mapping[str, list[str]]:
    """The zones that a client may choose, by region."""
    known = sorted(available_timezones())
    return {region: [zone for zone in known if zone.startswith(f"{region}/")] for region in _REGIONS}
