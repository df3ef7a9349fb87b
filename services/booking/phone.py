"""Mobile numbers as clients write them, read into E.164."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from shared.errors import Kind, Refusal

# Where mobile and fixed numbers cannot be told apart (North America), the number gets the benefit of the doubt.
TEXTABLE: Final = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})


ANYWHERE: Final[Collection[str]] = phonenumbers.SUPPORTED_REGIONS
"""Every country, for numbers that are looked for and not texted."""


class NotAMobileNumber(Refusal):
    """No text can be sent there: not a number, not a mobile one, or one with an extension."""

    slug = "not-a-mobile-number"
    kind = Kind.INVALID


class CountryNotServed(Refusal):
    """The practice takes no mobile numbers of that country."""

    slug = "country-not-served"
    kind = Kind.INVALID


def mobile(written: str, *, country: str, field: str, countries: Collection[str] = ()) -> str:
    """The E.164 form of a number that may be written the way it is dialled in `country`.

    Only numbers of `countries` are taken, of `country` alone if there are none: what texts cost differs widely.
    """
    refusal = NotAMobileNumber("not a mobile number that can get texts", field=field)
    try:
        number = phonenumbers.parse(written, country)
    except NumberParseException as error:
        raise refusal from error
    # The library drops an extension silently and calls a premium number valid.
    if number.extension or not phonenumbers.is_valid_number(number):
        raise refusal
    if phonenumbers.number_type(number) not in TEXTABLE:
        raise refusal
    if phonenumbers.region_code_for_number(number) not in (countries or {country}):
        raise CountryNotServed("this practice takes no numbers of that country", field=field)
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)
