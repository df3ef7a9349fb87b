"""Numbers and time zones as an owner gives them."""

from __future__ import annotations

from collections.abc import Sequence

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

from services.booking.console import begin_form


def dialled(number: str, country: str) -> str:
    """As it is dialled in the country, made international; what is no number stays as it is and is refused by rule."""
    try:
        found = phonenumbers.parse(number, country)
    except NumberParseException:
        return number
    if found.extension or not phonenumbers.is_valid_number(found):
        return number
    return phonenumbers.format_number(found, PhoneNumberFormat.E164)


def zones(kept: str) -> Sequence[tuple[str, str]]:
    """All that there are, and the one that is kept already."""
    known = [zone for names in begin_form.zones().values() for zone in names]
    return [(zone, zone.replace("_", " ")) for zone in dict.fromkeys([*([kept] if kept else []), *known])]
