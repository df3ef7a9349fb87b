"""The proof that a practice's own set is nowhere softer than its base: by shape, by cases and by made-up clients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from services.screening.domain.catalogue import Catalogue
from services.screening.domain.comparison import case_changes
from services.screening.domain.generated import Pick
from services.screening.domain.properties import Trial, speaks_against
from services.screening.domain.strictness import weaker
from services.screening.overlays import Made

CLIENTS: Final = 2_000
MOST_TOLD: Final = 20


def proof(made: Made, catalogue: Catalogue, pick: Pick, *, clients: int = CLIENTS) -> Iterator[str | None]:
    """A sentence for whatever speaks against it, None after every step that found nothing.

    So whoever runs it can let others go first in between. What is shown to be wrong by its shape needs no clients.
    """
    shape = (*made.holes(catalogue.texts), *weaker(made.base, made.form))
    yield from shape
    if shape:
        return
    for one in made.beside.cases:
        softer = any(change and change.is_softer for change in case_changes(made.base, made.form, [one]))
        yield f"{one.name} of the library becomes softer" if softer else None
    yield from made.case_troubles()
    trial = Trial.of(made.base, made.form)
    for turn in range(clients):
        yield None
        yield from speaks_against(trial, pick, turn)
