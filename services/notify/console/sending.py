"""Texts that are kept back: which of a practice's, how many wait, and how owners stop them and let them go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.notify.actions.pauses import MOST_COUNTED, Pauses
from services.notify.console.shelves import SHELVES
from shared.console import OWNERS, Console, see
from shared.httpkit import Answer, Ask, Route
from shared.staff import Role, Staff

SENDING: Final = "/console/sending"
HERE: Final = "/notify/console/sending"


class KeptBack:
    def __init__(self, pauses: Pauses, console: Console) -> None:
        self._pauses, self._console = pauses, console

    def routes(self) -> Sequence[Route]:
        route = self._console.route
        return [
            route("GET", SENDING, self.show, "Which texts are kept back"),
            route("POST", f"{SENDING}/pause", self.pause, "Keep the texts of one kind back", OWNERS),
            route("POST", f"{SENDING}/resume", self.resume, "Let the texts of one kind go on", OWNERS),
        ]

    async def show(self, _: Ask[None, None], staff: Staff) -> Answer:
        paused = await self._pauses.paused(staff.practice)
        return self._console.show(
            "sending.html",
            staff,
            here=HERE,
            paused=paused,
            most=MOST_COUNTED,
            is_stopped=any(sender.paused for sender in await self._pauses.senders()),
            is_bounded=self._pauses.leave.is_bounded,
            may_change=staff.role is Role.OWNER,
            shelves={name: [one for one in shelf if one not in paused] for name, shelf in SHELVES.items()},
        )

    async def pause(self, ask: Ask[None, None], staff: Staff) -> Answer:
        await self._pauses.pause(staff.practice, ask.form.get("template", ""), by=staff.who)
        return see(HERE)

    async def resume(self, ask: Ask[None, None], staff: Staff) -> Answer:
        await self._pauses.resume(staff.practice, ask.form.get("template", ""), by=staff.who)
        return see(HERE)
