"""Prometheus metrics, on the registry that LiteLLM's `/metrics` renders.

LiteLLM serves that registry as soon as its `prometheus` callback is on, and collects all workers' samples where
`PROMETHEUS_MULTIPROC_DIR` is set. prometheus_client looks at that variable when it is imported, which a worker does
after LiteLLM has set it.
"""

from __future__ import annotations

from functools import cache

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

from litellm_bighub.deciders.wrappers.circuit import BreakerState
from litellm_bighub.domain.decision import Verdict
from litellm_bighub.telemetry.instruments import SECONDS

PREFIX = "litellm_bighub"


class PrometheusInstruments:
    """Implements `Instruments`. A registry takes each name once, so `of` gives one instance a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._decisions = Counter(
            f"{PREFIX}_decisions",
            "Decisions on tool calls",
            ["tool", "verdict", "enforced"],
            registry=registry,
        )
        self._seconds = Histogram(
            f"{PREFIX}_decision_seconds",
            "How long a decision on a tool call took",
            ["decider"],
            buckets=SECONDS,
            registry=registry,
        )
        self._series: dict[tuple[str, Verdict, bool, str], tuple[Counter, Histogram]] = {}
        """Those of decisions, looked up once; there are no more than tools' names are let through."""
        self._degraded = Counter(
            f"{PREFIX}_degraded_decisions",
            "Tool calls that passed undecided: the decider could not be reached, and fail_mode is open",
            ["tool"],
            registry=registry,
        )
        self._held = Gauge(
            f"{PREFIX}_held_streams",
            "Streams that wait now for a decision, a person or the next answer",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self._pending = Gauge(
            f"{PREFIX}_pending_approvals",
            "Approvals that wait for a person, as the embedded control plane last counted them",
            multiprocess_mode="livemostrecent",
            registry=registry,
        )
        self._breakers = Gauge(
            f"{PREFIX}_breakers",
            "Breakers of hosted deciders, by their state",
            ["state"],
            multiprocess_mode="livesum",
            registry=registry,
        )

    @staticmethod
    @cache
    def of(registry: CollectorRegistry = REGISTRY) -> PrometheusInstruments:
        """The registry's one instance."""
        return PrometheusInstruments(registry)

    def decided(self, *, tool: str, verdict: Verdict, enforced: bool, decider: str, seconds: float) -> None:
        """Count one decision and its latency."""
        labels = (tool, verdict, enforced, decider)
        series = self._series.get(labels)
        if series is None:
            made = self._decisions.labels(tool, verdict, str(enforced).lower()), self._seconds.labels(decider)
            series = self._series[labels] = made
        count, histogram = series
        count.inc()
        histogram.observe(seconds)

    def degraded(self, *, tool: str) -> None:
        """Count a call that passed undecided."""
        self._degraded.labels(tool).inc()

    def held(self, change: int) -> None:
        """Add to the number of streams that wait."""
        self._held.inc(change)

    def pending(self, approvals: int) -> None:
        """Set the number of approvals that wait."""
        self._pending.set(approvals)

    def breaker(self, before: BreakerState | None, after: BreakerState) -> None:
        """Move a breaker from one state to another."""
        if before is not None:
            self._breakers.labels(before).dec()
        self._breakers.labels(after).inc()
