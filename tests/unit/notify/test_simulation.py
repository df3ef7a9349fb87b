"""What the time machine foresees is what really goes out; how it tells of it, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.booking.domain import texting
from services.notify import simulating
from services.notify.__main__ import app
from services.notify.domain.consent import Entry, Purpose, Word
from services.notify.domain.practice import Practice, Timing
from services.notify.domain.quiet import Quiet
from services.notify.domain.simulation import Span, simulated
from services.notify.domain.traffic import attended
from services.notify.domain.visit import Seat, Visit
from services.notify.foretelling import Form
from services.notify.routes.payloads import TextingSettings
from tests.support.notify import FULL, NEW_YORK, STARTS, Clock, Phone, Worker, practice, twins, visit

MORNING = {
    "appointment": "one",
    "client": "a",
    "booked_at": "2027-06-01T16:00:00Z",
    "starts_at": "2027-06-16T14:00:00Z",
    "ends_at": "2027-06-16T15:00:00Z",
    "zone": NEW_YORK,
    "client_zone": NEW_YORK,
}
AFTERNOON = MORNING | {"appointment": "two", "starts_at": "2027-06-16T19:00:00Z", "ends_at": "2027-06-16T20:00:00Z"}

policies = st.builds(
    practice,
    steps=st.just(FULL) | st.frozensets(st.sampled_from(sorted(FULL))),
    quiet=st.just(Quiet()) | st.just(Quiet(time(19), time(9, 30))),
    timings=st.fixed_dictionaries(
        {}, optional={"prepare": st.builds(Timing, days=st.integers(1, 4)), "rebook": st.just(Timing(days=2))}
    ),
    most_a_day=st.integers(1, 4),
    most_a_week=st.integers(1, 14),
    paused=st.just(frozenset()) | st.just(frozenset({"prepare"})),
)


@st.composite
def clients(draw: st.DrawFn) -> list[Visit]:
    """One client's visits about the end of summer time, often on one day, some of them of a course."""
    zone = draw(st.sampled_from([NEW_YORK, "Europe/Zurich", "Australia/Lord_Howe", "Asia/Kolkata"]))
    visits = []
    for name in "abcd"[: draw(st.integers(1, 4))]:
        starts = datetime(2027, 10, 30, tzinfo=UTC) + timedelta(days=draw(st.integers(0, 9)))
        starts += timedelta(minutes=15 * draw(st.integers(20, 80)))
        seat = Seat("c", "abcd".index(name), 4) if draw(st.booleans()) else None
        one = visit(
            appointment=name * 26,
            starts_at=starts,
            notice=timedelta(minutes=draw(st.integers(20, 17_000))),
            zone=zone,
            client_zone=zone,
            wants_offers=draw(st.booleans()),
            seat=seat,
        )
        visits.append(one)
    return visits


async def really(visits: Sequence[Visit], policy: Practice) -> list[tuple[datetime, str]]:
    """What leaves, to the minute, where a worker sits at work the whole time and everybody comes."""
    turns = sorted(
        [*visits, *(replace(attended(of), version=of.version + 1) for of in visits)], key=lambda of: of.since
    )
    clock = Clock(turns[0].since)
    stores = twins(clock)
    worker = Worker(stores, Phone(clock), clock)
    await stores.practices.keep(policy)
    while True:
        while turns and turns[0].since <= clock():
            of = turns.pop(0)
            agreed = Entry(
                key=f"visit:{of.appointment}:{of.version}", word=Word.CONSENTED, at=clock(), source="booking"
            )
            offers = replace(agreed, key=f"{agreed.key}:offers", purpose=Purpose.OFFERS)
            await worker.planning.keep_visit(of, agreed, *([offers] if of.wants_offers else []))
        await worker.sending.send_due()
        ahead = [at for at in (turns[0].since if turns else None, await stores.messages.next_due(clock())) if at]
        if not ahead:
            break
        clock.at = min(ahead)
    texts = [text for of in visits for text in await stores.messages.of(of.appointment)]
    left = [(text.sent_at.replace(second=0), text.id) for text in texts if text.sent_at is not None]
    return sorted(left)


@settings(deadline=None, max_examples=60)
@given(clients(), policies)
async def test_what_is_foreseen_is_what_really_goes_out(visits: list[Visit], policy: Practice) -> None:
    foreseen = [(text.at.replace(second=0), text.text.id) for text in simulated(visits, policy) if text.why is None]

    assert sorted(foreseen) == await really(visits, policy)


def foretold(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    app(["simulate", *arguments], result_action="return_value")
    return capsys.readouterr().out.splitlines()


@pytest.fixture
def day(tmp_path: Path) -> Path:
    """One client with two visits on a day."""
    file = tmp_path / "visits.json"
    file.write_text(json.dumps({"settings": {"steps": ["day_before", "two_hours"]}, "visits": [MORNING, AFTERNOON]}))
    return file


def rules(tmp_path: Path, **changes: Any) -> str:
    file = tmp_path / "rules.json"
    file.write_text(json.dumps(changes))
    return str(file)


def test_every_text_is_told_by_the_client_s_clock_and_why_one_does_not_go(
    day: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert foretold(capsys, "--file", str(day)) == [
        "2027-06-01 12:00-04:00  booked        booked             one",
        "2027-06-01 12:00-04:00  booked        booked             two",
        "2027-06-15 10:00-04:00  day_before    day_before_prepare one",
        "2027-06-15 15:00-04:00  day_before    day_before_prepare two  not sent: merged",
        "2027-06-16 08:00-04:00  two_hours     two_hours          one",
        "2027-06-16 13:00-04:00  two_hours     two_hours          two  not sent: merged",
        "day_before: goes 1, merged 1",
        "two_hours: goes 1, merged 1",
        "booked: goes 2",
    ]


def test_other_rules_are_gone_through_or_only_what_they_change(
    day: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = rules(tmp_path, steps=["prepare", "day_before"], timings=[{"step": "day_before", "at": "18:00"}])

    assert "prepare: goes 1, merged 1" in foretold(capsys, "--file", str(day), "--with", other)
    assert foretold(capsys, "--file", str(day), "--with", other, "--diff") == [
        "+ 2027-06-14 17:00-04:00  prepare       prepare            one",
        "~ 2027-06-15 18:00-04:00  day_before    day_before         one  was 2027-06-15 10:00-04:00 day_before_prepare",
        "- 2027-06-16 08:00-04:00  two_hours     two_hours          one",
        "prepare: + 1",
        "day_before: ~ 1",
        "two_hours: - 1",
    ]
    assert foretold(capsys, "--file", str(day), "--with", str(rules(tmp_path)), "--diff") == []


def test_a_text_that_other_rules_would_hold_back_is_less(
    day: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [line, _] = foretold(
        capsys, "--file", str(day), "--with", rules(tmp_path, most_a_week=1), "--diff", "--form", "lines"
    )

    assert line.startswith("- 2027-06-16 08:00-04:00  two_hours")
    assert line.endswith("not sent: capped")


def test_objects_and_totals_for_programs(day: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    objects = [json.loads(line) for line in foretold(capsys, "--file", str(day), "--form", "json")]
    other = rules(tmp_path, steps=["day_before"])
    [gone] = [
        json.loads(line) for line in foretold(capsys, "--file", str(day), "--with", other, "--diff", "--form", "json")
    ]

    assert objects[3] == {
        "at": "2027-06-15T19:00:00+00:00",
        "local": "2027-06-15 15:00-04:00",
        "step": "day_before",
        "template": "day_before_prepare",
        "appointment": "two",
        "why": "merged",
    }
    assert (gone["change"], gone["step"], gone["was"]) == ("-", "two_hours", "2027-06-16T12:00:00+00:00")
    assert foretold(capsys, "--file", str(day), "--form", "totals") == [
        "day_before: goes 1, merged 1",
        "two_hours: goes 1, merged 1",
        "booked: goes 2",
    ]


def test_many_clients_are_shared_by_processes_and_come_to_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    visits = [
        visit(appointment=f"{n:026d}", phone=f"+1503555{n % 90:04d}", starts_at=STARTS + timedelta(hours=5 * n))
        for n in range(200)
    ]
    span = Span(STARTS, STARTS + timedelta(days=20))
    alone = simulating.gone_through(visits, practice(steps=FULL), None, span, Form.LINES)
    monkeypatch.setattr(simulating, "WORTH_SHARING", 2)
    monkeypatch.setattr("os.cpu_count", lambda: 3)

    shared = simulating.gone_through(visits, practice(steps=FULL), None, span, Form.LINES)

    assert sorted(shared.lines) == sorted(alone.lines)
    assert shared.counts == alone.counts
    assert {span.holds(at) for at, _ in alone.lines} == {True}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("{", "Invalid JSON"),
        ({"visits": []}, "visits: Tuple should have at least 1 item"),
        ({"visits": [MORNING, MORNING]}, "an appointment is there twice"),
        ({"visits": [MORNING | {"ends_at": MORNING["booked_at"]}]}, "must follow each other"),
        ({"visits": [MORNING | {"zone": "Mars/Base"}]}, "visits.0.zone: Value error, not an IANA zone"),
        ({"visits": [MORNING], "settings": {"steps": ["nothing"]}}, "settings.steps.0: Input should be"),
        ({"visits": [MORNING], "settings": {"most_a_day": 0}}, "settings.most_a_day: Input should be greater"),
        ({"visits": [MORNING], "settings": {"timings": [{"step": "prepare"}]}}, "sets nothing"),
        ({"visits": [MORNING], "settings": {"timings": [{"step": "prepare", "hours": 2}]}}, "does not go by hours"),
    ],
)
def test_a_file_that_cannot_be_gone_through_is_refused_in_one_sentence(
    tmp_path: Path, given: str | dict[str, Any], told: str
) -> None:
    file = tmp_path / "visits.json"
    file.write_text(given if isinstance(given, str) else json.dumps(given))

    with pytest.raises(SystemExit) as refused:
        app(["simulate", "--file", str(file)], result_action="return_value")

    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "give either a practice or --file"),
        (["--file", "/nowhere/at/all.json"], "/nowhere/at/all.json: No such file or directory"),
        (["still-waters", "--file", "x.json"], "give either a practice or --file"),
        (["still-waters", "--diff"], "--diff needs other rules, --with"),
    ],
)
def test_what_is_asked_wrongly_is_refused_in_one_sentence(arguments: list[str], told: str) -> None:
    with pytest.raises(SystemExit) as refused:
        app(["simulate", *arguments], result_action="return_value")

    assert refused.value.code == told


def test_caps_may_be_tried_as_far_as_a_practice_may_set_them() -> None:
    TextingSettings(most_a_day=texting.MOST_A_DAY, most_a_week=texting.MOST_A_WEEK)
    for beyond in ({"most_a_day": texting.MOST_A_DAY + 1}, {"most_a_week": texting.MOST_A_WEEK + 1}):
        with pytest.raises(ValueError, match="less than or equal"):
            TextingSettings.model_validate(beyond)
