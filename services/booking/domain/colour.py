"""Colours as #rrggbb: how they mix, and how well one is read on another (WCAG 2.2, 1.4.3)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

STEPS: Final = 40


def is_colour(text: str) -> bool:
    return re.fullmatch(r"#[0-9a-fA-F]{6}", text) is not None


def contrast(one: str, other: str) -> float:
    """1 to 21, whichever of the two is the text."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def mixed(colour: str, other: str, share: float) -> str:
    """The colour with so much of the other in it, 0 to 1."""
    pairs = zip(_channels(colour), _channels(other), strict=True)
    return "#" + "".join(f"{round(of + (into - of) * share):02x}" for of, into in pairs)


def legible(colour: str, towards: str, *, on: Iterable[str], least: float) -> str:
    """As little of `towards` mixed in as makes it readable on all of these; `towards` itself if nothing less does."""
    grounds = tuple(on)
    for step in range(STEPS):
        tried = mixed(colour, towards, step / STEPS)
        if all(contrast(tried, ground) >= least for ground in grounds):
            return tried
    return towards


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(channel / 255) for channel in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)
