"""Who of a practice may sign in, as what, and for how long: users, their sessions, and when a guess is one too many."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from shared.errors import Kind, Refusal

LOGIN: Final = re.compile(r"[^@\s]{1,64}@[^@\s]{1,180}")
SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 200
# So many wrong passwords in a row are a slip; from then on each costs twice the wait of the one before.
SLIPS: Final = 5
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)
SESSION_LASTS: Final = timedelta(days=30)
IDLE_LASTS: Final = timedelta(days=7)
SEEN_EVERY: Final = timedelta(minutes=4)


class Role(StrEnum):
    """As all services know it; see shared.staff."""

    OWNER = "owner"
    PRACTITIONER = "practitioner"
    DESK = "desk"


class SignInRefused(Refusal):
    """No such login, a wrong password, or a user who is switched off: which of them is not told."""

    slug, kind = "sign-in-refused", Kind.UNAUTHENTICATED


class LockedOut(Refusal):
    """Too many wrong passwords; `retry_after` says how many seconds to wait."""

    slug, kind = "locked-out", Kind.LIMITED


class LoginTaken(Refusal):
    """Somebody signs in by this address already."""

    slug, kind = "login-taken", Kind.CONFLICT


class UserInvalid(Refusal):
    """A name, login, role or password that cannot be; `field` names it."""

    slug, kind = "user-invalid", Kind.INVALID


class NoSuchUser(Refusal):
    """The practice has no user or session of this id."""

    slug, kind = "no-such-user", Kind.NOT_FOUND


class LastOwner(Refusal):
    """A practice keeps one owner who can sign in."""

    slug, kind = "last-owner", Kind.CONFLICT


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """`digest` is all that is kept of the password; `version` counts the writes."""

    id: str
    practice: str
    name: str
    login: str
    role: Role
    digest: str
    made_at: datetime
    practitioner: str | None = None
    locale: str = "en"
    is_off: bool = False
    slips: int = 0
    locked_until: datetime | None = None
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """`id` is the digest of what the browser shows; `seen_at` is right to a few minutes."""

    id: str
    user: str
    practice: str
    agent: str
    made_at: datetime
    seen_at: datetime
    expires_at: datetime

    def holds(self, now: datetime) -> bool:
        return now < min(self.expires_at, self.seen_at + IDLE_LASTS)


def session_id(shown: str) -> str:
    """Of 256 random bits, so nothing slower than a hash is called for."""
    return hashlib.sha256(shown.encode()).hexdigest()


def check_login(login: str) -> str:
    """In lower case, as it is kept."""
    known = login.strip().lower()
    if not LOGIN.fullmatch(known):
        raise UserInvalid("a login is an e-mail address", field="login")
    return known


def check_name(name: str) -> str:
    known = " ".join(name.split())
    if not 1 <= len(known) <= 80 or not known.isprintable():
        raise UserInvalid("a name has 1 to 80 characters", field="name")
    return known


def check_password(password: str) -> str:
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise UserInvalid(f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters", field="password")
    return password


def check_not_locked(user: User, now: datetime) -> None:
    if user.locked_until is not None and now < user.locked_until:
        wait = int((user.locked_until - now).total_seconds()) + 1
        raise LockedOut("too many wrong passwords", retry_after=wait)


def slipped(user: User, now: datetime) -> User:
    """After one more wrong password."""
    slips = user.slips + 1
    if slips < SLIPS:
        return replace(user, slips=slips, version=user.version + 1)
    wait = min(FIRST_WAIT * 2 ** min(slips - SLIPS, 10), LONGEST_WAIT)
    return replace(user, slips=slips, locked_until=now + wait, version=user.version + 1)


def welcomed(user: User) -> User:
    """After the right one."""
    return replace(user, slips=0, locked_until=None, version=user.version + 1)
