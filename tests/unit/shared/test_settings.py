"""How settings are read: what is wrong is named, and lists are written as people write them."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from services.booking.settings import Settings
from shared.settings import read

GIVEN = {
    "MONGO_URL": "mongodb://127.0.0.1",
    "RABBIT_URL": "amqp://127.0.0.1",
    "SIGNING_KEY": "s" * 32,
    "OPERATOR_KEY": "o" * 32,
    "PUBLIC_ORIGIN": "http://127.0.0.1",
}


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in GIVEN.items():
        monkeypatch.setenv(f"STILLPOINT_{name}", value)
    return monkeypatch


@pytest.mark.parametrize(
    ("written", "networks"),
    [("", []), ("10.0.0.0/8", ["10.0.0.0/8"]), ("10.0.0.0/8, fd00::/8,", ["10.0.0.0/8", "fd00::/8"])],
)
def test_proxies_are_listed_with_commas_and_are_nobody_without_a_list(
    given: pytest.MonkeyPatch, written: str, networks: list[str]
) -> None:
    assert read(Settings).trusted_proxies == ()
    given.setenv("STILLPOINT_TRUSTED_PROXIES", written)

    assert read(Settings).trusted_proxies == tuple(ip_network(one) for one in networks)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("TRUSTED_PROXIES", "gateway"),
        ("BOOKING_LIMIT_HOLDS_BY_ADDRESS", "many"),
        ("BOOKING_LIMITS_URL", "redis://127.0.0.1"),
    ],
)
def test_what_cannot_be_read_is_named_and_the_program_ends(given: pytest.MonkeyPatch, name: str, value: str) -> None:
    given.setenv(f"STILLPOINT_{name}", value)

    with pytest.raises(SystemExit, match=f"STILLPOINT_{name}: "):
        read(Settings)


def test_limits_are_on_unless_they_are_taken_away(given: pytest.MonkeyPatch) -> None:
    assert [str(rate) for rate in read(Settings).allowed.holds_by_address] == ["30 per 10 minute"]
    given.setenv("STILLPOINT_BOOKING_LIMIT_HOLDS_BY_ADDRESS", "")

    assert list(read(Settings).allowed.holds_by_address) == []


def test_the_key_that_signs_comes_first_and_those_that_are_only_believed_after_it(given: pytest.MonkeyPatch) -> None:
    assert read(Settings).signing_keys == ("s" * 32,)
    given.setenv("STILLPOINT_EARLIER_SIGNING_KEYS", f"{'a' * 32}, {'b' * 32}")
    assert read(Settings).signing_keys == ("s" * 32, "a" * 32, "b" * 32)

    given.setenv("STILLPOINT_EARLIER_SIGNING_KEYS", "short")
    with pytest.raises(SystemExit, match=r"EARLIER_SIGNING_KEYS.*32 characters"):
        read(Settings)
