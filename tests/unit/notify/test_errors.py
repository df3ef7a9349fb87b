"""The provider's error codes: every one that is known has its class and its policy, and no other is tried again."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from services.notify.domain.errors import PAGES, READ_ON, TREATMENTS, UNVERIFIED, Treatment, Trouble, treatment

M = timedelta(minutes=1)
# Code: what sort of trouble, further tries, after how long at least, what of ours it stops. From the design, 1.5.
DESIGN: dict[int, tuple[Trouble, int, timedelta | None, str | None]] = {
    20003: (Trouble.SENDER, 1_000, 5 * M, "rests"),
    21211: (Trouble.NUMBER, 0, None, "marks"),
    21614: (Trouble.NUMBER, 0, None, "marks"),
    21610: (Trouble.OPTED_OUT, 0, None, "opts_out"),
    21408: (Trouble.ROUTE, 0, None, None),
    21612: (Trouble.ROUTE, 0, None, None),
    21606: (Trouble.ROUTE, 0, None, None),
    21611: (Trouble.BUSY, 20, 5 * M, None),
    30001: (Trouble.BUSY, 3, 2 * M, None),
    30002: (Trouble.SENDER, 0, None, "stops"),
    30034: (Trouble.SENDER, 0, None, "stops"),
    30003: (Trouble.NETWORK, 1, 30 * M, None),
    30005: (Trouble.NUMBER, 0, None, "marks"),
    30006: (Trouble.NUMBER, 0, None, "marks"),
    30004: (Trouble.WORDS, 0, None, "pauses"),
    30007: (Trouble.WORDS, 0, None, "pauses"),
    30008: (Trouble.NETWORK, 1, 15 * M, None),
    30036: (Trouble.EXPIRED, 0, None, None),
    30610: (Trouble.RULES, 0, None, None),
    30640: (Trouble.RULES, 0, None, None),
}
# Seen on the wire besides: both are mistakes of ours in the account or in a text.
BESIDES = {20404: Trouble.ROUTE, 21617: Trouble.ROUTE}
STOPS = ("rests", "stops", "pauses", "marks", "opts_out")
ALERTING = {20003, 21408, 21612, 21606, 30002, 30034, 30004, 30007, *BESIDES}


def stopped_by(cure: Treatment) -> str | None:
    set_ = [name for name in STOPS if getattr(cure, name)]
    assert len(set_) <= 1
    return set_[0] if set_ else None


@pytest.mark.parametrize("code", sorted(DESIGN))
def test_every_code_of_the_design_is_treated_as_it_says(code: int) -> None:
    cure = TREATMENTS[code]

    assert (cure.trouble, cure.retries, cure.after, stopped_by(cure)) == DESIGN[code]


def test_there_is_no_code_that_neither_the_design_nor_this_test_knows() -> None:
    assert TREATMENTS.keys() == DESIGN.keys() | BESIDES.keys()
    assert {code: TREATMENTS[code].trouble for code in BESIDES} == BESIDES


def test_a_person_sees_what_only_a_person_can_mend() -> None:
    assert {code for code, cure in TREATMENTS.items() if cure.alert} == ALERTING


@pytest.mark.parametrize("code", [0, None, 1, 29999, 30035, 99999])
def test_a_code_that_is_not_listed_is_never_tried_again_and_is_shown(code: int | None) -> None:
    cure = treatment(code)

    assert (cure.retries, cure.after, stopped_by(cure), cure.alert) == (0, None, None, True)


def test_whatever_is_tried_again_is_so_after_a_while_and_not_all_at_once() -> None:
    for cure in TREATMENTS.values():
        assert (cure.retries > 0) == (cure.after is not None)
        assert cure.spread > 0
    assert TREATMENTS[30001].spread >= 1


def test_every_row_says_where_it_is_from() -> None:
    assert READ_ON.year >= 2026
    assert {code for code, cure in TREATMENTS.items() if cure.source != PAGES} == {21606, 21612}
    assert {cure.source for cure in TREATMENTS.values()} == {PAGES, UNVERIFIED}
    assert len({cure.why for cure in TREATMENTS.values()}) == len(TREATMENTS)
    assert all(re.fullmatch(r"[a-z_]+", cure.why) for cure in TREATMENTS.values())
