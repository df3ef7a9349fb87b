"""The pages that screening serves to the staff of a practice; handlers call the same actions as the JSON interface."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from services.screening.actions import Reviews
from services.screening.console.outcome import Outcome
from services.screening.console.reviewing import Reviewing
from services.screening.domain.catalogue import Catalogue
from shared.clock import Clock
from shared.console import Console
from shared.httpkit import Route
from shared.staff import Passes

FOLDER: Final = Path(__file__).parent


def routes(reviews: Reviews, catalogue: Catalogue, *, passes: Passes, origin: str, now: Clock) -> Sequence[Route]:
    console = Console("screening", FOLDER, passes=passes, origin=origin, now=now)
    return [*Reviewing(reviews, catalogue, console).routes(), *Outcome(reviews, console).routes()]
