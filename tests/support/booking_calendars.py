"""The twin of the outside calendars that were read, and files to read them from."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

from services.booking.domain.imported import Imported

HEAD = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Elsewhere//EN\r\n"


class MemoryCalendars:
    def __init__(self) -> None:
        self.kept: dict[str, Imported] = {}
        self.leads = True
        self.asked = 0

    async def lease(self, term: timedelta) -> bool:
        await asyncio.sleep(0)
        return self.leads and term > timedelta()

    async def states(self, ids: Sequence[str]) -> Mapping[str, Imported]:
        self.asked += 1
        await asyncio.sleep(0)
        return {id_: self.kept[id_] for id_ in ids if id_ in self.kept}

    async def put(self, imported: Imported) -> None:
        await asyncio.sleep(0)
        self.kept[imported.id] = imported


def a_file(*entries: str, head: str = "") -> bytes:
    """A calendar of entries such as "DTSTART:20270302T090000Z|DURATION:PT1H"; `head` comes before them."""
    events = (
        f"BEGIN:VEVENT\r\nUID:{number}@elsewhere\r\nDTSTAMP:20270101T000000Z\r\n{_lines(entry)}END:VEVENT\r\n"
        for number, entry in enumerate(entries)
    )
    return f"{HEAD}{_lines(head)}{''.join(events)}END:VCALENDAR\r\n".encode()


def _lines(text: str) -> str:
    return "".join(f"{line}\r\n" for line in text.split("|") if line)
