"""Which files can be a logo: small pictures that hold nothing but a picture."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final
from xml.etree import ElementTree

LARGEST_LOGO: Final = 50_000
PNG, WEBP, SVG = "image/png", "image/webp", "image/svg+xml"
_SVG: Final = "{http://www.w3.org/2000/svg}"
_DRAWS: Final = frozenset({
    "svg", "g", "defs", "symbol", "use", "title", "desc", "path", "rect", "circle", "ellipse", "line", "polyline",
    "polygon", "text", "tspan", "linearGradient", "radialGradient", "stop", "clipPath", "mask", "pattern",
})  # fmt: skip
"""Elements that draw; what runs, links, animates, embeds or styles is not among them."""


class NoLogo(ValueError):
    """Why a file cannot be a logo."""


def opened(logo: str) -> tuple[str, bytes]:
    """Its media type and its bytes. Raises `NoLogo`."""
    try:
        content = base64.b64decode(logo, validate=True)
    except (binascii.Error, ValueError):
        raise NoLogo("is not a file in base64") from None
    if len(content) > LARGEST_LOGO:
        raise NoLogo(f"has {len(content)} bytes, more than {LARGEST_LOGO}")
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG, content
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return WEBP, content
    _only_draws(content)
    return SVG, content


def _only_draws(content: bytes) -> None:
    if re.search(rb"<!(DOCTYPE|ENTITY)|<\?(?!xml )", content, re.IGNORECASE):
        raise NoLogo("holds declarations, which a picture does not need")
    try:
        text = content.decode()
        root = ElementTree.fromstring(text)  # noqa: S314  no declarations, so no entities that grow
    except (UnicodeDecodeError, ElementTree.ParseError):
        raise NoLogo("is no PNG, WebP or SVG file") from None
    if root.tag != f"{_SVG}svg":
        raise NoLogo("is no PNG, WebP or SVG file")
    for element in root.iter():
        if str(element.tag).removeprefix(_SVG) not in _DRAWS:
            raise NoLogo(f"holds {_bare(element.tag)!r}, and may only draw")
        for name, value in element.attrib.items():
            _is_plain(_bare(name), value)


def _is_plain(name: str, value: str) -> None:
    """Refers to nothing outside of the picture and runs nothing."""
    outside = name in {"href", "src", "base"} and not value.startswith("#")
    if outside or name.lower().startswith("on") or re.search(r"url\((?!\s*['\"]?#)|@import|\\", value, re.IGNORECASE):
        raise NoLogo(f"refers or reacts to something by {name!r}, and may only draw")


def _bare(name: object) -> str:
    return str(name).rpartition("}")[2][:40]
