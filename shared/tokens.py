"""Appointment tokens: whoever holds one may act on that one appointment, at any of the three services."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import jwt
from jwt.types import Options

from shared.errors import Kind, Refusal

OPTIONS: Options = {"require": ["sub", "prc", "exp"], "verify_exp": False}  # by our own clock instead


class TokenInvalid(Refusal):
    """Missing, altered, expired, or for another appointment."""

    slug = "token-invalid"
    kind = Kind.UNAUTHENTICATED


@dataclass(frozen=True, slots=True)
class Claim:
    """What a valid token says."""

    appointment: str
    practice: str
    expires_at: datetime


class Tokens:
    """Mints and reads tokens (JWT, HMAC-SHA-256) with the key that the services share."""

    def __init__(self, signing_key: str) -> None:
        self._key = signing_key

    def mint(self, appointment: str, practice: str, expires_at: datetime) -> str:
        claims = {"sub": appointment, "prc": practice, "exp": int(expires_at.timestamp())}
        return jwt.encode(claims, self._key, algorithm="HS256")

    def read(self, token: str, now: datetime) -> Claim:
        """Raises `TokenInvalid`; never says which of the reasons it was."""
        try:
            claims = jwt.decode(token, self._key, algorithms=["HS256"], options=OPTIONS)
            claim = Claim(str(claims["sub"]), str(claims["prc"]), datetime.fromtimestamp(claims["exp"], UTC))
        except (jwt.InvalidTokenError, TypeError, ValueError, OverflowError) as error:
            raise TokenInvalid("the appointment token is missing, altered or out of date") from error
        if claim.expires_at <= now:
            raise TokenInvalid("the appointment token is missing, altered or out of date")
        return claim
