"""The clock of the review queue: a reminder before each deadline, and how many of them were missed."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from prometheus_client import Gauge

from services.screening.actions.casework import Casework
from services.screening.actions.retention import TIME
from services.screening.domain.case import Attachment, Case

overdue = Gauge("screening_reviews_overdue", "Cases that wait for a person longer than their clients were told")

BATCH: Final = 100
MOST_COUNTED: Final = 10_000
LOOSE_FOR: Final = timedelta(hours=1)  # longer than any upload takes to be named by its case


class Reminding:
    def __init__(self, casework: Casework) -> None:
        self._casework = casework

    async def look(self) -> None:
        """One round. All replicas may do it at once: whoever writes first has said it, the others find it said."""
        await self._remind()
        await self._sweep()
        overdue.set(await self._casework.cases.overdue(self._casework.now(), limit=MOST_COUNTED))

    async def _remind(self) -> None:
        while due := await self._casework.cases.to_remind(self._casework.now(), limit=BATCH):
            for case in due:
                await self._casework.change(case, self._reminded, hand=TIME)
            if len(due) < BATCH:
                return

    def _reminded(self, case: Case) -> Case:
        """Not of a deadline that was renewed since the case was found."""
        due = case.remind_at is not None and case.remind_at <= self._casework.now()
        return case.remind() if due else case

    async def _sweep(self) -> None:
        """Files whose upload was killed half-way are bound if their case names them, and dropped if it does not."""
        attachments = self._casework.attachments
        for attachment, appointment in await attachments.loose(self._casework.now() - LOOSE_FOR, limit=BATCH):
            case = await self._casework.cases.find(appointment)
            named = () if case is None else _all_attachments(case)
            await (attachments.bind if attachment in {one.id for one in named} else attachments.drop)(attachment)


def _all_attachments(case: Case) -> tuple[Attachment, ...]:
    return (*case.attachments, *(one for over in case.rounds for one in over.attachments))
