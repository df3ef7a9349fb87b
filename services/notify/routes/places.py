"""Where a page of a line of time ended, as callers hand it back."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import Field

from services.notify.ports import Place
from shared.httpkit import InvalidRequest, Payload

Cursor = Annotated[str, Field(max_length=400)]
Limit = Annotated[int, Field(ge=1, le=100)]
USUAL: Final = 50


class Paged(Payload):
    """Leave `before` out for the newest; hand back what the last page gave as `next` for older ones."""

    before: Cursor | None = None
    limit: Limit = USUAL


def written(place: Place | None) -> str | None:
    if place is None:
        return None
    at, key = place
    return base64.urlsafe_b64encode(f"{at.isoformat()}\0{key}".encode()).decode()


def read(cursor: str | None) -> Place | None:
    if cursor is None:
        return None
    try:
        at, _, key = base64.urlsafe_b64decode(cursor.encode()).decode().partition("\0")
        told = datetime.fromisoformat(at)
        if told.tzinfo is None or not key:
            raise ValueError(cursor)
        place = told.astimezone(UTC), key  # one before all calendars by Greenwich overflows
    except (ValueError, OverflowError, binascii.Error) as error:
        raise InvalidRequest("`before` is not what a page gave as `next`") from error
    return place
