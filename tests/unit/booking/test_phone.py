"""Which numbers are taken: mobile ones, of the countries that the practice serves."""

from __future__ import annotations

import pytest

from services.booking.phone import CountryNotServed, NotAMobileNumber, mobile


@pytest.mark.parametrize(
    ("written", "country", "countries", "read"),
    [
        ("079 123 45 67", "CH", (), "+41791234567"),
        ("+41 79 123 45 67", "CH", (), "+41791234567"),
        ("079 123 45 67", "CH", ("CH", "GB"), "+41791234567"),
        ("+44 7400 123456", "CH", ("CH", "GB"), "+447400123456"),
        ("+44 7400 123456", "CH", ("GB",), "+447400123456"),
        ("(212) 555-2368", "US", (), "+12125552368"),
        ("+1 416 555 0100", "US", ("US", "CA"), "+14165550100"),
    ],
)
def test_a_mobile_number_of_a_country_that_is_served_is_read(
    written: str, country: str, countries: tuple[str, ...], read: str
) -> None:
    assert mobile(written, country=country, countries=countries, field="phone") == read


@pytest.mark.parametrize(
    ("written", "country", "countries"),
    [
        ("+44 7400 123456", "CH", ()),
        ("079 123 45 67", "CH", ("GB",)),  # the practice's own country is one of the list or it is not
        ("+1 416 555 0100", "US", ()),  # the same code, another country
        ("+1 876 555 0100", "US", ()),  # and another one, where texts cost a multiple
    ],
)
def test_a_number_of_another_country_is_refused(written: str, country: str, countries: tuple[str, ...]) -> None:
    with pytest.raises(CountryNotServed) as told:
        mobile(written, country=country, countries=countries, field="client.phone")

    assert told.value.extra == {"field": "client.phone"}
    assert not any(character.isdigit() for character in str(told.value))


@pytest.mark.parametrize(
    "written",
    ["0900 123 456", "0901 123 456", "0840 123 456", "044 668 18 00", "0800 123 456", "117", "12345", "no number"],
)
def test_premium_shared_cost_and_fixed_numbers_are_refused_wherever_they_are_from(written: str) -> None:
    with pytest.raises(NotAMobileNumber):
        mobile(written, country="CH", countries=("CH",), field="phone")
