"""One part of a practice changes and the rest stays; what changed is told field by field."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given, settings

from services.booking import profile
from services.booking.domain import editing
from services.booking.domain.appointment import Change
from services.booking.domain.differences import LONGEST_VALUE, MOST_CHANGES, differences
from services.booking.domain.editing import NoSuchPart, StillUsed
from services.booking.domain.practice import (
    Block,
    DayException,
    Load,
    Place,
    Practice,
    Practitioner,
    Reset,
    Room,
    Service,
    WeeklyHours,
)
from tests.support.booking import a_house
from tests.support.booking_practices import practices

HOUSE = a_house()
ANA = HOUSE.practitioner("ana")
NOON = datetime(2027, 7, 1, 12)  # noqa: DTZ001  wall time of the practice
BLOCK = Block(starts_at=NOON, ends_at=NOON.replace(hour=13), note="dentist")


def test_a_part_takes_the_place_of_its_namesake_or_comes_last() -> None:
    renamed = replace(HOUSE.rooms[0], name="Grey heron")
    assert editing.with_part(HOUSE, renamed) == replace(HOUSE, rooms=(renamed, HOUSE.rooms[1]))
    third = Room(id="egret", place="lake")
    assert editing.with_part(HOUSE, third) == replace(HOUSE, rooms=(*HOUSE.rooms, third))
    cleo = Practitioner(id="cleo", name="Cleo", services=(), hours=())
    assert editing.with_part(HOUSE, cleo).practitioners == (*HOUSE.practitioners, cleo)


@pytest.mark.parametrize(("kind", "id_"), [(Room, "heron"), (Practitioner, "ben")])
def test_what_nothing_refers_to_is_removed(kind: Any, id_: str) -> None:
    left = editing.without_part(HOUSE, kind, id_)
    with pytest.raises(NoSuchPart, match=id_):
        editing.part(left, kind, id_)
    with pytest.raises(NoSuchPart, match=id_):
        editing.without_part(left, kind, id_)


@pytest.mark.parametrize(
    ("kind", "id_", "users"),
    [
        (Place, "lake", ["rooms[heron].place", "rooms[kingfisher].place", "practitioners[ana].hours",
                         "practitioners[ben].hours"]),
        (Service, "call", ["practitioners[ana].services", "practitioners[ana].load.resets",
                           "practitioners[ben].services"]),
    ],
)  # fmt: skip
def test_what_is_still_used_names_its_users(kind: Any, id_: str, users: list[str]) -> None:
    house = editing.with_part(HOUSE, replace(ANA, load=Load(resets=(Reset(service="call", minutes=15),))))
    with pytest.raises(StillUsed) as refused:
        editing.without_part(house, kind, id_)
    assert refused.value.extra == {"used_by": users}
    assert all(user in str(refused.value) for user in users)


def test_an_exception_replaces_that_of_its_day_and_goes_again() -> None:
    first, second = DayException(day=date(2027, 8, 1)), DayException(day=date(2027, 5, 1), note="Labour day")
    house = editing.with_exception(editing.with_exception(HOUSE, "ana", first), "ana", second)
    assert house.practitioner("ana").exceptions == (second, first)
    again = editing.with_exception(house, "ana", replace(second, note=""))
    assert again.practitioner("ana").exceptions == (replace(second, note=""), first)
    assert editing.without_exception(editing.without_exception(house, "ana", first.day), "ana", second.day) == HOUSE
    with pytest.raises(NoSuchPart, match="2027-12-24"):
        editing.without_exception(HOUSE, "ana", date(2027, 12, 24))


def test_time_off_is_addressed_by_what_it_says_and_taken_once() -> None:
    house = editing.with_block(HOUSE, "ana", BLOCK)
    assert editing.with_block(house, "ana", BLOCK) is house
    other = editing.with_block(house, "ana", replace(BLOCK, note="haircut"))
    assert len({editing.block_id(one) for one in other.practitioner("ana").blocks}) == 2
    assert editing.without_block(house, "ana", editing.block_id(BLOCK)) == HOUSE
    with pytest.raises(NoSuchPart):
        editing.without_block(HOUSE, "ana", editing.block_id(BLOCK))


def test_the_hours_of_one_stay_with_the_other() -> None:
    tuesdays = (WeeklyHours(place="lake", weekday=1, starts=540, ends=600),)
    house = editing.with_hours(HOUSE, "ana", tuesdays)
    assert house == replace(HOUSE, practitioners=(replace(ANA, hours=tuesdays), HOUSE.practitioner("ben")))
    with pytest.raises(NoSuchPart, match="cleo"):
        editing.with_hours(HOUSE, "cleo", tuesdays)


def told(old: Practice, new: Practice) -> dict[str, tuple[str | None, str | None]]:
    found = differences(profile.as_json(old), profile.as_json(new))
    return {one.field: (one.old, one.new) for one in found}


@pytest.mark.parametrize(
    ("changed", "fields"),
    [
        (HOUSE, {}),
        (replace(HOUSE, name="Deep Water"), {"name": ('"Still Water"', '"Deep Water"')}),
        (replace(HOUSE, links=replace(HOUSE.links, website="https://a.example")),
         {"links.website": ('""', '"https://a.example"')}),
        (editing.with_part(HOUSE, replace(ANA, load=Load(most_in_a_row=4))),
         {"practitioners[ana].load.most_in_a_row": (None, "4")}),
        (editing.with_part(HOUSE, replace(ANA, services=("call",))),
         {"practitioners[ana].services": ('["session","call","long"]', '["call"]')}),
        (editing.with_part(HOUSE, Room(id="egret", place="lake")),
         {"rooms[egret]": (None, '{"id":"egret","place":"lake","name":""}')}),
        (editing.without_part(HOUSE, Room, "heron"),
         {"rooms[heron]": ('{"id":"heron","place":"lake","name":""}', None)}),
        (editing.with_exception(HOUSE, "ana", DayException(day=date(2027, 8, 1))),
         {"practitioners[ana].exceptions[2027-08-01]": (None, '{"day":"2027-08-01","hours":[],"note":""}')}),
        (editing.with_block(HOUSE, "ben", BLOCK),
         {"practitioners[ben].blocks[2027-07-01T12:00:00]":
          (None, '{"starts_at":"2027-07-01T12:00:00","ends_at":"2027-07-01T13:00:00","note":"dentist"}')}),
        (editing.with_hours(HOUSE, "ana", ()),
         {"practitioners[ana].hours":
          ('[{"place":"lake","starts":"06:00","ends":"22:00","days":["mon","tue","wed","thu","fri","sat","sun"]}]',
           "[]")}),
    ],
)  # fmt: skip
def test_a_change_is_told_by_the_path_of_its_field(
    changed: Practice, fields: dict[str, tuple[str | None, str | None]]
) -> None:
    assert told(HOUSE, changed) == fields
    assert told(changed, HOUSE) == {field: (new, old) for field, (old, new) in fields.items()}


def test_what_is_told_is_bounded() -> None:
    wordy = editing.with_part(HOUSE, replace(HOUSE.service("call"), preparation="ä" * 4000))
    (change,) = differences(profile.as_json(HOUSE), profile.as_json(wordy))
    assert change.new is not None
    assert len(change.new) == LONGEST_VALUE
    many: dict[str, Any] = {str(number): number for number in range(MOST_CHANGES + 5)}
    *_, last = found = differences({}, many)
    assert len(found) == MOST_CHANGES + 1
    assert last == Change(field="", old=None, new="5 more changes")


@given(practices())
@settings(max_examples=40, deadline=None)
def test_no_field_changes_without_being_told(new: Practice) -> None:
    was, is_ = profile.as_json(HOUSE), profile.as_json(new)
    told = {re.split(r"[.\[]", one.field)[0] for one in differences(was, is_)}
    assert told == {name for name in was.keys() | is_.keys() if was.get(name) != is_.get(name)}
    assert differences(is_, is_) == ()
