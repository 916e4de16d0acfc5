"""What happened to one tool call, as it is told to hooks, logs, audit files and metrics."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, fields
from typing import Literal

from litellm_bighub.domain.call import Arguments
from litellm_bighub.domain.decision import BlockCause, Verdict
from litellm_bighub.domain.payload import JsonObject


@dataclass(frozen=True, slots=True)
class DecisionEvent:
    """One decision on one tool call. Holds redacted arguments only, so that it may be logged as it is.

    Attributes:
        event_id: unique; the key by which consumers drop repeats.
        time: POSIX seconds at which the decision was known.
        verdict: what was decided.
        enforced: false in shadow mode, where the call passes whatever the verdict says.
        degraded: the decider could not be reached and `fail_mode: open` let the call pass.
        decider: who decided, as in `embedded` or `bighub`.
        cause: what stands behind a block; empty for other verdicts.
        arguments: redacted.
        arguments_digest: SHA-256 over the RFC 8785 form of the unredacted arguments; empty if they were unreadable.
        latency_ms: how long the decision took, in milliseconds.
        key: the hash of the key that asked, empty without one.
    """

    event_id: str
    time: float
    trace_id: str
    call_id: str
    tool: str
    type: str
    path: str
    actor: str
    domain: str
    surface: str
    model: str
    response_id: str
    user: str
    team: str
    verdict: Verdict
    reason: str
    enforced: bool
    degraded: bool
    decider: str
    decision_id: str
    approval_id: str
    blocked_by: str
    rule: str
    policy_version: str
    risk: float | None
    value: float | None
    target: str
    arguments: Arguments
    arguments_digest: str
    latency_ms: float
    cause: BlockCause | Literal[""] = ""
    key: str = ""

    @property
    def allowed(self) -> bool:
        """Whether the call was let through."""
        return self.verdict == "allowed" or not self.enforced

    def as_dict(self) -> JsonObject:
        """A copy in plain containers, with `allowed` and BIGHUB's `request_id` added."""
        return {**self.told(), "arguments": deepcopy(self.arguments)}

    def told(self) -> JsonObject:
        """The same for those who only read it: the arguments are the event's own."""
        told: JsonObject = {name: getattr(self, name) for name in _NAMES}
        return {**told, "allowed": self.allowed, "request_id": self.decision_id}


_NAMES = tuple(field.name for field in fields(DecisionEvent))
