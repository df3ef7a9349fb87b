"""A case as exports tell it: round by round, each with what was answered, judged, decided and added in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from services.screening.actions import Opened
from services.screening.confidential import Filled, Reasons
from services.screening.domain.case import Added, Attachment, Case, Reopening, Round, Ruling, State, Submission
from services.screening.domain.catalogue import Form


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One round; the first is number 1. `form` is what judged it, None if that is not installed any longer.

    `ended_at` is None of the round that the case is in now.
    """

    number: int
    state: State
    form: Form | None
    submission: Submission | None
    filled: Filled | None
    decided_at: datetime | None
    valid_until: date | None
    ruling: Ruling | None
    reasons: Reasons | None
    words: Sequence[tuple[datetime, str]]
    attachments: Sequence[Attachment]
    appeal: str | None = None
    ended_at: datetime | None = None
    ended_by: Reopening | None = None

    @property
    def is_blank(self) -> bool:
        """Nothing has happened in it yet."""
        return self.submission is None and self.ruling is None and not self.words and not self.attachments


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Somebody of the practice had the answers of this case before them."""

    case: str
    at: datetime
    by: str
    what: str


def chapters(opened: Opened) -> tuple[Chapter, ...]:
    """The rounds that are over and the one of now, in their order; without the last if it is blank."""
    past = [
        _chapter(
            number, one.over, one.form, one.filled, one.reasons, one.words, one.over.ended_at, one.over.ended_by, None
        )
        for number, one in enumerate(opened.past, 1)
    ]
    case = opened.case
    now = _chapter(
        len(past) + 1, case, opened.form, opened.filled, opened.reasons, opened.words, None, None, opened.appeal
    )
    return tuple(past) if now.is_blank else (*past, now)


def _chapter(
    number: int,
    what: Case | Round,
    form: Form | None,
    filled: Filled | None,
    reasons: Reasons | None,
    words: Sequence[str],
    ended_at: datetime | None,
    ended_by: Reopening | None,
    appeal: str | None,
) -> Chapter:
    return Chapter(
        number=number,
        state=what.state,
        form=form,
        submission=what.submission,
        filled=filled,
        decided_at=what.decided_at,
        valid_until=what.valid_until,
        ruling=what.ruling,
        reasons=reasons,
        words=_dated(what.words, words),
        attachments=what.attachments,
        appeal=appeal,
        ended_at=ended_at,
        ended_by=ended_by,
    )


def _dated(added: Sequence[Added], texts: Sequence[str]) -> list[tuple[datetime, str]]:
    return [(one.at, text) for one, text in zip(added, texts, strict=True)]
