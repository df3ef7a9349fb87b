"""Times as the staff reads them: by the practice's clock, in the reader's language."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_datetime

from services.notify.ports import Practices
from shared.staff import Staff

SKELETON: Final = "EEE d MMM, HH:mm"


async def zone_of(practices: Practices, staff: Staff) -> tzinfo:
    """That of the practice; Greenwich's while nothing was heard of it yet."""
    practice = await practices.get(staff.practice)
    return UTC if practice is None else ZoneInfo(practice.zone)


def told(at: datetime, zone: tzinfo, staff: Staff) -> str:
    return str(format_datetime(at.astimezone(zone), SKELETON, tzinfo=zone, locale=staff.locale))
