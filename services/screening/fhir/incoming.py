"""A foreign resource before it is read: small enough, JSON, and FHIR; and the list of what is not supported in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from pydantic_core import from_json

from services.screening.fhir import checked
from services.screening.fhir.names import Json
from shared.errors import Kind, Refusal

LARGEST: Final = 262_144
MOST_PARTS: Final = 20_000
DEEPEST: Final = 24
MOST_TOLD: Final = 50
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9]{0,40}")
_URL: Final = re.compile(r"[\x21-\x7e]{1,200}")


class NotSupported(Refusal):
    """A Questionnaire holds what a form here cannot; `troubles` lists every place. Nothing of it was taken."""

    slug: ClassVar[str] = "questionnaire-not-supported"
    kind: ClassVar[Kind] = Kind.INVALID


@dataclass(frozen=True, slots=True)
class Remark:
    """`path` as in FHIRPath, from the Questionnaire on."""

    path: str
    what: str


@dataclass(slots=True)
class Remarks:
    """What is said while a resource is read: what keeps it out, what becomes another thing, what is left out."""

    troubles: list[Remark] = field(default_factory=list)
    changed: list[Remark] = field(default_factory=list)
    left_out: list[Remark] = field(default_factory=list)

    def refuse(self, path: str, what: str) -> None:
        if Remark(path, what) not in self.troubles:
            self.troubles.append(Remark(path, what))

    def check(self) -> None:
        """Raises `NotSupported`."""
        if self.troubles:
            raise not_supported(self.troubles)

    def only(self, path: str, part: Json, used: Sequence[str], unused: Sequence[str] = ()) -> None:
        """Refuse whatever else is in it; what is `unused` is left out, which is said."""
        for name in part:
            if name in unused:
                self.left_out.append(Remark(joined(path, name), "has no place here"))
            elif name not in used and part[name] is not False:
                self.refuse(joined(path, shown(name)), "is not supported")


def not_supported(troubles: Sequence[Remark]) -> NotSupported:
    told = [{"path": one.path, "what": one.what} for one in troubles[:MOST_TOLD]]
    return NotSupported("the Questionnaire holds what a form here cannot", troubles=told, count=len(troubles))


def resource(raw: bytes, kind: str, *, without: Sequence[str]) -> Json:
    """The resource as the FHIR library writes it, less what is read by nobody here. Raises `NotSupported`.

    How large, how deep and how much it is, is looked at before anything of it is followed.
    """
    if len(raw) > LARGEST:
        raise not_supported([Remark("", f"is larger than {LARGEST} bytes")])
    try:
        found: Any = from_json(raw, allow_inf_nan=False)
    except ValueError:
        raise not_supported([Remark("", "is not JSON")]) from None
    if not isinstance(found, dict) or found.get("resourceType") != kind:
        raise not_supported([Remark("resourceType", f"is not {kind}")])
    _measure(found)
    read = {name: part for name, part in found.items() if name not in without}
    try:
        checked_json: Json = from_json(checked.text(read))
    except checked.NotFhir as error:
        raise not_supported([_invalid(*one) for one in error.places]) from None
    return checked_json


def shown(name: str) -> str:
    """A name that somebody sent, if it is one."""
    return name if _NAME.fullmatch(name) else "?"


def shown_url(url: object) -> str:
    return url if isinstance(url, str) and _URL.fullmatch(url) else "?"


def joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _measure(found: Json) -> None:
    """Without recursion, so that nothing that is nested can be too deep for it."""
    parts: list[tuple[Any, int]] = [(found, 0)]
    for number, (part, depth) in enumerate(parts):
        if depth > DEEPEST or number > MOST_PARTS:
            raise not_supported([Remark("", f"is nested deeper than {DEEPEST}, or has more than {MOST_PARTS} parts")])
        if isinstance(part, dict):
            parts += [(one, depth + 1) for one in part.values()]
        elif isinstance(part, list):
            parts += [(one, depth + 1) for one in part]


def _invalid(place: tuple[int | str, ...], kind: str) -> Remark:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{shown(str(part))}" for part in place)
    return Remark(path.removeprefix("."), f"is not valid FHIR R4B ({kind})")
