"""Offered times and codes: one text each, at a decent hour, in time, to a number that wants it, and no code is kept."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from services.notify.actions.desk import CodeForgotten
from services.notify.actions.notices import planned
from services.notify.actions.pages import LinkExpired
from services.notify.domain.consent import Entry, Word
from services.notify.domain.delivery import Message, State, begin, turned
from services.notify.domain.notice import Asked
from services.notify.domain.provider import Accepted, Found, NotCreated, Refused, Unknown
from services.notify.domain.truth import Truth, judge
from services.notify.domain.turns import CHASES, Pace, after_look, after_post
from services.notify.domain.verdict import Drop, Send, Wait
from services.notify.routes.views import MessageView
from tests.support.notify import (
    CHECK,
    OFFER,
    OFFERED_AT,
    PHONE,
    STARTS,
    Clock,
    Phone,
    Worker,
    code,
    inbound,
    offer,
    practice,
    twins,
    visit,
)

SECRET = "482913"
AT_NIGHT = datetime(2027, 6, 10, 3, 30, tzinfo=UTC)  # 23:30 in New York
ZONES = sorted(available_timezones() - {"Factory", "localtime"})


class Day:
    """A worker, its provider and its clock, with a practice known."""

    def __init__(self, at: datetime = OFFERED_AT, **options: Any) -> None:
        self.clock = Clock(at)
        self.phone = Phone(self.clock)
        self.worker = Worker(twins(self.clock), self.phone, self.clock, **options)

    async def begin(self, *told: Asked) -> Day:
        await self.worker.stores.practices.keep(practice())
        for asked in told:
            assert await self.worker.told(asked)
        return self

    async def text(self, about: str, step: str | None = None) -> Message:
        texts = await self.worker.stores.messages.of(about)
        return next(text for text in texts if step in (None, text.step))

    async def run(self, minutes: int = 1) -> None:
        for _ in range(minutes):
            await self.worker.sending.send_due()
            self.clock.forward(timedelta(minutes=1))

    async def hear(self, body: str, sid: str = "SMin1") -> None:
        await self.worker.listening.hear(inbound(body, sid=sid))

    @property
    def said(self) -> list[str]:
        return [event.subject for event in self.worker.stores.visits.said]  # type: ignore[attr-defined]  # the twin's own


ONE_OF_EACH = pytest.mark.parametrize("asked", [offer(), code()], ids=["offer", "code"])


@ONE_OF_EACH
async def test_it_becomes_one_text_however_often_it_is_heard(asked: Asked) -> None:
    day = await Day().begin(asked, asked)
    await day.run()
    await day.worker.told(asked)
    await day.run()

    assert len(day.phone.bodies) == 1
    assert (await day.text(asked.id)).state is State.ACCEPTED
    assert day.worker.woken == 1


async def test_every_code_of_one_number_is_a_text_of_its_own() -> None:
    day = await Day().begin(code(), code(count=2, code="771100"))
    await day.run()

    assert [SECRET in body for body in day.phone.bodies] == [True, False]


@ONE_OF_EACH
async def test_it_is_not_taken_before_its_practice_is_known_and_given_up_when_it_is_over(asked: Asked) -> None:
    day = Day()

    assert await day.worker.told(asked) is False
    day.clock.at = asked.notice.expires_at
    assert await day.worker.told(asked) is True
    assert await day.worker.stores.messages.of(asked.id) == []


async def test_an_offer_made_at_night_waits_for_the_morning_where_the_client_sleeps() -> None:
    day = await Day(AT_NIGHT).begin(offer(at=AT_NIGHT, expires_at=AT_NIGHT + timedelta(days=1)))

    assert (await day.text(OFFER)).due == datetime(2027, 6, 10, 12, 30, tzinfo=UTC)
    await day.run()
    assert day.phone.posts == []


async def test_an_offer_that_is_over_before_the_morning_is_never_sent() -> None:
    day = await Day(AT_NIGHT).begin(offer(at=AT_NIGHT, expires_at=AT_NIGHT + timedelta(hours=2)))

    text = await day.text(OFFER)
    assert (text.state, text.why, text.due) == (State.SKIPPED, "stale", None)


@pytest.mark.parametrize("last_first", [False, True])
async def test_an_offer_that_ends_in_the_night_is_not_sent_in_the_morning(*, last_first: bool) -> None:
    made = offer(at=AT_NIGHT, expires_at=AT_NIGHT + timedelta(days=1))
    ended_at = AT_NIGHT + timedelta(hours=2)
    over = replace(made, count=2, at=ended_at, notice=replace(made.notice, expires_at=ended_at))
    day = await Day(AT_NIGHT).begin(*([over, made] if last_first else [made, over]), made)
    day.clock.forward(timedelta(hours=12))
    await day.run()
    assert day.phone.posts == []
    assert (await day.text(OFFER)).state in {State.CANCELLED, State.SKIPPED}


async def test_an_offer_that_was_sent_before_it_ended_stays_as_it_is() -> None:
    made = offer()
    day = await Day().begin(made)
    await day.run()
    over = replace(made, count=2, at=day.clock.at, notice=replace(made.notice, expires_at=day.clock.at))
    assert await day.worker.told(over)
    await day.run()
    assert len(day.phone.bodies) == 1
    assert (await day.text(OFFER)).state is State.ACCEPTED


async def test_a_code_is_sent_in_the_middle_of_the_night() -> None:
    day = await Day(AT_NIGHT).begin(code(at=AT_NIGHT, expires_at=AT_NIGHT + timedelta(minutes=10)))
    await day.run()

    assert len(day.phone.bodies) == 1


@ONE_OF_EACH
async def test_what_is_heard_too_late_is_not_sent(asked: Asked) -> None:
    day = await Day(asked.notice.expires_at).begin(asked)
    await day.run()

    assert day.phone.posts == []
    assert (await day.text(asked.id)).why == "stale"


async def test_an_offer_is_not_sent_once_its_time_has_begun() -> None:
    day = await Day().begin(offer(starts_at=OFFERED_AT + timedelta(minutes=5)))
    day.clock.forward(timedelta(minutes=5))
    await day.run()

    assert day.phone.posts == []


async def test_an_offer_needs_consent_to_texts_and_a_code_was_asked_for() -> None:
    day = await Day().begin(offer(consented=False), code())
    await day.run()

    assert [SECRET in body for body in day.phone.bodies] == [True]
    assert (await day.text(OFFER)).why == "no_consent"


@ONE_OF_EACH
async def test_a_number_that_said_stop_is_not_texted(asked: Asked) -> None:
    day = Day()
    await day.hear("STOP")
    await day.begin(asked)
    await day.run()

    assert day.phone.posts == []
    assert (await day.text(asked.id)).why == "opted_out"


@pytest.mark.parametrize("arrives", [True, False])
@ONE_OF_EACH
async def test_a_post_of_unknown_outcome_is_looked_up_by_its_words_and_ends_with_one_text(
    asked: Asked, arrives: bool
) -> None:
    day = await Day().begin(asked)
    day.phone.answers.append(lambda: Unknown("timeout"))
    day.phone.arrives = arrives
    await day.run()
    day.phone.arrives = True
    await day.run(8)

    assert len(day.phone.bodies) == 1


MINUTES = st.integers(0, 3 * 24 * 60).map(lambda minutes: timedelta(minutes=minutes))
DAYS = st.datetimes(
    datetime.fromisoformat("2026-01-01"), datetime.fromisoformat("2030-01-01"), timezones=st.just(UTC)
).map(lambda at: at.replace(second=0, microsecond=0))


@given(
    kind=st.sampled_from([offer, code]),
    at=DAYS,
    zone=st.sampled_from(ZONES),
    good_for=MINUTES,
    begins_in=MINUTES,
    late=MINUTES,
    consented=st.booleans(),
    stopped=st.booleans(),
)
def test_no_text_at_night_none_in_vain_and_none_to_who_does_not_want_it(
    kind: Any,
    at: datetime,
    zone: str,
    good_for: timedelta,
    begins_in: timedelta,
    late: timedelta,
    consented: bool,
    stopped: bool,
) -> None:
    changes = {"consented": consented, "starts_at": at + begins_in} if kind is offer else {}
    asked = kind(at=at, client_zone=zone, expires_at=at + good_for, **changes)
    ledger = (Entry(key="s", word=Word.STOPPED, at=at, source="reply"),) if stopped else ()
    text, policy = planned(asked, practice(), "Ab3dEf9h"), practice()
    if text.due is None:
        assert text.state is State.SKIPPED
        return
    now, verdict = text.due + late, None
    while not isinstance(verdict, (Send, Drop)):
        verdict = judge(text, Truth(asked.notice, policy, ledger), now)
        now = verdict.until if isinstance(verdict, Wait) else now

    wanted = not stopped and (consented or kind is code)
    if isinstance(verdict, Send):
        assert wanted
        assert at <= now < asked.notice.not_after
        assert kind is code or not policy.quiet.covers(now, ZoneInfo(zone))
    else:
        quiet_until_it_is_over = kind is offer and policy.quiet.later(now, ZoneInfo(zone)) >= asked.notice.not_after
        assert not wanted or now >= asked.notice.not_after or quiet_until_it_is_over


# A code is no longer needed once nothing more is to be done about its text.

PACE = Pace()
TEXT = planned(code(), practice(), "Ab3dEf9h")
SENDING = begin(turned(TEXT, State.CLAIMED, OFFERED_AT), attempt="00" * 16, body=SECRET, to=PHONE, at=OFFERED_AT)


def chased_in_vain() -> Message:
    text = after_post(SENDING, Accepted("SM1"), OFFERED_AT, PACE)
    for _ in range(CHASES):
        text = after_look(text, Found("SM1", "queued", None, OFFERED_AT), OFFERED_AT, PACE)
    return text


ENDS = {
    "delivered": after_post(SENDING, Accepted("SM1", "delivered"), OFFERED_AT, PACE),
    "refused": after_post(SENDING, Refused(21211), OFFERED_AT, PACE),
    "opted out": after_post(SENDING, Refused(21610), OFFERED_AT, PACE),
    "cancelled": turned(TEXT, State.CANCELLED, OFFERED_AT, "operator"),
    "skipped": turned(TEXT, State.SKIPPED, OFFERED_AT, "stale"),
    "given up": turned(after_post(SENDING, Unknown("x"), OFFERED_AT, PACE), State.DEAD, OFFERED_AT, "unresolved"),
    "without receipts": chased_in_vain(),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_code_is_forgotten_at_every_end(end: str) -> None:
    assert ENDS[end].due is None
    assert SECRET not in str(asdict(ENDS[end]))


@pytest.mark.parametrize(
    "waiting",
    [
        after_post(SENDING, NotCreated("refused"), OFFERED_AT, PACE),
        after_post(SENDING, Unknown("timeout"), OFFERED_AT, PACE),
        after_post(SENDING, Accepted("SM1"), OFFERED_AT, PACE),
    ],
)
def test_a_code_is_known_while_its_text_may_have_to_be_sent_again(waiting: Message) -> None:
    assert waiting.notice == code().notice


def test_the_words_of_other_texts_are_kept() -> None:
    text = planned(offer(), practice(), "Ab3dEf9h")
    sent = begin(turned(text, State.CLAIMED, OFFERED_AT), attempt="00", body="words", to=PHONE, at=OFFERED_AT)

    assert after_post(sent, Accepted("SM1", "delivered"), OFFERED_AT, PACE).body == "words"


async def test_a_code_is_never_logged_and_never_shown() -> None:
    day = await Day().begin()
    with capture_logs() as lines:
        await day.worker.told(code())
        day.phone.answers = [lambda: NotCreated("refused"), lambda: Unknown("timeout")]
        for _ in range(10):
            await day.run()
            shown = [MessageView.of(text) for text in await day.worker.desk.timeline(CHECK)]
            assert SECRET not in str([view.model_dump() for view in shown])
            assert SECRET not in repr(replace(await day.text(CHECK), body=None))

    assert lines
    assert SECRET not in str(lines)


async def test_a_code_that_is_forgotten_cannot_be_sent_again_and_its_text_leads_nowhere() -> None:
    day = await Day().begin(code())
    text = await day.text(CHECK)
    await day.worker.desk.cancel(text.id, by="Ana")

    with pytest.raises(CodeForgotten):
        await day.worker.desk.retry(text.id, by="Ana")
    with pytest.raises(LinkExpired):
        await day.worker.pages.page(text.code)


async def test_the_link_of_an_offer_leads_to_it_also_when_it_is_just_over() -> None:
    day = await Day().begin(offer())
    text = await day.text(OFFER)
    day.clock.at = offer().notice.expires_at + timedelta(hours=71)

    page = await day.worker.pages.page(text.code)

    assert (page.leads_to, page.id, page.practice) == ("offer", OFFER, "still-waters")
    day.clock.forward(timedelta(hours=1))
    with pytest.raises(LinkExpired):
        await day.worker.pages.page(text.code)


async def test_an_offer_that_the_desk_cancelled_can_be_sent_again_while_it_stands() -> None:
    day = await Day().begin(offer())
    text = await day.text(OFFER)
    await day.worker.desk.cancel(text.id, by="Ana")
    await day.run()
    assert day.phone.posts == []

    await day.worker.desk.retry(text.id, by="Ana")
    await day.run()
    assert len(day.phone.bodies) == 1


# Replies: somebody who was told of an offer and has a visit ahead means the offer, whatever the words.


async def with_a_visit_ahead(*told: Asked) -> Day:
    day = await Day(OFFERED_AT - timedelta(hours=1)).begin()
    await day.worker.hears(visit(since=day.clock()))
    await day.run()
    day.clock.at = OFFERED_AT
    for asked in told:
        await day.worker.told(asked)
        await day.run()
    return day


@pytest.mark.parametrize("words", ["C", "R", "yes", "I take it!"])
async def test_no_reply_to_an_offer_touches_a_visit_or_takes_the_time(words: str) -> None:
    day = await with_a_visit_ahead(offer())
    for n in range(3):
        await day.hear(words, f"SMin{n}")
        await day.run()

    assert day.said == []
    assert len(day.phone.bodies) == 3
    assert "to take Wed, Jun 16, 10:00 AM please open" in day.phone.bodies[-1]
    assert "Reply C" not in day.phone.bodies[-1]


async def test_a_reply_after_an_offer_is_over_is_asked_about_and_the_next_one_is_about_the_visit() -> None:
    day = await with_a_visit_ahead(offer())
    day.clock.at = offer().notice.expires_at
    await day.hear("C")
    await day.run()
    assert day.said == []
    assert "did not get that" in day.phone.bodies[-1]

    await day.hear("C", "SMin2")
    assert day.said == [visit().appointment]


async def test_a_c_after_a_code_confirms_nothing() -> None:
    day = await with_a_visit_ahead(code())
    await day.hear("C")
    await day.run()

    assert day.said == []


async def test_a_c_to_a_later_reminder_is_about_its_visit_again() -> None:
    day = await with_a_visit_ahead(offer())
    day.clock.at = STARTS - timedelta(days=1)
    await day.run()
    await day.hear("C")

    assert day.said == [visit().appointment]


async def test_a_reply_that_is_finished_late_is_about_the_text_that_came_before_it() -> None:
    """The worker died before it did anything, and a reminder of a visit went out meanwhile."""
    day = await with_a_visit_ahead(offer(expires_at=STARTS))
    kept = day.worker.stores.replies
    heard = day.worker.listening._act
    day.worker.listening._act = _nothing  # type: ignore[method-assign,assignment]  # the death of the worker
    day.clock.at = STARTS - timedelta(days=1) - timedelta(minutes=1)
    await day.hear("C")
    await day.run(3)
    assert "see you" in day.phone.bodies[-1]

    day.worker.listening._act = heard  # type: ignore[method-assign]  # and another one
    await day.worker.listening.finish_dropped()

    assert day.said == []
    assert await kept.undone(day.clock() + timedelta(days=1), 10) == []


async def _nothing(_: object) -> None: ...


async def test_stop_and_help_work_after_an_offer_as_ever() -> None:
    day = await Day(provider_answers=False).begin(offer())
    await day.run()
    await day.hear("HELP")
    await day.run()
    await day.hear("STOP", "SMin2")
    await day.run()
    await day.worker.told(offer(id="p" * 26))
    await day.run()

    assert len(day.phone.bodies) == 3
    assert "texts about your visits" in day.phone.bodies[1]
    assert "no more texts" in day.phone.bodies[2]
    assert (await day.text("p" * 26)).why == "opted_out"
