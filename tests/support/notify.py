"""Notify's twins: every port in memory, and builders of its facts."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from services.notify.domain.delivery import Message, State
from services.notify.domain.plan import Planned, plan
from services.notify.domain.quiet import Quiet
from services.notify.domain.visit import Practice, Visit, VisitState

APPOINTMENT = "abcdefghijklmnopqrstuvwxyz"
PHONE = "+15035550142"
NEW_YORK = "America/New_York"
ALL_STEPS = frozenset({"prepare", "day_before", "two_hours", "aftercare"})
# A Wednesday in summer, 10:00 in New York.
STARTS = datetime(2027, 6, 16, 14, 0, tzinfo=UTC)


def practice(
    *,
    id: str = "still-waters",  # noqa: A002  the field's own name
    version: int = 1,
    sms_name: str = "Still Waters",
    locale: str = "en-US",
    phone: str = "+15035550100",
    steps: frozenset[str] = ALL_STEPS,
    quiet: Quiet = Quiet(time(21), time(8)),  # noqa: B008  frozen
) -> Practice:
    return Practice(id=id, version=version, sms_name=sms_name, locale=locale, phone=phone, steps=steps, quiet=quiet)


def visit(
    *,
    appointment: str = APPOINTMENT,
    version: int = 3,
    state: VisitState = VisitState.CONFIRMED,
    moved: bool = False,
    notice: timedelta = timedelta(days=7),
    starts_at: datetime = STARTS,
    length: timedelta = timedelta(hours=1),
    since: datetime | None = None,
    zone: str = NEW_YORK,
    client_zone: str = NEW_YORK,
    phone: str = PHONE,
    consented: bool = True,
    replies: int = 0,
    heard: tuple[str, ...] = (),
) -> Visit:
    return Visit(
        appointment=appointment,
        practice="still-waters",
        version=version,
        state=state,
        moved=moved,
        since=since or starts_at - notice,
        starts_at=starts_at,
        ends_at=starts_at + length,
        zone=zone,
        phone=phone,
        client_zone=client_zone,
        locale="en-US",
        consented=consented,
        replies=replies,
        heard=heard,
    )


def steps(visit: Visit, policy: Practice | None = None) -> dict[str, Planned]:
    return {text.step: text for text in plan(visit, policy or practice())}


def message(text: Planned, of: Visit, *, code: str = "Ab3dEf9h", state: State = State.PLANNED) -> Message:
    return Message(
        id=text.id,
        practice=of.practice,
        appointment=of.appointment,
        step=text.step,
        template=text.template,
        code=code,
        to=of.phone,
        version=of.version,
        state=state,
        planned_for=text.due,
        due=text.due,
        not_after=text.not_after,
        validity=text.validity,
    )
