"""What a client texts back: noted once, passed on, answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from services.notify import outbox
from services.notify.actions.calls import Calls
from services.notify.actions.inbox import Inbox
from services.notify.domain.call import CallWhy
from services.notify.domain.consent import Entry, Word, stopped
from services.notify.domain.delivery import Message, State, Turn
from services.notify.domain.notice import NoticeKind
from services.notify.domain.reply import ABOUT_AN_OFFER, ABOUT_NOTHING, Answer, Meaning, answer, classify
from services.notify.domain.visit import Visit
from services.notify.ports import Contended, Reply, Sealer, Stores
from shared.clock import Clock

log = structlog.get_logger()
TRIES = 8
HEARD_KEPT = 50
ABOUT_A_VISIT = frozenset({Meaning.CONFIRM, Meaning.RESCHEDULE})
WORDS = {Meaning.STOP: Word.STOPPED, Meaning.START: Word.STARTED}
# What was noted but not finished by then was dropped by a worker that died.
GRACE = timedelta(seconds=5)
VALIDITY = timedelta(hours=1)
# For so long after it, 1 and 2 answer the question how the client is.
CHECK_IN: Final = "check_in"
CHECK_IN_ASKS: Final = timedelta(hours=48)
# Two machines that answer each other come to an end: so many answers go to one number in a day, and then none.
ONCE: Final = timedelta(hours=24)
MOST_ANSWERS: Final = 8
LOOKED_AT: Final = 40
UNSENT: Final = frozenset({State.SKIPPED, State.CANCELLED})


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
        seal: Sealer,
        calls: Calls,
        inbox: Inbox,
        provider_answers: bool,
        wake: Callable[[], None],
        new_code: Callable[[], str],
        now: Clock,
    ) -> None:
        self._stores = stores
        self._seal, self._calls, self._inbox = seal, calls, inbox
        self._provider_answers, self._wake, self._new_code, self._now = provider_answers, wake, new_code, now

    async def hear(self, inbound: Inbound) -> None:
        """Note what it means before anything is done about it; of what is said in words, sealed, also the words."""
        has_stopped = stopped(await self._stores.contacts.of_number(inbound.phone))
        heard = classify(inbound.body, inbound.opt_out_type, has_stopped=has_stopped)
        reply = Reply(
            sid=inbound.sid,
            phone=inbound.phone,
            heard=heard,
            opt_out_type=inbound.opt_out_type,
            received_at=self._now(),
            sealed=self._seal.seal(inbound.body, inbound.sid) if heard.in_words else None,
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
        visit = await self._visit(reply, last)
        if visit is not None and visit.phone == reply.phone:
            await self._to_people(reply, visit, last)
        if offer is not None:
            await self._about_offer(reply, offer)
        else:
            await self._about_visit(reply, visit, last)
        await self._stores.replies.done(reply.sid)

    async def _to_people(self, reply: Reply, visit: Visit, last: Message | None) -> None:
        """What a person at the practice has to read, or to call about."""
        await self._inbox.keep(reply, visit)
        heard = reply.heard
        not_fine = heard.meaning is Meaning.RESCHEDULE and _is_checked_in(last, reply.received_at)
        if heard.worried or heard.meaning is Meaning.CALL or not_fine:
            await self._calls.ask(reply, visit, CallWhy.WORRIED if heard.worried else CallWhy.ASKED)

    async def _about_offer(self, reply: Reply, offer: Message) -> None:
        """Nothing that is texted takes the offered time, and none of it is meant for a visit."""
        reaction = answer(reply.heard, reply.opt_out_type, provider_answers=self._provider_answers)
        if reply.heard.meaning in ABOUT_A_VISIT | {Meaning.CALL, Meaning.UNCLEAR}:
            reaction = ABOUT_AN_OFFER
        if reaction is not None:
            await self._answer(_answering(reply, offer, reaction, self._new_code()), reaction)

    async def _about_visit(self, reply: Reply, visit: Visit | None, last: Message | None) -> None:
        """Whose number is of no visit gets no answer: no practice is named to a stranger."""
        if visit is None:
            return
        reaction = answer(reply.heard, reply.opt_out_type, provider_answers=self._provider_answers)
        if reply.heard.meaning in ABOUT_A_VISIT:
            if _is_checked_in(last, reply.received_at):
                return  # all fine, or the call was asked for
            # After a text that was about no visit, which one should a C confirm?
            clear = last is None or last.notice is None
            if not (clear and await self._passed_on(reply, visit)):
                reaction = ABOUT_NOTHING
        if reaction is not None:
            await self._answer(_answering(reply, visit, reaction, self._new_code()), reaction)

    async def _visit(self, reply: Reply, last: Message | None) -> Visit | None:
        """The visit of the last text to that number if it is ahead or was asked about, else the next one, else that."""
        texted = await self._stores.visits.get(last.appointment) if last is not None else None
        is_ahead = texted is not None and texted.upcoming and self._now() < texted.ends_at
        if is_ahead or _is_checked_in(last, reply.received_at):
            return texted
        upcoming = await self._stores.visits.upcoming(reply.phone, self._now())
        return upcoming[0] if upcoming else texted

    async def _passed_on(self, reply: Reply, visit: Visit) -> bool:
        """Say C or R about a visit that is ahead, once; False: about any other it is not clear what is meant."""
        for _ in range(TRIES):
            if reply.sid in visit.heard:
                return True
            if not visit.upcoming or visit.starts_at <= reply.received_at:
                return False
            noted = replace(visit, replies=visit.replies + 1, heard=(*visit.heard, reply.sid)[-HEARD_KEPT:])
            noted = replace(noted, yes_to=visit.starts_at if reply.heard.meaning is Meaning.CONFIRM else None)
            if await self._stores.visits.note_reply(
                noted, outbox.replied(noted, reply.heard.meaning, reply.received_at)
            ):
                return True
            visit = await self._stores.visits.get(visit.appointment) or visit
        raise Contended(f"the replies about {visit.appointment}")

    async def _answer(self, text: Message, reaction: Answer) -> None:
        """Its id derives from the reply, or from its day where one a day is enough: twice is once."""
        known = text.not_after <= self._now() or await self._stores.messages.get(text.id) is not None
        if not known and await self._may_answer(text, reaction):
            await self._stores.messages.save([text])
            self._wake()
            if text.notice is None and await self._stores.visits.get(text.appointment) is None:
                await self._stores.messages.forget([text.appointment])  # its client was forgotten meanwhile

    async def _may_answer(self, text: Message, reaction: Answer) -> bool:
        """Not the same once more within a day where once is enough, and not on and on: the other may be a machine."""
        recent = await self._stores.overview.line(text.practice, text.to, before=None, limit=LOOKED_AT)
        since = self._now() - ONCE
        sent = [one for one in recent if one.state not in UNSENT]
        answers = [one for one in sent if one.asked_at is not None and one.asked_at > since]
        if reaction.once_a_day and any(one.step == text.step for one in answers):
            return False
        return reaction.to_stopped or len(answers) < MOST_ANSWERS


def _is_checked_in(last: Message | None, at: datetime) -> bool:
    """The last text to this number was the question how the client is, not too long ago."""
    if last is None or last.step != CHECK_IN or last.sent_at is None:
        return False
    return at - last.sent_at <= CHECK_IN_ASKS


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
