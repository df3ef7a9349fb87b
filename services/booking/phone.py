"""Mobile numbers as clients write them, read into E.164."""

from __future__ import annotations

from typing import Final

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from shared.errors import Kind, Refusal

# Where mobile and fixed numbers cannot be told apart (North America), the number gets the benefit of the doubt.
TEXTABLE: Final = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})


class NotAMobileNumber(Refusal):
    """No text can be sent there: not a number, not a mobile one, or one with an extension."""

    slug = "not-a-mobile-number"
    kind = Kind.INVALID


def mobile(written: str, *, country: str, field: str) -> str:
    """The E.164 form of a number that may be written the way it is dialled in `country`."""
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
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)
