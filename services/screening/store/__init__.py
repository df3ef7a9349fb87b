"""MongoDB behind screening's ports."""

from __future__ import annotations

from services.screening.store.cases import MongoCases, MongoPractices
from services.screening.store.clients import MongoAsks, MongoMerges

__all__ = ["MongoAsks", "MongoCases", "MongoMerges", "MongoPractices"]
