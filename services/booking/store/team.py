"""The users of practices and their sessions in MongoDB; a session that is over forgets itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any, Final

from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from services.booking.domain.team import Role, Session, User
from shared.mongo import Collection, Database, Document, ensure

MOST: Final = 500
OF_USERS: Final = (
    IndexModel([("login", ASCENDING)], name="login", unique=True),
    IndexModel([("practice", ASCENDING), ("name", ASCENDING)], name="of_practice"),
)
OF_SESSIONS: Final = (
    IndexModel([("user", ASCENDING)], name="of_user"),
    IndexModel([("expires_at", ASCENDING)], name="forget", expireAfterSeconds=0),
)


class MongoUsers:
    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    @classmethod
    async def open(cls, database: Database) -> MongoUsers:
        collection = database["users"]
        await ensure(collection, OF_USERS)
        return cls(collection)

    async def get(self, user: str) -> User | None:
        return _user(await self._collection.find_one({"_id": user}))

    async def by_login(self, login: str) -> User | None:
        return _user(await self._collection.find_one({"login": login}))

    async def of(self, practice: str) -> Sequence[User]:
        found = self._collection.find({"practice": practice}).sort("name", ASCENDING).limit(MOST)
        return [user for document in await found.to_list(MOST) if (user := _user(document)) is not None]

    async def add(self, user: User) -> bool:
        try:
            await self._collection.insert_one(_document(user))
        except DuplicateKeyError:
            return False
        return True

    async def put(self, user: User) -> bool:
        was = {"_id": user.id, "version": user.version - 1}
        return (await self._collection.replace_one(was, _document(user))).matched_count == 1


class MongoSessions:
    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    @classmethod
    async def open(cls, database: Database) -> MongoSessions:
        collection = database["sessions"]
        await ensure(collection, OF_SESSIONS)
        return cls(collection)

    async def get(self, session: str) -> Session | None:
        document = await self._collection.find_one({"_id": session})
        return None if document is None else _session(document)

    async def add(self, session: Session) -> None:
        await self._collection.insert_one(_document(session))

    async def seen(self, session: str, at: datetime) -> None:
        await self._collection.update_one({"_id": session}, {"$max": {"seen_at": at}})

    async def of(self, user: str) -> Sequence[Session]:
        found = [_session(one) for one in await self._collection.find({"user": user}).limit(MOST).to_list(MOST)]
        return sorted(found, key=lambda session: session.seen_at, reverse=True)

    async def end(self, user: str, session: str) -> bool:
        return (await self._collection.delete_one({"_id": session, "user": user})).deleted_count == 1


def _document(of: User | Session) -> Document:
    told: dict[str, Any] = asdict(of)
    if isinstance(of, User):
        told["role"] = of.role.value
    return {"_id": told.pop("id"), **{name: value for name, value in told.items() if value is not None}}


def _user(document: Document | None) -> User | None:
    if document is None:
        return None
    known = {field.name: document[field.name] for field in fields(User) if field.name in document}
    return User(**{**known, "id": document["_id"], "role": Role(document["role"])})


def _session(document: Document) -> Session:
    return Session(**{**{name: value for name, value in document.items() if name != "_id"}, "id": document["_id"]})
