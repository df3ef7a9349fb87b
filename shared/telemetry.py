"""Logs as JSON lines, metrics for Prometheus, and the trace id that ties one story together across services."""

from __future__ import annotations

import logging
import random
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar

import orjson
import structlog
from prometheus_client import Counter, Histogram

WELL_FORMED = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

_trace: ContextVar[str | None] = ContextVar("traceparent", default=None)

Spanning = Callable[[str, str | None, Callable[[], dict[str, str | int]]], AbstractContextManager[str]]
"""A name, the `traceparent` it is part of, and what is known of it at its end; gives the `traceparent` of the span."""

_spanning: Spanning | None = None

requests = Histogram("http_request_seconds", "Time to answer a request", ["method", "route", "status"])
published = Counter("events_published_total", "Events confirmed by the broker", ["event"])
publish_failures = Counter("events_publish_failures_total", "Publish attempts the broker did not confirm", ["event"])
consumed = Counter("events_consumed_total", "Deliveries by what became of them", ["event", "verdict"])
ticks = Counter("ticks_total", "Runs of a background task", ["task", "outcome"])


def configure(level: str) -> None:
    """Send every log line of the process, libraries' warnings too, to standard output as one JSON object."""
    common: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*common, structlog.processors.JSONRenderer(serializer=orjson.dumps)],
        logger_factory=structlog.BytesLoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        cache_logger_on_first_use=True,
    )
    foreign = logging.StreamHandler(sys.stdout)
    render: list[structlog.typing.Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.JSONRenderer(),
    ]
    foreign.setFormatter(structlog.stdlib.ProcessorFormatter(processors=render, foreign_pre_chain=common))
    logging.basicConfig(handlers=[foreign], level=logging.WARNING, force=True)


def current_trace() -> str | None:
    """The W3C `traceparent` of the work in hand."""
    return _trace.get()


@contextmanager
def trace(parent: str | None) -> Iterator[str]:
    """Work under this trace, or under a new one if there is none or it is malformed."""
    current = parent if parent is not None and WELL_FORMED.fullmatch(parent) else _fresh()
    token = _trace.set(current)
    try:
        yield current
    finally:
        _trace.reset(token)


def record_spans(spanning: Spanning | None) -> None:
    """From now on the work of this process is timed and told; None ends that."""
    global _spanning  # noqa: PLW0603  one process, one place where its spans go
    _spanning = spanning


@contextmanager
def span(name: str, known: Callable[[], dict[str, str | int]] = dict) -> Iterator[None]:
    """A part of the trace in hand. `known` may name routes, events and outcomes, never a person or a word of theirs."""
    told = nullcontext(None) if _spanning is None else _spanning(name, _trace.get(), known)
    with told as current:
        token = _trace.set(current) if current is not None else None
        try:
            yield
        finally:
            if token is not None:
                _trace.reset(token)


def _fresh() -> str:
    """No secret, so it need not be asked of the kernel, which takes longer than much of the work it names."""
    return f"00-{random.getrandbits(128):032x}-{random.getrandbits(64):016x}-01"
