"""From what a browser calls itself to words in which a person knows their own phone again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

# The first that fits: browsers name those before them too, so that old pages let them in.
BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
DEVICES: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("CrOS", "Chromebook"),
    ("Linux", "Linux"),
)


def browser(agent: str) -> str:
    """Empty where it is none that is known."""
    return _first(BROWSERS, agent)


def device(agent: str) -> str:
    return _first(DEVICES, agent)


def _first(known: Sequence[tuple[str, str]], agent: str) -> str:
    return next((name for mark, name in known if mark in agent), "")
