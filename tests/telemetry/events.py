"""Decisions to be measured."""

from __future__ import annotations

from litellm_bighub.domain.event import DecisionEvent


def event(**more) -> DecisionEvent:
    """A blocked call of a shell, whose arguments hold a secret that nobody may see."""
    fields = {
        "event_id": "evt-1",
        "time": 1_000.5,
        "trace_id": "trace-1",
        "call_id": "call_1",
        "tool": "wipe",
        "type": "function",
        "path": "output[0]",
        "actor": "agent",
        "domain": "custom",
        "surface": "/v1/responses",
        "model": "gpt-4.1",
        "response_id": "resp_1",
        "user": "",
        "team": "",
        "verdict": "blocked",
        "reason": "canary-reason",
        "enforced": True,
        "degraded": False,
        "decider": "embedded",
        "decision_id": "dec_1",
        "approval_id": "",
        "blocked_by": "default",
        "rule": "",
        "policy_version": "1",
        "risk": None,
        "value": None,
        "target": "canary-target",
        "arguments": {"path": "canary-argument"},
        "arguments_digest": "d",
        "latency_ms": 250.0,
    }
    return DecisionEvent(**{**fields, **more})
