"""What notify's stores promise, asked of the twins and of the real ones alike."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr
from pymongo.errors import BulkWriteError

from services.notify.actions.notices import planned
from services.notify.app import open_stores
from services.notify.domain.consent import Entry, Word
from services.notify.domain.delivery import Message, State, turned
from services.notify.domain.notice import Asked
from services.notify.domain.reply import Heard, Meaning
from services.notify.domain.traffic import Sent
from services.notify.domain.visit import Seat, Visit, VisitState
from services.notify.outbox import replied
from services.notify.ports import Reply, Stores
from shared import mongo
from shared.bus import Bus
from shared.clock import utc_now
from shared.relay import Relay
from tests.support.notify import APPOINTMENT, PHONE, STARTS, code, message, offer, practice, steps, twins, visit
from tests.support.waiting import until

LEASE = timedelta(seconds=60)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["twin", "real"])
async def stores(request: pytest.FixtureRequest, mongo_url: str, database_name: str) -> AsyncIterator[Stores]:
    if request.param == "twin":
        yield twins(utc_now)
        return
    async with AsyncExitStack() as opened:
        database = await opened.enter_async_context(mongo.connect(SecretStr(mongo_url), database_name))
        # Nothing is published here: the bus is never connected, and the relay keeps what it could not say.
        yield await open_stores(database, Relay(Bus(SecretStr("amqp://nobody"), "notify", 1)), b"k" * 32)


def text(name: str = "day_before", **changes: object) -> Message:
    planned = message(steps(visit())[name], visit(), code=secrets.token_hex(4))
    return replace(planned, **changes)  # type: ignore[arg-type]  # named by the tests


def texts(count: int, **changes: object) -> list[Message]:
    return [
        text(id=f"{APPOINTMENT}/day_before/{n:03d}", due=LONG_AGO + timedelta(seconds=n), **changes)
        for n in range(count)
    ]


async def test_a_text_is_read_back_as_it_was_written(stores: Stores) -> None:
    written = turned(text(sid="SM1", body="hello", sent_at=STARTS), State.PLANNED, STARTS, "because", due=STARTS)

    saved = await stores.messages.save([written])

    assert saved == [replace(written, fence=1)]
    assert await stores.messages.get(written.id) == saved[0]
    assert await stores.messages.by_code(written.code) == saved[0]
    assert await stores.messages.of(APPOINTMENT) == saved


@pytest.mark.parametrize("asked", [offer(), code()], ids=["offer", "code"])
async def test_a_notice_is_read_back_with_its_text_and_its_asking_again_does_not_bring_a_code_back(
    stores: Stores, asked: Asked
) -> None:
    first = planned(asked, practice(), "Ab3dEf9h")
    [saved] = await stores.messages.save([first])
    assert await stores.messages.of(asked.id) == [replace(first, fence=1)]
    assert [message.notice for message in await stores.messages.claim(STARTS, limit=1, lease=LEASE)] == [asked.notice]

    [claimed] = await stores.messages.of(asked.id)
    ended = turned(claimed, State.SKIPPED, STARTS, "stale")
    await stores.messages.save([ended])

    assert await stores.messages.save([planned(asked, practice(), "Other123")]) == []
    kept = await stores.messages.get(saved.id)
    assert kept is not None
    assert kept.notice == replace(asked.notice, code=None)


async def test_texts_about_visits_count_for_their_practice_and_number_from_when_they_were_begun(stores: Stores) -> None:
    begun = text(sent_at=STARTS, state=State.ACCEPTED)
    old = text("two_hours", sent_at=STARTS - timedelta(days=8), state=State.DELIVERED)
    elsewhere = text("prepare", id="e/prepare/1", practice="elsewhere", sent_at=STARTS, state=State.SENDING)
    answer = text("prepare", id="a/help/1", asked_at=STARTS, sent_at=STARTS, state=State.ACCEPTED)
    asked = replace(planned(offer(), practice(), "Ab3dEf9h"), sent_at=STARTS, state=State.ACCEPTED)
    to_another = text("booked", id="b/booked/1", to="+15035550177", sent_at=STARTS, state=State.ACCEPTED)
    await stores.messages.save([begun, old, elsewhere, answer, asked, to_another])

    counted = await stores.messages.counted([PHONE], STARTS - timedelta(days=7))

    assert counted == {
        ("still-waters", PHONE): [Sent(begun.id, "day_before", APPOINTMENT, STARTS)],
        ("elsewhere", PHONE): [Sent("e/prepare/1", "prepare", APPOINTMENT, STARTS)],
    }
    assert await stores.messages.counted([], STARTS - timedelta(days=7)) == {}


@pytest.mark.parametrize("state", [State.SKIPPED, State.CANCELLED, State.FAILED, State.UNDELIVERED])
async def test_a_text_that_did_not_arrive_counts_for_nothing_and_stands_for_nothing(
    stores: Stores, state: State
) -> None:
    await stores.messages.save([text(sent_at=STARTS, state=state, due=None)])

    assert await stores.messages.counted([PHONE], STARTS) == {}
    assert await stores.messages.standing([APPOINTMENT]) == set()


@pytest.mark.parametrize("state", [State.UNKNOWN, State.DEAD])
async def test_a_text_that_may_have_arrived_counts(stores: Stores, state: State) -> None:
    await stores.messages.save([text(sent_at=STARTS, state=state)])

    assert len((await stores.messages.counted([PHONE], STARTS))["still-waters", PHONE]) == 1


async def test_texts_stand_until_they_are_given_up(stores: Stores) -> None:
    given_up = [text(state=State.SKIPPED, due=None), text("two_hours", state=State.DEAD, sent_at=STARTS, due=None)]
    begun = text("prepare", state=State.SENDING, sent_at=STARTS)
    of_another = text("prepare", id="o/prepare/1", appointment="o" * 26)
    cancelled = text("two_hours", id="o/two_hours/1", appointment="o" * 26, state=State.CANCELLED, due=None)
    await stores.messages.save([*given_up, begun, text("booked"), of_another, cancelled])

    assert await stores.messages.standing([APPOINTMENT]) == {begun.id, text("booked").id}
    assert await stores.messages.standing([APPOINTMENT, "o" * 26]) == {begun.id, text("booked").id, of_another.id}
    assert await stores.messages.standing([]) == set()


async def test_the_visits_of_numbers_in_any_state_that_end_in_a_span(stores: Stores) -> None:
    cancelled = visit(appointment="c" * 26, state=VisitState.CANCELLED)
    to_another = visit(appointment="o" * 26, phone="+15035550177")
    for one in (visit(), cancelled, to_another):
        await stores.visits.keep(one)

    found = await stores.visits.of_numbers([PHONE], visit().ends_at - timedelta(seconds=1))

    assert {one.appointment for one in found} == {APPOINTMENT, "c" * 26}
    assert await stores.visits.of_numbers([PHONE], visit().ends_at) == []
    early, end = visit().ends_at - timedelta(days=1), visit().ends_at
    assert await stores.visits.of_numbers([PHONE], early, end) == []
    assert len(await stores.visits.of_numbers([PHONE], early, end + timedelta(seconds=1))) == 2


async def test_a_text_that_is_there_is_not_made_again(stores: Stores) -> None:
    first, second = text(), text("two_hours")
    await stores.messages.save([first])

    assert await stores.messages.save([replace(first, code="Other123"), second]) == [replace(second, fence=1)]
    assert await stores.messages.get(first.id) == replace(first, fence=1)


async def test_what_somebody_else_wrote_meanwhile_is_not_overwritten(stores: Stores) -> None:
    [saved] = await stores.messages.save([text()])
    await stores.messages.save([replace(saved, why="mine")])

    assert await stores.messages.save([replace(saved, why="too late")]) == []
    kept = await stores.messages.get(saved.id)
    assert kept is not None
    assert kept.why == "mine"


async def test_two_texts_never_share_a_code(stores: Stores) -> None:
    first, second = text(code="Same1234"), text("two_hours", code="Same1234")
    await stores.messages.save([first])

    with pytest.raises(BulkWriteError):
        await stores.messages.save([second])


async def test_due_texts_are_claimed_longest_due_first_and_once(stores: Stores) -> None:
    await stores.messages.save([*texts(5), text("two_hours", id="later", due=STARTS)])

    first = await stores.messages.claim(LONG_AGO + timedelta(hours=1), limit=3, lease=LEASE)
    second = await stores.messages.claim(LONG_AGO + timedelta(hours=1), limit=10, lease=LEASE)

    assert [claimed.id[-3:] for claimed in first] == ["000", "001", "002"]
    assert [claimed.id[-3:] for claimed in second] == ["003", "004"]
    assert {claimed.state for claimed in (*first, *second)} == {State.CLAIMED}
    assert await stores.messages.claim(LONG_AGO + timedelta(hours=1), limit=10, lease=LEASE) == []


async def test_where_not_all_may_go_what_is_awaited_goes_before_what_changed_then_news_then_the_rest(
    stores: Stores,
) -> None:
    moved = visit(state=VisitState.CONFIRMED, moved=True, version=4, since=STARTS - timedelta(days=6))
    news = {
        "booked": text("booked", due=LONG_AGO + timedelta(minutes=1)),
        "booked_later": text("booked", id="later", due=LONG_AGO + timedelta(minutes=2)),
        "moved": replace(message(steps(moved)["moved"], moved, code="moved123"), due=LONG_AGO + timedelta(minutes=3)),
        "code": replace(planned(code(), practice(), "code1234"), due=LONG_AGO + timedelta(minutes=4)),
        "answer": text("booked", id="answer", step="help", asked_at=LONG_AGO, due=LONG_AGO + timedelta(minutes=5)),
        "offer": replace(planned(offer(), practice(), "offer123"), due=LONG_AGO + timedelta(minutes=6)),
    }
    not_yet = text("booked", id="tomorrow", due=LONG_AGO + timedelta(days=1))
    await stores.messages.save([*texts(3), *news.values(), not_yet])
    now = LONG_AGO + timedelta(hours=1)

    first = await stores.messages.claim(now, limit=4, lease=LEASE, hasty_first=True)
    then = await stores.messages.claim(now, limit=2, lease=LEASE, hasty_first=True)
    rest = await stores.messages.claim(now, limit=9, lease=LEASE, hasty_first=True)

    named = {one.id: name for name, one in news.items()}
    assert [named[one.id] for one in first] == ["code", "answer", "moved", "booked"]
    assert [named.get(one.id, one.id[-3:]) for one in then] == ["booked_later", "000"]
    assert [named.get(one.id, one.id[-3:]) for one in rest] == ["001", "002", "offer"]
    assert await stores.messages.claim(now, limit=9, lease=LEASE, hasty_first=True) == []


async def test_many_claimers_at_once_share_what_is_in_haste_without_a_double(stores: Stores) -> None:
    hasty = [text("booked", id=f"hasty{n:03d}", due=LONG_AGO + timedelta(days=1)) for n in range(60)]
    await stores.messages.save([*texts(60), *hasty])

    batches = await asyncio.gather(
        *(stores.messages.claim(STARTS, limit=20, lease=LEASE, hasty_first=True) for _ in range(9))
    )
    while more := await stores.messages.claim(STARTS, limit=20, lease=LEASE, hasty_first=True):
        batches.append(more)

    ids = [claimed.id for batch in batches for claimed in batch]
    assert len(ids) == len(set(ids)) == 120


async def test_the_next_text_that_is_due_is_the_first_planned_after_then(stores: Stores) -> None:
    assert await stores.messages.next_due(LONG_AGO) is None
    await stores.messages.save([*texts(5), text("two_hours", id="later", due=STARTS)])
    last = max(each.due for each in texts(5) if each.due is not None)

    assert await stores.messages.next_due(last - timedelta(microseconds=1000)) == last
    assert await stores.messages.next_due(last) == STARTS
    await stores.messages.claim(STARTS, limit=10, lease=LEASE)
    assert await stores.messages.next_due(LONG_AGO) is None


async def test_many_claimers_at_once_share_the_work_without_a_double(stores: Stores) -> None:
    await stores.messages.save(texts(200))

    batches = await asyncio.gather(*(stores.messages.claim(STARTS, limit=50, lease=LEASE) for _ in range(12)))
    while more := await stores.messages.claim(STARTS, limit=50, lease=LEASE):
        batches.append(more)

    ids = [claimed.id for batch in batches for claimed in batch]
    assert len(ids) == len(set(ids)) == 200


async def test_a_claimed_text_can_be_written_by_its_claimer_only(stores: Stores) -> None:
    [planned] = await stores.messages.save([text(due=LONG_AGO)])
    [claimed] = await stores.messages.claim(STARTS, limit=1, lease=LEASE)

    assert await stores.messages.save([replace(planned, why="stale")]) == []
    assert len(await stores.messages.save([replace(claimed, state=State.SENDING)])) == 1


async def test_a_lease_that_ran_out_is_found(stores: Stores) -> None:
    await stores.messages.save(texts(2))
    [short] = await stores.messages.claim(STARTS, limit=1, lease=timedelta(milliseconds=30))
    [long] = await stores.messages.claim(STARTS, limit=1, lease=LEASE)

    async def lapsed() -> list[str]:
        return [found.id for found in await stores.messages.lapsed(10)]

    assert await until(lapsed, within=2) == [short.id]
    assert long.id != short.id


async def test_what_was_begun_is_its_worker_s_as_long_as_the_claim_said(stores: Stores) -> None:
    await stores.messages.save([replace(text(due=LONG_AGO), why="quiet_hours", sid="SM1"), *texts(1)])
    [short] = await stores.messages.claim(STARTS, limit=1, lease=timedelta(milliseconds=30))
    [long] = await stores.messages.claim(STARTS, limit=1, lease=LEASE)
    begun = [replace(one, state=State.SENDING, why=None, sid=None, body="See you") for one in (short, long)]
    saved = await stores.messages.save(begun)

    async def lapsed() -> list[Message]:
        return list(await stores.messages.lapsed(10))

    assert await until(lapsed, within=2) == saved[:1]
    assert await stores.messages.get(long.id) == saved[1]


async def test_writing_a_result_ends_the_lease(stores: Stores) -> None:
    await stores.messages.save(texts(1))
    [claimed] = await stores.messages.claim(STARTS, limit=1, lease=timedelta(milliseconds=1))
    await stores.messages.save([turned(claimed, State.CANCELLED, STARTS, "x")])
    [other] = await stores.messages.save([text("two_hours", due=LONG_AGO)])
    await stores.messages.claim(STARTS, limit=1, lease=timedelta(milliseconds=1))

    async def lapsed() -> list[str]:
        return [found.id for found in await stores.messages.lapsed(10)]

    assert await until(lapsed, within=2) == [other.id]


async def test_unknown_texts_are_looked_up_when_it_is_time(stores: Stores) -> None:
    await stores.messages.save([text(state=State.UNKNOWN, due=STARTS)])

    assert await stores.messages.to_look_up(STARTS - timedelta(seconds=1), 10) == []
    assert len(await stores.messages.to_look_up(STARTS, 10)) == 1


async def test_what_is_unknown_is_looked_up_before_what_only_lacks_its_receipts(stores: Stores) -> None:
    chased = text("booked", state=State.ACCEPTED, due=LONG_AGO)
    unknown = text("two_hours", state=State.UNKNOWN, due=STARTS)
    await stores.messages.save([chased, text("prepare", state=State.SENT, due=STARTS), unknown])

    assert [found.step for found in await stores.messages.to_look_up(STARTS, 1)] == ["two_hours"]
    assert len(await stores.messages.to_look_up(STARTS, 10)) == 3


async def test_the_last_text_to_a_number_is_found(stores: Stores) -> None:
    one, two = text(sent_at=STARTS), text("two_hours", sent_at=STARTS + timedelta(hours=1))
    await stores.messages.save([two, one, text("booked")])

    last = await stores.messages.last_sent(PHONE, STARTS + timedelta(hours=2))
    earlier = await stores.messages.last_sent(PHONE, STARTS + timedelta(hours=1))

    assert last is not None
    assert last.id == two.id
    assert earlier is not None
    assert earlier.id == one.id
    assert await stores.messages.last_sent(PHONE, STARTS) is None
    assert await stores.messages.last_sent("+15035559999", STARTS + timedelta(hours=2)) is None


async def test_the_newest_version_of_a_visit_is_kept_and_our_own_facts_with_it(stores: Stores) -> None:
    await stores.visits.keep(visit(version=3))
    noted = visit(version=3, replies=1, heard=("SM1",))
    await stores.visits.note_reply(noted, [])

    newest = await stores.visits.keep(visit(version=5, moved=True))

    assert newest == visit(version=5, moved=True, replies=1, heard=("SM1",))
    assert await stores.visits.keep(visit(version=4)) == newest
    assert await stores.visits.get(APPOINTMENT) == newest


async def test_the_visits_of_a_course_are_found_until_they_are_over_and_the_first_ever_after(stores: Stores) -> None:
    seats = [Seat("c" * 26, 0, 2), Seat("c" * 26, 1), Seat("d" * 26, 0, 3), None]
    lead, follower, other, _ = visits = [
        visit(appointment=letter * 26, seat=seat, known_at=STARTS, starts_at=STARTS + timedelta(days=n))
        for n, (letter, seat) in enumerate(zip("wxyz", seats, strict=True))
    ]
    for one in visits:
        await stores.visits.keep(one)

    async def found(*courses: str, at: datetime = STARTS) -> list[Visit]:
        return sorted(await stores.visits.of_courses(courses, at), key=lambda one: one.appointment)

    assert await found("c" * 26) == [lead, follower]
    assert await found("c" * 26, "d" * 26) == [lead, follower, other]
    assert await found("c" * 26, at=lead.ends_at) == [lead, follower]
    assert await found("c" * 26, at=follower.ends_at) == [lead]
    assert await found() == []


async def test_two_replies_at_once_are_both_counted(stores: Stores) -> None:
    await stores.visits.keep(visit())
    noted = visit(replies=1, heard=("SM1",))
    said = replied(noted, Meaning.CONFIRM, STARTS)

    results = [await stores.visits.note_reply(noted, said), await stores.visits.note_reply(noted, said)]

    assert results == [True, False]


async def test_a_yes_stays_with_the_time_it_was_said_to_whatever_booking_tells(stores: Stores) -> None:
    await stores.visits.keep(visit())
    noted = visit(replies=1, heard=("SM1",), yes_to=STARTS)
    await stores.visits.note_reply(noted, replied(noted, Meaning.CONFIRM, STARTS))
    later = STARTS + timedelta(days=1)
    moved = visit(version=4, moved=True, starts_at=later, moved_from=STARTS, by_practice=True)

    kept = await stores.visits.keep(moved)

    assert kept == replace(moved, replies=1, heard=("SM1",), yes_to=STARTS)
    assert kept is not None
    assert not kept.said_yes
    assert replace(kept, starts_at=STARTS).said_yes


async def test_when_a_visit_was_last_moved_outlives_its_later_turns(stores: Stores) -> None:
    moved = visit(version=4, moved=True, moved_at=STARTS - timedelta(days=2))
    off = visit(version=5, state=VisitState.CANCELLED)
    for one in (visit(), moved, off):
        await stores.visits.keep(one)

    assert await stores.visits.get(APPOINTMENT) == replace(off, moved_at=moved.moved_at)


async def test_the_next_upcoming_visit_of_a_number_comes_first(stores: Stores) -> None:
    later = visit(appointment="b" * 26, starts_at=STARTS + timedelta(days=1))
    cancelled = visit(appointment="c" * 26, state=visit().state.CANCELLED)
    for one in (later, visit(), cancelled, visit(appointment="d" * 26, phone="+15035559999")):
        await stores.visits.keep(one)

    assert await stores.visits.upcoming(PHONE, STARTS) == [visit(), later]
    assert await stores.visits.upcoming(PHONE, STARTS + timedelta(hours=1)) == [later]


async def test_the_visits_of_a_practice_come_page_by_page_in_order_of_their_ends(stores: Stores) -> None:
    ends = [STARTS + timedelta(hours=hours) for hours in (3, 1, 2, 2, 2)]
    ours = [visit(appointment=f"{n:026d}", starts_at=at) for n, at in enumerate(ends)]
    for one in (*ours, replace(visit(appointment="e" * 26), practice="elsewhere"), visit(appointment="f" * 26)):
        await stores.visits.keep(one)
    await stores.visits.forget("still-waters", ["f" * 26])

    found, place = [], (STARTS, "")
    while page := await stores.visits.of_practice("still-waters", place, 2):
        found += page
        place = (page[-1].ends_at, page[-1].appointment)

    assert found == [ours[1], ours[2], ours[3], ours[4], ours[0]]
    assert await stores.visits.of_practice("still-waters", (ours[0].ends_at, ""), 2) == [ours[0]]


async def test_the_texts_of_several_visits_are_read_at_once(stores: Stores) -> None:
    mine, hers = texts(2), text(id="b/day_before/1", appointment="b")
    await stores.messages.save([*mine, hers])

    found = await stores.messages.of_visits([APPOINTMENT, "b", "nobody"])

    assert {name: {one.id for one in its} for name, its in found.items()} == {
        APPOINTMENT: {one.id for one in mine},
        "b": {hers.id},
    }


async def test_what_texts_are_planned_under_is_noted_of_the_newest_version_and_outlives_it(stores: Stores) -> None:
    await stores.practices.keep(practice())
    assert await stores.practices.note_planned(practice())

    newer = practice(version=2, steps=frozenset({"prepare"}))
    await stores.practices.keep(newer)

    assert await stores.practices.get("still-waters") == replace(newer, planned_under=practice().policy)
    assert not await stores.practices.note_planned(practice())
    assert not await stores.practices.note_planned(practice(id="nobody"))


async def test_the_newest_version_of_a_practice_is_kept(stores: Stores) -> None:
    newer = practice(version=2, sms_name="New name", steps=frozenset({"prepare"}))
    for one in (practice(), newer, practice()):
        await stores.practices.keep(one)

    assert await stores.practices.get("still-waters") == newer
    assert await stores.practices.get("nobody") is None


async def test_the_ledger_is_added_to_and_the_same_word_is_entered_once(stores: Stores) -> None:
    consented = Entry(key="visit:1", word=Word.CONSENTED, at=STARTS, source="booking", wording="v1")
    stop = Entry(key="reply:1", word=Word.STOPPED, at=STARTS, source="reply")
    for house in ("still-waters", "other-house"):
        await stores.contacts.enter(house, PHONE, consented)
        await stores.contacts.enter(house, PHONE, consented)
    await stores.contacts.enter_everywhere(PHONE, stop)
    await stores.contacts.enter_everywhere(PHONE, stop)

    ledgers = await stores.contacts.ledgers([("still-waters", PHONE), ("nobody", PHONE)])

    assert ledgers == {("still-waters", PHONE): (consented, stop), ("nobody", PHONE): (stop,)}
    said = [entry.key for entry in await stores.contacts.of_number(PHONE)]
    assert sorted(said) == ["reply:1", "visit:1", "visit:1"]


async def test_a_stop_counts_for_a_practice_that_meets_the_number_later_and_for_no_other_number(stores: Stores) -> None:
    stop = Entry(key="reply:1", word=Word.STOPPED, at=STARTS, source="reply")
    await stores.contacts.enter_everywhere(PHONE, stop)
    consented = Entry(key="visit:1", word=Word.CONSENTED, at=STARTS, source="booking", wording="v1")
    await stores.contacts.enter("still-waters", PHONE, consented)

    numbers = [("still-waters", PHONE), ("other-house", PHONE), ("still-waters", "+15035559999")]

    assert await stores.contacts.ledgers(numbers) == {
        ("still-waters", PHONE): (consented, stop),
        ("other-house", PHONE): (stop,),
    }


async def test_a_reply_is_noted_once_and_found_until_it_is_done(stores: Stores) -> None:
    heard = Heard(Meaning.CONFIRM, by_keyword=True)
    reply = Reply(sid="SM1", phone=PHONE, heard=heard, opt_out_type=None, received_at=STARTS)

    assert [await stores.replies.add(reply), await stores.replies.add(reply)] == [True, False]
    assert await stores.replies.undone(STARTS + timedelta(seconds=1), 10) == [reply]
    assert await stores.replies.undone(STARTS, 10) == []
    await stores.replies.done("SM1")
    assert await stores.replies.undone(STARTS + timedelta(seconds=1), 10) == []


async def test_of_two_first_versions_that_come_at_once_the_newer_is_kept(stores: Stores) -> None:
    for n in range(60):
        older, newer = (replace(visit(), appointment=f"{n:026d}", version=version) for version in (3, 4))
        profile = replace(practice(), id=f"practice-{n}")
        await asyncio.gather(
            stores.visits.keep(older),
            stores.visits.keep(newer),
            stores.practices.keep(replace(profile, version=1)),
            stores.practices.keep(replace(profile, version=2)),
        )

        assert (await stores.visits.get(newer.appointment)) == newer
        assert (await stores.practices.get(profile.id)) == replace(profile, version=2)


async def test_of_two_first_entries_that_come_at_once_both_are_kept(stores: Stores) -> None:
    for n in range(60):
        entries = [Entry(key=key, word=Word.CONSENTED, at=STARTS, source="booking") for key in ("one", "two")]
        await asyncio.gather(*(stores.contacts.enter(f"practice-{n}", PHONE, entry) for entry in entries))

        ledger = (await stores.contacts.ledgers([(f"practice-{n}", PHONE)]))[f"practice-{n}", PHONE]
        assert {entry.key for entry in ledger} == {"one", "two"}
