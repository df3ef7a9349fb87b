"""What screening can do: take requests and answers, decide, and hand out or forget what it holds of a client."""

from __future__ import annotations

from services.screening.actions.auditing import Auditing
from services.screening.actions.cases import EmergencyNumberMissing, NoHealthCheck, Screening
from services.screening.actions.casework import CaseUnknown, Casework, Contended, Opened
from services.screening.actions.clients import Clients, ExportUnknown
from services.screening.actions.retention import HoldUnknown, ReasonTooShort, Retention
from services.screening.actions.histories import Memory
from services.screening.actions.reviews import Reviews, Word
from services.screening.actions.submitting import Submitting

__all__ = [
    "Auditing",
    "CaseUnknown",
    "Casework",
    "Clients",
    "Contended",
    "EmergencyNumberMissing",
    "ExportUnknown",
    "HoldUnknown",
    "Memory",
    "NoHealthCheck",
    "Opened",
    "ReasonTooShort",
    "Retention",
    "Reviews",
    "Screening",
    "Submitting",
    "Word",
]
