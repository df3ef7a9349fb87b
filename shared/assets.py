"""Files that pages load from their own origin: scripts and styles, kept as long as the address names their version."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from shared.httpkit import Answer, Ask, Route

KINDS: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FOR_GOOD: Final = "public, max-age=31536000, immutable"
A_WHILE: Final = "public, max-age=600"


@dataclass(frozen=True, slots=True)
class Asset:
    text: str
    kind: str
    elsewhere: bool = False
    """Whether pages of other sites load it too."""

    @classmethod
    def read(cls, file: Path, *, elsewhere: bool = False) -> Asset:
        return cls(file.read_text(), KINDS[file.suffix], elsewhere)

    @property
    def version(self) -> str:
        return sha256(self.text.encode()).hexdigest()[:12]

    def route(self, path: str, summary: str) -> Route:
        async def handle(ask: Ask[None, None]) -> Answer:
            return self.answer(ask)

        return Route(method="GET", path=path, handler=handle, summary=summary, answers=dict.fromkeys((200, 304)))

    def answer(self, ask: Ask[Any, Any]) -> Answer:
        """Nothing but its version where the browser has it already; a proxy that packs it weakens the tag."""
        kept = FOR_GOOD if ask.request.query.get("v") == self.version else A_WHILE
        headers = {"Cache-Control": kept, "ETag": f'"{self.version}"'}
        if self.elsewhere:
            headers |= {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
        if f'"{self.version}"' in ask.headers.get("If-None-Match", ""):
            return Answer(304, headers=headers)
        return Answer(200, text=self.text, content_type=self.kind, headers=headers)
