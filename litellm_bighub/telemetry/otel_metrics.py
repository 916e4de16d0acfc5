"""OpenTelemetry metrics. Unless the operator sets a provider up, they go nowhere and cost next to nothing."""

from __future__ import annotations

from opentelemetry.metrics import MeterProvider, get_meter, get_meter_provider
from opentelemetry.util.types import AttributeValue

from litellm_bighub.deciders.wrappers.circuit import BreakerState
from litellm_bighub.domain.decision import Verdict
from litellm_bighub.telemetry.instruments import SECONDS

SCOPE = "litellm_bighub"


class OtelInstruments:
    """Implements `Instruments`.

    Args:
        provider: the operator's; the global one if not given.
    """

    def __init__(self, provider: MeterProvider | None = None) -> None:
        meter = get_meter(SCOPE, meter_provider=provider or get_meter_provider())
        self._decisions = meter.create_counter(f"{SCOPE}.decisions", "{decision}", "Decisions on tool calls")
        self._seconds = meter.create_histogram(
            f"{SCOPE}.decision.duration",
            "s",
            "How long a decision on a tool call took",
            explicit_bucket_boundaries_advisory=SECONDS,
        )
        self._degraded = meter.create_counter(
            f"{SCOPE}.decisions.degraded", "{decision}", "Tool calls that passed undecided under fail_mode open"
        )
        self._held = meter.create_up_down_counter(
            f"{SCOPE}.streams.held", "{stream}", "Streams that wait now for a decision, a person or the next answer"
        )
        self._pending = meter.create_gauge(f"{SCOPE}.approvals.pending", "{approval}", "Approvals that wait")
        self._breakers = meter.create_up_down_counter(f"{SCOPE}.breakers", "{breaker}", "Breakers by state")

    def decided(self, *, tool: str, verdict: Verdict, enforced: bool, decider: str, seconds: float) -> None:
        """Count one decision and its latency."""
        attributes: dict[str, AttributeValue] = {
            "gen_ai.tool.name": tool,
            f"{SCOPE}.verdict": verdict,
            f"{SCOPE}.enforced": enforced,
        }
        self._decisions.add(1, attributes)
        self._seconds.record(seconds, {f"{SCOPE}.decider": decider})

    def degraded(self, *, tool: str) -> None:
        """Count a call that passed undecided."""
        self._degraded.add(1, {"gen_ai.tool.name": tool})

    def held(self, change: int) -> None:
        """Add to the number of streams that wait."""
        self._held.add(change)

    def pending(self, approvals: int) -> None:
        """Set the number of approvals that wait."""
        self._pending.set(approvals)

    def breaker(self, before: BreakerState | None, after: BreakerState) -> None:
        """Move a breaker from one state to another."""
        if before is not None:
            self._breakers.add(-1, {f"{SCOPE}.state": before})
        self._breakers.add(1, {f"{SCOPE}.state": after})
