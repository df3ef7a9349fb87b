"""The waitlist on its twins: who is offered what, in which order, and what claiming comes to."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from limits import parse_many

from services.booking.actions import Booking
from services.booking.actions.limits import Allowed, Limits
from services.booking.actions.waitlist import Wish
from services.booking.domain import turns
from services.booking.domain.appointment import Appointment, AppointmentId, Deed, State
from services.booking.domain.checking import Outcome
from services.booking.domain.clearance import Clearance, clearance, doubt
from services.booking.domain.eligibility import AgeNotServed, BirthDateNeeded
from services.booking.domain.freed import NoSuchOffer, Offered, OfferExpired, Standing
from services.booking.domain.identity import client_ref
from services.booking.domain.practice import Audience, Block, WaitlistPolicy
from services.booking.domain.proof import TooMany
from services.booking.domain.refusals import KeyReused, NoSuchService, NotOffered, SlotTaken
from services.booking.domain.texting import Texting
from services.booking.domain.waitlist import AlreadyWaiting, Hours, NothingToWaitFor, Range, Wait, Waiting
from services.booking.inbox import subscriptions
from services.booking.phone import NotAMobileNumber
from shared.errors import Refusal
from shared.events import Envelope, envelope
from shared.events.screening import CaseVoided
from shared.retry import DONE
from tests.support.booking import (
    CLIENT,
    HOUR,
    MINUTE,
    NOW,
    POLICY,
    STAFF,
    TEN,
    House,
    a_client,
    a_hold,
    a_house,
    a_person,
    a_request,
    a_visit,
    a_word,
    wants,
)

THAT_DAY = Range(first=date(2027, 3, 2), last=date(2027, 3, 2))
TWO_HOURS = timedelta(hours=2)
# Nobody is asleep at four in the morning, where these tests begin.
AWAKE = Texting(quiet_from=NOW.time(), quiet_until=NOW.time())


class Line(House):
    """A house with people in line; what it says is heard by itself, as it would be over the broker."""

    def __init__(self, *, batch: int = 1, **changes: Any) -> None:
        policy = WaitlistPolicy(batch=batch, offer_minutes=120)
        super().__init__(a_house(**{"waitlist": policy, "texting": AWAKE} | changes))
        self._heard = 0

    async def join(
        self, n: int = 0, *ranges: Range, service: str = "session", practitioner: str | None = None, **person: Any
    ) -> Waiting:
        self.time.pass_(timedelta(seconds=1))
        wish = Wish(service=service, practitioner=practitioner, ranges=ranges or (THAT_DAY,))
        somebody = a_person(**{"phone": f"+417910000{n:02d}", "name": f"Client {n}"} | person)
        return await self.booking.waitlist.join(self.practice.id, wish, somebody, key=f"{n}", hand=CLIENT)

    async def hears(self, *, times: int = 1) -> None:
        """Everything that was said since it last did, each so often."""
        while self._heard < len(self.appointments.said):
            said = self.appointments.said[self._heard]
            self._heard += 1
            for _ in range(times):
                assert await self.hear(said) == DONE

    async def hear(self, said: Envelope[Any]) -> Any:
        return await subscriptions(self.booking)[type(said.data)](said)

    async def frees(self, at: datetime = TEN, *, practitioner: str = "ana", key: str = "key") -> Appointment:
        """Somebody else's visit is asked for and cancelled."""
        held = await self.hold(wants(at, practitioner=practitioner), key=key)
        stranger = a_person(name="Ola Nord", phone="+41791239999")
        await self.booking.visits.request(held.id, stranger, hand=CLIENT)
        cancelled = await self.booking.visits.cancel(held.id, hand=CLIENT)
        await self.hears()
        return cancelled

    async def claim(self, offered: Offered) -> Appointment:
        return await self.booking.claims.claim(offered.id, hand=CLIENT)

    async def later(self, length: timedelta) -> None:
        self.time.pass_(length)
        await self.booking.offering.keep_time()

    @property
    def made(self) -> list[Offered]:
        return list(self.offers.kept.values())

    def limit(self, **allowed: Any) -> None:
        self.booking = Booking.of(self.stores, POLICY, self.time, Limits(Allowed(**allowed)))

    def change(self, **service: Any) -> None:
        """The practice changes who may have a session."""
        kept = self.practices.kept[self.practice.id]
        session, *others = kept.practice.services
        changed = replace(kept.practice, services=(replace(session, **service), *others))
        self.practices.kept[self.practice.id] = replace(kept, practice=changed)

    def state(self, waiting: Waiting) -> Wait:
        return self.line.kept[waiting.id].state

    def to(self, waiting: Waiting) -> list[Standing]:
        return [one.state for one in self.made if one.waiting == waiting.id]


async def test_a_cancelled_time_is_offered_to_who_waits_longest() -> None:
    line = Line()
    first, _ = await line.join(1), await line.join(2)
    await line.frees()
    [offered] = line.made
    assert (offered.waiting, offered.starts_at, offered.practitioner) == (first.id, TEN, "ana")
    assert offered.expires_at == line.time() + TWO_HOURS
    assert not offered.instant


async def test_the_offer_says_everything_that_its_text_needs() -> None:
    line = Line()
    waiting = await line.join(1)
    await line.frees()
    [said], [offered] = line.offers.said, line.made
    fact = said.data
    assert said.id == f"{offered.id}:1:waitlist.offered"
    assert (fact.offer, fact.starts_at, fact.expires_at) == (offered.id, TEN, offered.expires_at)
    assert (fact.service_name, fact.practitioner_name, fact.place_name) == ("Session", "Ana", "At the lake")
    assert (fact.client.ref, fact.client.phone) == (waiting.client.ref, "+41791000001")


@pytest.mark.parametrize("freed_by", ["declined", "lapsed", "moved"])
async def test_whatever_frees_a_time_makes_an_offer_of_it(freed_by: str) -> None:
    line = Line()
    await line.join(1)
    requested = await line.request()
    if freed_by == "declined":
        await line.decide(requested, Outcome.DECLINED)
    elif freed_by == "lapsed":
        line.time.pass_(HOUR)
        await line.booking.visits.keep_time()
    else:
        await line.booking.visits.move(requested.id, TEN + 5 * HOUR, "ben", hand=STAFF)
    await line.hears()
    assert [(one.starts_at, one.practitioner) for one in line.made] == [(TEN, "ana")]


async def test_only_a_time_that_fits_is_offered() -> None:
    line = Line()
    tuesday = Hours(weekday=1, starts=10 * 60, ends=11 * 60)
    await line.join(1, Range(first=date(2027, 3, 3), last=date(2027, 3, 9)))
    await line.join(2, replace(THAT_DAY, hours=(replace(tuesday, starts=11 * 60, ends=12 * 60),)))
    await line.join(3, replace(THAT_DAY, hours=(replace(tuesday, weekday=2),)))
    await line.join(4, practitioner="ben")
    fits = await line.join(5, replace(THAT_DAY, hours=(tuesday,)), practitioner="ana")
    await line.frees()
    assert [one.waiting for one in line.made] == [fits.id]


async def test_a_start_within_the_freed_time_will_do() -> None:
    line = Line()
    quarter_to = Hours(weekday=1, starts=10 * 60 + 45, ends=11 * 60)
    await line.join(1, replace(THAT_DAY, hours=(quarter_to,)), service="call")
    await line.frees()
    assert [one.starts_at for one in line.made] == [TEN + 45 * MINUTE]
    assert line.made[0].instant  # there is no health check before a call


async def test_nothing_is_offered_that_somebody_else_has_taken_meanwhile() -> None:
    line = Line()
    await line.join(1)
    visit = await line.book()
    await line.booking.visits.cancel(visit.id, hand=CLIENT)
    await line.hold(wants(TEN - 15 * MINUTE, practitioner="ana"), key="faster")
    await line.hears()
    assert [one.starts_at for one in line.made] == []


async def test_a_time_too_soon_or_too_late_in_the_night_is_not_offered() -> None:
    line = Line(texting=Texting())
    await line.join(1, Range(first=date(2027, 3, 1), last=date(2027, 3, 1)))
    await line.frees(NOW + 4 * HOUR)  # eight in the morning, when the quiet hours end
    assert line.made == []


async def test_in_the_night_the_time_of_an_offer_begins_in_the_morning() -> None:
    line = Line(texting=Texting())
    await line.join(1)
    await line.frees()
    assert line.made[0].expires_at == datetime(2027, 3, 1, 9, tzinfo=NOW.tzinfo)


async def test_hearing_it_again_offers_nothing_more() -> None:
    line = Line()
    for n in range(4):
        await line.join(n)
    visit = await line.book()
    await line.booking.visits.cancel(visit.id, hand=CLIENT)
    await line.hears(times=3)
    assert len(line.made) == 1


async def test_hearing_it_in_two_processes_at_once_fills_no_more_than_the_batch() -> None:
    line = Line(batch=2)
    visit = await line.book()
    await line.hears()
    for n in range(5):
        await line.join(n)
    await line.booking.visits.cancel(visit.id, hand=CLIENT)
    said = line.appointments.said[-1]
    await asyncio.gather(*(line.hear(said) for _ in range(6)))
    assert len(line.made) == 2
    assert len(line.offers.said) == 2


async def test_a_batch_that_was_cut_short_is_filled_when_it_is_heard_again() -> None:
    line = Line(batch=3)
    for n in range(5):
        await line.join(n)
    await line.frees()
    said = line.appointments.said[-1]
    line.offers.kept = dict(list(line.offers.kept.items())[:1])
    assert await line.hear(said) == DONE
    assert [one.seat.name for one in line.made] == ["text-0", "text-1", "text-2"]


async def test_once_a_part_of_it_is_claimed_the_rest_is_offered_to_nobody() -> None:
    line = Line(batch=2)
    await line.join(1, service="call")
    await line.frees()
    freed = line.appointments.said[-1]
    await line.claim(line.made[0])
    await line.join(2, service="call")
    assert await line.hear(freed) == DONE
    await line.later(TWO_HOURS)
    assert [one.state for one in line.made] == [Standing.CLAIMED]


async def test_when_an_offer_has_passed_the_next_in_line_gets_it() -> None:
    line = Line()
    people = [await line.join(n) for n in range(3)]
    await line.frees()
    for _ in range(5):
        await line.later(TWO_HOURS)
    assert [line.to(one) for one in people] == [[Standing.EXPIRED]] * 3
    assert [one.seat.round for one in line.made] == [1, 2, 3]
    assert [one.due_at for one in line.made] == [None] * 3
    assert {line.state(one) for one in people} == {Wait.WAITING}


async def test_the_next_round_waits_for_the_whole_batch() -> None:
    line = Line(batch=2, texting=Texting())
    await line.join(1, zone="Asia/Tokyo")
    await line.join(2)
    await line.join(3)
    await line.frees()
    await line.later(TWO_HOURS)
    assert [one.state for one in line.made] == [Standing.EXPIRED, Standing.OPEN]
    await line.later(5 * HOUR)
    assert [one.state for one in line.made] == [Standing.EXPIRED, Standing.EXPIRED, Standing.OPEN]


async def test_a_process_killed_before_the_next_round_leaves_it_to_another() -> None:
    line = Line()
    await line.join(1)
    await line.join(2)
    await line.frees()
    line.time.pass_(TWO_HOURS)
    [offered] = await line.offers.due(line.time(), 10)
    await line.offers.turn(offered.id, Standing.EXPIRED, of={Standing.OPEN}, due_at=offered.due_at)
    await line.booking.offering.keep_time()
    assert [one.state for one in line.made] == [Standing.EXPIRED, Standing.OPEN]


async def test_many_replicas_make_one_next_round() -> None:
    line = Line()
    for n in range(8):
        await line.join(n)
    await line.frees()
    line.time.pass_(TWO_HOURS)
    await asyncio.gather(*(line.booking.offering.keep_time() for _ in range(5)))
    assert [one.state for one in line.made] == [Standing.EXPIRED, Standing.OPEN]


async def test_who_let_a_time_pass_is_not_asked_about_it_again() -> None:
    line = Line()
    await line.join(1)
    await line.frees()
    await line.later(TWO_HOURS)
    await line.frees(key="once more")
    assert len(line.made) == 1
    await line.frees(TEN + 3 * HOUR, key="another")
    assert [one.starts_at for one in line.made] == [TEN, TEN + 3 * HOUR]


async def test_nobody_has_two_open_offers() -> None:
    line = Line()
    first, second = await line.join(1), await line.join(2)
    await line.frees()
    await line.frees(TEN + 3 * HOUR, key="another")
    assert [(one.waiting, one.starts_at) for one in line.made] == [(first.id, TEN), (second.id, TEN + 3 * HOUR)]


async def test_claiming_makes_an_ordinary_request_and_ends_the_waiting() -> None:
    line = Line()
    waiting = await line.join(1)
    await line.frees()
    visit = await line.claim(line.made[0])
    assert (visit.state, visit.starts_at, visit.client) == (State.REQUESTED, TEN, waiting.client)
    assert visit.id == line.made[0].appointment
    assert [turn.who for turn in visit.history] == ["client", "client"]
    assert (line.state(waiting), line.to(waiting)) == (Wait.CLAIMED, [Standing.CLAIMED])
    assert line.said[-1] == "requested"


async def test_claiming_twice_or_at_once_is_claiming_once() -> None:
    line = Line()
    await line.join(1)
    await line.frees()
    visits = await asyncio.gather(*(line.claim(line.made[0]) for _ in range(5)))
    assert {visit.id for visit in visits} == {line.made[0].appointment}
    line.time.pass_(5 * HOUR)
    assert await line.claim(line.made[0]) == visits[0]
    assert line.said.count("requested") == 2  # the one that was cancelled, and this


async def test_of_several_taps_none_takes_away_what_another_has_got() -> None:
    line = Line()
    waiting = await line.join(1)
    await line.frees()
    line.limit(coming=1)
    visits = await asyncio.gather(*(line.claim(line.made[0]) for _ in range(5)))
    assert {visit.id for visit in visits} == {line.made[0].appointment}
    assert line.appointments.kept[line.made[0].appointment].state is State.REQUESTED
    assert line.state(waiting) is Wait.CLAIMED


async def test_who_claims_too_often_can_claim_again_later_and_holds_nothing_meanwhile() -> None:
    line = Line()
    await line.join(1)
    await line.frees()
    line.limit(requests_by_number=parse_many("1/hour"))
    held = await line.hold(wants(TEN + 5 * HOUR), key="other")
    await line.booking.visits.request(held.id, a_person(phone="+41791000001"), hand=CLIENT)
    with pytest.raises(TooMany):
        await line.claim(line.made[0])
    assert line.made[0].appointment not in line.appointments.kept
    line.limit()
    assert (await line.claim(line.made[0])).state is State.REQUESTED


async def test_of_a_batch_the_faster_one_wins_and_the_other_goes_on_waiting() -> None:
    line = Line(batch=2)
    first, second = await line.join(1), await line.join(2)
    await line.frees()
    one, other = line.made
    await line.claim(other)
    with pytest.raises(SlotTaken):
        await line.claim(one)
    assert (line.state(first), line.state(second)) == (Wait.WAITING, Wait.CLAIMED)
    assert (line.to(first), line.to(second)) == ([Standing.LOST], [Standing.CLAIMED])


async def test_a_time_that_a_stranger_has_taken_is_lost_and_the_line_does_not_wait_for_it() -> None:
    line = Line()
    waiting = await line.join(1)
    await line.frees()
    await line.request(key="stranger")
    await line.hears()
    assert line.to(waiting) == [Standing.LOST]
    await line.frees(TEN + 3 * HOUR, key="another")
    assert line.to(waiting) == [Standing.LOST, Standing.OPEN]


async def test_an_old_event_heard_again_takes_no_offer_away() -> None:
    line = Line()
    await line.join(1)
    visit = await line.book()
    await line.booking.visits.cancel(visit.id, hand=CLIENT)
    asked = [said for said in line.appointments.said if said.type.split(".")[2] in {"requested", "confirmed"}]
    await line.hears()
    for said in asked:
        assert await line.hear(said) == DONE
    assert [one.state for one in line.made] == [Standing.OPEN]


async def test_a_time_held_by_a_stranger_is_taken_for_as_long_as_they_hold_it() -> None:
    line = Line()
    await line.join(1)
    await line.frees()
    await line.hold(key="stranger")
    with pytest.raises(SlotTaken):
        await line.claim(line.made[0])
    assert not (await line.booking.claims.look(line.made[0].id)).can_be_had
    line.time.pass_(11 * MINUTE)
    assert (await line.claim(line.made[0])).state is State.REQUESTED


async def test_an_offer_that_has_passed_cannot_be_claimed() -> None:
    line = Line()
    await line.join(1)
    await line.frees()
    line.time.pass_(TWO_HOURS)
    with pytest.raises(OfferExpired):
        await line.claim(line.made[0])


async def test_what_was_claimed_just_in_time_by_a_killed_process_is_settled_by_the_clock_or_the_event() -> None:
    for settled_by in ("clock", "event", "client"):
        line = Line()
        waiting = await line.join(1)
        await line.frees()
        [offered] = line.made
        line.offers.turn = _killed  # type: ignore[method-assign]  # the process ends before it can settle anything
        with pytest.raises(ProcessLookupError):
            await line.claim(offered)
        del line.offers.turn
        if settled_by == "event":
            await line.hears()
        elif settled_by == "clock":
            await line.later(TWO_HOURS)
        else:
            line.time.pass_(TWO_HOURS)
            await line.claim(offered)
        assert (line.state(waiting), line.to(waiting)) == (Wait.CLAIMED, [Standing.CLAIMED]), settled_by


async def _killed(*_: object, **__: object) -> bool:
    raise ProcessLookupError


async def test_a_service_not_for_this_client_is_refused_and_its_time_given_back() -> None:
    line = Line()
    await line.join(1)
    await line.frees()
    line.change(age_from=18)
    with pytest.raises(Refusal, match="born"):
        await line.claim(line.made[0])
    assert (await line.hold(key="next")).state is State.HELD


async def test_nobody_waits_for_what_they_may_never_have() -> None:
    line = Line()
    line.change(age_from=18, age_until=80)
    with pytest.raises(BirthDateNeeded):
        await line.join(1)
    with pytest.raises(AgeNotServed):
        await line.join(1, born=date(1930, 1, 1))
    birthday = Range(first=date(2027, 3, 2), last=date(2027, 5, 1))
    assert await line.join(1, birthday, born=date(2009, 4, 1))


@pytest.mark.parametrize(
    ("only", "born"),
    [({"age_from": 18}, date(2009, 6, 1)), ({}, date(2009, 6, 1)), ({"audience": Audience.RETURNING}, None)],
)
async def test_a_time_is_offered_to_the_first_in_line_who_may_have_it(only: dict[str, Any], born: date | None) -> None:
    line = Line()
    seen = await line.book(wants(TEN - 24 * HOUR), key="seen")
    line.time.pass_(8 * HOUR)
    await line.booking.visits.attended(seen.id, hand=STAFF)
    freed = await line.hold()
    await line.booking.visits.request(freed.id, a_person(name="Ola Nord", phone="+41791239999"), hand=CLIENT)
    line.change(**only)
    year = Range(first=date(2027, 3, 2), last=date(2028, 2, 1))
    await line.join(1, year, born=born)
    second = await line.join(2, phone="+41791234567", born=date(1980, 1, 1))
    await line.booking.visits.cancel(freed.id, hand=STAFF)
    await line.hears()
    assert [one.waiting for one in line.made] == [second.id]
    assert (await line.claim(line.made[0])).state is State.REQUESTED


async def test_an_instant_offer_confirms_by_the_health_check_of_an_earlier_visit() -> None:
    line = Line()
    earlier = await _cleared(line, until=date(2027, 3, 2))
    waiting = await line.join(1, name=" kim  DOE", phone="+41791234567")
    await line.frees()
    assert line.made[0].instant
    visit = await line.claim(line.made[0])
    assert (visit.state, visit.cleared_until) == (State.CONFIRMED, date(2027, 3, 2))
    assert visit.history[-1].event == earlier.history[-1].event == "case:1"
    assert [turn.deed for turn in visit.history] == [Deed.HELD, Deed.CONFIRMED]
    assert line.said[-1] == "confirmed"
    assert line.state(waiting) is Wait.CLAIMED


@pytest.mark.parametrize("said", ["voided", "declined", "in review", "voided when it is over", "of another person"])
async def test_what_speaks_against_the_earlier_check_takes_back_what_was_confirmed_by_it(said: str) -> None:
    line = Line()
    over = said == "voided when it is over"
    earlier = await _cleared(line, until=date(2027, 3, 2), at=TEN - 2 * HOUR if over else TEN + 9 * HOUR)
    await line.join(1, name="Kim Doe", phone="+41791234567")
    await line.frees()
    visit = await line.claim(line.made[0])
    await line.hears()
    line.time.at = TEN - HOUR if over else NOW + 2 * MINUTE
    if said == "declined":
        await line.decide(earlier, Outcome.DECLINED)
    elif said == "in review":
        await line.decide(earlier, Outcome.NEEDS_REVIEW)
    elif said == "of another person":
        held = await line.hold(wants(TEN + 6 * HOUR), key="theirs")
        await line.booking.visits.request(held.id, a_person(name="Kit Doe"), hand=CLIENT)
        await line.decide(held, Outcome.DECLINED)
    else:
        await _hears_void(line, earlier)
    await line.hears(times=2)
    now_is = await line.booking.visits.get(visit.id)
    assert now_is.state is (State.CONFIRMED if said == "of another person" else State.REQUESTED)
    assert now_is.is_asked_again is (said != "of another person")
    await line.decide(now_is, Outcome.CLEARED)
    await line.hears(times=2)
    assert (await line.booking.visits.get(visit.id)).state is State.CONFIRMED


@pytest.mark.parametrize("said", ["voided", "declined", "in review", "before its own check", "of another person"])
async def test_what_is_said_of_one_visit_asks_anew_about_the_others_with_an_older_check(said: str) -> None:
    line = Line()
    own = await _cleared(line, until=date(2027, 6, 1))
    mine = "Kim Doe" if said != "of another person" else "Kit Doe"
    held = await line.hold(wants(TEN + 6 * HOUR), key="second")
    await line.booking.visits.request(held.id, a_person(name=mine), hand=CLIENT)
    line.time.pass_(MINUTE)
    if said == "voided":
        await line.decide(held, Outcome.CLEARED)
        await _hears_void(line, await line.booking.visits.get(held.id))
    else:
        await line.decide(held, Outcome.NEEDS_REVIEW if said == "in review" else Outcome.DECLINED)
    if said == "before its own check":
        line.time.pass_(MINUTE)
        again = a_word(Outcome.CLEARED, until=date(2027, 6, 1), event="case:2")
        await line.booking.visits.told(own.id, replace(again, version=9))
    await line.hears(times=3)
    stays = said in {"before its own check", "of another person"}
    now_is = await line.booking.visits.get(own.id)
    assert now_is.state is (State.CONFIRMED if stays else State.REQUESTED)
    assert now_is.is_asked_again is not stays
    cleared = a_word(Outcome.CLEARED, until=date(2027, 6, 1), event="case:3")
    line.time.pass_(MINUTE)
    await line.booking.visits.told(own.id, replace(cleared, version=12))
    await line.hears(times=3)
    assert (await line.booking.visits.get(own.id)).state is State.CONFIRMED


def test_what_was_taken_back_of_a_whole_course_speaks_against_whoever_stands_by_it() -> None:
    until = date(2027, 6, 1)
    cleared = Clearance(until=until, event="lead:followed")
    resting = turns.request(a_hold(), a_client(), asked="asked", now=NOW, policy=POLICY, cleared=cleared)
    follower = replace(a_visit(starts_at=TEN + 2 * HOUR), id=AppointmentId("follower"), cleared_until=until)
    assert doubt(resting, [resting, follower]) is None
    short = turns.postpone(follower, cleared_until=date(2027, 3, 1), event="lead:followed", now=NOW + MINUTE)
    assert doubt(resting, [resting, short]) is None
    back = turns.postpone(follower, cleared_until=None, event="lead:followed", now=NOW + MINUTE)
    assert doubt(resting, [resting, back]) == "lead:followed"


async def test_who_was_confirmed_while_the_earlier_check_was_voided_is_asked_too() -> None:
    line = Line()
    earlier = await _cleared(line, until=date(2027, 3, 2))
    await line.join(1, name="Kim Doe", phone="+41791234567")
    await line.frees()
    visit = await line.claim(line.made[0])  # and its event is still on the way
    line.time.pass_(MINUTE)
    turned = await line.void(earlier)
    line.appointments.said.remove(next(one for one in line.appointments.said if one.sequence == turned.version))
    await line.hears()
    assert (await line.booking.visits.get(visit.id)).is_asked_again


def test_a_clearance_confirms_a_request_up_to_its_last_day_at_the_place() -> None:
    for until, state in ((date(2027, 3, 1), State.REQUESTED), (date(2027, 3, 2), State.CONFIRMED)):
        cleared = Clearance(until=until, event="case:1")
        asked = turns.request(a_hold(), a_client(), asked="asked", now=NOW, policy=POLICY, cleared=cleared)
        assert asked.state is state


def test_a_clearance_counts_for_its_own_rule_set_and_not_while_another_visit_is_looked_at() -> None:
    cleared = replace(a_visit(), cleared_until=date(2027, 6, 1))
    reviewed = turns.review(a_request(NOW - HOUR, key="other"), event="case:2", now=NOW - HOUR)
    own = clearance([cleared], a_client(), screening="cst-core")
    assert own == Clearance(until=date(2027, 6, 1), event="cleared")
    assert clearance([cleared], a_client(), screening="another") is None
    assert clearance([cleared, reviewed], a_client(), screening="cst-core") is None
    answered = turns.confirm(reviewed, cleared_until=None, event="case:3", now=NOW - MINUTE)
    assert clearance([cleared, answered], a_client(), screening="cst-core") == own


async def test_what_was_offered_as_a_request_stays_one() -> None:
    line = Line()
    await line.join(1, name="Kim Doe", phone="+41791234567")
    await line.frees()
    await _cleared(line, until=date(2027, 6, 1))
    assert (await line.claim(line.made[0])).state is State.REQUESTED


@pytest.mark.parametrize(
    "because", ["it ends before", "another name", "a child", "declined since", "in review since", "none"]
)
async def test_an_offer_is_not_instant_when_the_health_check_does_not_count(because: str) -> None:
    line = Line()
    who: dict[str, Any] = {"name": "Kim Doe", "phone": "+41791234567"}
    if because != "none":
        await _cleared(line, until=date(2027, 3, 1) if because == "it ends before" else date(2027, 6, 1))
    if because == "another name":
        who["name"] = "Kit Doe"
    if because == "a child":
        who |= {"guardian_name": "Kay Doe", "guardian_phone": "+41791234568"}
    if because in {"declined since", "in review since"}:
        line.time.pass_(MINUTE)
        later = await line.request(wants(TEN + 6 * HOUR), key="later")
        await line.decide(later, Outcome.DECLINED if because == "declined since" else Outcome.NEEDS_REVIEW)
    await line.join(1, **who)
    await line.frees()
    assert [one.instant for one in line.made] == [False]
    assert (await line.claim(line.made[0])).state is State.REQUESTED


async def test_what_was_found_under_another_number_of_the_same_client_counts_too() -> None:
    line = Line()
    await _cleared(line, until=date(2027, 3, 2))
    line.time.pass_(MINUTE)
    held = await line.hold(wants(TEN + 6 * HOUR), key="new number")
    await line.booking.visits.request(held.id, a_person(phone="+41791000001"), hand=CLIENT)
    await line.decide(held, Outcome.DECLINED)
    await line.hears()
    refs = [client_ref(line.practice.id, phone) for phone in ("+41791000001", "+41791234567")]
    await line.booking.clients.merge(line.practice.id, *refs)
    await line.join(1, phone="+41791234567", name="Kim Doe")
    await line.frees()
    assert not line.made[0].instant


async def test_a_promise_that_does_not_hold_any_more_becomes_a_request() -> None:
    line = Line()
    await _cleared(line, until=date(2027, 6, 1))
    await line.join(1, name="Kim Doe", phone="+41791234567")
    await line.frees()
    assert line.made[0].instant
    line.time.pass_(MINUTE)
    later = await line.request(wants(TEN + 6 * HOUR), key="later")
    await line.decide(later, Outcome.DECLINED)
    assert (await line.claim(line.made[0])).state is State.REQUESTED


async def test_who_gets_no_texts_is_shown_to_the_practice_and_takes_nobody_elses_seat() -> None:
    line = Line()
    silent, texted = await line.join(1, texts=False), await line.join(2)
    await line.frees()
    places = await line.booking.waitlist.listed("still-water", after=None, limit=10)
    assert [(place.waiting.id, place.offered is not None) for place in places] == [(silent.id, True), (texted.id, True)]
    assert [said.data.client.ref for said in line.offers.said] == [texted.client.ref]
    by_phone = next(one for one in line.made if one.waiting == silent.id)
    visit = await line.booking.claims.claim(by_phone.id, hand=STAFF)
    assert [turn.who for turn in visit.history] == ["operator", "operator"]


async def test_leaving_passes_the_offer_on_at_once() -> None:
    line = Line()
    first, second = await line.join(1), await line.join(2)
    await line.frees()
    left = await line.booking.waitlist.leave(first.id)
    assert (left.waiting.state, left.offered) == (Wait.LEFT, None)
    await line.later(timedelta())
    assert (line.to(first), line.to(second)) == ([Standing.WITHDRAWN], [Standing.OPEN])
    with pytest.raises(OfferExpired):
        await line.claim(line.made[0])
    assert (await line.booking.waitlist.leave(first.id)).waiting.state is Wait.LEFT


async def test_an_offer_that_ends_before_its_time_is_said_to_be_over() -> None:
    line = Line(texting=Texting(), batch=2)
    first, second = await line.join(1), await line.join(2)
    await line.frees()
    line.time.pass_(MINUTE)
    await line.booking.waitlist.leave(first.id)
    await line.request(key="a stranger")
    await line.hears(times=2)
    assert (line.to(first), line.to(second)) == ([Standing.WITHDRAWN], [Standing.LOST])
    over = [said for said in line.offers.said if said.sequence == 2]
    assert [(said.subject, said.data.expires_at, said.time) for said in over] == [
        (offered.id, line.time(), line.time()) for offered in line.made
    ]


async def test_an_entry_ends_by_itself_after_its_last_date() -> None:
    line = Line()
    waiting = await line.join(1)
    await line.later(datetime(2027, 3, 2, 22, 59, tzinfo=NOW.tzinfo) - line.time())
    assert line.state(waiting) is Wait.WAITING
    await line.later(MINUTE)
    assert line.state(waiting) is Wait.OVER


async def test_the_same_wish_or_key_gives_the_same_entry_and_another_wish_is_not_slipped_in() -> None:
    line = Line()
    waiting = await line.join(1)
    assert await line.join(1) == waiting
    wish, person = Wish(service="session", practitioner=None, ranges=(THAT_DAY,)), a_person()
    mine = await line.booking.waitlist.join("still-water", wish, person, key="a", hand=CLIENT)
    assert await line.booking.waitlist.join("still-water", wish, person, key="b", hand=CLIENT) == mine
    other = replace(wish, ranges=(replace(THAT_DAY, last=date(2027, 4, 1)),))
    with pytest.raises(AlreadyWaiting):
        await line.booking.waitlist.join("still-water", other, person, key="c", hand=CLIENT)
    with pytest.raises(KeyReused):
        await line.booking.waitlist.join("still-water", other, person, key="a", hand=CLIENT)


@pytest.mark.parametrize(
    ("wish", "person", "refused"),
    [
        ({"service": "dance"}, {}, NoSuchService),
        ({"practitioner": "cleo"}, {}, NotOffered),
        ({"ranges": (Range(first=date(2027, 2, 1), last=date(2027, 2, 28)),)}, {}, NothingToWaitFor),
        ({"ranges": (Range(first=date(2027, 3, 1), last=date(2028, 3, 28)),)}, {}, NothingToWaitFor),
        ({}, {"phone": "044 000 00 00"}, NotAMobileNumber),
    ],
)
async def test_what_cannot_be_waited_for_is_refused(
    wish: dict[str, Any], person: dict[str, Any], refused: type[Refusal]
) -> None:
    line = Line()
    fields: dict[str, Any] = {"service": "session", "practitioner": None, "ranges": (THAT_DAY,)} | wish
    with pytest.raises(refused):
        await line.booking.waitlist.join("still-water", Wish(**fields), a_person(**person), key="k", hand=CLIENT)


async def test_fifty_claims_by_several_entries_make_one_visit() -> None:
    line = Line(batch=10)
    people = [await line.join(n) for n in range(10)]
    await line.frees()
    assert len(line.made) == 10
    claims = (line.claim(line.made[n % 10]) for n in range(50))
    answers = await asyncio.gather(*claims, return_exceptions=True)
    won = {answer.id for answer in answers if isinstance(answer, Appointment)}
    told = Counter(type(answer).__name__ for answer in answers if not isinstance(answer, Appointment))
    assert len(won) == 1
    assert set(told) <= {"SlotTaken", "OfferExpired"}
    assert Counter(map(line.state, people)) == {Wait.CLAIMED: 1, Wait.WAITING: 9}
    assert Counter(said.sequence for said in line.offers.said) == {1: 10, 2: 9}


async def test_a_practice_that_proves_numbers_asks_for_no_code_from_who_read_the_text() -> None:
    line = Line(verify_numbers=True)
    wish = Wish(service="session", practitioner=None, ranges=(THAT_DAY,))
    caller = a_person(phone="+41791000001")
    await line.booking.waitlist.join("still-water", wish, caller, key="called", hand=STAFF)
    visit = await line.hold()
    requested = await line.booking.visits.request(visit.id, a_person(), hand=STAFF)
    await line.booking.visits.cancel(requested.id, hand=STAFF)
    await line.hears()
    assert (await line.claim(line.made[0])).state is State.REQUESTED


async def test_time_off_taken_since_is_in_the_way_of_a_claim() -> None:
    line = Line()
    await line.join(1)
    await line.frees()
    ana, ben = line.practice.practitioners
    away = replace(ana, blocks=(Block(starts_at=TEN, ends_at=TEN + HOUR),))
    kept = line.practices.kept["still-water"]
    line.practices.kept["still-water"] = replace(kept, practice=replace(line.practice, practitioners=(away, ben)))
    with pytest.raises(Refusal, match="no visit starts"):
        await line.claim(line.made[0])


async def test_an_unknown_offer_is_not_found() -> None:
    line = Line()
    with pytest.raises(NoSuchOffer):
        await line.booking.claims.look("a" * 26)  # type: ignore[arg-type]  # as an address would have it


async def _hears_void(line: Line, visit: Appointment) -> None:
    fact = CaseVoided(appointment=visit.id, cause="changed")
    said = envelope(fact, subject=visit.id, practice=visit.practice, sequence=visit.checked + 1, at=line.time.at)
    assert await line.hear(said) == DONE


async def _cleared(line: Line, *, until: date, at: datetime = TEN + 9 * HOUR) -> Appointment:
    """The client of `a_person` has a visit, by default later that day, with a health check that counts until then."""
    requested = await line.request(wants(at), key="earlier")
    return await line.booking.visits.told(requested.id, a_word(Outcome.CLEARED, until=until, event="case:1"))


async def test_who_has_got_a_time_claims_no_second_one() -> None:
    """Which an offer that was on its way when the first was claimed would give them."""
    line = Line()
    waiting = await line.join(1)
    await line.frees()
    await line.stores.line.end(waiting.id, Wait.CLAIMED, line.time())
    with pytest.raises(OfferExpired):
        await line.claim(line.made[0])
    assert not [one for one in line.appointments.kept.values() if one.cells]
