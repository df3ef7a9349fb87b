"""What screening can do: take requests and answers, decide, and hand out or forget what it holds of a client."""

from __future__ import annotations

from services.screening.actions.auditing import Auditing
from services.screening.actions.cases import EmergencyNumberMissing, NoHealthCheck, Screening, Wanted
from services.screening.actions.casework import CaseUnknown, Casework, Contended, Opened
from services.screening.actions.clients import Clients, ExportUnknown
from services.screening.actions.continuing import Continuing
from services.screening.actions.drafts import Drafts, Tried
from services.screening.actions.histories import Memory
from services.screening.actions.reminding import Reminding
from services.screening.actions.rescreening import Rescreening
from services.screening.actions.retention import HoldUnknown, ReasonTooShort, Retention
from services.screening.actions.returning import EarlierFormGone, NotRecognised, Recognised, Returning
from services.screening.actions.reviews import AttachmentUnknown, Reviews, Word
from services.screening.actions.simulating import Simulated, Simulating, Tally
from services.screening.actions.submitting import Submitting

__all__ = [
    "AttachmentUnknown",
    "Auditing",
    "CaseUnknown",
    "Casework",
    "Clients",
    "Contended",
    "Continuing",
    "Drafts",
    "EarlierFormGone",
    "EmergencyNumberMissing",
    "ExportUnknown",
    "HoldUnknown",
    "Memory",
    "NoHealthCheck",
    "NotRecognised",
    "Opened",
    "ReasonTooShort",
    "Recognised",
    "Reminding",
    "Rescreening",
    "Retention",
    "Returning",
    "Reviews",
    "Screening",
    "Simulated",
    "Simulating",
    "Submitting",
    "Tally",
    "Tried",
    "Wanted",
    "Word",
]
