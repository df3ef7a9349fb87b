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

    def __init__(self, signing_key: str) -> None:
        self._key = hmac.digest(signing_key.encode(), b"stillpoint staff", hashlib.sha256)

    def mint(self, staff: Staff, now: datetime) -> str:
        claims = {**asdict(staff), "exp": int((now + GOOD_FOR).timestamp())}
        return jwt.encode(claims, self._key, algorithm="HS256")

    def read(self, shown: str, now: datetime) -> Staff | None:
        """None for what is missing, altered or over."""
        try:
            claims = jwt.decode(shown, self._key, algorithms=["HS256"], options=OPTIONS)
            if claims.pop("exp") <= now.timestamp():
                return None
            return Staff(**{**claims, "role": Role(claims["role"])})
        except (jwt.InvalidTokenError, TypeError, ValueError, KeyError):
            return None

    def form(self, session: str) -> str:
        """What every form of this session carries: another site can post, and does not know it."""
        return hmac.new(self._key, f"form {session}".encode(), hashlib.sha256).hexdigest()

    def is_form(self, session: str, shown: str) -> bool:
        return hmac.compare_digest(self.form(session), shown.encode("ascii", "replace").decode())
