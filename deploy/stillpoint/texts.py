"""`stillpoint plan`: what a visit would be texted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cyclopts
from pydantic_core import from_json

from deploy.stillpoint.asking import asked, part
from deploy.stillpoint.saying import Json, NotDone, facts, said

app = cyclopts.App(name="plan", help="See what a visit would be texted, and when; nothing is sent.")


@app.command
def preview(practice: str, file: Path, *, url: str | None = None, as_json: Json = False) -> None:
    """Every text that a made-up visit would get.

    Parameters
    ----------
    practice
        Its id.
    file
        The body of POST /notify/v1/practices/{practice}/plan, as JSON.
    url
        Origin of the running system, STILLPOINT_PUBLIC_ORIGIN if left out.
    """
    try:
        visit = from_json(file.read_bytes())
    except OSError as error:
        raise NotDone(f"{file} cannot be read: {(error.strerror or 'unknown').lower()}") from error
    except ValueError as error:
        raise NotDone(f"{file} is not JSON") from error
    answer: dict[str, Any] = asked("POST", f"/notify/v1/practices/{part(practice)}/plan", visit, url=url)
    if as_json:
        return said(answer)
    shown = {"when": "local_time", "step": "step", "segments": "segments", "text": "body"}
    return facts(
        [{name: text[field] for name, field in shown.items()} for text in answer["texts"]],
        as_json=False,
        nothing="no texts",
    )
