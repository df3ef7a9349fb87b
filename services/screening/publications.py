"""Drafts and editions as MongoDB documents."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from services.screening.domain.draft import Approval, Draft, Edition, Stage
from shared.mongo import Document


def edition_fields(edition: Edition) -> Document:
    return {**asdict(edition), "approved_by": list(edition.approved_by)}


def edition(found: Document) -> Edition:
    return Edition(**{**found, "approved_by": tuple(found["approved_by"])})


def own(found: Document) -> dict[str, Edition]:
    """The editions that count, by form."""
    return {form: edition(one) for form, one in found.items()}


def draft_fields(draft: Draft) -> Document:
    return {**asdict(draft), "stage": draft.stage.value, "approvals": [asdict(one) for one in draft.approvals]}


def draft(found: Document) -> Draft:
    fields: dict[str, Any] = {name: value for name, value in found.items() if name != "_id"}
    approvals = tuple(Approval(**one) for one in found["approvals"])
    return Draft(**{**fields, "stage": Stage(found["stage"]), "approvals": approvals})
