"""Traces for those who collect them: each request, event and database call as a span, told over OTLP.

Off, nothing of it is loaded and `shared.telemetry` passes by. On, a span holds names of routes, events, collections
and commands, ids of events, outcomes and times: no address as it was asked for, no header, no body, no query.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from shared import telemetry

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

Known = Callable[[], dict[str, str | int]]

_in_span: ContextVar[bool] = ContextVar("in_span", default=False)


@contextmanager
def traced(service: str, endpoint: str | None) -> Iterator[None]:
    """What this process does is told to the endpoint while we are in here; nowhere, and for nothing, if None."""
    if not endpoint:
        yield
        return
    telling = importlib.import_module("services.tracing_otlp")
    with telling.provided(service, endpoint) as tracer:
        telemetry.record_spans(Spans(tracer).span)
        telling.listen(tracer, _in_span.get)
        try:
            yield
        finally:
            telemetry.record_spans(None)


class Spans:
    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    @contextmanager
    def span(self, name: str, parent: str | None, known: Known) -> Iterator[str]:
        """Whatever comes of the work, its span ends; what it failed with is named by its type, never by its text."""
        from services.tracing_otlp import context_of, traceparent_of  # noqa: PLC0415  loaded only where it is on

        span = self._tracer.start_span(name, context_of(parent))
        token = _in_span.set(True)
        went_well = False
        try:
            yield traceparent_of(span)
            went_well = True
        finally:
            if not went_well:
                span.set_attribute("error.type", type(sys.exception()).__name__)
            _in_span.reset(token)
            span.set_attributes(known())
            span.end()
