"""Appointment tokens: whoever holds one may act on that one appointment, at any of the three services."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

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


def key_id(key: bytes) -> str:
    """The name of a key, which tells nothing of it."""
    return hashlib.sha256(b"stillpoint key id" + key).hexdigest()[:12]


class Ring:
    """The key that signs, and the ones before it (or the next), which are believed as long as they are known."""

    def __init__(self, *keys: bytes) -> None:
        self._keys = {key_id(key): key for key in reversed(keys)}
        self._current = key_id(keys[0])

    def sign(self, claims: dict[str, Any]) -> str:
        return jwt.encode(claims, self._keys[self._current], algorithm="HS256", headers={"kid": self._current})

    def read(self, token: str, options: Options) -> dict[str, Any]:
        """Raises `jwt.InvalidTokenError`. What was signed before keys had names is tried with each."""
        name = jwt.get_unverified_header(token).get("kid")
        keys = self._keys.values() if name is None else [self._keys[name]] if name in self._keys else []
        for key in keys:
            with suppress(jwt.InvalidSignatureError):
                claims: dict[str, Any] = jwt.decode(token, key, algorithms=["HS256"], options=options)
                return claims
        raise jwt.InvalidSignatureError("signed with none of the keys that are known")


class Tokens:
    """Mints and reads tokens (JWT, HMAC-SHA-256) with the keys that the services share; the first one signs."""

    def __init__(self, *signing_keys: str) -> None:
        self._ring = Ring(*(key.encode() for key in signing_keys))

    def mint(self, appointment: str, practice: str, expires_at: datetime) -> str:
        claims = {"sub": appointment, "prc": practice, "exp": int(expires_at.timestamp())}
        return self._ring.sign(claims)

    def read(self, token: str, now: datetime) -> Claim:
        """Raises `TokenInvalid`; never says which of the reasons it was."""
        try:
            claims = self._ring.read(token, OPTIONS)
            claim = Claim(str(claims["sub"]), str(claims["prc"]), datetime.fromtimestamp(claims["exp"], UTC))
        except (jwt.InvalidTokenError, TypeError, ValueError, OverflowError) as error:
            raise TokenInvalid("the appointment token is missing, altered or out of date") from error
        if claim.expires_at <= now:
            raise TokenInvalid("the appointment token is missing, altered or out of date")
        return claim
