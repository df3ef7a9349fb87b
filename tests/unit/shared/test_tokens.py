"""An appointment token opens one appointment, for a while, at whoever has the key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tokens import Claim, TokenInvalid, Tokens

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TOMORROW = NOW + timedelta(days=1)
KEY = "k" * 32


def test_a_token_says_which_appointment_of_which_practice_it_opens() -> None:
    token = Tokens(KEY).mint("a1", "stillwater", TOMORROW)

    assert Tokens(KEY).read(token, NOW) == Claim("a1", "stillwater", TOMORROW)


def test_a_token_is_worthless_from_the_second_it_expires() -> None:
    token = Tokens(KEY).mint("a1", "stillwater", TOMORROW)

    with pytest.raises(TokenInvalid):
        Tokens(KEY).read(token, TOMORROW)


def test_a_token_of_another_key_is_refused() -> None:
    token = Tokens("x" * 32).mint("a1", "stillwater", TOMORROW)

    with pytest.raises(TokenInvalid):
        Tokens(KEY).read(token, NOW)


def test_an_unsigned_token_is_refused() -> None:
    header, payload, _ = Tokens(KEY).mint("a1", "stillwater", TOMORROW).split(".")

    with pytest.raises(TokenInvalid):
        Tokens(KEY).read(f"eyJhbGciOiJub25lIn0.{payload}.", NOW)
    with pytest.raises(TokenInvalid):
        Tokens(KEY).read(f"{header}.{payload}.", NOW)


@given(st.text())
def test_anything_else_is_refused_and_nothing_else_is_raised(text: str) -> None:
    with pytest.raises(TokenInvalid):
        Tokens(KEY).read(text, NOW)
