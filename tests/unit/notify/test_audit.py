"""The audit of a day: what is there twice, what is of no one, what is not there, and who does it when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import prometheus_client
import pytest
from structlog.testing import capture_logs

from services.notify.actions import auditing
from services.notify.actions.auditing import LEASE, Auditing
from services.notify.domain.audit import EXAMPLES, Audit, Listed, Posted, compared, span
from services.notify.domain.delivery import Attempt, Message, State
from services.notify.ports import GatewayDown
from tests.support.notify import PHONE, Clock, message, steps, twins, visit
from tests.support.notify_audits import Register

DAY = date(2027, 6, 8)
NOON = datetime(2027, 6, 8, 12, tzinfo=UTC)
NEXT = datetime(2027, 6, 9, 5, tzinfo=UTC)


def listed(sid: str, status: str = "delivered") -> Listed:
    return Listed(sid, PHONE, status)


def posted(name: str, *sids: str, at: datetime = NOON, doubled: int = 0) -> Posted:
    return Posted(name, at, sids, doubled)


def test_a_day_on_which_everything_fits_shows_no_difference() -> None:
    found = compared(DAY, [listed("SM1"), listed("SM2")], [posted("a", "SM1"), posted("b", "SM2"), posted("c")])

    assert (found.doubled, found.strangers, found.unseen) == ((), (), ())


@pytest.mark.parametrize(
    ("status", "doubled"), [("sent", ("a",)), ("delivered", ("a",)), ("failed", ()), ("undelivered", ())]
)
def test_a_text_with_two_sids_is_a_duplicate_unless_one_never_reached_anybody(
    status: str, doubled: tuple[str, ...]
) -> None:
    found = compared(DAY, [listed("SM1", status), listed("SM2")], [posted("a", "SM1", "SM2")])

    assert found.doubled == doubled


def test_a_duplicate_that_only_receipts_knew_of_counts_on_the_day_of_its_text() -> None:
    text = posted("a", "SM1", doubled=1)

    assert compared(DAY, [listed("SM1")], [text]).doubled == ("a",)
    assert compared(DAY, [], [replace(text, at=NOON - timedelta(days=1))]).doubled == ()


def test_one_sid_at_two_texts_is_shown_at_both() -> None:
    assert compared(DAY, [listed("SM1")], [posted("a", "SM1"), posted("b", "SM1")]).doubled == ("a", "b")


def test_a_sid_of_no_text_is_a_stranger_and_a_text_posted_late_in_the_evening_before_is_none() -> None:
    evening_before = posted("a", "SM1", at=span(DAY)[0] + timedelta(hours=2))

    found = compared(DAY, [listed("SM1"), listed("SM2")], [evening_before])

    assert [text.sid for text in found.strangers] == ["SM2"]


def test_what_waited_ten_hours_with_the_provider_and_what_failed_the_next_day_are_of_the_span() -> None:
    since, until = span(DAY)

    assert since <= datetime(2027, 6, 7, 14, tzinfo=UTC)
    assert until >= datetime(2027, 6, 10, tzinfo=UTC)


def test_what_is_not_listed_is_asked_for_only_if_it_was_posted_on_that_day() -> None:
    found = compared(DAY, [], [posted("a", "SM1"), posted("b", "SM2", at=NOON + timedelta(days=1))])

    assert found.unseen == ("SM1",)


def text(name: str, *sids: str, at: datetime = NOON) -> Message:
    attempts = tuple(Attempt(f"{n:032d}", at, sid) for n, sid in enumerate(sids))
    base = message(steps(visit())["day_before"], visit(), code=name)
    return replace(base, id=name, state=State.ACCEPTED, due=None, sent_at=at, sid=sids[-1], attempts=attempts)


def found_by_metric(what: str) -> float:
    return prometheus_client.REGISTRY.get_sample_value("texts_audited_total", {"found": what}) or 0.0


async def test_the_audit_of_a_day_counts_what_does_not_fit_and_names_some_of_it() -> None:
    stores = twins(Clock(NEXT))
    await stores.messages.save([text("a", "SM1"), text("b", "SM2", "SM3"), text("c", "SM4"), text("d", "SM5")])
    register = Register([listed("SM1"), listed("SM2")], [listed("SM3"), listed("SM9")], undated=[listed("SM4")])
    before = {what: found_by_metric(what) for what in ("listed", "duplicates", "strangers", "missing")}

    audit = await Auditing(stores.audits, register, now=Clock(NEXT)).audit(DAY)

    assert (audit.listed, audit.posted, audit.whole, audit.is_clean) == (4, 4, True, False)
    assert (audit.duplicates, audit.strangers, audit.missing) == (1, 1, 1)
    assert audit.per_ten_thousand == 2500
    assert audit.examples == ("duplicate b", "stranger SM9", "missing SM5")
    grown = {what: found_by_metric(what) - count for what, count in before.items()}
    assert grown == {"listed": 4, "duplicates": 1, "strangers": 1, "missing": 1}


async def test_a_text_that_was_replayed_days_later_is_no_stranger_on_the_day_of_its_first_post() -> None:
    stores, later = twins(Clock(NEXT)), NEXT + timedelta(days=20)
    await stores.messages.save([text("a", "SM1", "SM2", at=later - timedelta(minutes=1))])

    audit = await Auditing(stores.audits, Register([listed("SM1", "failed")]), now=Clock(later)).audit(DAY)

    assert (audit.strangers, audit.missing, audit.is_clean) == (0, 0, True)


async def test_a_text_of_a_client_who_was_forgotten_since_is_no_stranger() -> None:
    stores = twins(Clock(NEXT))
    stores.audits.forgotten[PHONE] = NEXT  # type: ignore[attr-defined]  # the twin's own

    audit = await Auditing(stores.audits, Register([listed("SM1")]), now=Clock(NEXT)).audit(DAY)

    assert (audit.strangers, audit.forgotten, audit.is_clean) == (0, 1, True)


@pytest.mark.parametrize(("limit", "most"), [("MOST_TEXTS", 2), ("MOST_ASKED", 1)])
async def test_a_day_of_which_not_all_could_be_seen_says_so(
    limit: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores = twins(Clock(NEXT))
    await stores.messages.save([text("a", "SM1"), text("b", "SM2")])
    register = Register([], undated=[listed("SM1"), listed("SM2")])
    assert (await Auditing(stores.audits, register, now=Clock(NEXT)).audit(DAY)).whole

    monkeypatch.setattr(auditing, limit, most)
    assert not (await Auditing(stores.audits, register, now=Clock(NEXT)).audit(DAY)).whole


@pytest.mark.parametrize(("sid", "level"), [("SM1", "info"), ("SM9", "error")])
async def test_a_day_that_does_not_fit_is_an_error_in_the_log(sid: str, level: str) -> None:
    stores = twins(Clock(NEXT))
    await stores.messages.save([text("a", "SM1")])
    with capture_logs() as lines:
        await Auditing(stores.audits, Register([listed(sid)], undated=[listed("SM1")]), now=Clock(NEXT)).audit(DAY)

    assert [(line["event"], line["log_level"]) for line in lines] == [("texts.audited", level)]


async def test_no_more_is_named_than_a_person_reads() -> None:
    register = Register([listed(f"SM{n}") for n in range(EXAMPLES * 2)])

    audit = await Auditing(twins(Clock(NEXT)).audits, register, now=Clock(NEXT)).audit(DAY)

    assert (audit.strangers, len(audit.examples)) == (EXAMPLES * 2, EXAMPLES)


async def test_each_of_the_last_days_is_done_once_when_it_has_settled() -> None:
    clock = Clock(datetime(2027, 6, 9, 3, 59, tzinfo=UTC))
    stores, register = twins(clock), Register()
    auditing = Auditing(stores.audits, register, now=clock)

    await auditing.look()
    assert register.days == [date(2027, 6, 5), date(2027, 6, 6), date(2027, 6, 7)]
    clock.at = NEXT
    await auditing.look()
    await Auditing(stores.audits, register, now=clock).look()

    assert register.days[3:] == [DAY]
    assert [audit.day for audit in await auditing.kept()] == [date(2027, 6, n) for n in (8, 7, 6, 5)]


async def test_a_day_on_which_the_provider_did_not_answer_is_done_after_the_lease() -> None:
    clock = Clock(NEXT)
    stores, register = twins(clock), Register()
    auditing = Auditing(stores.audits, register, now=clock)
    register.down = True

    await auditing.look()
    assert await auditing.kept() == []
    register.down = False
    clock.forward(LEASE + timedelta(seconds=1))
    await auditing.look()

    assert DAY in {audit.day for audit in await auditing.kept()}


async def test_by_hand_it_says_that_the_provider_did_not_answer() -> None:
    register = Register()
    register.down = True

    with pytest.raises(GatewayDown):
        await Auditing(twins(Clock(NEXT)).audits, register, now=Clock(NEXT)).audit(DAY)


def test_what_was_not_seen_as_a_whole_is_not_clean() -> None:
    audit = Audit(day=DAY, done_at=NEXT, listed=1, posted=1, duplicates=0, strangers=0, missing=0)

    assert audit.is_clean
    assert not replace(audit, whole=False).is_clean
