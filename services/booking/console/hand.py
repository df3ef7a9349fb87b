"""Whose hand it was when somebody of the staff changed something in the console."""

from __future__ import annotations

from typing import Any

from services.booking.domain.appointment import By, Hand
from shared.httpkit import Ask
from shared.staff import Staff


def hand(ask: Ask[Any, Any], staff: Staff) -> Hand:
    """For the history and the audit: the person, never the name of the session."""
    return Hand(by=By.PRACTICE, who=staff.who, where=ask.caller.address)
