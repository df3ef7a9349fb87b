"""Serve notify, look through the texts of a day, or go through those of a span to come."""

from __future__ import annotations

import asyncio
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import cyclopts
from aiohttp import web

from services import serving
from services.notify.app import build
from services.notify.auditing import audited
from services.notify.foretelling import Form, totals
from services.notify.ports import GatewayDown
from services.notify.settings import Settings
from services.notify.simulating import NotSimulated, changed, gone_through, made_up, of_practice
from shared.clock import utc_now
from shared.settings import read

app = cyclopts.App(name="python -m services.notify", help=__doc__)


async def start() -> web.Application:
    return await build(read(Settings))


@app.default
def serve() -> None:
    """Serve notify on its own."""
    serving.run({"notify": start}, read(Settings))


@app.command
def audit(*, day: date | None = None) -> None:
    """Hold what the provider sent on a day against what we posted; ends with 1 if anything does not fit.

    Parameters
    ----------
    day
        As 2026-11-22, by Greenwich; yesterday if left out.
    """
    try:
        done = asyncio.run(audited(read(Settings), day or utc_now().date() - timedelta(days=1)))
    except (GatewayDown, TimeoutError) as error:
        sys.exit(f"the provider could not be asked: {error!r}")
    print(f"{done.day}: {done.listed} listed, {done.posted} posted from the evening before until the day after")
    print(
        f"{done.duplicates} duplicates ({done.per_ten_thousand:.2f} per 10,000), {done.strangers} strangers, ", end=""
    )
    print(f"{done.missing} missing, {done.forgotten} of clients forgotten since")
    for example in done.examples:
        print(example)
    if not done.whole:
        print("more than can be looked through: not all was seen")
    sys.exit(0 if done.is_clean else 1)


@app.command
def simulate(
    practice: str | None = None,
    *,
    since: Annotated[date | None, cyclopts.Parameter(name="--from")] = None,
    until: date | None = None,
    file: Path | None = None,
    with_: Annotated[Path | None, cyclopts.Parameter(name="--with")] = None,
    diff: bool = False,
    form: Form = Form.LINES,
) -> None:
    """Go through what would be texted, and why what is planned would not; nothing is sent and nothing is written.

    Whoever has a visit is taken to come, to have stopped no texts, and to get every one of them.

    Parameters
    ----------
    practice
        Its visits as notify knows them.
    since
        First day by the practice's clock, as 2026-11-22; today if left out.
    until
        Day after the last; four weeks later if left out.
    file
        Instead of a practice: made-up visits and settings as JSON, {"settings": {...}, "visits": [{...}]}.
    with_
        Other rules as JSON, in the form in which the plan of a visit takes "settings" over HTTP.
    diff
        Only what these other rules would change: + more, - less, ~ at another time or in other words.
    form
        A line a text, a JSON object a text, or totals alone.
    """
    try:
        if (practice is None) == (file is None):
            raise NotSimulated("give either a practice or --file")
        if diff and with_ is None:
            raise NotSimulated("--diff needs other rules, --with")
        if file is not None:
            (known, visits), span = made_up(file), None
        else:
            first = since or utc_now().date()
            last = until or first + timedelta(weeks=4)
            known, visits, span = asyncio.run(of_practice(read(Settings), practice or "", first, last))
        tried = changed(known, with_)
        told = gone_through(visits, known if diff else tried or known, tried if diff else None, span, form)
    except NotSimulated as error:
        sys.exit(str(error))
    for _, line in sorted(told.lines):
        print(line)
    if form is not Form.JSON:
        for line in totals(told.counts):
            print(line)


if __name__ == "__main__":
    app()
