"""A pass of the staff: read by who knows the key, for its minutes, and told from everything else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.staff import GOOD_FOR, Passes, Role, Staff
from shared.tokens import TokenInvalid, Tokens

NOW = datetime(2027, 6, 9, 16, tzinfo=UTC)
KEY = "signing-" + "k" * 32
PASSES = Passes(KEY)
ANA = Staff(user="u1", name="Ana", practice="still", role=Role.OWNER, session="s1", practitioner="ana")


def test_a_pass_says_who_it_was_minted_for() -> None:
    assert PASSES.read(PASSES.mint(ANA, NOW), NOW + GOOD_FOR - timedelta(seconds=1)) == ANA


@pytest.mark.parametrize(
    "shown",
    [
        "",
        "nonsense",
        PASSES.mint(ANA, NOW)[:-2],
        Passes("another-" + "k" * 32).mint(ANA, NOW),
        Tokens(KEY).mint("a" * 26, "still", NOW + timedelta(days=1)),
    ],
)
def test_whatever_else_is_shown_is_nobody(shown: str) -> None:
    assert PASSES.read(shown, NOW) is None


def test_a_pass_ends_after_its_minutes() -> None:
    assert PASSES.read(PASSES.mint(ANA, NOW), NOW + GOOD_FOR) is None


def test_a_pass_is_no_token_of_an_appointment() -> None:
    with pytest.raises(TokenInvalid):
        Tokens(KEY).read(PASSES.mint(ANA, NOW), NOW)


def test_a_form_belongs_to_one_session() -> None:
    shown = PASSES.form("s1")

    assert PASSES.is_form("s1", shown)
    assert not PASSES.is_form("s2", shown)
    assert not PASSES.is_form("s1", "")
    assert not PASSES.is_form("s1", "ñ" * 64)


def test_who_gives_visits_sees_answers_whatever_else_they_are() -> None:
    assert ANA.sees_answers
    assert replace(ANA, role=Role.PRACTITIONER, practitioner=None).sees_answers
    assert not replace(ANA, practitioner=None).sees_answers
    assert not replace(ANA, role=Role.DESK, practitioner=None).sees_answers


def test_a_pass_and_a_form_of_the_key_before_are_believed_while_it_is_known() -> None:
    new, both = "new-" + "n" * 32, Passes("new-" + "n" * 32, KEY)

    assert both.read(PASSES.mint(ANA, NOW), NOW) == ANA
    assert Passes(new).read(both.mint(ANA, NOW), NOW) == ANA
    assert both.is_form("s1", PASSES.form("s1"))
    assert both.form("s1") == Passes(new).form("s1")
    assert not Passes(new).is_form("s1", PASSES.form("s1"))
    assert Passes(new).read(PASSES.mint(ANA, NOW), NOW) is None
