"""What screening can do: take requests and answers, decide, and hand out or forget what it holds of a client."""

from __future__ import annotations

from services.screening.actions.cases import EmergencyNumberMissing, NoHealthCheck, Screening
from services.screening.actions.casework import CaseUnknown, Casework, Contended, Opened
from services.screening.actions.clients import Clients, ExportUnknown
from services.screening.actions.reviews import Reviews, Word

__all__ = [
    "CaseUnknown",
    "Casework",
    "Clients",
    "Contended",
    "EmergencyNumberMissing",
    "ExportUnknown",
    "NoHealthCheck",
    "Opened",
    "Reviews",
    "Screening",
    "Word",
]
