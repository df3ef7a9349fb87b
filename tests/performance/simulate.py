"""A million planned texts gone through by the time machine, on all cores and on one.

By the default preset, and by all texts under the default's caps, where most texts are weighed against others.
`TEXTS=100000 python -m tests.performance.simulate` makes it fewer.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from services.notify import simulating
from services.notify.domain.practice import Practice
from services.notify.domain.visit import Visit
from services.notify.foretelling import Form, Told, told
from tests.support.notify import FULL, practice, visit

TEXTS = int(os.environ.get("TEXTS", "1000000"))
BAR = 10.0
# Clients come every other week for a while.
VISITS_EACH, APART = 4, timedelta(days=14)
FIRST = datetime(2027, 3, 1, 13, 0, tzinfo=UTC)
ZONES = ("America/New_York", "Europe/Zurich", "America/Phoenix")
GENTLE = practice(steps=frozenset({"day_before", "aftercare"}))


def visits(count: int) -> list[Visit]:
    made = []
    for number in range(count):
        client, turn = divmod(number, VISITS_EACH)
        starts = FIRST + timedelta(minutes=15 * (client % 32), days=client // 32 % 300) + turn * APART
        zone = ZONES[client % len(ZONES)]
        phone = f"+1{client:010d}"
        made.append(visit(appointment=f"{number:026d}", starts_at=starts, zone=zone, client_zone=zone, phone=phone))
    return made


def timed(work: Callable[[], Told]) -> tuple[float, int]:
    began = time.perf_counter()
    texts = work().counts.total()
    return time.perf_counter() - began, texts


def measure(name: str, policy: Practice) -> None:
    each = told([visits(VISITS_EACH)], practice=policy, other=None, span=None, form=Form.TOTALS).counts.total()
    known = visits(TEXTS * VISITS_EACH // each)
    clients = [known[at : at + VISITS_EACH] for at in range(0, len(known), VISITS_EACH)]
    took, texts = timed(lambda: simulating.gone_through(known, policy, None, None, Form.TOTALS))
    with_lines, _ = timed(lambda: simulating.gone_through(known, policy, None, None, Form.LINES))
    alone = alone_a_text(clients[: max(len(clients) // 10, 1)], policy)
    sys.stdout.write(
        f"{name}: {texts} texts in {took:.1f} s (bar: {BAR * TEXTS / 1e6:.1f} s), {texts / took:.0f} a second, "
        f"{alone * texts / took:.1f} times one process; with a line each {with_lines:.1f} s; "
        f"{alone * 1e6:.1f} us a text in one process\n"
    )


def alone_a_text(clients: Sequence[Sequence[Visit]], policy: Practice) -> float:
    took, texts = timed(lambda: told(clients, practice=policy, other=None, span=None, form=Form.TOTALS))
    return took / texts


def main() -> None:
    measure("default preset", GENTLE)
    measure("all texts", practice(steps=FULL))


if __name__ == "__main__":
    main()
