"""Texts of a foreign resource in every language of the health check, with the ids and values made of its own."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from services.screening.domain.examples import OWN
from services.screening.fhir import names
from services.screening.fhir.incoming import Remark, Remarks, joined, shown, shown_url
from services.screening.fhir.names import Json

LONGEST: Final = 1_000
_OTHERS: Final = re.compile(r"[^a-z0-9]+")
_OURS: Final = re.compile(rf"{OWN}[a-z0-9_]{{1,60}}")


@dataclass(frozen=True, slots=True)
class Languages:
    """`first` is the one that the resource is written in, `needed` are those of the health check."""

    first: str
    needed: Collection[str]
    remarks: Remarks

    def texts(self, path: str, part: Json, name: str) -> dict[str, str]:
        """By language. What is missing in one that is needed is refused."""
        found = {self.first: part.get(name)} | dict(
            self._translations(joined(path, f"_{name}"), part.get(f"_{name}", {}))
        )
        for locale in sorted(self.needed):
            text = found.get(locale)
            if not isinstance(text, str) or not text.strip():
                self.remarks.refuse(joined(path, name), f"has no text in {locale}")
            elif len(text) > LONGEST:
                self.remarks.refuse(joined(path, name), f"is longer than {LONGEST} characters")
        for locale in sorted(found.keys() - set(self.needed)):
            self.remarks.left_out.append(Remark(joined(path, name), f"the text in {shown(locale)}"))
        return {locale: str(found.get(locale)).strip() for locale in sorted(self.needed)}

    def _translations(self, path: str, beside: Json) -> Iterator[tuple[str, object]]:
        self.remarks.only(path, beside, ("extension",))
        for number, one in enumerate(beside.get("extension", [])):
            here = f"{path}.extension[{number}]"
            parts = {part.get("url"): part for part in one.get("extension", [])}
            if one.get("url") != names.TRANSLATION or parts.keys() != {"lang", "content"}:
                self.remarks.refuse(here, f"the extension {shown_url(one.get('url'))} is not supported")
                continue
            lang, content = parts["lang"].get("valueCode"), parts["content"]
            yield str(lang).partition("-")[0], content.get("valueString", content.get("valueMarkdown"))


def own_id(link: str) -> str:
    """An id that no question of the library can ever have."""
    return link if _OURS.fullmatch(link) else f"{OWN}{slug(link)}"


def slug(text: str) -> str:
    return _OTHERS.sub("_", text.lower()).strip("_")[:60]
