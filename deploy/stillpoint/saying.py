"""How every command answers: facts as a table or as JSON, and what could not be done as one sentence."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import cyclopts
from rich.console import Console
from rich.table import Table

NOT_DONE: Final = 1
NOT_KNOWN: Final = 2

Json = Annotated[bool, cyclopts.Parameter(name="--json", negative=(), help="For programs: JSON instead of a table.")]
Fact = Mapping[str, Any]


class NotDone(Exception):
    """Nothing was changed; the message is one sentence for the operator. Ends the command with `code`."""

    def __init__(self, told: str, code: int = NOT_DONE) -> None:
        super().__init__(told)
        self.code = code


def facts(rows: Sequence[Fact], *, as_json: bool, nothing: str = "nothing") -> None:
    """One line a fact; all have the same names. JSON is a list of objects."""
    if as_json:
        said(list(rows))
        return
    if not rows:
        print(nothing)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in rows[0]:
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(_shown(value) for value in row.values()))
    _terminal().print(table)


def said(value: object) -> None:
    """JSON is UTF-8, whatever the terminal speaks; whoever stops reading early has read enough."""
    try:
        sys.stdout.buffer.write(json.dumps(value, indent=2, ensure_ascii=False, default=str).encode() + b"\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def progress(told: str) -> None:
    """Of long work, beside what the command prints."""
    print(told, file=sys.stderr, flush=True)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def _terminal() -> Console:
    """As wide as it is; a file or a pipe gets whole lines."""
    return Console(soft_wrap=not sys.stdout.isatty(), highlight=False, width=None if sys.stdout.isatty() else 1_000)
