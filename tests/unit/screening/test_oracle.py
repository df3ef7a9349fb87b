"""The engine and a second implementation, written from the tables, judge the full form alike."""

from __future__ import annotations

import os
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import screening_oracle as oracle
from tests.support.screening import CATALOGUE
from tests.support.screening_cases import Made, a_case

FORM = CATALOGUE.form("cst-intake")
CASES = int(os.environ.get("STILLPOINT_TEST_EXAMPLES", "20000"))


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**64 - 1))
def test_two_implementations_agree(seed: int) -> None:
    pick = random.Random(seed).randrange
    for _ in range(5):
        agree(a_case(FORM, pick))


@pytest.mark.long
@pytest.mark.timeout(600)
def test_two_implementations_agree_on_many_thousand_cases() -> None:
    """STILLPOINT_TEST_SEED repeats a run."""
    seed = int(os.environ.get("STILLPOINT_TEST_SEED", random.SystemRandom().randrange(2**32)))
    pick = random.Random(seed).randrange
    for number in range(CASES):
        try:
            agree(a_case(FORM, pick))
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, case {number}: {error}") from error


def agree(made: Made) -> None:
    found = made.judged()
    said: dict[str, Any] = {
        "outcome": found.outcome.value,
        "urgent": found.urgent,
        "reason_codes": list(found.reason_codes),
        "note_codes": list(found.note_codes),
        "clearance_required": found.clearance_required,
        "retry_after": found.retry_after,
    }
    assert said == oracle.judged(made.answers, made.as_of, made.prior_yes), made
