"""What screening can do: take requests and answers, decide, and hand out or forget what it holds of a client."""

from __future__ import annotations

from services.screening.actions.cases import (
    CaseUnknown,
    Contended,
    EmergencyNumberMissing,
    NoHealthCheck,
    Opened,
    Screening,
)
from services.screening.actions.clients import Clients, ExportUnknown

__all__ = [
    "CaseUnknown",
    "Clients",
    "Contended",
    "EmergencyNumberMissing",
    "ExportUnknown",
    "NoHealthCheck",
    "Opened",
    "Screening",
]
