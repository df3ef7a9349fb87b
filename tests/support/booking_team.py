"""Twins of the users' store and the sessions', and passwords that cost nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from services.booking.domain.team import Session, User


class MemoryUsers:
    def __init__(self) -> None:
        self.kept: dict[str, User] = {}

    async def get(self, user: str) -> User | None:
        await asyncio.sleep(0)
        return self.kept.get(user)

    async def by_login(self, login: str) -> User | None:
        await asyncio.sleep(0)
        return next((user for user in self.kept.values() if user.login == login), None)

    async def of(self, practice: str) -> Sequence[User]:
        await asyncio.sleep(0)
        return sorted((u for u in self.kept.values() if u.practice == practice), key=lambda user: user.name)

    async def add(self, user: User) -> bool:
        await asyncio.sleep(0)
        if any(other.login == user.login or other.id == user.id for other in self.kept.values()):
            return False
        self.kept[user.id] = user
        return True

    async def put(self, user: User) -> bool:
        await asyncio.sleep(0)
        if user.id not in self.kept or self.kept[user.id].version != user.version - 1:
            return False
        self.kept[user.id] = user
        return True


class MemorySessions:
    def __init__(self) -> None:
        self.kept: dict[str, Session] = {}

    async def get(self, session: str) -> Session | None:
        await asyncio.sleep(0)
        return self.kept.get(session)

    async def add(self, session: Session) -> None:
        await asyncio.sleep(0)
        self.kept[session.id] = session

    async def seen(self, session: str, at: datetime) -> None:
        await asyncio.sleep(0)
        if session in self.kept:
            self.kept[session] = replace(self.kept[session], seen_at=max(at, self.kept[session].seen_at))

    async def of(self, user: str) -> Sequence[Session]:
        await asyncio.sleep(0)
        found = [session for session in self.kept.values() if session.user == user]
        return sorted(found, key=lambda session: session.seen_at, reverse=True)

    async def end(self, user: str, session: str) -> bool:
        await asyncio.sleep(0)
        if session not in self.kept or self.kept[session].user != user:
            return False
        del self.kept[session]
        return True


class PlainPasswords:
    async def digest(self, password: str) -> str:
        await asyncio.sleep(0)
        return f"digest of {password}"

    async def fits(self, digest: str, password: str) -> bool:
        await asyncio.sleep(0)
        return digest == f"digest of {password}"
