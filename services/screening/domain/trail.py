"""What a change of a case leaves behind for the audit; it is written with the change itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from services.screening.domain.audit import RULES, Deed, Fact, Hand
from services.screening.domain.case import Case, Reopening


def facts(before: Case, after: Case, hand: Hand, at: datetime) -> tuple[Fact, ...]:
    """Each under an id that derives from the version, so that what is noted twice is one entry."""
    return tuple(
        Fact(
            id=f"{after.id}:{after.version}:{deed}",
            practice=after.practice,
            at=at,
            deed=deed,
            record=after.id,
            hand=whose,
            old=str(before.version),
            new=str(after.version),
        )
        for deed, whose in _deeds(before, after, hand)
    )


def _deeds(before: Case, after: Case, hand: Hand) -> Iterator[tuple[Deed, Hand]]:
    if _added(after) > _added(before):
        yield Deed.ATTACH, hand
    elif after.submission is not None and _handed_in(after) != _handed_in(before):
        yield Deed.SUBMIT, hand
    if after.appeal is not None and after.appeal is not before.appeal:
        yield Deed.APPEAL, hand
    if len(after.rounds) > len(before.rounds):
        yield Deed.MORE_INFO if after.reopened_by is Reopening.MORE_INFO else Deed.VOID, hand
    elif after.ruling is not None and after.ruling is not before.ruling:
        yield Deed.DECIDE, hand
    elif after.said > before.said:
        yield Deed.DECIDE, RULES
    if after.is_empty and not before.is_empty:
        yield Deed.ERASE, hand


def _added(case: Case) -> int:
    """In this round; answers that are taken over because of it were handed in before."""
    return len(case.words) + len(case.attachments)


def _handed_in(case: Case) -> datetime | None:
    """Answers that are judged again once it is known whose they are were handed in before."""
    return None if case.submission is None else case.submission.submitted_at
