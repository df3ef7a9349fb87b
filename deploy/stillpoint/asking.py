"""Asking the running services over their operator API; what goes wrong is one sentence."""

from __future__ import annotations

import asyncio
from typing import Any, Final
from urllib.parse import quote

import aiohttp
from pydantic_core import to_json

from deploy.stillpoint.saying import NOT_KNOWN, NotDone
from deploy.stillpoint.settings import ApiSettings
from shared.settings import read

PATIENCE: Final = aiohttp.ClientTimeout(total=60)
Query = dict[str, str] | None


def asked(method: str, path: str, body: object = None, *, query: Query = None, url: str | None = None) -> Any:
    """What the service at `path` (`/booking/v1/...`) answers as JSON; None for no content.

    `url` is the origin, STILLPOINT_PUBLIC_ORIGIN if left out. Raises `NotDone` with what the service says.
    """
    settings = read(ApiSettings)
    origin = (url or settings.at(path.split("/")[1])).rstrip("/")
    return asyncio.run(_asked(method, origin, path, body, query, settings))


def part(name: str) -> str:
    """One part of an address, whatever somebody typed."""
    return quote(name, safe="")


async def _asked(method: str, origin: str, path: str, body: object, query: Query, settings: ApiSettings) -> Any:
    headers = {"Authorization": f"Bearer {settings.operator_key.get_secret_value()}"}
    sent = None if body is None else to_json(body)
    if sent is not None:
        headers["Content-Type"] = "application/json"
    try:
        async with (
            aiohttp.ClientSession(timeout=PATIENCE, headers=headers) as session,
            session.request(method, origin + path, data=sent, params=query) as answer,
        ):
            told = None if answer.status == 204 else await answer.json(content_type=None)
            if answer.ok:
                return told
            raise NotDone(_why(answer.status, told))
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise NotDone(f"{origin} does not answer as Stillpoint does; is it running?", NOT_KNOWN) from error


def _why(status: int, problem: object) -> str:
    if not isinstance(problem, dict):
        return f"refused with status {status}"
    if errors := problem.get("errors"):
        return f"{errors[0]['field']}: {errors[0]['problem']}"
    return str(problem.get("detail", f"refused with status {status}"))
