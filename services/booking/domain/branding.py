"""How a practice's pages look: two colours, fonts and a logo, made into the tokens of the stylesheet of all pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from typing import Final

from services.booking.domain.colour import contrast, legible, mixed

READABLE: Final = 4.5
"""WCAG 2.2, 1.4.3: the least contrast of text on its ground."""
VISIBLE: Final = 3.0
"""WCAG 2.2, 1.4.11: the least contrast of the edge of a field on its ground."""
A_LITTLE_MORE: Final = 0.1
WHITE: Final = "#ffffff"
TINTED: Final = 0.12


class Font(StrEnum):
    """Stacks of fonts that devices bring along; none is ever fetched."""

    WARM = "warm"
    PLAIN = "plain"
    SERIF = "serif"
    ROUND = "round"


_SANS: Final = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif'
_SERIF: Final = 'ui-serif, Georgia, "Noto Serif", "DejaVu Serif", serif'
_ROUND: Final = 'ui-rounded, "SF Pro Rounded", "Hiragino Maru Gothic ProN", Nunito, Quicksand, ' + _SANS
STACKS: Final[Mapping[Font, tuple[str, str]]] = {
    Font.WARM: (_SANS, _SERIF),
    Font.PLAIN: (_SANS, _SANS),
    Font.SERIF: (_SERIF, _SERIF),
    Font.ROUND: (_ROUND, _ROUND),
}
"""What text and what headings are set in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Branding:
    """Colours are #rrggbb, empty where the pages' own stay; `logo` is a PNG, WebP or SVG file in base64."""

    accent: str = ""
    ground: str = ""
    dark_accent: str = ""
    dark_ground: str = ""
    font: Font = Font.WARM
    logo: str = ""


Tokens = Mapping[str, str]
LIGHT: Final[Tokens] = {
    "ground": "#f5f0e8", "paper": "#fffdf9", "line": "#e2d9cb", "edge": "#8f8677", "ink": "#2b2925", "soft": "#655f55",
    "accent": "#3d6657", "on-accent": "#fffdf9", "tint": "#e6eee8", "warn": "#9a3324",
}  # fmt: skip
DARK: Final[Tokens] = {
    "ground": "#171613", "paper": "#211f1b", "line": "#39352e", "edge": "#8b8376", "ink": "#efe9df", "soft": "#b5ada0",
    "accent": "#9fcbb6", "on-accent": "#14231c", "tint": "#26332d", "warn": "#f3a896",
}  # fmt: skip
"""The same tokens as in the stylesheet of all pages, whose text a practice does not choose."""


@dataclass(frozen=True, slots=True)
class Faint:
    """Text that nobody could read well: of which token on which, and how little they differ."""

    text: str
    ground: str
    contrast: float


def light(branding: Branding) -> Tokens:
    return _tokens(LIGHT, accent=branding.accent, ground=branding.ground, lift=0.7)


def dark(branding: Branding) -> Tokens:
    """Without an accent of its own it is the light one, as much lighter as makes it readable."""
    without = _tokens(DARK, accent="", ground=branding.dark_ground, lift=0.05)
    accent = branding.dark_accent
    if branding.accent and not accent:
        grounds = (without["ground"], without["paper"], mixed(without["paper"], WHITE, TINTED))
        accent = legible(branding.accent, WHITE, on=grounds, least=READABLE + A_LITTLE_MORE)
    return _tokens(DARK, accent=accent, ground=branding.dark_ground, lift=0.05)


def faint(tokens: Tokens) -> Iterator[Faint]:
    """Every text of a page that is too faint on something that it stands on."""
    pairs = [(text, ground) for text in ("ink", "soft", "accent", "warn") for ground in ("ground", "paper", "tint")]
    for text, ground in (*pairs, ("on-accent", "accent")):
        if (found := contrast(tokens[text], tokens[ground])) < READABLE:
            yield Faint(text, ground, found)


@lru_cache(maxsize=64)
def stylesheet(branding: Branding) -> str:
    """What a page of this practice reads after the stylesheet of all pages; empty if that says it all."""
    by_day, by_night = light(branding), dark(branding)
    # Both schemes name the same tokens: it is read last, and what it says by day would else hold by night too.
    named = {token for token in LIGHT if by_day[token] != LIGHT[token] or by_night[token] != DARK[token]}
    blocks = {":root": {token: by_day[token] for token in named} | _fonts(branding.font)}
    blocks["@media (prefers-color-scheme: dark) {\n:root"] = {token: by_night[token] for token in named}
    written = [
        f"{name} {{\n" + "".join(f"  --{token}: {value};\n" for token, value in sorted(tokens.items())) + "}"
        for name, tokens in blocks.items()
    ]
    return f"{written[0]}\n{written[1]}\n}}\n" if any(blocks.values()) else ""


@lru_cache(maxsize=64)
def version(branding: Branding) -> str:
    """Of the stylesheet; empty if there is none."""
    return _digest(stylesheet(branding))


@lru_cache(maxsize=64)
def logo_version(branding: Branding) -> str:
    """Empty if there is none."""
    return _digest(branding.logo)


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:12] if text else ""


def _tokens(base: Tokens, *, accent: str, ground: str, lift: float) -> dict[str, str]:
    """`lift` is how much whiter than the ground paper is."""
    own = dict(base)
    if ground:
        own |= {"ground": ground, "paper": mixed(ground, WHITE, lift), "line": mixed(ground, base["ink"], 0.12)}
    if accent:
        own |= {"accent": accent, "on-accent": _best_on(accent)}
    if ground or accent:
        own["tint"] = mixed(own["paper"], own["accent"], TINTED)
        papers = (own["ground"], own["paper"], own["tint"])
        own["edge"] = legible(base["edge"], base["ink"], on=papers[1:2], least=VISIBLE + A_LITTLE_MORE)
        own["soft"] = legible(base["soft"], base["ink"], on=papers, least=READABLE + A_LITTLE_MORE)
    return own


def _best_on(accent: str) -> str:
    return max((LIGHT["on-accent"], DARK["on-accent"]), key=lambda text: contrast(text, accent))


def _fonts(font: Font) -> dict[str, str]:
    text, title = STACKS[font]
    return {} if font is Font.WARM else {"font": text, "title-font": title}
