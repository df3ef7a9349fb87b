"""What a client texts back: noted once, passed on, answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from services.notify import outbox
from services.notify.domain.consent import Entry, Word, stopped
from services.notify.domain.delivery import Message, State, Turn
from services.notify.domain.notice import NoticeKind
from services.notify.domain.reply import ABOUT_AN_OFFER, Answer, Heard, Meaning, answer, classify
from services.notify.domain.visit import Visit
from services.notify.ports import Contended, Reply, Stores
from shared.clock import Clock

log = structlog.get_logger()
TRIES = 8
HEARD_KEPT = 50
ABOUT_A_VISIT = frozenset({Meaning.CONFIRM, Meaning.RESCHEDULE})
WORDS = {Meaning.STOP: Word.STOPPED, Meaning.START: Word.STARTED}
# What was noted but not finished by then was dropped by a worker that died.
GRACE = timedelta(seconds=5)
VALIDITY = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """A text as the provider hands it over; `opt_out_type` is set where the provider itself has acted on it."""

    sid: str
    phone: str
    body: str
    opt_out_type: str | None


class Listening:
    """`provider_answers`: the provider itself answers STOP, START and HELP."""

    def __init__(
        self,
        stores: Stores,
        *,
        provider_answers: bool,
        wake: Callable[[], None],
        new_code: Callable[[], str],
        now: Clock,
    ) -> None:
        self._stores = stores
        self._provider_answers, self._wake, self._new_code, self._now = provider_answers, wake, new_code, now

    async def hear(self, inbound: Inbound) -> None:
        """Note what it means before anything is done about it; the words themselves are not kept."""
        has_stopped = stopped(await self._stores.contacts.of_number(inbound.phone))
        reply = Reply(
            sid=inbound.sid,
            phone=inbound.phone,
            heard=classify(inbound.body, inbound.opt_out_type, has_stopped=has_stopped),
            opt_out_type=inbound.opt_out_type,
            received_at=self._now(),
        )
        if await self._stores.replies.add(reply):
            log.info("reply.heard", sid=reply.sid, meaning=reply.heard.meaning.value)
            await self._act(reply)

    async def finish_dropped(self) -> None:
        """Do again what a worker that died may have left half done; all of it bears repetition."""
        for reply in await self._stores.replies.undone(self._now() - GRACE, 100):
            await self._act(reply)

    async def _act(self, reply: Reply) -> None:
        word = WORDS.get(reply.heard.meaning)
        if word is not None:
            entry = Entry(key=f"reply:{reply.sid}", word=word, at=reply.received_at, source="reply")
            await self._stores.contacts.enter_everywhere(reply.phone, entry)
        last = await self._stores.messages.last_sent(reply.phone, reply.received_at)
        offer = _open_offer(last, reply.received_at)
        if offer is not None:
            await self._about_offer(reply, offer)
        else:
            await self._about_visit(reply, last)
        await self._stores.replies.done(reply.sid)

    async def _about_offer(self, reply: Reply, offer: Message) -> None:
        """Nothing that is texted takes the offered time, and none of it is meant for a visit."""
        reaction = answer(reply.heard, reply.opt_out_type, provider_answers=self._provider_answers)
        if reply.heard.meaning in ABOUT_A_VISIT | {Meaning.UNCLEAR}:
            reaction = ABOUT_AN_OFFER
        if reaction is not None:
            await self._answer(_answering(reply, offer, reaction, self._new_code()))

    async def _about_visit(self, reply: Reply, last: Message | None) -> None:
        visit = await self._visit(reply.phone, last)
        if visit is None:
            return
        heard = reply.heard
        if heard.meaning in ABOUT_A_VISIT:
            # After a text that was about no visit, which one should a C confirm?
            clear = last is None or last.notice is None
            heard = await self._passed_on(reply, visit) if clear else Heard(Meaning.UNCLEAR, by_keyword=False)
        reaction = answer(heard, reply.opt_out_type, provider_answers=self._provider_answers)
        if reaction is not None:
            await self._answer(_answering(reply, visit, reaction, self._new_code()))

    async def _visit(self, phone: str, last: Message | None) -> Visit | None:
        """The visit of the last text to that number if it is still ahead, else the number's next one, else that."""
        texted = await self._stores.visits.get(last.appointment) if last is not None else None
        if texted is not None and texted.upcoming and self._now() < texted.ends_at:
            return texted
        upcoming = await self._stores.visits.upcoming(phone, self._now())
        return upcoming[0] if upcoming else texted

    async def _passed_on(self, reply: Reply, visit: Visit) -> Heard:
        """Say C or R about a visit that is ahead, once; about any other visit it is not clear what is meant."""
        for _ in range(TRIES):
            if reply.sid in visit.heard:
                return reply.heard
            if not visit.upcoming or visit.starts_at <= reply.received_at:
                return Heard(Meaning.UNCLEAR, by_keyword=False)
            noted = replace(visit, replies=visit.replies + 1, heard=(*visit.heard, reply.sid)[-HEARD_KEPT:])
            noted = replace(noted, yes_to=visit.starts_at if reply.heard.meaning is Meaning.CONFIRM else None)
            if await self._stores.visits.note_reply(
                noted, outbox.replied(noted, reply.heard.meaning, reply.received_at)
            ):
                return reply.heard
            visit = await self._stores.visits.get(visit.appointment) or visit
        raise Contended(f"the replies about {visit.appointment}")

    async def _answer(self, text: Message) -> None:
        """Its id derives from the reply, or from its day where one a day is enough: twice is once."""
        if text.not_after > self._now() and await self._stores.messages.get(text.id) is None:
            await self._stores.messages.save([text])
            self._wake()
            if text.notice is None and await self._stores.visits.get(text.appointment) is None:
                await self._stores.messages.forget([text.appointment])  # its client was forgotten meanwhile


def _open_offer(text: Message | None, at: datetime) -> Message | None:
    """The text itself if it is about a time that can still be taken."""
    if text is None or text.notice is None or text.notice.kind is not NoticeKind.OFFER:
        return None
    return text if at < text.notice.not_after else None


def _answering(reply: Reply, about: Visit | Message, reaction: Answer, code: str) -> Message:
    """The answer to a reply about a visit, or about an offer: it knows all that the text of the offer knew."""
    at = reply.received_at
    once = f"{at:%Y%m%d}" if reaction.once_a_day else reply.sid
    notice = about.notice if isinstance(about, Message) else None
    useful, ends = at + reaction.useful, about.starts_at if isinstance(about, Visit) else _until(about)
    return Message(
        id=f"{about.appointment}/{reaction.step}/{once}",
        practice=about.practice,
        appointment=about.appointment,
        step=reaction.step,
        template=reaction.step,
        code=code,
        to=reply.phone,
        version=about.version,
        planned_for=at,
        due=at,
        not_after=min(useful, ends) if reaction.until_start else useful,
        validity=VALIDITY,
        asked_at=at,
        notice=notice,
        turns=(Turn(State.PLANNED, at),),
    )


def _until(offer: Message) -> datetime:
    return offer.notice.not_after if offer.notice is not None else offer.not_after
