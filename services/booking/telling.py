"""What a practice's own systems are told of a visit: what the practice itself knows of it, and nothing about health.

Of the client go the reference, the name, the number, the language and the zone, which are the practice's own data.
The consent, the guardian and which questions a health check asks stay here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from shared.events import Envelope
from shared.events.booking import AppointmentEvent

TOLD: Final[Mapping[str, Any]] = {
    "appointment": True,
    "state": True,
    "service": {"id", "name", "length_minutes"},
    "practitioner": True,
    "practitioner_name": True,
    "place_name": True,
    "place_address": True,
    "starts_at": True,
    "ends_at": True,
    "zone": True,
    "client": {"ref", "name", "phone", "locale", "zone"},
    "seat": True,
    "review_until": True,
    "check_until": True,
    "again": True,
    "moved_from": True,
    "moved_by": True,
    "cancelled_by": True,
    "late": True,
    "assumed": True,
}
"""What is not named here is not told, so that a new field of an event is never told unawares."""


def body(heard: Envelope[AppointmentEvent]) -> str:
    """The payload as Standard Webhooks lays it out; `version` orders what is told of one visit."""
    snapshot = heard.data.model_dump(mode="json", include=dict(TOLD), exclude_none=True)
    data = {"practice": heard.practice, "version": heard.sequence, **snapshot}
    told = {"type": heard.type, "timestamp": heard.time.isoformat(), "data": data}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))
