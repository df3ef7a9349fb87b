"""What may become of a text at the moment it is due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.notify.domain.delivery import State


@dataclass(frozen=True, slots=True)
class Send:
    """Go, in the words of this template; before `wakes_until` in quiet hours too."""

    template: str
    wakes_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Not now; at `until`."""

    until: datetime
    why: str = "quiet_hours"


@dataclass(frozen=True, slots=True)
class Drop:
    """Never, for this reason."""

    state: State
    why: str
