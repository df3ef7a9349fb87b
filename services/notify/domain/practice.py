"""What notify knows of a practice: how it wants to text, as booking told it, and what its desk has set here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time

from services.notify.domain.quiet import Quiet


@dataclass(frozen=True, slots=True)
class Timing:
    """When a practice wants a step instead of at its usual time; what is None stays as usual."""

    days: int | None = None
    hours: int | None = None
    at: time | None = None


@dataclass(frozen=True, slots=True)
class Worded:
    """Who chose the practice's own words of a text, and when."""

    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Practice:
    """The copy of a practice's profile; `steps` are the optional steps it has switched on.

    `alerts_phone` is where the practice itself wants to be texted when something waits for it, `emergency` the number
    to call in its country. A client gets at most `most_a_day` and `most_a_week` texts; `wakes_for_changes` lets news of
    a visit that the practice changes at short notice break the quiet hours. Notify's own, set at its desk: `wordings`
    in place of the templates by `language/template`, whose they are in `worded`, `paused` templates, and `edits`, which
    counts the changes of all three. `planned_under` is notify's own too: the `policy` that all planned texts follow.
    """

    id: str
    version: int
    sms_name: str
    locale: str
    phone: str
    steps: frozenset[str]
    quiet: Quiet
    alerts_phone: str | None = None
    country: str = ""
    emergency: str = ""
    zone: str = "UTC"
    timings: Mapping[str, Timing] = field(default_factory=dict)
    most_a_day: int = 2
    most_a_week: int = 5
    wakes_for_changes: bool = False
    wordings: Mapping[str, str] = field(default_factory=dict)
    worded: Mapping[str, Worded] = field(default_factory=dict)
    paused: frozenset[str] = frozenset()
    edits: int = 0
    planned_under: str = ""

    @property
    def policy(self) -> str:
        """All that a plan goes by; texts are planned anew when it changes."""
        timings = (f"{step}={one.days}/{one.hours}/{one.at}" for step, one in sorted(self.timings.items()))
        wakes = "wakes" if self.wakes_for_changes else ""
        return " ".join((*sorted(self.steps), f"{self.quiet.from_}-{self.quiet.until}", *timings, wakes))
