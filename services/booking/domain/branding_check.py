"""The rules that the look of a practice's pages keeps, and which sites may hold them in a frame."""

from __future__ import annotations

import re
from typing import Final

from services.booking.domain import logo
from services.booking.domain.branding import READABLE, Branding, Tokens, dark, faint, light
from services.booking.domain.colour import is_colour
from services.booking.domain.field_checks import Problems

MOST_SITES: Final = 20
_NAME: Final = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_SITE: Final = re.compile(rf"https://{_NAME}(\.{_NAME})*(:[1-9][0-9]{{0,4}})?")
_TRIAL: Final = re.compile(r"http://(localhost|127\.0\.0\.1)(:[1-9][0-9]{0,4})?")
_WORDS: Final = {
    "ink": "text", "soft": "small text", "accent": "links", "warn": "warnings", "on-accent": "the words on buttons",
    "ground": "the ground", "paper": "cards", "tint": "what is chosen",
}  # fmt: skip


def problems(path: str, branding: Branding) -> Problems:
    """Colours are told apart by somebody who sees little, in light and in dark."""
    colours = ("accent", "ground", "dark_accent", "dark_ground")
    wrong = [name for name in colours if getattr(branding, name) and not is_colour(getattr(branding, name))]
    for name in wrong:
        yield f"{path}.{name}", f"{getattr(branding, name)!r} is not a colour like #3d6657"
    if not wrong:
        yield from _faint(path, light(branding), "", has_accent=bool(branding.accent))
        has_accent = bool(branding.dark_accent or (branding.accent and not branding.dark_ground))
        yield from _faint(path, dark(branding), "dark_", has_accent=has_accent)
    if branding.logo:
        try:
            logo.opened(branding.logo)
        except logo.NoLogo as error:
            yield f"{path}.logo", str(error)


def _faint(path: str, tokens: Tokens, scheme: str, *, has_accent: bool) -> Problems:
    """One problem for each colour that is to be changed."""
    told = set[str]()
    for found in faint(tokens):
        name = "accent" if has_accent and "accent" in {found.text, found.ground} else "ground"
        if name not in told:
            told.add(name)
            few = f"{_WORDS[found.text]} would be hard to read on {_WORDS.get(found.ground, found.ground)}"
            if found.ground == "accent":
                few = f"{_WORDS[found.text]} would be hard to read"
            yield f"{path}.{scheme}{name}", f"{few}: a contrast of {found.contrast:.1f}, at least {READABLE} is needed"


def sites(path: str, among: tuple[str, ...]) -> Problems:
    """They go into a header as they are; plain HTTP is only for trying out on one's own machine."""
    if len(among) > MOST_SITES:
        yield path, f"are more than {MOST_SITES}"
    for index, site in enumerate(among):
        if not (_SITE.fullmatch(site) or _TRIAL.fullmatch(site)):
            yield f"{path}[{index}]", f"{site!r} is not the address of a site alone, like https://www.example.org"
