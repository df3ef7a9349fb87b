"""Giving a practitioner a private calendar address, taking it back, and reading what it shows."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.booking.domain.appointment import Appointment, Hand, State
from services.booking.domain.audit import Entry
from services.booking.domain.feed import Feed, Names, NoSuchFeed, digest, window
from services.booking.domain.practice import Practice, Practitioner
from services.booking.domain.refusals import NoSuchPractice, NoSuchPractitioner
from services.booking.ports import Stores
from shared.clock import Clock

SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Shown:
    """What a feed shows: the practitioner's visits in order, holds left out."""

    feed: Feed
    practice: Practice
    practitioner: Practitioner
    visits: Sequence[Appointment]


class Feeds:
    def __init__(self, stores: Stores, now: Clock, new_secret: Callable[[int], str] = secrets.token_urlsafe) -> None:
        self._stores = stores
        self._feeds = stores.feeds
        self._now = now
        self._new_secret = new_secret

    async def give(self, practice: str, practitioner: str, names: Names, *, services: bool, hand: Hand) -> str:
        """The secret of a new address, told this once; the one the practitioner had before ends."""
        await self._person(practice, practitioner)
        await self._note_last(practice, practitioner)
        secret = self._new_secret(SECRET_BYTES)
        feed = Feed(practice=practice, practitioner=practitioner, names=names, services=services, digest=digest(secret))
        given = replace(feed, changed=_entry(feed, "given", hand, self._now()))
        await self._feeds.put(given)
        await self._note(given)
        return secret

    async def revoke(self, practice: str, practitioner: str, *, hand: Hand) -> None:
        """What is revoked already stays as it is."""
        feed = await self._note_last(practice, practitioner)
        if feed is None:
            raise NoSuchFeed("this practitioner has no calendar address")
        if feed.digest is None:
            return
        revoked = replace(feed, digest=None, changed=_entry(feed, "revoked", hand, self._now()))
        if await self._feeds.revoke(revoked, was=feed.digest):
            await self._note(revoked)

    async def read(self, secret: str) -> Shown:
        """Found by the digest, so how long it takes tells nothing of the secret."""
        feed = await self._feeds.known_by(digest(secret))
        if feed is None:
            raise NoSuchFeed("there is no such calendar address")
        try:
            practice, practitioner = await self._person(feed.practice, feed.practitioner)
        except (NoSuchPractice, NoSuchPractitioner) as gone:
            raise NoSuchFeed("there is no such calendar address") from gone
        standing = await self._stores.appointments.agenda(
            feed.practice, *window(self._now()), practitioner=feed.practitioner
        )
        return Shown(feed, practice, practitioner, [one for one in standing if one.state is not State.HELD])

    async def _person(self, practice: str, practitioner: str) -> tuple[Practice, Practitioner]:
        kept = await self._stores.practices.get(practice)
        if kept is None:
            raise NoSuchPractice(f"there is no practice {practice!r}")
        try:
            return kept.practice, kept.practice.practitioner(practitioner)
        except KeyError as error:
            raise NoSuchPractitioner(f"there is no practitioner {practitioner!r}", field="practitioner") from error

    async def _note_last(self, practice: str, practitioner: str) -> Feed | None:
        feed = await self._feeds.get(practice, practitioner)
        if feed is not None:
            await self._note(feed)
        return feed

    async def _note(self, feed: Feed) -> None:
        if feed.changed is not None:
            await self._stores.audit.note(feed.changed)


def _entry(feed: Feed, deed: str, hand: Hand, at: datetime) -> Entry:
    """The address is told apart from earlier ones by a few digits of its digest, which lead nowhere."""
    return Entry(
        id=f"feed:{feed.practitioner}:{(feed.digest or '')[:12]}:{deed}",
        practice=feed.practice,
        subject=f"feed:{feed.practitioner}",
        deed=deed,
        who=hand.who,
        where=hand.where,
        at=at,
    )
