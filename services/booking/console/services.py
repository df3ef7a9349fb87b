"""The services of the practice for its owners: what each is, costs and needs, and who gives it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from babel.numbers import format_currency, get_territory_currencies, list_currencies

from services.booking.console.fields import Field, Group, Kind, Speak, Values, number
from services.booking.console.part_pages import Row, new_id, own_field
from services.booking.console.sheets import Sheet
from services.booking.domain import money
from services.booking.domain.editing import part, with_part, without_part
from services.booking.domain.practice import (
    DAY_MINUTES,
    LONGEST_BUFFER_MINUTES,
    LONGEST_VISIT_MINUTES,
    RASTER_MINUTES,
    Audience,
    Practice,
    Practitioner,
    Price,
    Service,
)
from services.booking.domain.practice_check import FURTHEST_DAYS, LONGEST_COURSE_GAP_DAYS, OLDEST_YEARS
from services.booking.profile.documents import NO_SCREENING

LARGEST_MINOR: Final = 100_000_000
CODE_BEFORE_DIGIT: Final = re.compile(r"([A-Z])(?=\d)")
CHECKS: Final = ("cst-core", "cst-intake", NO_SCREENING)
"""Health checks that come with the product; one that a service has already can be kept."""
GROUPS: Final = (
    Group(
        "",
        (
            Field(name="name", is_needed=True),
            number("length_minutes", RASTER_MINUTES, LONGEST_VISIT_MINUTES, step=RASTER_MINUTES),
            Field(name="price", most=12),
            Field(name="currency", most=3),
            Field(name="who", kind=Kind.TICKS),
            Field(name="screening", kind=Kind.CHOICE),
            Field(name="preparation", kind=Kind.PROSE, most=4000),
        ),
    ),
    Group(
        "times",
        (
            number("buffer_before_minutes", 0, LONGEST_BUFFER_MINUTES, step=RASTER_MINUTES),
            number("buffer_after_minutes", 0, LONGEST_BUFFER_MINUTES, step=RASTER_MINUTES),
            number("step_minutes", RASTER_MINUTES, DAY_MINUTES, step=RASTER_MINUTES),
            number("notice_minutes", 0, 60 * DAY_MINUTES),
            number("horizon_days", 0, FURTHEST_DAYS),
            number("cancellation_window_hours", 0, 720),
            Field(name="needs_room", kind=Kind.TICK),
        ),
    ),
    Group(
        "clients",
        (
            Field(name="audience", kind=Kind.CHOICE),
            number("age_from", 0, OLDEST_YEARS, is_needed=False),
            number("age_until", 0, OLDEST_YEARS, is_needed=False),
            number("course_days_from", 1, LONGEST_COURSE_GAP_DAYS),
            number("course_days_until", 1, LONGEST_COURSE_GAP_DAYS),
            Field(name="aftercare", kind=Kind.PROSE, most=4000),
        ),
    ),
)
APART: Final = {"price", "currency", "who", "screening", "audience"}
"""Fields that are not those of a service of the same name and shape."""
PATHS: Final = {"price.minor_units": "price", "price.currency": "currency"}


class Services:
    name = "service"

    def sheet(self, practice: Practice, id_: str | None, speak: Speak) -> Sheet:
        old = Service(id="", name="") if id_ is None else part(practice, Service, id_)
        checks = dict.fromkeys((*CHECKS, old.screening or NO_SCREENING))
        shown = {name: speak(key) for name in checks if (key := f"screening:{name}")}
        return Sheet(
            part=self.name,
            title=old.name,
            id=old.id,
            groups=GROUPS,
            kept=_kept(practice, old),
            changed=lambda now, values: _changed(now, id_, values),
            field_of=own_field(Service, practice, old.id, PATHS),
            choices={
                "who": [(one.id, one.name) for one in practice.practitioners],
                "screening": [(name, told.removeprefix("screening:")) for name, told in shown.items()],
                "audience": [(one.value, speak(f"audience:{one.value}")) for one in Audience],
            },
            slips=_slips,
        )

    def rows(self, practice: Practice, speak: Speak, locale: str) -> Sequence[Row]:
        return [Row(one.id, one.name, tuple(_told(practice, one, speak, locale))) for one in practice.services]

    def without(self, practice: Practice, id_: str) -> Practice:
        """Nobody gives it any more; visits that are booked stand."""
        part(practice, Service, id_)
        for person in practice.practitioners:
            resets = tuple(reset for reset in person.load.resets if reset.service != id_)
            freed = replace(_without(person, id_), load=replace(person.load, resets=resets))
            practice = with_part(practice, freed)
        return without_part(practice, Service, id_)


def _told(practice: Practice, one: Service, speak: Speak, locale: str) -> Iterator[str]:
    told = speak("{minutes} min", minutes=one.length_minutes)
    if one.price is not None:
        price = format_currency(_amount(one.price), one.price.currency, locale=locale)
        told += " · " + CODE_BEFORE_DIGIT.sub("\\1\N{NO-BREAK SPACE}", price)
    yield told
    givers = ", ".join(person.name for person in practice.practitioners if one.id in person.services)
    yield givers or speak("Nobody gives it, so it cannot be booked.")
    if one.screening is None:
        yield speak("Without a health check")


def _kept(practice: Practice, one: Service) -> dict[str, Any]:
    own = {
        field.name: getattr(one, field.name) for group in GROUPS for field in group.fields if field.name not in APART
    }
    people = practice.practitioners
    givers = [person.id for person in people if one.id in person.services or (not one.id and len(people) == 1)]
    return own | {
        "price": "" if one.price is None else f"{_amount(one.price)}",
        "currency": _usual_currency(practice) if one.price is None else one.price.currency,
        "who": givers,
        "screening": one.screening or NO_SCREENING,
        "audience": one.audience.value,
    }


def _usual_currency(practice: Practice) -> str:
    used = [one.price.currency for one in practice.services if one.price is not None]
    return [*used, *get_territory_currencies(practice.country), ""][0]


def _amount(price: Price) -> Decimal:
    return Decimal(price.minor_units).scaleb(-money.digits(price.currency))


def _slips(values: Values) -> Iterable[str]:
    if not values["price"]:
        return ()
    if values["currency"].upper() not in list_currencies():
        return ("currency",)
    try:
        _price(values)
    except ValueError:
        return ("price",)
    return ()


def _price(values: Values) -> Price | None:
    """Raises `ValueError` for what is no amount in the currency."""
    if not values["price"]:
        return None
    currency = values["currency"].upper()
    try:
        minor = Decimal(values["price"].replace(",", ".")).scaleb(money.digits(currency))
    except InvalidOperation:
        raise ValueError("is no number") from None
    if not minor.is_finite() or minor != minor.to_integral_value() or not 0 <= minor <= LARGEST_MINOR:
        raise ValueError("is no amount of money")
    return Price(minor_units=int(minor), currency=currency)


def _changed(practice: Practice, id_: str | None, values: Values) -> Practice:
    taken = {one.id for one in practice.services}
    old = part(practice, Service, id_) if id_ else Service(id=new_id(values["name"], taken, "service"), name="")
    own = {name: value for name, value in values.items() if name not in APART}
    changed: Service = replace(
        old,
        **own,
        price=_price(values),
        screening=None if values["screening"] == NO_SCREENING else values["screening"],
        audience=Audience(values["audience"]),
    )
    practice = with_part(practice, changed)
    for person in practice.practitioners:
        gives = person.id in values["who"]
        if gives != (changed.id in person.services):
            with_it = replace(person, services=(*person.services, changed.id))
            practice = with_part(practice, with_it if gives else _without(person, changed.id))
    return practice


def _without(person: Practitioner, service: str) -> Practitioner:
    return replace(person, services=tuple(one for one in person.services if one != service))
