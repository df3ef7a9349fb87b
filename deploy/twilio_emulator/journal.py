"""A file of JSON lines, one per change, so that a restarted emulator still has its conversations."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter


class Journal:
    """Each line is one `{what: value}`; the value of `text` is a record of the given class, others are strings."""

    def __init__(self, path: Path, record: type[Any]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._record = TypeAdapter(record)
        self._file = path.open("a", encoding="utf-8")

    def entries(self) -> Iterator[tuple[str, Any]]:
        """Whole lines only: one cut short by a crash was never acted on."""
        with self._path.open(encoding="utf-8") as lines:
            for line in lines:
                if line.endswith("\n"):
                    ((what, value),) = json.loads(line).items()
                    yield what, self._record.validate_python(value) if what == "text" else value

    def append(self, entry: dict[str, Any]) -> None:
        self._file.write(self._line(entry))
        self._file.flush()

    def rewrite(self, entries: Iterable[dict[str, Any]]) -> None:
        fresh = self._path.with_suffix(".new")
        fresh.write_text("".join(self._line(entry) for entry in entries), encoding="utf-8")
        self._file.close()
        fresh.replace(self._path)
        self._file = self._path.open("a", encoding="utf-8")

    def close(self) -> None:
        self._file.close()

    def _line(self, entry: dict[str, Any]) -> str:
        ((what, value),) = entry.items()
        plain = self._record.dump_python(value, mode="json") if what == "text" else value
        return json.dumps({what: plain}, ensure_ascii=False) + "\n"
