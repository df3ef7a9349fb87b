"""Keeping the webhooks of a practice: where it is told, of what, and with which secret."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.booking.actions.profiles import ChangedMeanwhile
from services.booking.domain.appointment import By, Hand
from services.booking.domain.audit import Entry, marked
from services.booking.domain.differences import differences
from services.booking.domain.refusals import NoSuchPractice
from services.booking.domain.webhook import Endpoint, NoSuchWebhook, Signer, TooManyWebhooks, check_address
from services.booking.ports import Practices, Stores
from shared.clock import Clock

MOST = 50
ID_BYTES = 10
REMEMBERED_FOR = timedelta(seconds=5)
MOST_REMEMBERED = 10_000
RECEIVER = Hand(by=By.RULES, who="the receiver answered 410")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be changed of an endpoint; None stays as it is."""

    url: str | None = None
    events: tuple[str, ...] | None = None
    enabled: bool | None = None


class Webhooks:
    """`plain` also takes addresses without TLS, for development."""

    def __init__(
        self,
        stores: Stores,
        signer: Signer,
        now: Clock,
        *,
        plain: bool = False,
        randomness: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._endpoints, self._audit, self._practices = stores.webhooks, stores.audit, stores.practices
        self._signer, self._now, self._plain, self._randomness = signer, now, plain, randomness
        self._remembered: dict[str, tuple[datetime, Sequence[Endpoint]]] = {}

    async def add(self, practice: str, url: str, events: tuple[str, ...], *, hand: Hand) -> Endpoint:
        check_address(url, plain=self._plain)
        await _known(self._practices, practice)
        if len(await self._endpoints.of(practice)) >= MOST:
            raise TooManyWebhooks(f"a practice has {MOST} webhooks at most")
        id_ = f"wh_{base64.b32encode(self._randomness(ID_BYTES)).decode().lower()}"
        now = self._now()
        endpoint = _noted(Endpoint(id=id_, practice=practice, url=url, events=events, made_at=now), "made", hand, now)
        await self._endpoints.add(endpoint)
        await self._note(endpoint)
        self._remembered.pop(practice, None)
        return endpoint

    async def of(self, practice: str) -> Sequence[Endpoint]:
        return await self._endpoints.of(practice)

    async def get(self, practice: str, id_: str) -> Endpoint:
        endpoint = await self._endpoints.get(id_)
        if endpoint is None or endpoint.practice != practice:
            raise NoSuchWebhook("there is no such webhook")
        return endpoint

    async def change(self, practice: str, id_: str, wish: Wish, *, hand: Hand) -> Endpoint:
        """The same wish again changes nothing."""
        endpoint = await self.get(practice, id_)
        if wish.url is not None:
            check_address(wish.url, plain=self._plain)
        wished = replace(
            endpoint,
            url=endpoint.url if wish.url is None else wish.url,
            events=endpoint.events if wish.events is None else wish.events,
            enabled=endpoint.enabled if wish.enabled is None else wish.enabled,
        )
        return endpoint if wished == endpoint else await self._save(wished, "changed", hand, was=endpoint)

    async def rotate(self, practice: str, id_: str, *, hand: Hand) -> Endpoint:
        """A new secret; what the one before signs goes out beside it for a day."""
        endpoint = await self.get(practice, id_)
        rotated = replace(endpoint, generation=endpoint.generation + 1, rotated_at=self._now())
        return await self._save(rotated, "rotated", hand, was=endpoint)

    async def remove(self, practice: str, id_: str, *, hand: Hand) -> None:
        endpoint = await self.get(practice, id_)
        now = self._now()
        removed = _noted(replace(endpoint, enabled=False, version=endpoint.version + 1), "removed", hand, now)
        await self._note(endpoint)
        if not await self._endpoints.remove(removed, at=now):
            raise ChangedMeanwhile("the webhook was changed meanwhile; try again")
        await self._note(removed)
        self._remembered.pop(practice, None)

    async def give_up(self, endpoint: Endpoint) -> None:
        """The receiver is gone for good. If somebody changes the endpoint meanwhile, theirs is the newer word."""
        try:
            await self._save(replace(endpoint, enabled=False), "disabled", RECEIVER, was=endpoint)
        except ChangedMeanwhile:
            return

    async def listening(self, practice: str) -> Sequence[Endpoint]:
        """Those of the practice, as they were at most `REMEMBERED_FOR` ago."""
        now = self._now()
        until, endpoints = self._remembered.get(practice, (now, ()))
        if until <= now:
            endpoints = await self._endpoints.of(practice)
            if len(self._remembered) >= MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[practice] = (now + REMEMBERED_FOR, endpoints)
        return endpoints

    def secret(self, endpoint: Endpoint) -> bytes:
        return self._signer.secret(endpoint.id, endpoint.generation)

    async def _save(self, changed: Endpoint, deed: str, hand: Hand, *, was: Endpoint) -> Endpoint:
        await self._note(was)
        saved = _noted(replace(changed, version=was.version + 1), deed, hand, self._now(), was=was)
        if not await self._endpoints.save(saved):
            raise ChangedMeanwhile("the webhook was changed meanwhile; try again")
        await self._note(saved)
        self._remembered.pop(saved.practice, None)
        return saved

    async def _note(self, endpoint: Endpoint) -> None:
        if endpoint.changed is not None:
            await self._audit.note(endpoint.changed)


async def _known(practices: Practices, practice: str) -> None:
    if await practices.get(practice) is None:
        raise NoSuchPractice(f"there is no practice {practice!r}")


def _noted(endpoint: Endpoint, deed: str, hand: Hand, at: datetime, *, was: Endpoint | None = None) -> Endpoint:
    entry = Entry(
        id=f"webhook:{endpoint.id}:{endpoint.version}",
        practice=endpoint.practice,
        subject=f"webhook:{endpoint.id}",
        deed=deed,
        who=hand.who,
        where=hand.where,
        at=at,
        changes=() if was is None else differences(_told(was), _told(endpoint)),
    )
    return replace(endpoint, changed=entry)


def _told(endpoint: Endpoint) -> Mapping[str, object]:
    return {"url": marked(endpoint.url), "events": list(endpoint.events), "enabled": endpoint.enabled}
