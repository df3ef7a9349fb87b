"""A practice's own set on top of the short form, and what its tests start from."""

from __future__ import annotations

import copy
from typing import Any

from services.screening import overlays
from services.screening.actions import Drafts, Simulating
from services.screening.actions.casework import Casework
from services.screening.overlays import Made, OverlayTable
from tests.support.screening import CATALOGUE, FORM

Json = dict[str, Any]
SEED = 11
FEW = 120  # made-up clients: the long proof has a test of its own

OVERLAY: Json = {
    "base": FORM,
    "ruleset": FORM,
    "release": "1.0.0",
    "notes": "Migraine is talked about first; a head injury waits for 90 days.",
    "group": [{"id": "own", "title": {"en": "Also", "es": "Además"}}],
    "question": [
        {
            "id": "p_migraine",
            "group": "own",
            "type": "tri",
            "text": {"en": "Do you get migraines?", "es": "¿Tiene migrañas?"},
        }
    ],
    "rule": [
        {
            "id": "P01",
            "when": {"question": "p_migraine", "is": "yes"},
            "outcome": "needs_review",
            "code": "OWN_MIGRAINE",
            "messages": ["REVIEW"],
            "sources": ["OWN"],
            "evidence": ["U"],
            "explanation": {"en": "Gets migraines.", "es": "Tiene migrañas."},
        }
    ],
    "change": [{"rule": "R03", "days": {"from": 0, "below": 90}}],
    "sources": {"OWN": "Our own experience"},
    "case": [
        {"rule": "P01", "fires": True, "set": {"p_migraine": "yes"}},
        {"rule": "P01", "fires": False, "set": {"p_migraine": "no"}},
        {"rule": "R03", "fires": True, "base": "injured", "days": {"q_head_injury_date": 89}},
        {"rule": "R03", "fires": False, "base": "injured", "days": {"q_head_injury_date": 90}},
    ],
}


def overlay(**changes: Any) -> Json:
    return {**copy.deepcopy(OVERLAY), **changes}


def table(raw: Json | None = None) -> OverlayTable:
    return OverlayTable.model_validate(OVERLAY if raw is None else raw)


def made(raw: Json | None = None) -> Made:
    """Raises `OverlayBroken`."""
    read = table(raw)
    return overlays.made(read, overlays.written(read)[1], CATALOGUE)


def rule(**changes: Any) -> Json:
    return {**copy.deepcopy(OVERLAY["rule"][0]), **changes}


def question(**changes: Any) -> Json:
    return {**copy.deepcopy(OVERLAY["question"][0]), **changes}


def drafts(casework: Casework, *, clients: int = FEW) -> Drafts:
    return Drafts(casework, seeds=lambda: SEED, clients=clients)


def simulating(casework: Casework) -> Simulating:
    return Simulating(casework, drafts(casework).versions)
