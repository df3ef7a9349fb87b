"""The practice document: read strictly, written so that it can be read again, and wrong by the field."""

from __future__ import annotations

import tomllib
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_core import to_json

from services.booking import profile
from services.booking.domain.practice import Links, Practice, WeeklyHours
from services.booking.domain.texting import PRESETS, Texting
from services.booking.loading import NotDone, _read
from tests.support.booking import a_house
from tests.support.booking_practices import practices

EXAMPLE = Path(__file__).parents[3] / "deploy" / "practice.example.toml"


def example() -> dict[str, Any]:
    return tomllib.loads(EXAMPLE.read_text())


def test_the_example_is_a_practice_with_everything_a_demo_needs() -> None:
    practice = profile.read(profile.Profile.model_validate_json(to_json(example()), strict=True))
    assert (practice.id, len(practice.practitioners), len(practice.services)) == ("still-water", 2, 4)
    assert {service.screening for service in practice.services} == {"cst-intake", "cst-core", None}
    assert {hours.weekday for person in practice.practitioners for hours in person.hours} == set(range(7))


def test_the_example_names_every_setting_there_is() -> None:
    text = EXAMPLE.read_text()
    models = (
        profile.Profile, profile.Place, profile.Room, profile.Service, profile.Price, profile.Links, profile.Texting,
        profile.Practitioner, profile.WeeklyHours, profile.DayException, profile.Block,
        profile.Waitlist, profile.Load, profile.Reset, profile.StepTiming, profile.Branding,
    )  # fmt: skip
    assert [name for model in models for name in model.model_fields if name not in text] == []


@pytest.mark.parametrize(
    "practice",
    [a_house(), profile.read(profile.Profile.model_validate_json(to_json(example()), strict=True))],
    ids=["a house", "the example"],
)
def test_what_is_written_is_read_again_as_the_same_practice(practice: Practice) -> None:
    written = profile.written(practice).model_dump_json(exclude_none=True)
    assert profile.read(profile.Profile.model_validate_json(written, strict=True)) == practice


@given(practices())
@settings(max_examples=40, deadline=None)
def test_a_file_that_was_written_is_read_as_the_same_practice(practice: Practice) -> None:
    file = to_json(tomllib.loads(profile.as_toml(practice)))
    assert profile.read(profile.Profile.model_validate_json(file, strict=True)) == practice
    assert profile.read(profile.Profile.model_validate(profile.as_json(practice))) == practice


def test_what_a_practice_says_of_itself_changes_and_the_rest_stays() -> None:
    house = a_house(links=Links(website="https://a.example", privacy="https://b.example"), countries=("CH", "LI"))
    own = profile.Own.model_validate_json('{"name": "Deep Water", "links": {"privacy": ""}, "phone": null}')
    assert profile.with_own(house, own) == replace(house, name="Deep Water", links=Links(website="https://a.example"))
    assert profile.with_own(house, profile.Own(countries=())) == replace(house, countries=())


@pytest.mark.parametrize(
    ("texting", "steps"),
    [
        ({}, PRESETS["gentle"]),
        ({"preset": "gentle"}, PRESETS["gentle"]),
        ({"preset": "full"}, PRESETS["full"]),
        ({"steps": []}, ()),
        ({"steps": ["two_hours"]}, ("two_hours",)),
    ],
)
def test_a_preset_stands_for_its_steps_and_without_any_choice_it_is_the_gentle_one(
    texting: dict[str, Any], steps: tuple[str, ...]
) -> None:
    document = example() | {"texting": texting}
    read = profile.read(profile.Profile.model_validate_json(to_json(document), strict=True))

    assert read.texting.steps == steps
    assert profile.as_json(read)["texting"]["steps"] == list(steps)


def test_a_preset_and_steps_at_once_are_refused() -> None:
    document = example() | {"texting": {"preset": "full", "steps": ["two_hours"]}}
    with pytest.raises(ValidationError, match="not both"):
        profile.Profile.model_validate_json(to_json(document), strict=True)


def test_choosing_a_preset_replaces_the_steps_and_leaves_the_rest_of_how_it_texts() -> None:
    house = a_house(texting=Texting(steps=("two_hours",), most_a_day=3))
    own = profile.Own.model_validate_json('{"texting": {"preset": "full"}}')

    assert profile.with_own(house, own).texting == Texting(steps=PRESETS["full"], most_a_day=3)


def test_everything_a_practice_says_of_itself_can_be_changed() -> None:
    parts = {"id", "places", "rooms", "services", "practitioners"}
    assert profile.Profile.model_fields.keys() - profile.Own.model_fields.keys() == parts


WEEKS = st.lists(
    st.builds(
        lambda weekday, starts, length: WeeklyHours(
            place="lake", weekday=weekday, starts=starts * 60, ends=(starts + length) * 60
        ),
        st.integers(0, 6),
        st.integers(0, 20),
        st.integers(1, 4),
    ),
    max_size=12,
    unique=True,
)


@given(WEEKS)
def test_a_week_keeps_its_hours_however_they_are_grouped(week: list[WeeklyHours]) -> None:
    house = a_house()
    person = house.practitioners[0]
    changed = a_house(practitioners=(type(person)(id="ana", name="Ana", services=(), hours=tuple(week)),))
    again = profile.read(profile.written(changed)).practitioners[0].hours
    assert set(again) == set(week)
    assert len(again) == len(week)


def test_no_screening_survives_a_round_trip() -> None:
    services = profile.written(a_house()).services
    assert {service.id: service.screening for service in services} == {
        "session": "cst-core",
        "call": "off",
        "long": "cst-core",
    }


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda d: d.pop("emergency_number"), "emergency_number: Field required"),
        (lambda d: d.update(colour="blue"), "colour: Extra inputs are not permitted"),
        (lambda d: d.update(zone="Mars/Olympus"), "zone: 'Mars/Olympus' is not an IANA time zone"),
        (lambda d: d["services"][1].update(length_minutes=50.5), "services[1].length_minutes: "),
        (lambda d: d["services"][1].update(length_minutes=52), "services[1].length_minutes: 52 is not a multiple of 5"),
        (lambda d: d["services"][0].update(screening=False), "services[0].screening: "),
        (lambda d: d["practitioners"][0].update(services=["dance"]), "practitioners[0].services[0]: 'dance' does not"),
        (
            lambda d: d["practitioners"][0]["hours"][0].update(starts="9:00"),
            "practitioners[0].hours[0].starts: Value error, '9:00' is not a time of day",
        ),
        (
            lambda d: d["practitioners"][0]["blocks"][0].update(starts_at="1700000000"),
            "practitioners[0].blocks[0].starts_at: Value error, not a date and time like 2026-12-24T12:00",
        ),
        (
            lambda d: d["practitioners"][0]["blocks"][0].update(ends_at="2027-01-01T00:00"),
            "practitioners[0].blocks[0].ends_at: 2027-01-01T00:00:00 is not after",
        ),
    ],
)
def test_a_wrong_document_is_refused_by_the_name_of_its_field(tmp_path: Path, change: Any, told: str) -> None:
    document = deepcopy(example())
    change(document)
    file = tmp_path / "practice.json.toml"
    file.write_text(_toml(document))
    with pytest.raises(NotDone, match=r".") as refused:
        _read(file)
    assert str(refused.value).startswith(told)


@pytest.mark.parametrize(
    ("raw", "told"),
    [(b'id = "x', "is not TOML: "), (b"\xff\xfe", "is not UTF-8 text"), (None, "cannot be read: no such file")],
)
def test_a_file_that_cannot_be_read_is_told_in_one_sentence(tmp_path: Path, raw: bytes | None, told: str) -> None:
    file = tmp_path / "practice.toml"
    if raw is not None:
        file.write_bytes(raw)
    with pytest.raises(NotDone) as refused:
        _read(file)
    assert str(refused.value).startswith(told)


def _toml(document: dict[str, Any]) -> str:
    """JSON values are TOML values when written inline, but for null."""
    return "\n".join(f"{name} = {_inline(value)}" for name, value in document.items())


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {_inline(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_inline(one) for one in value) + "]"
    return to_json(value).decode()


def test_hours_that_are_said_twice_are_kept_once_and_can_be_written() -> None:
    document = profile.written(a_house()).model_dump(mode="json", exclude_none=True)
    document["practitioners"][1]["hours"] *= 2
    practice = profile.read(profile.Profile.model_validate_json(to_json(document), strict=True))
    assert practice == a_house()
    assert profile.written(practice) == profile.written(a_house())
