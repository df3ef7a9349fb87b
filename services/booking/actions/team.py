"""Signing in and out, and who of a practice may: every session can be seen and ended by its user."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from services.booking.actions.visits import Contended
from services.booking.domain.refusals import NoSuchPractice
from services.booking.domain.team import (
    SEEN_EVERY,
    SESSION_LASTS,
    LastOwner,
    LoginTaken,
    NoSuchUser,
    Role,
    Session,
    SignInRefused,
    User,
    UserInvalid,
    check_login,
    check_name,
    check_not_locked,
    check_password,
    session_id,
    slipped,
    welcomed,
)
from services.booking.ports import Passwords, Stores
from shared import staff
from shared.clock import Clock
from shared.staff import Staff

TRIES: Final = 8
LONGEST_AGENT: Final = 160
# Somebody who is not there costs as much time as somebody who is: the digest of nothing that anybody can type.
NOBODY: Final = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """A user as they are asked for."""

    name: str
    login: str
    role: Role
    practitioner: str | None = None
    locale: str = "en"


class Team:
    def __init__(
        self, stores: Stores, passwords: Passwords, now: Clock, randomness: Callable[[], str] = secrets.token_urlsafe
    ) -> None:
        self._stores = stores
        self._users, self._sessions = stores.users, stores.sessions
        self._passwords, self._now, self._randomness = passwords, now, randomness

    async def add(self, practice: str, wish: Newcomer, password: str | None = None) -> tuple[User, str]:
        """The user, and the password to tell them, which nobody can be told again: made up if none is given."""
        kept = await self._stores.practices.get(practice)
        if kept is None:
            raise NoSuchPractice(f"there is no practice {practice!r}")
        if wish.practitioner not in {None, *(person.id for person in kept.practice.practitioners)}:
            raise UserInvalid("nobody of this id gives visits there", field="practitioner")
        told = self._randomness()[:16] if password is None else check_password(password)
        user = User(
            id=secrets.token_hex(8),
            practice=practice,
            name=check_name(wish.name),
            login=check_login(wish.login),
            role=wish.role,
            digest=await self._passwords.digest(told),
            made_at=self._now(),
            practitioner=wish.practitioner,
            locale=wish.locale,
        )
        if not await self._users.add(user):
            raise LoginTaken("somebody signs in by this address already", field="login")
        return user, told

    async def of(self, practice: str) -> Sequence[User]:
        return await self._users.of(practice)

    async def sign_in(self, login: str, password: str, *, agent: str) -> str:
        """What the browser is to show from now on; raises `SignInRefused` or `LockedOut`."""
        user, now = await self._users.by_login(login.strip().lower()), self._now()
        if user is not None:
            check_not_locked(user, now)
        is_right = await self._passwords.fits(NOBODY if user is None else user.digest, password)
        if user is None or user.is_off or not is_right:
            await self._count_slip(user, now)
            raise SignInRefused("no such login, or not this password")
        if user.slips:
            await self._users.put(welcomed(user))
        return await self._opened(user, agent, now)

    async def staff(self, shown: str) -> Staff | None:
        """Who shows this, if the session still holds; noted as seen every few minutes."""
        session, now = await self._sessions.get(session_id(shown)), self._now()
        if session is None or not session.holds(now):
            return None
        user = await self._users.get(session.user)
        if user is None or user.is_off:
            return None
        if now - session.seen_at >= SEEN_EVERY:
            await self._sessions.seen(session.id, now)
        return _staff(user, session)

    async def sessions(self, user: str) -> Sequence[Session]:
        return [one for one in await self._sessions.of(user) if one.holds(self._now())]

    async def sign_out(self, user: str, session: str) -> None:
        if not await self._sessions.end(user, session):
            raise NoSuchUser("there is no such session")

    async def sign_out_others(self, user: str, session: str) -> None:
        for other in await self._sessions.of(user):
            if other.id != session:
                await self._sessions.end(user, other.id)

    async def change_password(self, of: Staff, was: str, password: str) -> None:
        """Ends all other sessions: whoever knew the old one is out."""
        user = await self._get(of.practice, of.user)
        check_not_locked(user, self._now())
        if not await self._passwords.fits(user.digest, was):
            await self._count_slip(user, self._now())
            raise SignInRefused("not this password", field="was")
        digest = await self._passwords.digest(check_password(password))
        await self._put(of.practice, of.user, lambda one: replace(welcomed(one), digest=digest))
        await self.sign_out_others(of.user, of.session)

    async def speak(self, of: Staff, locale: str) -> None:
        await self._put(of.practice, of.user, lambda one: replace(one, locale=locale, version=one.version + 1))

    async def switch(self, practice: str, user: str, *, off: bool) -> None:
        """Whoever is switched off is signed out everywhere; the last owner cannot be.

        Looked at before, and once more after: of owners who switch each other off at the same moment each comes back.
        """
        await self._get(practice, user)
        if off and not await self._is_owned(practice, without=user):
            raise LastOwner("a practice keeps one owner who can sign in")
        await self._put(practice, user, lambda one: replace(one, is_off=off, version=one.version + 1))
        if off and not await self._is_owned(practice):
            await self._put(practice, user, lambda one: replace(one, is_off=False, version=one.version + 1))
            raise LastOwner("a practice keeps one owner who can sign in")
        if off:
            await self.sign_out_others(user, "")

    async def _is_owned(self, practice: str, *, without: str = "") -> bool:
        users = await self._users.of(practice)
        return any(one.role is Role.OWNER and not one.is_off for one in users if one.id != without)

    async def give_password(self, practice: str, user: str) -> str:
        """A new one for somebody who forgot theirs; signs them out everywhere."""
        told = self._randomness()[:16]
        digest = await self._passwords.digest(told)
        await self._put(practice, user, lambda one: replace(welcomed(one), digest=digest))
        await self.sign_out_others(user, "")
        return told

    async def _opened(self, user: User, agent: str, now: datetime) -> str:
        shown = secrets.token_urlsafe(32)
        told = "".join(char for char in agent[:LONGEST_AGENT] if char.isprintable())
        session = Session(
            id=session_id(shown),
            user=user.id,
            practice=user.practice,
            agent=told,
            made_at=now,
            seen_at=now,
            expires_at=now + SESSION_LASTS,
        )
        await self._sessions.add(session)
        return shown

    async def _count_slip(self, user: User | None, now: datetime) -> None:
        """Of guesses at the same moment each counts."""
        for _ in range(TRIES):
            if user is None or await self._users.put(slipped(user, now)):
                return
            user = await self._users.get(user.id)
        raise Contended("the slips of a user")

    async def _get(self, practice: str, user: str) -> User:
        found = await self._users.get(user)
        if found is None or found.practice != practice:
            raise NoSuchUser("the practice has no such user")
        return found

    async def _put(self, practice: str, user: str, change: Callable[[User], User]) -> None:
        for _ in range(TRIES):
            if await self._users.put(change(await self._get(practice, user))):
                return
        raise Contended("the user")


def _staff(user: User, session: Session) -> Staff:
    return Staff(
        user=user.id,
        name=user.name,
        practice=user.practice,
        role=staff.Role(user.role),
        session=session.id,
        locale=user.locale,
        practitioner=user.practitioner,
    )
