"""Metrics and spans, read from real registries and providers."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes as conventions
from prometheus_client import CollectorRegistry, generate_latest

from litellm_bighub.telemetry.instruments import ToolNames
from litellm_bighub.telemetry.otel_metrics import OtelInstruments
from litellm_bighub.telemetry.prometheus import PrometheusInstruments
from litellm_bighub.telemetry.spans import DecisionSpans
from litellm_bighub.telemetry.telemetry import Telemetry
from tests.telemetry.events import event


class Seen:
    """Telemetry with a registry and providers of its own."""

    def __init__(self, **options):
        self.registry = CollectorRegistry()
        self._reader = InMemoryMetricReader()
        self._exporter = InMemorySpanExporter()
        tracing = TracerProvider()
        tracing.add_span_processor(SimpleSpanProcessor(self._exporter))
        instruments = [PrometheusInstruments(self.registry), OtelInstruments(MeterProvider([self._reader]))]
        self.telemetry = Telemetry(instruments, DecisionSpans(tracing), **options)

    def prometheus(self, name, **labels):
        return self.registry.get_sample_value(f"litellm_bighub_{name}", labels)

    def otel(self):
        data = self._reader.get_metrics_data()
        metrics = data.resource_metrics[0].scope_metrics[0].metrics
        return {metric.name: list(metric.data.data_points) for metric in metrics}

    @property
    def spans(self):
        return self._exporter.get_finished_spans()

    @property
    def everything(self):
        shown = [span.to_json() for span in self.spans]
        return generate_latest(self.registry).decode() + self._reader.get_metrics_data().to_json() + "".join(shown)


@pytest.fixture
def seen():
    return Seen()


async def test_a_decision_is_counted_and_timed_for_both(seen):
    seen.telemetry.write(event())

    assert seen.prometheus("decisions_total", tool="wipe", verdict="blocked", enforced="true") == 1
    assert seen.prometheus("decision_seconds_sum", decider="embedded") == 0.25
    (point,) = seen.otel()["litellm_bighub.decisions"]
    assert (point.value, point.attributes["litellm_bighub.verdict"]) == (1, "blocked")
    assert seen.otel()["litellm_bighub.decision.duration"][0].sum == 0.25


async def test_a_call_that_passed_undecided_is_counted_as_such(seen):
    seen.telemetry.write(event(verdict="allowed", degraded=True))
    seen.telemetry.write(event(verdict="allowed"))

    assert seen.prometheus("degraded_decisions_total", tool="wipe") == 1
    assert seen.spans[0].status.description == "the decider could not be reached"


async def test_names_beyond_the_limit_are_one_series():
    seen = Seen(tool_names=ToolNames(2))
    for name in ("a", "b", "c", "d", "a"):
        seen.telemetry.write(event(tool=name))

    counts = {
        name: seen.prometheus("decisions_total", tool=name, verdict="blocked", enforced="true")
        for name in ("a", "b", "c", "other")
    }
    assert counts == {"a": 2, "b": 1, "c": None, "other": 2}


@pytest.mark.parametrize("name", ["", "x" * 65, "new\nline", "ünicode"], ids=["empty", "long", "control", "not-ascii"])
def test_what_is_hardly_a_name_is_no_series(name):
    assert ToolNames().label(name) == "other"


async def test_no_argument_target_or_reason_is_told(seen):
    seen.telemetry.write(event())
    seen.telemetry.spans.guardrail("bighub", [event()])

    assert "canary" not in seen.everything
    assert "wipe" in seen.everything


async def test_a_span_has_the_conventions_attributes_and_the_decisions_time(seen):
    seen.telemetry.write(event())

    (span,) = seen.spans
    assert span.name == "execute_tool wipe"
    expected = {
        conventions.GEN_AI_OPERATION_NAME: conventions.GenAiOperationNameValues.EXECUTE_TOOL.value,
        conventions.GEN_AI_TOOL_NAME: "wipe",
        conventions.GEN_AI_TOOL_CALL_ID: "call_1",
        conventions.GEN_AI_TOOL_TYPE: "function",
        "litellm_bighub.verdict": "blocked",
        "litellm_bighub.decision_id": "dec_1",
        "litellm_bighub.event_id": "evt-1",
        "litellm_bighub.trace_id": "trace-1",
        "litellm_bighub.enforced": True,
    }
    assert expected.items() <= span.attributes.items()
    assert (span.start_time, span.end_time) == (1_000_250_000_000, 1_000_500_000_000)


def test_a_guardrails_span_counts_by_verdict(seen):
    seen.telemetry.spans.guardrail("bighub", [event(), event(verdict="allowed"), event(time=1001.0)])

    (span,) = seen.spans
    counts = {name: span.attributes[f"litellm_bighub.{name}"] for name in ("allowed", "blocked", "requires_approval")}
    assert counts == {"allowed": 1, "blocked": 2, "requires_approval": 0}
    assert (span.start_time, span.end_time) == (1_000_250_000_000, 1_001_000_000_000)


def test_a_stream_with_two_calls_waiting_is_one_held_stream(seen):
    stream, other = seen.telemetry.stream(), seen.telemetry.stream()

    with stream.waiting(), stream.waiting(), other.waiting():
        assert seen.prometheus("held_streams") == 2

    assert seen.prometheus("held_streams") == 0


def test_breakers_are_counted_by_state(seen):
    first, second = seen.telemetry.breaker(), seen.telemetry.breaker()
    for changed in (first, second):
        changed("closed")
    second("open")

    assert {state: seen.prometheus("breakers", state=state) for state in ("closed", "open")} == {"closed": 1, "open": 1}


def test_pending_approvals_are_a_gauge(seen):
    seen.telemetry.pending(3)
    seen.telemetry.pending(1)

    assert seen.prometheus("pending_approvals") == 1
    assert seen.otel()["litellm_bighub.approvals.pending"][0].value == 1


class FullDisk(OtelInstruments):
    """Instruments whose samples cannot be written."""

    def decided(self, **_):
        raise OSError(28, "no space left on device")


async def test_what_cannot_be_counted_withholds_no_call(caplog):
    Telemetry([FullDisk()], DecisionSpans()).write(event())

    assert "evt-1 was not counted: OSError" in caplog.text


def test_each_registry_has_one_instance():
    registry = CollectorRegistry()

    assert PrometheusInstruments.of(registry) is PrometheusInstruments.of(registry)
