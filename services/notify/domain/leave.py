"""Where texts may leave to at all: a rehearsal sends nothing, a sandbox to a few numbers only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DRY_RUN: Final = "dry_run"
SANDBOX: Final = "sandbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """In a `dry_run` every text is planned, judged and written, and none is posted; `only_to` None is everybody."""

    dry_run: bool = False
    only_to: frozenset[str] | None = None

    @property
    def is_bounded(self) -> bool:
        return self.dry_run or self.only_to is not None

    def refused(self, to: str) -> str | None:
        """Why a text to this number may not leave."""
        if self.dry_run:
            return DRY_RUN
        return None if self.only_to is None or to in self.only_to else SANDBOX
