"""MongoDB behind screening's ports."""

from __future__ import annotations

from services.screening.store.attachments import MongoAttachments
from services.screening.store.audit import MongoAudit, MongoTrails
from services.screening.store.cases import MongoCases, MongoPractices, stored
from services.screening.store.clients import MongoAsks, MongoMerges
from services.screening.store.editions import MongoEditions, MongoRescreens
from services.screening.store.histories import MongoHistories
from services.screening.store.holds import MongoHolds

__all__ = [
    "MongoAsks",
    "MongoAttachments",
    "MongoAudit",
    "MongoCases",
    "MongoEditions",
    "MongoHistories",
    "MongoHolds",
    "MongoMerges",
    "MongoPractices",
    "MongoRescreens",
    "MongoTrails",
    "stored",
]
