"""Loading a practice file through the operator API; every failure is one plain sentence."""

from __future__ import annotations

import asyncio
import tomllib
from pathlib import Path
from typing import Any, Final

import aiohttp
from pydantic import SecretStr, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from services.booking import profile
from services.booking.domain.practice_check import InvalidPractice
from services.booking.routes.settings_payloads import Stored

PATIENCE: Final = aiohttp.ClientTimeout(total=30)


class NotLoaded(Exception):
    """Nothing was changed; the message says why, for whoever wrote the file."""


def load(file: Path, origin: str, operator_key: SecretStr) -> Stored:
    """Raises `NotLoaded`."""
    document = _read(file)
    return asyncio.run(_put(document, origin.rstrip("/"), operator_key))


def _read(file: Path) -> bytes:
    """The profile as JSON; all that can be wrong with it is found before anything is sent."""
    try:
        document = to_json(tomllib.loads(file.read_text(encoding="utf-8")))
        profile.read(profile.Profile.model_validate_json(document, strict=True))
    except OSError as error:
        raise NotLoaded(f"cannot be read: {(error.strerror or 'unknown').lower()}") from error
    except UnicodeDecodeError as error:
        raise NotLoaded("is not UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise NotLoaded(f"is not TOML: {error}") from error
    except PydanticSerializationError as error:
        raise NotLoaded("holds a value that is no text, number, date or list") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        raise NotLoaded(f"{_path(first['loc'])}: {first['msg']}") from error
    except InvalidPractice as error:
        raise NotLoaded(str(error)) from error
    return document


async def _put(document: bytes, origin: str, operator_key: SecretStr) -> Stored:
    practice = profile.Profile.model_validate_json(document).id
    headers = {"Authorization": f"Bearer {operator_key.get_secret_value()}", "Content-Type": "application/json"}
    try:
        async with (
            aiohttp.ClientSession(timeout=PATIENCE, headers=headers) as session,
            session.put(f"{origin}/booking/v1/practices/{practice}", data=document) as answer,
        ):
            body = await answer.read()
            if answer.status != 200:
                raise NotLoaded(_told(answer.status, await answer.json(content_type=None)))
            return Stored.model_validate_json(body)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise NotLoaded(f"{origin} does not answer as booking does; is it running?") from error


def _told(status: int, problem: dict[str, Any]) -> str:
    errors = problem.get("errors")
    if errors:
        return f"{errors[0]['field']}: {errors[0]['problem']}"
    return str(problem.get("detail", f"refused with status {status}"))


def _path(loc: tuple[int | str, ...]) -> str:
    """`practitioners[0].hours[1].starts`, as the checks of the domain write it."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).removeprefix(".")
