"""The telemetry of this process, shared by its guardrails: a metric's name is registered once."""

from __future__ import annotations

from functools import cache

from litellm_bighub.telemetry.otel_metrics import OtelInstruments
from litellm_bighub.telemetry.prometheus import PrometheusInstruments
from litellm_bighub.telemetry.spans import DecisionSpans
from litellm_bighub.telemetry.telemetry import Telemetry


@cache
def process_telemetry() -> Telemetry:
    """Metrics on the default registry of Prometheus and the global providers of OpenTelemetry."""
    return Telemetry([PrometheusInstruments.of(), OtelInstruments()], DecisionSpans())
