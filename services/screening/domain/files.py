"""What a file is that a client adds: told from how it begins, never from a name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.screening.domain.refusals import FileRefused
from services.screening.domain.round import FileKind

LARGEST_FILE: Final = 5 * 1024 * 1024
_BEGINS: Final[Mapping[FileKind, bytes]] = {
    FileKind.PDF: b"%PDF-",
    FileKind.JPEG: b"\xff\xd8\xff",
    FileKind.PNG: b"\x89PNG\r\n\x1a\n",
}


def kind_of(content: bytes) -> FileKind:
    """Raises `FileRefused`."""
    if len(content) > LARGEST_FILE:
        raise FileRefused(f"a file may have {LARGEST_FILE} bytes", most=LARGEST_FILE)
    found = next((kind for kind, begin in _BEGINS.items() if content.startswith(begin)), None)
    if found is None:
        raise FileRefused("this is no PDF, JPEG or PNG file", kinds=[kind.value for kind in FileKind])
    return found
