"""From an offered time or a code that was asked for to one text."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.notify.domain.call import Call, CallWhy
from services.notify.domain.consent import Entry
from services.notify.domain.delivery import NOT_BEGUN, Message, State, Turn, turned
from services.notify.domain.notice import AWAITED, Asked, Notice, NoticeKind
from services.notify.domain.practice import Practice
from services.notify.domain.reconcile import SUPERSEDED, untimely
from services.notify.domain.visit import Visit
from services.notify.ports import Stores
from shared.clock import Clock

VALIDITY = timedelta(hours=1)
WORD_OF_USE = timedelta(days=3)
CALL_OF_USE = timedelta(days=3)
DAY = timedelta(days=1)
MOST_ALERTS_A_DAY, ALERTS_LOOKED_AT = 10, 50
REFERENCE = 6  # letters of an appointment by which a practice finds it
DAYS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


class Notices:
    def __init__(self, stores: Stores, *, wake: Callable[[], None], new_code: Callable[[], str], now: Clock) -> None:
        self._stores = stores
        self._wake, self._new_code, self._now = wake, new_code, now

    async def tell(self, asked: Asked, consent: Entry | None) -> bool:
        """Plan the one text of this asking, once however often it is heard; False while the practice is not known.

        For a practice that nobody has told of in time there is nothing left to say.
        """
        practice = await self._stores.practices.get(asked.practice)
        if practice is None:
            return asked.notice.not_after <= self._now()
        if await self._is_forgotten(asked):
            return True
        if consent is not None:
            await self._stores.contacts.enter(asked.practice, asked.phone, consent)
        saved = await self._stores.messages.save([planned(asked, practice, self._new_code())])
        await self._supersede(asked)
        if any(message.due is not None and message.due <= self._now() for message in saved):
            self._wake()
        await self._is_forgotten(asked)
        return True

    async def word_left(self, appointment: str, *, count: int, at: datetime) -> bool:
        """The practice left a word for the client on the page of this visit; False while the visit is not known."""
        visit = await self._stores.visits.get(appointment)
        if visit is None:
            return False
        notice = Notice(
            kind=NoticeKind.MESSAGE_LEFT,
            locale=visit.locale,
            zone=visit.zone,
            client_zone=visit.client_zone,
            expires_at=at + WORD_OF_USE,
            consented=visit.consented,
        )
        told = await self.tell(_about(visit, visit.phone, notice, count=count, at=at), None)
        await self._drop_untimely(appointment)
        return told

    async def review_due(self, appointment: str, *, until: datetime, count: int, at: datetime) -> bool:
        """A person is awaited at the practice; False while the visit or its practice is not known."""
        visit = await self._stores.visits.get(appointment)
        practice = None if visit is None else await self._stores.practices.get(visit.practice)
        if visit is None or practice is None:
            return False
        if practice.alerts_phone is None or visit.state not in AWAITED:
            return True
        notice = Notice(
            kind=NoticeKind.REVIEW_DUE,
            locale=practice.locale,
            zone=visit.zone,
            client_zone=visit.zone,
            expires_at=until,
            consented=True,  # the practice gave its own number for this
            starts_at=visit.starts_at,
            code=appointment[:REFERENCE].upper(),
        )
        told = await self.tell(_about(visit, practice.alerts_phone, notice, count=count, at=at), None)
        await self._drop_untimely(appointment)  # who decided in this moment did not see the text yet
        return told

    async def undelivered(self, appointment: str, at: datetime) -> None:
        """News of this visit did not arrive: told to the practice once a day, if it can still do something about it.

        Where much is lost together, an outage or a filtered wording, the first few say it; the desk lists all.
        """
        visit = await self._stores.visits.get(appointment)
        practice = None if visit is None else await self._stores.practices.get(visit.practice)
        if visit is None or practice is None or practice.alerts_phone is None or visit.starts_at <= at:
            return
        if await self._has_been_told_enough(practice, practice.alerts_phone, at):
            return
        day = at.astimezone(ZoneInfo(visit.zone)).toordinal()
        notice = Notice(
            kind=NoticeKind.UNDELIVERED,
            locale=practice.locale,
            zone=visit.zone,
            client_zone=visit.zone,
            expires_at=visit.starts_at,
            consented=True,  # the practice gave its own number for this
            starts_at=visit.starts_at,
            # The same words on another day would be taken for the text of that day.
            code=f"{appointment[:REFERENCE].upper()}-{DAYS[day % len(DAYS)]}",
        )
        await self.tell(_about(visit, practice.alerts_phone, notice, count=day, at=at), None)

    async def _has_been_told_enough(self, practice: Practice, phone: str, at: datetime) -> bool:
        newest = await self._stores.overview.line(practice.id, phone, before=None, limit=ALERTS_LOOKED_AT)
        lost = [one for one in newest if one.notice is not None and one.notice.kind is NoticeKind.UNDELIVERED]
        return sum(one.at > at - DAY for one in lost) >= MOST_ALERTS_A_DAY

    async def call_asked(self, call: Call) -> None:
        """The practice is told that a client waits for a call: once, and once more if a worrying text follows."""
        visit = await self._stores.visits.get(call.appointment)
        practice = None if visit is None else await self._stores.practices.get(visit.practice)
        if visit is None or practice is None or practice.alerts_phone is None or not call.is_open:
            return
        worried = call.why is CallWhy.WORRIED
        count = 2 * int(call.since.timestamp()) + worried
        notice = Notice(
            kind=NoticeKind.CALL_ASKED,
            locale=practice.locale,
            zone=visit.zone,
            client_zone=visit.zone,
            expires_at=call.since + CALL_OF_USE,
            consented=True,  # the practice gave its own number for this
            # The same words about another call would be taken for the text of that one.
            code=f"{call.appointment[:REFERENCE].upper()}-{DAYS[count % len(DAYS)]}",
            urgent=worried,
        )
        asked = _about(visit, practice.alerts_phone, notice, count=count, at=call.texted_at)
        await self.tell(asked, None)

    async def drop_call(self, appointment: str) -> None:
        """Somebody has called: what was not sent yet is not needed any more."""
        texts, now = await self._stores.messages.of(appointment), self._now()
        about = [one for one in texts if one.notice is not None and one.notice.kind is NoticeKind.CALL_ASKED]
        late = [turned(one, State.CANCELLED, now, SUPERSEDED) for one in about if one.state in NOT_BEGUN]
        await self._stores.messages.save(late)

    async def _drop_untimely(self, appointment: str) -> None:
        visit = await self._stores.visits.get(appointment)
        texts, now = await self._stores.messages.of(appointment), self._now()
        late = [one for one in texts if visit is not None and one.state in NOT_BEGUN and untimely(one, visit)]
        await self._stores.messages.save([turned(one, State.CANCELLED, now, SUPERSEDED) for one in late])

    async def _supersede(self, asked: Asked) -> None:
        """An offer that is said again is over; whichever of the two is heard last looks at both. Codes are all sent."""
        if asked.notice.kind is NoticeKind.CODE:
            return
        texts, now = await self._stores.messages.of(asked.id), self._now()
        known = [one for one in texts if one.notice is not None and one.notice.kind is asked.notice.kind]
        newest = max((one.version for one in known), default=0)
        old = [one for one in known if one.version < newest and one.state in NOT_BEGUN]
        await self._stores.messages.save([turned(one, State.CANCELLED, now, SUPERSEDED) for one in old])

    async def _is_forgotten(self, asked: Asked) -> bool:
        """Whether the client was forgotten since booking asked; then nothing that came late is left either."""
        if not await self._stores.asks.has_erased(asked.practice, asked.phone, asked.at):
            return False
        await self._stores.messages.forget_notices(asked.practice, [asked.phone])
        await self._stores.contacts.forget(asked.practice, [asked.phone], ())
        return True


def _about(visit: Visit, phone: str, notice: Notice, *, count: int, at: datetime) -> Asked:
    return Asked(id=visit.appointment, count=count, practice=visit.practice, phone=phone, at=at, notice=notice)


def planned(asked: Asked, practice: Practice, code: str) -> Message:
    """Due at once, or at the next decent hour where it may not wake anybody; skipped if that comes too late."""
    notice, at = asked.notice, asked.at
    due = at if notice.wakes else practice.quiet.later(at, ZoneInfo(notice.client_zone))
    message = Message(
        id=f"{asked.id}/{notice.kind.value}/{asked.count}",
        practice=asked.practice,
        appointment=asked.id,
        step=notice.kind.value,
        template=notice.kind.value,
        code=code,
        to=asked.phone,
        version=asked.count,
        planned_for=due,
        due=due,
        not_after=notice.not_after,
        validity=VALIDITY,
        notice=notice,
        turns=(Turn(State.PLANNED, at),),
    )
    return message if due < notice.not_after else turned(message, State.SKIPPED, at, "stale")
