"""Cells: two visits share a key exactly if the earlier leaves less than the larger need before the later."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.booking.domain.footprint import Footprint, cells, kept_apart_from
from services.booking.domain.practice import Buffers

ANY = st.sampled_from(Buffers)


def fives(least: int, most: int) -> st.SearchStrategy[int]:
    return st.integers(least // 5, most // 5).map(lambda number: number * 5)


@st.composite
def footprints(draw: st.DrawFn, buffers: st.SearchStrategy[Buffers] = ANY) -> Footprint:
    starts = draw(fives(29_000_000, 29_000_000 + 300))
    return Footprint(
        starts=starts,
        ends=starts + draw(fives(5, 120)),
        before=draw(fives(0, 60)),
        after=draw(fives(0, 60)),
        buffers=draw(buffers),
    )


def share_a_key(one: Footprint, other: Footprint) -> bool:
    return not set(cells(one, ["anna"])).isdisjoint(cells(other, ["anna"]))


@given(footprints(st.just(Buffers.LARGER)), footprints(st.just(Buffers.LARGER)))
def test_visits_share_a_cell_exactly_if_the_gap_is_less_than_the_larger_need(one: Footprint, other: Footprint) -> None:
    first, second = sorted((one, other), key=lambda visit: visit.starts)
    too_close = second.starts - first.ends < max(first.after, second.before)
    assert share_a_key(one, other) == too_close


@given(footprints(st.just(Buffers.SUMMED)), footprints(st.just(Buffers.SUMMED)))
def test_summed_needs_share_a_cell_exactly_if_the_gap_is_less_than_both(one: Footprint, other: Footprint) -> None:
    first, second = sorted((one, other), key=lambda visit: visit.starts - visit.before)
    assert share_a_key(one, other) == (second.starts - first.ends < first.after + second.before)


@given(footprints(), footprints())
def test_the_index_and_the_availability_agree_even_when_the_practice_changed_its_policy(
    one: Footprint, other: Footprint
) -> None:
    first, last = kept_apart_from(one, other)
    assert share_a_key(one, other) == (first <= 0 < last)


@given(footprints(), footprints())
def test_keeping_apart_is_mutual(one: Footprint, other: Footprint) -> None:
    (first, last), (other_first, other_last) = kept_apart_from(one, other), kept_apart_from(other, one)
    assert (first <= 0 < last) == (other_first <= 0 < other_last)


@given(footprints())
def test_a_visit_owns_every_key_once(visit: Footprint) -> None:
    keys = cells(visit, ["anna", "blue-room"])
    assert len(keys) == len(set(keys))
    assert {key.partition("|")[0] for key in keys} == {"anna", "blue-room"}


def test_an_hour_with_needs_has_one_key_more_than_five_minute_pieces() -> None:
    visit = Footprint(starts=600, ends=660, before=10, after=15)
    plain = [f"anna|{number}" for number in range(120, 135)]
    assert list(cells(visit, ["anna"])) == [*plain, "anna|118b", "anna|119b", "anna|131b"]


def test_ends_off_the_raster_are_snapped_outward() -> None:
    assert cells(Footprint(starts=602, ends=611), ["anna"]) == ("anna|120", "anna|121", "anna|122", "anna|122b")
