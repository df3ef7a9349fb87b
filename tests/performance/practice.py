"""A large practice that is always open, so that a measurement never runs out of times."""

from __future__ import annotations

from typing import Any

PRACTICE = "always-open"
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def profile(practitioners: int = 12) -> dict[str, Any]:
    people = [f"p{n:02d}" for n in range(practitioners)]
    return {
        "id": PRACTICE,
        "name": "Always Open",
        "sms_name": "Always Open",
        "country": "CH",
        "zone": "Europe/Zurich",
        "locale": "en",
        "phone": "+41440000000",
        "emergency_number": "112",
        "places": [{"id": "here", "name": "Here", "address": "Here 1", "zone": "Europe/Zurich"}],
        "services": [{"id": "session", "name": "Session", "length_minutes": 60, "screening": "cst-core"}],
        "practitioners": [
            {
                "id": person,
                "name": person,
                "profession": "Therapist",
                "licence_type": "none",
                "licence_number": "0",
                "services": ["session"],
                "hours": [{"days": DAYS, "place": "here", "starts": "00:00", "ends": "24:00"}],
            }
            for person in people
        ],
    }
