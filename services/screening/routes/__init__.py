"""Screening over HTTP. Bodies hold health answers: nothing here logs, echoes or caches them."""

from __future__ import annotations

from collections.abc import Sequence

from services.screening.actions import Clients, Reviews, Screening
from services.screening.domain.catalogue import Catalogue
from services.screening.routes import checks, clients, evaluating, reviews
from shared.httpkit import Route


def routes(screening: Screening, to_review: Reviews, of_clients: Clients, catalogue: Catalogue) -> Sequence[Route]:
    return (
        *checks.routes(screening, catalogue),
        *evaluating.routes(catalogue),
        *reviews.routes(to_review, catalogue),
        *clients.routes(of_clients, catalogue),
    )
