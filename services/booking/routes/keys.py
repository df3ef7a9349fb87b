"""The routes of the keys of a practice, and the door that they open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, Field

from services.booking.actions import Booking
from services.booking.actions.keys import Keys, Wish
from services.booking.domain.key import EndsTooLate, Key, NoSuchKey, Scope
from services.booking.domain.refusals import NoSuchPractice
from services.booking.moments import Instant
from services.booking.routes.hand import hand_of
from services.booking.routes.payloads import Name
from services.booking.routes.practices import PRACTICE
from shared import httpkit
from shared.httpkit import Answer, Ask, Errand, Payload, Route, Who

KEYS = f"{PRACTICE}/keys"


class KeyBody(Payload):
    """`keys:write` is enough to list, make and revoke keys, but none can give more than it has itself."""

    name: Name
    scopes: list[Scope] = Field(min_length=1, max_length=len(Scope))
    expires_at: Instant | None = Field(None, description="never, if absent")


class KeyView(BaseModel):
    """`last_used_at` lags behind by a minute or two."""

    id: str
    name: str
    scopes: list[Scope]
    made_by: str
    made_at: datetime
    last_used_at: datetime | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


class MadeKey(KeyView):
    key: str = Field(description="the bearer token; it is told this once")


class KeyList(BaseModel):
    """The newest first; revoked keys for 90 days."""

    keys: list[KeyView]


class KeyRoutes:
    def __init__(self, booking: Booking) -> None:
        self._keys = booking.keys

    def routes(self) -> Sequence[Route]:
        return [
            Route(
                method="POST",
                path=KEYS,
                handler=self.make_key,
                summary="Make a key of the API; its secret is answered once",
                body=KeyBody,
                answers={201: MadeKey},
                refuses=(NoSuchPractice, EndsTooLate),
                who=Who.OPERATOR,
                scope=Scope.KEYS_WRITE,
            ),
            Route(
                method="GET",
                path=KEYS,
                handler=self.list_keys,
                summary="The keys of the practice, without their secrets",
                answers={200: KeyList},
                who=Who.OPERATOR,
                scope=Scope.KEYS_WRITE,
            ),
            Route(
                method="DELETE",
                path=f"{KEYS}/{{key}}",
                handler=self.revoke_key,
                summary="Revoke a key; it opens nothing from now on",
                answers={200: KeyView},
                refuses=(NoSuchKey,),
                who=Who.OPERATOR,
                scope=Scope.KEYS_WRITE,
            ),
        ]

    async def make_key(self, ask: Ask[KeyBody, None]) -> Answer:
        scopes = tuple(dict.fromkeys(ask.body.scopes))
        wish = Wish(name=ask.body.name, scopes=scopes, expires_at=ask.body.expires_at)
        key, shown = await self._keys.make(ask.path["practice"], wish, hand=hand_of(ask))
        return Answer(201, MadeKey(key=shown, **dict(_view(key))))

    async def list_keys(self, ask: Ask[None, None]) -> Answer:
        return Answer(200, KeyList(keys=[_view(key) for key in await self._keys.of(ask.path["practice"])]))

    async def revoke_key(self, ask: Ask[None, None]) -> Answer:
        return Answer(200, _view(await self._keys.revoke(ask.path["practice"], ask.path["key"], hand=hand_of(ask))))


def door(keys: Keys) -> httpkit.Keys:
    """What `httpkit.Door` asks about every key that is shown, whatever the route."""

    async def holder(shown: str, errand: Errand) -> str | None:
        return await keys.holder(shown, scope=errand.scope, practice=errand.practice, subjects=errand.subjects)

    return holder


def _view(key: Key) -> KeyView:
    return KeyView(
        id=key.id,
        name=key.name,
        scopes=[*key.scopes],
        made_by=key.made_by,
        made_at=key.made_at,
        last_used_at=key.used_at,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
    )
