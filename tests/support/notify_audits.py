"""The twin of what notify keeps of its audits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence, Set
from datetime import date, datetime, timedelta

from services.notify.domain.audit import Audit, Listed, Posted
from services.notify.domain.delivery import Message
from services.notify.ports import GatewayDown


class Audits:
    """`clock` is the server's; `forgotten` are the numbers that were erased, and when."""

    def __init__(self, clock: Callable[[], datetime], messages: Callable[[], Sequence[Message]]) -> None:
        self._clock, self._messages = clock, messages
        self._done: dict[date, Audit] = {}
        self._leases: dict[date, datetime] = {}
        self.forgotten: dict[str, datetime] = {}

    async def claim(self, day: date, lease: timedelta) -> bool:
        now = self._clock()
        if day in self._done or now <= self._leases.get(day, datetime.min.replace(tzinfo=now.tzinfo)):
            return False
        self._leases[day] = now + lease
        return True

    async def keep(self, audit: Audit) -> None:
        self._done[audit.day] = audit

    async def newest(self, limit: int) -> Sequence[Audit]:
        return [self._done[day] for day in sorted(self._done, reverse=True)[:limit]]

    async def posted(self, since: datetime, until: datetime, most: int) -> Sequence[Posted]:
        begun = [(text, text.sent_at) for text in self._messages() if text.sent_at and since <= text.sent_at < until]
        return [
            Posted(text.id, at, tuple(a.sid for a in text.attempts if a.sid is not None), text.duplicates)
            for text, at in begun[:most]
        ]

    async def erased(self, phones: Sequence[str], since: datetime) -> Set[str]:
        return {phone for phone in phones if self.forgotten.get(phone, since - timedelta(days=1)) >= since}


class Register:
    """The twin of the provider's record: `pages` of one day, and what it knows by SID beside them."""

    def __init__(self, *pages: Sequence[Listed], undated: Sequence[Listed] = ()) -> None:
        self.pages, self.undated = pages, undated
        self.days: list[date] = []
        self.down = False

    async def listed(self, day: date) -> AsyncIterator[Sequence[Listed]]:
        self.days.append(day)
        for page in self.pages:
            yield page
        if self.down:
            raise GatewayDown

    async def fetch(self, sid: str) -> Listed | None:
        known = [text for page in (*self.pages, self.undated) for text in page]
        return next((text for text in known if text.sid == sid), None)
