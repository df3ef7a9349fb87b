"""An appointment token opens one appointment, for a while, at whoever has the key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tokens import Claim, TokenInvalid, Tokens, key_id

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


def test_a_token_of_the_key_before_is_believed_while_that_key_is_known() -> None:
    old, new = "o" * 32, "n" * 32
    before = Tokens(old).mint("a1", "stillwater", TOMORROW)
    after = Tokens(new, old).mint("a1", "stillwater", TOMORROW)

    assert Tokens(new, old).read(before, NOW) == Tokens(old, new).read(after, NOW)
    assert Tokens(new).read(after, NOW) == Claim("a1", "stillwater", TOMORROW)
    with pytest.raises(TokenInvalid):
        Tokens(new).read(before, NOW)
    with pytest.raises(TokenInvalid):
        Tokens(old).read(after, NOW)


def test_a_token_names_its_key_and_tells_nothing_of_it() -> None:
    header = jwt.get_unverified_header(Tokens(KEY).mint("a1", "stillwater", TOMORROW))

    assert header["kid"] == key_id(KEY.encode())
    assert KEY not in str(header)


def test_a_token_from_before_keys_had_names_is_read() -> None:
    claims = {"sub": "a1", "prc": "stillwater", "exp": int(TOMORROW.timestamp())}
    unnamed = jwt.encode(claims, KEY, algorithm="HS256")

    assert Tokens("n" * 32, KEY).read(unnamed, NOW) == Claim("a1", "stillwater", TOMORROW)
    with pytest.raises(TokenInvalid):
        Tokens("n" * 32).read(unnamed, NOW)


def test_the_name_of_one_key_does_not_open_with_another() -> None:
    claims = {"sub": "a1", "prc": "stillwater", "exp": int(TOMORROW.timestamp())}
    posing = jwt.encode(claims, "x" * 32, algorithm="HS256", headers={"kid": key_id(KEY.encode())})

    with pytest.raises(TokenInvalid):
        Tokens(KEY).read(posing, NOW)
