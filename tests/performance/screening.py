"""What judging the full health check costs, from raw answers to the outcome with its trace, in process.

Beside it, in turn and on the same answers, so that a machine that slows down slows all: writing and reading them as
JSON, which every request does anyway, and a ladder of ifs written by hand that leaves no trace.
"""

from __future__ import annotations

import gc
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from services.screening.domain.answers import AnswerType
from services.screening.domain.generated import Temper
from tests.support import screening_oracle as oracle
from tests.support.screening import CATALOGUE
from tests.support.screening_cases import Made, a_case
from tests.support.screening_properties import sheet

FORM = CATALOGUE.form("cst-intake")
ROUNDS = int(os.environ.get("ROUNDS", "3000"))
WARM_UP = 100
BAR = 300
A_WHILE_AGO = {"kind": "month", "value": "2023-06"}

Judge = Callable[[Made], object]


def clients() -> dict[str, Made]:
    """Who answers no to everything, who answers yes to everything, and who is made up anew each time."""
    pick = random.Random(2026).randrange
    made = next(one for one in iter(lambda: a_case(FORM, pick, temper=Temper.CAREFUL), None) if _is_quiet(one))
    shown = made.but(**{name: "yes" for name, answer in made.answers.items() if answer == "no"})
    missing = sheet(shown).missing
    loudly = {
        AnswerType.TRI: "yes",
        AnswerType.CHOICE: "severe",
        AnswerType.INT: 10,
        AnswerType.FUZZY_DATE: A_WHILE_AGO,
    }
    answers = {
        question.id: loudly[question.type] for question in FORM.questionnaire.questions if question.id in missing
    }
    return {"no to everything": made, "yes to everything": shown.but(**answers)}


def _is_quiet(made: Made) -> bool:
    return made.judged().reason_codes == () and 18 < made.as_of.year - made.born.year < 60


def judge(made: Made) -> object:
    return made.judged()


def by_hand(made: Made) -> object:
    return oracle.judged(made.answers, made.as_of, made.prior_yes)


def as_json(made: Made) -> object:
    return json.loads(json.dumps(made.answers))


CONTESTANTS: Mapping[str, Judge] = {"the engine": judge, "ifs by hand": by_hand, "JSON and back": as_json}


def in_turn(each: Callable[[int], Made]) -> dict[str, list[float]]:
    """Microseconds of processor time."""
    took: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    for number in range(WARM_UP + ROUNDS):
        made = each(number)
        for name, contestant in CONTESTANTS.items():
            begun = time.thread_time_ns()
            contestant(made)
            if number >= WARM_UP:
                took[name].append((time.thread_time_ns() - begun) / 1e3)
    return took


def tell(client: str, took: Mapping[str, list[float]]) -> None:
    engine = statistics.median(took["the engine"])
    p95 = statistics.quantiles(took["the engine"], n=20)[18]
    beside = ", ".join(
        f"{engine / statistics.median(each):4.1f} times {name} ({statistics.median(each):3.0f} us)"
        for name, each in took.items()
        if name != "the engine"
    )
    sys.stdout.write(f"{client:>18}: p50 {engine:4.0f} us, p95 {p95:4.0f} us (bar: under {BAR}); {beside}\n")


def main() -> None:
    pick = random.Random(7).randrange
    anyone: list[Any] = [a_case(FORM, pick) for _ in range(WARM_UP + ROUNDS)]
    gc.collect()
    gc.freeze()  # as the service does when it has started
    for name, made in clients().items():
        tell(name, in_turn(lambda _, made=made: made))
    tell("made up at random", in_turn(lambda number: anyone[number]))


if __name__ == "__main__":
    main()
