"""Taking appointments through their turns: load, decide, save, once each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass, replace
from datetime import date, datetime, timedelta

from prometheus_client import Counter

from services.booking.actions.admission import Admission
from services.booking.actions.times import Times, Wanted
from services.booking.domain import course, turns
from services.booking.domain.appointment import (
    TIME,
    Appointment,
    AppointmentId,
    By,
    Client,
    Consent,
    Deed,
    Guardian,
    Hand,
    Offer,
    Seat,
    State,
)
from services.booking.domain.audit import signed
from services.booking.domain.checking import Word, obey
from services.booking.domain.identity import appointment_id, client_ref, fingerprint, seat_id
from services.booking.domain.offering import offer
from services.booking.domain.policy import Policy
from services.booking.domain.practice import Audience
from services.booking.domain.refusals import KeyReused, NoSuchAppointment, SlotTaken
from services.booking.outbox import announce
from services.booking.phone import mobile
from services.booking.ports import AlreadyMade, Appointments
from shared.clock import Clock
from shared.errors import Kind, Refusal
from shared.recent import Recent

holds = Counter("booking_holds_total", "Times that were held, for a few minutes each")

MOST_TRIES = 8
# Each try that fails means that somebody else got a time, and with anyone to choose from there are many to try.
MOST_CLAIMS = 50
BATCH = 100
MOMENT = timedelta(minutes=1)


class Contended(Refusal):
    """Others kept changing the same appointment; the same call may be repeated."""

    slug = "contended"
    kind = Kind.UNAVAILABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A client as they introduce themselves; the numbers are as typed."""

    name: str
    phone: str
    locale: str
    zone: str
    texts: bool
    wording: str
    guardian_name: str | None = None
    guardian_phone: str | None = None
    born: date | None = None
    offers: bool = False


class Visits:
    def __init__(
        self, times: Times, appointments: Appointments, admission: Admission, policy: Policy, now: Clock
    ) -> None:
        self._times = times
        self._appointments = appointments
        self._admission = admission
        self._policy = policy
        self._now = now
        self._recent: Recent[Appointment] = Recent()

    async def admit(self, practice: str, *, times: int = 1, hand: Hand) -> None:
        """Raises when so many times more are too many holds; a course counts as all of its own."""
        await self._admission.to_hold(practice, hand, times=times)

    async def hold(self, practice: str, wanted: Wanted, *, key: str, hand: Hand) -> Appointment:
        """Take a time that is offered. The same `key` and wish again give the same appointment, however often."""
        id_ = appointment_id(practice, key)
        asked = fingerprint(wanted.service, wanted.practitioner or "", wanted.starts_at.isoformat())
        try:
            await self._admission.to_hold(practice, hand)
            return await self._claim(id_, practice, wanted, asked, hand)
        except (AlreadyMade, Refusal):
            # Our own earlier attempt may be the very thing that is in the way.
            earlier = await self._appointments.get(id_)
            if earlier is None:
                raise
        if earlier.asked != asked:
            raise KeyReused("this Idempotency-Key was used for another request")
        return earlier

    async def renew(self, id_: AppointmentId, *, hand: Hand) -> Appointment:
        held = await self._known(id_)
        if held.seat is not None:
            raise turns.WrongState("a visit of a course is held with its course", state=held.state)
        return await self._turn(id_, lambda was: turns.renew(was, now=self._now(), policy=self._policy), hand)

    async def request(self, id_: AppointmentId, person: Person, *, hand: Hand, code: str | None = None) -> Appointment:
        """Consume the hold. The same request again changes nothing. `code` proves the number, where that is needed."""
        asked, attended = fingerprint(*map(str, astuple(person))), False
        client: Client | None = None
        held = await self._known(id_)
        if held.seat is not None:
            raise turns.WrongState("a visit of a course is asked for with its course", state=held.state)
        if held.state_at(self._now()) is not State.HELD:
            held = await self.get(id_)  # it may have been renewed elsewhere
        if held.state_at(self._now()) is State.HELD:
            client = _client(held, person, self._now())
            try:
                attended = await self._admission.to_request(held, client, code=code, hand=hand)
            except Refusal:
                # Our own earlier attempt may be the very thing that is in the way.
                if (await self.get(id_)).requested_with != asked:
                    raise

        return await self._turn(
            id_, lambda held: self._requested(held, person, asked, attended=attended, client=client), hand
        )

    async def request_seats(
        self, visits: Sequence[Appointment], person: Person, *, hand: Hand, code: str | None
    ) -> AsyncIterator[Appointment]:
        """As `request`, of one visit of a course after the other; what can be refused beforehand is, for all of them.

        What has been asked for in the same words was admitted then.
        """
        asked = fingerprint(*map(str, astuple(person)))
        held = [visit for visit in visits if visit.requested_with != asked]
        attended = visits[0].offer.audience is Audience.RETURNING
        if len(held) == len(visits):
            client = _client(held[0], person, self._now())
            attended = await self._admission.to_request(held[0], client, code=code, hand=hand)
        for visit in held:
            self._requested(visit, person, asked, attended=attended)
        for visit in visits:
            yield await self._turn(visit.id, lambda held: self._requested(held, person, asked, attended=attended), hand)

    async def held(self, id_: AppointmentId, *, hand: Hand) -> Appointment:
        """For whom a code is to be sent."""
        found = await self.get(id_)
        await self._admission.to_send_code(found, hand)
        return found

    async def hold_seat(self, seat: Seat, practice: str, wanted: Wanted, *, asked: str, hand: Hand) -> Appointment:
        """As `hold`, for a place in a course; raises `AlreadyMade` where that place has a visit."""
        return await self._claim(seat_id(seat.course, seat.index), practice, wanted, asked, hand, seat)

    async def turn(self, id_: AppointmentId, take: Callable[[Appointment], Appointment], *, hand: Hand) -> Appointment:
        """Any turn that a rule decides; the same value back means that there is none to take."""
        return await self._turn(id_, take, hand)

    async def get(self, id_: AppointmentId) -> Appointment:
        appointment = await self._appointments.get(id_)
        if appointment is None:
            raise NoSuchAppointment("there is no such appointment")
        return appointment

    async def move(
        self, id_: AppointmentId, starts_at: datetime, practitioner: str | None, *, hand: Hand
    ) -> Appointment:
        """Give the old time back and take the new one in one write, or change nothing."""
        for _ in range(MOST_TRIES):
            was = await self.get(id_)
            if was.starts_at == starts_at and practitioner in {None, was.offer.practitioner}:
                return was
            turned = signed(await self._moved(was, starts_at, practitioner, hand.by), hand, was=was)
            try:
                if await self._save(turned):
                    return turned
            except SlotTaken:
                if not await self._release(turned):
                    raise
        raise Contended("others kept changing this appointment")

    async def cancel(self, id_: AppointmentId, *, hand: Hand) -> Appointment:
        return await self._turn_into(
            State.CANCELLED, id_, lambda was: turns.cancel(was, by=hand.by, now=self._now()), hand
        )

    async def attended(self, id_: AppointmentId, *, hand: Hand) -> Appointment:
        return await self._turn_into(State.ATTENDED, id_, lambda was: turns.attend(was, now=self._now()), hand)

    async def missed(self, id_: AppointmentId, *, hand: Hand) -> Appointment:
        return await self._turn_into(State.MISSED, id_, lambda was: turns.miss(was, now=self._now()), hand)

    async def told(self, id_: AppointmentId, word: Word) -> Appointment:
        """Follow the health check, however often and in whatever order it is told what it came to."""
        hand = Hand(by=By.RULES, who="health check")
        return await self._turn(id_, lambda was: obey(was, word, now=self._now()), hand)

    async def replied(self, id_: AppointmentId, deed: Deed, *, event: str, at: datetime) -> Appointment:
        hand = Hand(by=By.CLIENT, who="text message")
        return await self._turn(id_, lambda was: turns.reply(was, deed, event=event, at=at), hand)

    async def agenda(self, practice: str, starts_from: datetime, starts_until: datetime) -> list[Appointment]:
        now = self._now()
        standing = await self._appointments.agenda(practice, starts_from, starts_until)
        return [appointment for appointment in standing if not appointment.is_expired(now)]

    async def keep_time(self) -> None:
        """Take the turns that time itself takes, all that are due by now; any number of replicas may do so at once."""
        now = self._now()
        while True:
            due = await self._appointments.due(now, BATCH)
            turns_taken = [(one, await self._in_time(one, now)) for one in due]
            turned = [signed(later, TIME, was=one) for one, later in turns_taken if later is not None]
            for later in turned:
                await self._appointments.save(later, announce(later))
            if len(due) < BATCH or not turned:
                return

    def _requested(
        self, held: Appointment, person: Person, asked: str, *, attended: bool, client: Client | None = None
    ) -> Appointment:
        """`client` is the person as they were read already, if they were."""
        if held.requested_with == asked:
            return held
        now = self._now()
        client = client or _client(held, person, now)
        return turns.request(held, client, asked=asked, now=now, policy=self._policy, attended=attended)

    async def _claim(
        self, id_: AppointmentId, practice: str, wanted: Wanted, asked: str, hand: Hand, seat: Seat | None = None
    ) -> Appointment:
        for _ in range(MOST_CLAIMS):
            found = await self._times.find(practice, wanted)
            held = turns.hold(
                id_=id_,
                practice=practice,
                offer=offer(found.practice, found.service, found.start),
                starts_at=found.start.starts_at,
                asked=asked,
                now=self._now(),
                policy=self._policy,
                seat=seat,
            )
            held = signed(held, hand, was=None)
            try:
                await self._appointments.add(held, announce(held))
            except SlotTaken:
                # Somebody was faster, or a hold that has lapsed was not swept yet: look again who is free.
                await self._release(held)
            else:
                holds.inc()
                self._recent.keep(held.id, held)
                return held
        raise SlotTaken("this time has been taken")

    async def _in_time(self, due: Appointment, now: datetime) -> Appointment | None:
        if due.seat is None or not due.follows:
            return turns.keep_time(due, now=now)
        lead = await self._appointments.get(seat_id(due.seat.course, 0))
        return course.keep_time(due, lead, now=now)

    async def _moved(self, was: Appointment, starts_at: datetime, practitioner: str | None, by: By) -> Appointment:
        wanted = Wanted(
            service=was.offer.service,
            practitioner=practitioner or was.offer.practitioner,
            starts_at=starts_at,
            by_practice=by is By.PRACTICE,
        )
        turns.check_move(was, starts_at, by=by, now=self._now())
        found = await self._times.find(was.practice, wanted, moving=was.id)
        terms = _kept(was.offer, offer(found.practice, found.service, found.start))
        return turns.move(was, offer=terms, starts_at=found.start.starts_at, by=by, now=self._now())

    async def _release(self, wanted: Appointment) -> bool:
        """Give back the expired holds that lie in the way; True if there were any.

        What somebody has asked for only lapses by `keep_time`, which waits until everything said in time was heard.
        """
        now = self._now()
        found = await self._appointments.in_the_way(wanted, now)
        lapsed = [signed(turns.lapse(one, now=now), TIME, was=one) for one in found if one.state is State.HELD]
        for one in lapsed:
            await self._appointments.save(one, announce(one))
        return bool(lapsed)

    async def _turn_into(
        self, state: State, id_: AppointmentId, take: Callable[[Appointment], Appointment], hand: Hand
    ) -> Appointment:
        """As `_turn`; an appointment that has got there already stays as it is."""
        return await self._turn(id_, lambda was: was if was.state is state else take(was), hand)

    async def _turn(self, id_: AppointmentId, take: Callable[[Appointment], Appointment], hand: Hand) -> Appointment:
        """Take one turn, deciding anew whenever somebody else was faster; the same value back means nothing to do.

        What this process wrote last is tried first, and believed only if the database takes the turn it leads to.
        """
        known = self._recent.take(id_)
        if known is not None:
            with suppress(Refusal):
                turned = take(known)
                if turned is not known and await self._save(turned := signed(turned, hand, was=known)):
                    return turned
        for _ in range(MOST_TRIES):
            was = await self.get(id_)
            turned = take(was)
            if turned is was or await self._save(turned := signed(turned, hand, was=was)):
                return turned
        raise Contended("others kept changing this appointment")

    async def as_heard(self, id_: AppointmentId, version: int) -> Appointment:
        """The visit as this process wrote it a moment ago, or as it is: good for what follows from its latest turn."""
        known = await self._known(id_)
        fresh = known.version >= version and self._now() - known.history[-1].at < MOMENT
        return known if fresh else await self.get(id_)

    async def _known(self, id_: AppointmentId) -> Appointment:
        """As this process wrote it last, or as it is: good for what never changes, and for trying a turn on it."""
        known = self._recent.take(id_) or await self.get(id_)
        self._recent.keep(id_, known)
        return known

    async def _save(self, turned: Appointment) -> bool:
        saved = await self._appointments.save(turned, announce(turned))
        if saved:
            self._recent.keep(turned.id, turned)
        return saved


def _kept(was: Offer, now_is: Offer) -> Offer:
    """What a move leaves as it was agreed: the health check, and for whom the visit is."""
    return replace(
        now_is, screening=was.screening, audience=was.audience, age_from=was.age_from, age_until=was.age_until
    )


def client_of(practice: str, person: Person, now: datetime, *, country: str, countries: Collection[str]) -> Client:
    """Numbers are read as they are dialled in `country`, and taken if they are of one of `countries`, or of it."""
    phone = mobile(person.phone, country=country, countries=countries, field="client.phone")
    return Client(
        ref=client_ref(practice, phone),
        name=person.name,
        phone=phone,
        locale=person.locale,
        zone=person.zone,
        consent=Consent(texts=person.texts, wording=person.wording, given_at=now, offers=person.offers),
        guardian=_guardian(person, country, countries),
        born=person.born,
    )


def _client(held: Appointment, person: Person, now: datetime) -> Client:
    return client_of(held.practice, person, now, country=held.offer.country, countries=held.offer.countries)


def _guardian(person: Person, country: str, countries: Collection[str]) -> Guardian | None:
    if person.guardian_name is None or person.guardian_phone is None:
        return None
    phone = mobile(person.guardian_phone, country=country, countries=countries, field="client.guardian.phone")
    return Guardian(name=person.guardian_name, phone=phone)
