"""Who may have a visit: for which clients the service is, how old they are on the day, and who answers for a child."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from services.booking.domain.appointment import Client, Offer
from services.booking.domain.practice import Audience
from shared.errors import Kind, Refusal

OF_AGE: Final = 18


class BirthDateNeeded(Refusal):
    """The service is for certain ages, and no birth date was given that can be one."""

    slug = "birth-date-needed"
    kind = Kind.INVALID


class AgeNotServed(Refusal):
    """The client is too young or too old for the service on the day of the visit."""

    slug = "age-not-served"
    kind = Kind.INVALID


class GuardianNeeded(Refusal):
    """The client is under 18 on the day of the visit, and nobody was named who answers for them."""

    slug = "guardian-needed"
    kind = Kind.INVALID


class NewClientsOnly(Refusal):
    """The service is for a first visit, and this client has been there before."""

    slug = "new-clients-only"
    kind = Kind.INVALID


class ReturningClientsOnly(Refusal):
    """The service is for clients who have been there before."""

    slug = "returning-clients-only"
    kind = Kind.INVALID


def check(offer: Offer, client: Client, starts_at: datetime, *, attended: bool) -> None:
    """Raises why this client may not have the visit; `attended` is whether they were ever there before."""
    check_age(offer, client, starts_at)
    if offer.audience is Audience.NEW and attended:
        raise NewClientsOnly("this service is for a first visit only", field="service")
    if offer.audience is Audience.RETURNING and not attended:
        raise ReturningClientsOnly("this service is for clients who have been here before", field="service")


def check_age(offer: Offer, client: Client, starts_at: datetime) -> None:
    """Ages count in whole years on the date of the visit at its place, both bounds included."""
    least, most = offer.age_from, offer.age_until
    day = starts_at.astimezone(ZoneInfo(offer.zone)).date()
    if client.born is None:
        if least is not None or most is not None:
            raise BirthDateNeeded("this service is for certain ages; say when the client was born", field="client.born")
        return
    if client.born > day:
        raise BirthDateNeeded("nobody is born after their visit", field="client.born")
    age = years(client.born, day)
    if (least is not None and age < least) or (most is not None and age > most):
        raise AgeNotServed("not of an age that this service is for", age_from=least, age_until=most)
    if age < OF_AGE and client.guardian is None:
        raise GuardianNeeded("a client under 18 needs a guardian's name and number", field="client.guardian")


def years(born: date, day: date) -> int:
    """Whole years; who was born on 29 February is a year older from 1 March where there is no such day."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
