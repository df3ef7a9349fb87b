"""Rules that single fields of a profile keep; each yields the field's path and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from services.booking.domain.practice import RASTER_MINUTES, Place, Service

Problems = Iterator[tuple[str, str]]


def filled(path: str, text: str) -> Problems:
    if not text.strip():
        yield path, "is empty"


def known(path: str, wanted: str, among: tuple[Place, ...] | tuple[Service, ...]) -> Problems:
    if wanted not in {one.id for one in among}:
        yield path, f"{wanted!r} does not exist"


def whole(path: str, number: int, least: int, most: int) -> Problems:
    if not least <= number <= most:
        yield path, f"{number} is not between {least} and {most}"


def raster(path: str, minutes: int, least: int, most: int) -> Problems:
    yield from whole(path, minutes, least, most)
    if minutes % RASTER_MINUTES:
        yield path, f"{minutes} is not a multiple of {RASTER_MINUTES} minutes"


def zone(path: str, zone: str) -> Problems:
    """A directory of zones ("America") and a path out of them are as wrong as a name nobody knows."""
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        yield path, f"{zone!r} is not an IANA time zone like Europe/Zurich"


def phone(path: str, number: str) -> Problems:
    if not re.fullmatch(r"\+[1-9]\d{6,14}", number):
        yield path, "is not an international number like +41440000000"


def address(path: str, url: str) -> Problems:
    """What is wrong is told without the address: that of a calendar is a secret."""
    try:
        parts = urlsplit(url)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        sound = False
    if not sound or not re.fullmatch(r"[!-~]+", url):
        yield path, "is not a web address like https://example.org/page"
