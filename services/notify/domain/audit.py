"""The provider's list of one day beside our own: who has what the other has not, and what is there twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

EXAMPLES = 20
# Twilio keeps a text for ten hours before it is sent, and what failed may be sent again on the next day.
WAITED, REPEATED = timedelta(hours=11), timedelta(days=1)
NEVER_REACHED = frozenset({"failed", "undelivered", "canceled"})


@dataclass(frozen=True, slots=True)
class Listed:
    """A text that the provider has; its words may be redacted, so it is known by its SID alone."""

    sid: str
    to: str
    status: str


@dataclass(frozen=True, slots=True)
class Posted:
    """A text of ours, the SIDs that its POSTs are known by, and how often receipts showed that it was made again."""

    id: str
    at: datetime
    sids: tuple[str, ...]
    doubled: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """`strangers` are texts of no one, `unseen` SIDs of ours that are not in the list of that day."""

    doubled: tuple[str, ...]
    strangers: tuple[Listed, ...]
    unseen: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What one day came to, `whole` if all of it was seen; `forgotten`: texts of clients who were forgotten since."""

    day: date
    done_at: datetime
    listed: int
    posted: int
    duplicates: int
    strangers: int
    missing: int
    forgotten: int = 0
    whole: bool = True
    examples: tuple[str, ...] = ()

    @property
    def per_ten_thousand(self) -> float:
        return self.duplicates * 10_000 / max(self.listed, 1)

    @property
    def is_clean(self) -> bool:
        return self.whole and not (self.duplicates or self.strangers or self.missing)


def span(day: date) -> tuple[datetime, datetime]:
    """From when until when what the provider lists under this day, by Greenwich, may have been posted."""
    begins = datetime.combine(day, time(), UTC)
    return begins - WAITED, begins + timedelta(days=1) + REPEATED


def compared(day: date, listed: Iterable[Listed], posted: Sequence[Posted]) -> Difference:
    """`posted` is everything of the day's span; only what was posted on the day itself is expected in the list."""
    by_sid = {text.sid: text for text in listed}
    owners = Counter(sid for text in posted for sid in text.sids)
    own = [text for text in posted if text.at.astimezone(UTC).date() == day]
    counted = {text.id for text in own if text.doubled} | {text.id for text in posted if _reached(text, by_sid) > 1}
    shared = {text.id for text in posted if any(owners[sid] > 1 for sid in text.sids)}
    return Difference(
        doubled=tuple(sorted(counted | shared)),
        strangers=tuple(text for sid, text in by_sid.items() if sid not in owners),
        unseen=tuple(sid for text in own for sid in text.sids if sid not in by_sid),
    )


def _reached(text: Posted, listed: Mapping[str, Listed]) -> int:
    return sum(sid in listed and listed[sid].status not in NEVER_REACHED for sid in set(text.sids))
