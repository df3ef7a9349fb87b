"""OpenTelemetry's part of the traces; loaded only where they are collected."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, TraceFlags, Tracer
from pymongo import monitoring
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from shared import VERSION, telemetry

EXPORT_SECONDS: Final = 5
# They say how clients and servers find each other, and nothing of the work.
NOT_TOLD: Final = frozenset({"hello", "ping", "endSessions", "getMore"})


@contextmanager
def provided(service: str, endpoint: str) -> Iterator[Tracer]:
    """Spans leave in batches from a thread of their own; what is left goes at the end."""
    resource = Resource.create({"service.name": f"stillpoint-{service}", "service.version": VERSION})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1_000))
    try:
        yield provider.get_tracer("stillpoint")
    finally:
        provider.shutdown()


def context_of(traceparent: str | None) -> Context:
    """As the header says; a trace of its own without one."""
    if traceparent is None:
        return Context()
    _, trace_id, span_id, flags = traceparent.split("-")
    parent = SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16)))
    return trace.set_span_in_context(NonRecordingSpan(parent), Context())


def traceparent_of(span: Span) -> str:
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


def listen(tracer: Tracer, is_in_span: Callable[[], bool]) -> None:
    """For every database client that is opened from now on."""
    monitoring.register(Commands(tracer, is_in_span))


class Commands(CommandListener):
    """One span for each command of a unit of work: what was done with which collection, and never what it said."""

    def __init__(self, tracer: Tracer, is_in_span: Callable[[], bool]) -> None:
        self._tracer = tracer
        self._is_in_span = is_in_span
        self._open: dict[tuple[object, int], Span] = {}

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name in NOT_TOLD or not self._is_in_span():
            return
        collection = event.command.get(event.command_name)
        name = f"{event.command_name} {collection}" if isinstance(collection, str) else event.command_name
        span = self._tracer.start_span(name, context_of(telemetry.current_trace()), SpanKind.CLIENT)
        span.set_attributes({"db.system.name": "mongodb", "db.operation.name": event.command_name})
        span.set_attribute("db.namespace", event.database_name)
        self._open[event.connection_id, event.request_id] = span

    def succeeded(self, event: CommandSucceededEvent) -> None:
        self._end(event)

    def failed(self, event: CommandFailedEvent) -> None:
        self._end(event, failed=True)

    def _end(self, event: CommandSucceededEvent | CommandFailedEvent, *, failed: bool = False) -> None:
        span = self._open.pop((event.connection_id, event.request_id), None)
        if span is None:
            return
        if failed:
            span.set_attribute("error.type", "command failed")
        span.end(time.time_ns())
