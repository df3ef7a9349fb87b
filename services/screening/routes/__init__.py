"""Screening over HTTP. Bodies hold health answers: nothing here logs, echoes or caches them."""

from __future__ import annotations

from collections.abc import Sequence

from services.screening.actions import Auditing, Clients, Continuing, Memory, Retention, Returning, Reviews, Screening
from services.screening.domain.catalogue import Catalogue
from services.screening.routes import audit, checks, clients, evaluating, exchange, holds, importing, returning, reviews
from services.screening.routes import continuing as after_answers
from shared.httpkit import Route


def routes(
    screening: Screening,
    to_review: Reviews,
    continuing: Continuing,
    of_clients: Clients,
    auditing: Auditing,
    retention: Retention,
    of_returning: Returning,
    memory: Memory,
    catalogue: Catalogue,
) -> Sequence[Route]:
    return (
        *checks.routes(screening, catalogue),
        *evaluating.routes(screening),
        *reviews.routes(to_review, catalogue),
        *after_answers.routes(continuing),
        *clients.routes(of_clients),
        *exchange.routes(screening, of_clients, retention, catalogue),
        *importing.routes(of_clients, catalogue),
        *audit.routes(auditing),
        *holds.routes(retention),
        *returning.routes(of_returning, memory, catalogue),
    )
