"""Spans: part of the trace in hand, closed whatever happens, without a word of what went wrong; nothing while off."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.tracing import Spans
from shared import telemetry
from tests.architecture.tree import ROOT

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def told() -> Iterator[InMemorySpanExporter]:
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    telemetry.record_spans(Spans(provider.get_tracer("test")).span)
    yield exporter
    telemetry.record_spans(None)
    provider.shutdown()


def test_a_span_is_part_of_the_trace_in_hand_and_the_parent_of_what_is_in_it(told: InMemorySpanExporter) -> None:
    with telemetry.trace(PARENT), telemetry.span("outer", lambda: {"turn": 2}):
        with telemetry.span("inner"):
            inside = telemetry.current_trace()
        after = telemetry.current_trace()

    inner, outer = told.get_finished_spans()
    assert (inner.name, outer.name) == ("inner", "outer")
    assert outer.parent is not None
    assert f"{outer.parent.span_id:016x}" == PARENT.split("-")[2]
    assert inner.parent is not None
    assert inner.parent.span_id == outer.context.span_id
    assert inside == f"00-{PARENT.split('-')[1]}-{inner.context.span_id:016x}-01"
    assert after == f"00-{PARENT.split('-')[1]}-{outer.context.span_id:016x}-01"
    assert dict(outer.attributes or {}) == {"turn": 2}


def test_what_failed_is_named_by_its_type_and_never_by_its_text(told: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="Ada"), telemetry.trace(PARENT), telemetry.span("failing"):
        raise ValueError("Ada has a headache")

    (failed,) = told.get_finished_spans()
    assert dict(failed.attributes or {}) == {"error.type": "ValueError"}
    assert "Ada" not in failed.to_json()


def test_while_off_the_trace_stays_as_it_is() -> None:
    with telemetry.trace(PARENT), telemetry.span("nothing", lambda: pytest.fail("nobody asks")):
        assert telemetry.current_trace() == PARENT


def test_while_off_nothing_of_opentelemetry_is_loaded() -> None:
    seen = "import sys, services.__main__; print([name for name in sys.modules if name.startswith('opentelemetry')])"
    done = subprocess.run(
        [sys.executable, "-c", seen], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )

    assert done.stdout.strip() == "[]"
