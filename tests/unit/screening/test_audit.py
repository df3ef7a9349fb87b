"""The audit: what changes leave behind, what is noted before answers are shown, and taking it over after any crash."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.screening.actions import Auditing, CaseUnknown, ExportUnknown, Reviews, Word
from services.screening.domain import trail
from services.screening.domain.audit import (
    BOOKING,
    CLIENT,
    RULES,
    Deed,
    Entry,
    Fact,
    Hand,
    Head,
    Result,
    Role,
    chained,
    coarse,
    digest,
)
from services.screening.domain.case import Case, Reopening, Ruling, Submission, Verdict
from services.screening.domain.refusals import CannotApprove, ClearanceMissing, NoteTooShort
from services.screening.domain.ruleset import Effect
from services.screening.ports import Trail, Trails
from tests.support import screening as twin
from tests.support.screening import APPOINTMENT, NOW, PRACTICE, STAFF, STARTS_AT
from tests.support.screening_audit import AuditTwin, TrailTwin, an_audit
from tests.unit.screening.test_killed import Killed, Mortal

HELD_FOR = timedelta(hours=48)
SUBMISSION = Submission(
    questionnaire=twin.FORM,
    ruleset=twin.FORM,
    messages="client@2026.1.0",
    submitted_at=NOW,
    as_of=date(2026, 11, 20),
    zone="Europe/Berlin",
    review_for=HELD_FOR,
    outcome=Effect.NEEDS_REVIEW,
    urgent=False,
    retry_after=None,
    sealed=b"sealed",
)
NEW = Case(id=APPOINTMENT, practice=PRACTICE)
REQUESTED = NEW.requested(twin.request(), starts_at=STARTS_AT, sequence=2, now=NOW)
IN_REVIEW = REQUESTED.submitted(SUBMISSION, now=NOW)
DECLINED = REQUESTED.submitted(replace(SUBMISSION, outcome=Effect.DECLINED), now=NOW)
CLEARED = REQUESTED.submitted(replace(SUBMISSION, outcome=Effect.CLEARED), now=NOW)


def ruled(case: Case, verdict: Verdict) -> Case:
    return case.ruled(Ruling(verdict=verdict, by="Ines", at=NOW, sealed=b"note"), valid_for=timedelta(days=90))


@pytest.mark.parametrize(
    ("before", "after", "left"),
    [
        (NEW, REQUESTED, []),
        (REQUESTED, IN_REVIEW, [(Deed.SUBMIT, STAFF), (Deed.DECIDE, RULES)]),
        (NEW, NEW.submitted(SUBMISSION, now=NOW), [(Deed.SUBMIT, STAFF)]),
        (IN_REVIEW, IN_REVIEW.moved(starts_at=STARTS_AT, sequence=9), []),
        (IN_REVIEW, ruled(IN_REVIEW, Verdict.APPROVE), [(Deed.DECIDE, STAFF)]),
        (IN_REVIEW, ruled(IN_REVIEW, Verdict.MORE_INFO), [(Deed.MORE_INFO, STAFF)]),
        (DECLINED, DECLINED.review_requested(b"appeal", review_for=HELD_FOR, now=NOW), [(Deed.APPEAL, STAFF)]),
        (CLEARED, CLEARED.voided(Reopening.CHANGED, now=NOW), [(Deed.VOID, STAFF)]),
        (CLEARED, CLEARED.asked_again(checked=99, now=NOW), [(Deed.VOID, STAFF)]),
        (CLEARED, CLEARED.closed(), []),
        (CLEARED, CLEARED.forgotten(), [(Deed.ERASE, STAFF)]),
        (NEW, NEW.forgotten(), []),
    ],
)
def test_a_change_leaves_who_did_what_and_what_the_rules_did_of_themselves(
    before: Case, after: Case, left: list[tuple[Deed, Hand]]
) -> None:
    facts = trail.facts(before, after, STAFF, NOW)
    assert [(one.deed, one.hand) for one in facts] == left
    assert {(one.record, one.practice, one.at) for one in facts} <= {(APPOINTMENT, PRACTICE, NOW)}
    assert {(one.old, one.new) for one in facts} <= {(str(before.version), str(after.version))}
    assert len({one.id for one in facts}) == len(facts)


def test_an_entry_names_nothing_that_was_answered_decided_or_written() -> None:
    """The names of all there is in an entry; a new one has to be thought about here first."""
    (entry,) = chained(Head(), [fact("a", hand=STAFF, old="1", new="2")])
    assert sorted(entry.written()) == [
        "at", "deed", "digest", "id", "name", "new", "old", "practice", "prev", "record", "result", "role", "seq",
        "where", "who",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("unix", None),
    ],
)
def test_of_a_client_the_network_is_kept_and_not_the_address(address: str, network: str | None) -> None:
    assert coarse(address) == network


def fact(name: str, **changes: Any) -> Fact:
    known = Fact(id=name, practice=PRACTICE, at=NOW, deed=Deed.SUBMIT, record=APPOINTMENT, hand=CLIENT)
    return replace(known, **changes)


facts = st.builds(
    Fact,
    id=st.text("abc", min_size=1, max_size=2),
    practice=st.just(PRACTICE),
    at=st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2030, 1, 1)).map(  # noqa: DTZ001  given one next
        lambda at: at.replace(tzinfo=NOW.tzinfo, microsecond=at.microsecond // 1000 * 1000)
    ),
    deed=st.sampled_from(Deed),
    record=st.text(min_size=1, max_size=5),
    hand=st.builds(
        Hand,
        role=st.sampled_from(Role),
        who=st.text(max_size=3),
        where=st.none() | st.text(),
        name=st.none() | st.text(),
    ),
    old=st.none() | st.text(),
    new=st.none() | st.text(),
    result=st.sampled_from(Result),
)


@given(facts)
def test_a_fact_is_read_as_it_was_written(one: Fact) -> None:
    assert Fact.read(one.written()) == one


@given(facts, facts)
def test_whatever_differs_has_another_digest(one: Fact, other: Fact) -> None:
    (first,), (second,) = chained(Head(), [one]), chained(Head(), [other])
    assert (first.digest == second.digest) is (one == other)
    assert digest(first.written()) == first.digest


@given(st.lists(st.lists(st.sampled_from([fact(name) for name in "abcdef"]), max_size=6), max_size=6))
async def test_however_often_and_in_whatever_batches_facts_come_each_is_one_entry(batches: list[list[Fact]]) -> None:
    audit = AuditTwin()
    for batch in batches:
        await audit.append(PRACTICE, batch)
    entries = audit.chains[PRACTICE]
    assert sorted(one.fact.id for one in entries) == sorted({one.id for batch in batches for one in batch})
    assert [one.seq for one in entries] == list(range(1, len(entries) + 1))
    assert [one.prev for one in entries] == ["0" * 64, *(one.digest for one in entries)][: len(entries)]


class MortalAudit(AuditTwin):
    def __init__(self, life: Mortal) -> None:
        super().__init__()
        self._life = life

    async def append(self, practice: str, facts: Sequence[Fact]) -> None:
        await self._life.through(lambda: super(MortalAudit, self).append(practice, facts))

    async def keep_heads(self) -> None:
        await self._life.through(super().keep_heads)


class MortalTrails(TrailTwin):
    def __init__(self, life: Mortal, trails: dict[str, list[Fact]]) -> None:
        super().__init__(PRACTICE, trails)
        self._life = life

    async def waiting(self, *, limit: int) -> Sequence[Trail]:
        found: Sequence[Trail] = await self._life.through(
            lambda: super(MortalTrails, self).waiting(limit=min(limit, 1))
        )
        return found

    async def moved(self, trails: Sequence[Trail]) -> None:
        await self._life.through(lambda: super(MortalTrails, self).moved(trails))


async def taken_over(life: Mortal) -> tuple[AuditTwin, dict[str, list[Fact]]]:
    """By a process that dies once, and by the next one."""
    left = {name: [fact(f"{name}:1"), fact(f"{name}:2")] for name in ("a", "b", "c")}
    audit, trails = MortalAudit(life), MortalTrails(life, left)
    for _ in range(5):
        try:
            await an_audit(audit, trails).move()
        except Killed:
            await an_audit(audit, trails).move()
    return audit, left


async def test_killed_anywhere_nothing_is_lost_and_nothing_is_noted_twice() -> None:
    life = Mortal(0, after=False)
    calm, _ = await taken_over(life)
    assert [one.fact.id for one in calm.chains[PRACTICE]] == ["a:1", "a:2", "b:1", "b:2", "c:1", "c:2"]
    assert life.calls > 10
    for after, dies_at in itertools.product((False, True), range(1, life.calls + 1)):
        audit, left = await taken_over(Mortal(dies_at, after=after))
        assert (audit.chains, audit.heads) == (calm.chains, calm.heads)
        assert set(map(tuple, left.values())) == {()}


async def test_what_one_practice_waits_for_goes_to_its_own_chain() -> None:
    audit = AuditTwin()
    trails = TrailTwin(PRACTICE, {"a": [fact("a")], "b": [fact("b", practice="elsewhere")]})
    await an_audit(audit, trails).move()
    assert {name: [one.fact.id for one in chain] for name, chain in audit.chains.items()} == {
        PRACTICE: ["a"],
        "elsewhere": ["b"],
    }


async def test_what_has_not_been_taken_over_yet_is_told_all_the_same() -> None:
    audit, trails = AuditTwin(), TrailTwin(PRACTICE, {"a": [fact("a", record="a")], "b": [fact("b", record="b")]})
    auditing = an_audit(audit, trails)
    assert names(await auditing.newest(PRACTICE, record="a", before=None, limit=9)) == ["a"]
    assert names(await auditing.newest(PRACTICE, record=None, before=None, limit=9)) == ["b", "a"]


def names(entries: Sequence[Entry]) -> list[str]:
    return [one.fact.id for one in entries]


class Full(AuditTwin):
    """Takes no entry."""

    async def append(self, practice: str, facts: Sequence[Fact]) -> None:
        raise Killed(practice, facts)


class Closed(twin.VaultTwin):
    """Tells when it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = 0

    async def unseal(self, sealed: bytes) -> bytes:
        self.opened += 1
        return await super().unseal(sealed)


@pytest.fixture
async def cases() -> twin.CaseTwin:
    """One that waits for a person."""
    found = twin.CaseTwin()
    screening = twin.screening(found)
    await screening.take_request(APPOINTMENT, PRACTICE, twin.request(), starts_at=STARTS_AT, sequence=2, client="ref")
    await screening.take_answers(
        APPOINTMENT, PRACTICE, questionnaire=twin.FORM, answers=twin.NEEDS_CLEARANCE, locale=None
    )
    return found


def reviews(cases: twin.CaseTwin, audit: AuditTwin, vault: twin.VaultTwin | None = None) -> Reviews:
    return Reviews(twin.casework(cases, vault=vault, auditing=auditing(cases, audit)))


def auditing(cases: twin.CaseTwin, audit: AuditTwin) -> Auditing:
    return an_audit(audit, TrailTwin(PRACTICE, cases.trails))


async def test_the_request_and_the_answers_of_a_client_are_noted_with_their_hands(cases: twin.CaseTwin) -> None:
    entries = await auditing(cases, AuditTwin()).newest(PRACTICE, record=APPOINTMENT, before=None, limit=9)
    assert [(one.fact.deed, one.fact.hand, one.fact.old, one.fact.new) for one in entries] == [
        (Deed.DECIDE, RULES, "1", "2"),
        (Deed.SUBMIT, CLIENT, "1", "2"),
    ]


async def test_opening_a_case_is_noted_each_time_before_anything_is_opened(cases: twin.CaseTwin) -> None:
    audit = AuditTwin()
    to_review = reviews(cases, audit)
    for _ in range(2):
        assert (await to_review.open(APPOINTMENT, STAFF)).filled is not None
    seen = [one.fact for one in audit.chains[PRACTICE]]
    assert [(one.deed, one.record, one.hand, one.new, one.result) for one in seen] == [
        (Deed.VIEW, APPOINTMENT, STAFF, "2", Result.DONE)
    ] * 2


async def test_what_cannot_be_noted_is_not_opened(cases: twin.CaseTwin) -> None:
    vault = Closed()
    with pytest.raises(Killed):
        await reviews(cases, Full(), vault).open(APPOINTMENT, STAFF)
    assert vault.opened == 0


async def test_a_case_that_is_not_there_is_no_reading_and_neither_is_the_queue(cases: twin.CaseTwin) -> None:
    audit = AuditTwin()
    to_review = reviews(cases, audit)
    with pytest.raises(CaseUnknown):
        await to_review.open("b" * 26, STAFF)
    assert len(await to_review.waiting(PRACTICE)) == 1
    assert audit.chains[PRACTICE] == []


@pytest.mark.parametrize(
    ("word", "refused", "noted"),
    [
        (
            Word(verdict=Verdict.APPROVE, note="Talked on the phone.", by="Ines"),
            ClearanceMissing,
            [Deed.APPROVE_REFUSED],
        ),
        (Word(verdict=Verdict.APPROVE, note="ok", by="Ines"), NoteTooShort, [Deed.APPROVE_REFUSED]),
        (Word(verdict=Verdict.REFUSE, note="no", by="Ines"), NoteTooShort, []),
    ],
)
async def test_an_approval_that_is_refused_is_noted(
    cases: twin.CaseTwin, word: Word, refused: type[Exception], noted: list[Deed]
) -> None:
    audit = AuditTwin()
    with pytest.raises(refused):
        await reviews(cases, audit).rule(APPOINTMENT, word, version=2, hand=STAFF)
    assert [(one.fact.deed, one.fact.hand, one.fact.result) for one in audit.chains[PRACTICE]] == [
        (deed, STAFF, Result.REFUSED) for deed in noted
    ]


async def test_a_decline_that_somebody_tries_to_approve_is_noted() -> None:
    cases, audit = twin.CaseTwin(), AuditTwin()
    screening = twin.screening(cases)
    await screening.take_request(APPOINTMENT, PRACTICE, twin.request(), starts_at=STARTS_AT, sequence=2)
    await screening.take_answers(APPOINTMENT, PRACTICE, questionnaire=twin.FORM, answers=twin.DECLINED, locale=None)
    word = Word(verdict=Verdict.APPROVE, note="Talked on the phone.", by="Ines")
    with pytest.raises(CannotApprove):
        await reviews(cases, audit).rule(APPOINTMENT, word, version=2, hand=STAFF)
    assert [one.fact.deed for one in audit.chains[PRACTICE]] == [Deed.APPROVE_REFUSED]


async def test_a_client_is_told_who_of_the_practice_opened_what_they_filled_in(cases: twin.CaseTwin) -> None:
    audit = AuditTwin()
    await reviews(cases, audit).open(APPOINTMENT, STAFF)
    word = Word(verdict=Verdict.REFUSE, note="Talked on the phone.", by="Ines")
    await reviews(cases, audit).rule(APPOINTMENT, word, version=2, hand=STAFF)
    found = await auditing(cases, audit).opened(PRACTICE, APPOINTMENT)
    assert [(one.fact.deed, one.fact.hand.name) for one in found] == [(Deed.DECIDE, "Ines"), (Deed.VIEW, "Ines")]
    assert await auditing(cases, audit).opened("elsewhere", APPOINTMENT) == []


@pytest.fixture
def exporting(cases: twin.CaseTwin) -> Callable[[AuditTwin, twin.VaultTwin], Any]:
    asks = twin.AskTwin()
    return lambda audit, vault: twin.clients(cases, vault=vault, asks=asks, auditing=auditing(cases, audit))


async def test_an_export_is_noted_for_each_case_before_it_is_opened_and_tells_who_has_seen_it(
    cases: twin.CaseTwin, exporting: Callable[[AuditTwin, twin.VaultTwin], Any]
) -> None:
    audit, vault = AuditTwin(), Closed()
    clients = exporting(audit, vault)
    await clients.prepare_export("ask", PRACTICE, appointments=[APPOINTMENT, "b" * 26])
    with pytest.raises(ExportUnknown):
        await clients.exported("other", PRACTICE, STAFF)
    with pytest.raises(Killed):
        await exporting(Full(), vault).exported("ask", PRACTICE, STAFF)
    assert (audit.chains[PRACTICE], vault.opened) == ([], 0)
    opened = await clients.exported("ask", PRACTICE, STAFF)
    assert [(one.fact.deed, one.fact.record) for one in audit.chains[PRACTICE]] == [(Deed.EXPORT, APPOINTMENT)]
    assert [(one.fact.deed, one.fact.hand) for one in await clients.seen(opened)] == [(Deed.EXPORT, STAFF)]


async def test_an_erasure_and_each_key_it_deletes_are_noted_once_and_name_no_client(
    cases: twin.CaseTwin, exporting: Callable[[AuditTwin, twin.VaultTwin], Any]
) -> None:
    audit = AuditTwin()
    clients = exporting(audit, twin.VaultTwin())
    ref = "c" * 20
    for ask in ("ask", "again"):
        await clients.erase(ask, PRACTICE, appointments=[APPOINTMENT], refs=[ref], at=NOW)
    entries = await auditing(cases, audit).newest(PRACTICE, record=None, before=None, limit=20)
    noted = [(one.fact.deed, one.fact.record) for one in entries if one.fact.hand == BOOKING]
    assert sorted(noted) == [(Deed.ERASE, APPOINTMENT), (Deed.KEY_DELETED, APPOINTMENT), (Deed.KEY_DELETED, "client")]
    assert ref not in repr(entries)


async def test_what_was_noted_years_ago_goes_and_that_it_went_is_noted_once() -> None:
    audit = AuditTwin()
    old = [fact(f"{n}", at=NOW - timedelta(days=8 * 366)) for n in range(3)]
    await audit.append(PRACTICE, [*old, fact("new")])
    await audit.keep_heads()
    for _ in range(2):
        await an_audit(audit).let_go(years=7)
    assert [(one.seq, one.fact.deed, one.fact.new) for one in audit.chains[PRACTICE]] == [
        (4, Deed.SUBMIT, None),
        (5, Deed.RETENTION, "3"),
    ]


async def test_trails_are_of_the_port(cases: twin.CaseTwin) -> None:
    trails: Trails = TrailTwin(PRACTICE, cases.trails)
    assert await trails.of("b" * 26) is None
    (waiting,) = await trails.waiting(limit=1)
    assert waiting == await trails.of(APPOINTMENT)
