"""Serve screening, or judge the cases of a file and compare them with what they should come to."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import cyclopts
from aiohttp import web

from services import serving
from services.screening import importing, keys, library, verifying, versioning
from services.screening.app import build
from services.screening.casefile import Unreadable, judge_file
from services.screening.library import LibraryBroken
from services.screening.settings import Settings
from shared.settings import read

DIFFERS = 1
UNREADABLE = 2

app = cyclopts.App(name="python -m services.screening", help=__doc__)
app.command(keys.app)
app.command(verifying.app)
app.command(importing.import_fhir)
app.command(versioning.diff)
app.command(versioning.prove)
app.command(versioning.replay_case, name="replay")
app.command(versioning.pin)


async def start() -> web.Application:
    return await build(read(Settings))


@app.default
def serve() -> None:
    """Serve screening on its own."""
    serving.run({"screening": start}, read(Settings))


@app.command
def evaluate(file: Annotated[Path, cyclopts.Parameter(allow_leading_hyphen=True)], *, expect: bool = False) -> None:
    """Judge one case or many, keep nothing, and print each result as a line of JSON.

    Ends with 1 and a list of differences if a case comes to something else than it expects, with 2 and a sentence if
    the file cannot be read or judged. Needs no settings, database or broker.

    Parameters
    ----------
    file
        JSON, JSON lines or TOML; - reads from standard input. A case is the body of the API's `evaluate`, optionally
        with `name` and with `expected`, any part of the result. Many cases are a list, lines, or tables [[case]].
    expect
        Every case must say what it expects; print only what differs.
    """
    try:
        judged = judge_file(file, library.read())
    except (Unreadable, LibraryBroken) as error:
        print(f"{file}: {error}", file=sys.stderr)
        sys.exit(UNREADABLE)
    differences = [line for one in judged for line in one.differences()]
    if expect:
        differences += [f"{one.name}: says nothing of what it expects" for one in judged if not one.expected]
    else:
        _say(one.result.model_dump_json() for one in judged)
    for line in differences:
        print(line, file=sys.stderr)
    sys.exit(DIFFERS if differences else 0)


def _say(lines: Iterable[str]) -> None:
    """JSON is UTF-8, whatever the terminal speaks; whoever stops reading early has read enough."""
    try:
        sys.stdout.buffer.writelines(f"{line}\n".encode() for line in lines)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the interpreter complains as it ends


if __name__ == "__main__":
    app()
