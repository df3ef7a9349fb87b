"""Loading a practice file through the operator API, and writing one; every failure is one plain sentence."""

from __future__ import annotations

import asyncio
import tomllib
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import aiohttp
from pydantic import SecretStr, ValidationError
from pydantic_core import PydanticSerializationError, from_json, to_json

from services.booking import profile
from services.booking.domain.practice_check import InvalidPractice
from services.booking.routes.settings_payloads import Stored

PATIENCE: Final = aiohttp.ClientTimeout(total=30)


class NotDone(Exception):
    """Nothing was changed; the message says why, for whoever wrote the file."""


def load(file: Path, origin: str, operator_key: SecretStr) -> Stored:
    """Raises `NotDone`."""
    document = _read(file)
    return asyncio.run(_put(document, origin.rstrip("/"), operator_key))


def export(practice: str, origin: str, operator_key: SecretStr) -> str:
    """The practice as the TOML file that loads it again; raises `NotDone`."""
    origin = origin.rstrip("/")
    file = asyncio.run(_asked("GET", origin, f"/{quote(practice, safe='')}/export.toml", operator_key))
    try:
        return file.decode()
    except UnicodeDecodeError as error:
        raise _not_booking(origin) from error


def let_in(practice: str, user: dict[str, Any], origin: str, operator_key: SecretStr) -> str:
    """The password to tell them; raises `NotDone`."""
    origin, path = origin.rstrip("/"), f"/{quote(practice, safe='')}/users"
    body = asyncio.run(_asked("POST", origin, path, operator_key, to_json(user), wants=201))
    try:
        return str(from_json(body)["password"])
    except (ValueError, KeyError, TypeError) as error:
        raise _not_booking(origin) from error


def _read(file: Path) -> bytes:
    """The profile as JSON; all that can be wrong with it is found before anything is sent."""
    try:
        document = to_json(tomllib.loads(file.read_text(encoding="utf-8")))
        profile.read(profile.Profile.model_validate_json(document, strict=True))
    except OSError as error:
        raise NotDone(f"cannot be read: {(error.strerror or 'unknown').lower()}") from error
    except UnicodeDecodeError as error:
        raise NotDone("is not UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise NotDone(f"is not TOML: {error}") from error
    except PydanticSerializationError as error:
        raise NotDone("holds a value that is no text, number, date or list") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        raise NotDone(f"{_path(first['loc'])}: {first['msg']}") from error
    except InvalidPractice as error:
        raise NotDone(str(error)) from error
    return document


async def _put(document: bytes, origin: str, operator_key: SecretStr) -> Stored:
    practice = profile.Profile.model_validate_json(document).id
    body = await _asked("PUT", origin, f"/{practice}", operator_key, document)
    try:
        return Stored.model_validate_json(body)
    except ValueError as error:
        raise _not_booking(origin) from error


async def _asked(
    method: str, origin: str, path: str, operator_key: SecretStr, document: bytes | None = None, *, wants: int = 200
) -> bytes:
    headers = {"Authorization": f"Bearer {operator_key.get_secret_value()}", "Content-Type": "application/json"}
    try:
        async with (
            aiohttp.ClientSession(timeout=PATIENCE, headers=headers) as session,
            session.request(method, f"{origin}/booking/v1/practices{path}", data=document) as answer,
        ):
            if answer.status != wants:
                raise NotDone(_told(answer.status, await answer.json(content_type=None)))
            return await answer.read()
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise _not_booking(origin) from error


def _not_booking(origin: str) -> NotDone:
    return NotDone(f"{origin} does not answer as booking does; is it running?")


def _told(status: int, problem: dict[str, Any]) -> str:
    errors = problem.get("errors")
    if errors:
        return f"{errors[0]['field']}: {errors[0]['problem']}"
    return str(problem.get("detail", f"refused with status {status}"))


def _path(loc: tuple[int | str, ...]) -> str:
    """`practitioners[0].hours[1].starts`, as the checks of the domain write it."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).removeprefix(".")
