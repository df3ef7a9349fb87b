"""Who of a practice is signed in: what all three services read from one cookie, and the proof that a form is theirs."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import jwt
from jwt.types import Options

from shared.tokens import Ring

COOKIE: Final = "__Host-staff"
# So long after it was revoked, a session may still be believed by the services that do not keep sessions.
GOOD_FOR: Final = timedelta(minutes=5)
OPTIONS: Final[Options] = {"require": ["exp"], "verify_exp": False}  # by our own clock instead


class Role(StrEnum):
    """An owner may do everything; only who gives visits sees answers; the desk sees neither answers nor settings."""

    OWNER = "owner"
    PRACTITIONER = "practitioner"
    DESK = "desk"


EVERYBODY: Final = frozenset(Role)


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """Somebody of a practice. `practitioner` is who they are among those that give visits, if they do."""

    user: str
    name: str
    practice: str
    role: Role
    session: str
    locale: str = "en"
    practitioner: str | None = None

    @property
    def who(self) -> str:
        """As the audit names them."""
        return f"user:{self.user}"

    @property
    def sees_answers(self) -> bool:
        return self.role is Role.PRACTITIONER or self.practitioner is not None


class Passes:
    """Signed for a few minutes by whoever keeps the sessions (JWT, HMAC-SHA-256), with a key made from the shared one.

    No appointment's token is one of these, and the other way round.
    """

    def __init__(self, *signing_keys: str) -> None:
        self._keys = [hmac.digest(key.encode(), b"stillpoint staff", hashlib.sha256) for key in signing_keys]
        self._ring = Ring(*self._keys)

    def mint(self, staff: Staff, now: datetime) -> str:
        claims = {**asdict(staff), "exp": int((now + GOOD_FOR).timestamp())}
        return self._ring.sign(claims)

    def read(self, shown: str, now: datetime) -> Staff | None:
        """None for what is missing, altered or over."""
        try:
            claims = self._ring.read(shown, OPTIONS)
            if claims.pop("exp") <= now.timestamp():
                return None
            return Staff(**{**claims, "role": Role(claims["role"])})
        except (jwt.InvalidTokenError, TypeError, ValueError, KeyError):
            return None

    def form(self, session: str) -> str:
        """What every form of this session carries: another site can post, and does not know it."""
        return _form(self._keys[0], session)

    def is_form(self, session: str, shown: str) -> bool:
        given = shown.encode("ascii", "replace").decode()
        return any(hmac.compare_digest(_form(key, session), given) for key in self._keys)


def _form(key: bytes, session: str) -> str:
    return hmac.new(key, f"form {session}".encode(), hashlib.sha256).hexdigest()
