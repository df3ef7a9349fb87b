"""What several routes of screening share."""

from __future__ import annotations

from typing import Any, Final

from services.screening.domain.round import FileKind
from services.screening.ports import Forgotten, Locked
from shared.httpkit import Ask
from shared.tokens import Claim, TokenInvalid

CLOSED: Final = (Forgotten, Locked)
"""Why what is sealed may not open: whoever reads answers says so."""
KINDS: Final = tuple(kind.value for kind in FileKind)
"""Of the files that a client may add."""
PRIVATE: Final = {"Cache-Control": "no-store"}


def claim_of(ask: Ask[Any, Any]) -> Claim:
    if ask.claim is None:
        raise TokenInvalid("the appointment token is missing, altered or out of date")
    return ask.claim
