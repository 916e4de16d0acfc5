"""Records for hooks, logs, audit files and metrics: a decision, what a call led to, an unapproved result, an opt-out.

None of them holds a result or an argument that was not redacted, so each may be logged as it is.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import asdict, dataclass, fields
from operator import attrgetter
from typing import Final, Literal, TypeAlias

from litellm_bighub.domain.call import Arguments, CallType
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
        caller_rules: the digest of the rules of that key and its team, empty without any.
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
    caller_rules: str = ""

    @property
    def allowed(self) -> bool:
        """Whether the call was let through."""
        return self.verdict == "allowed" or not self.enforced

    def as_dict(self) -> JsonObject:
        """A copy in plain containers, with `allowed` and BIGHUB's `request_id` added."""
        return {**self.as_shared_dict(), "arguments": deepcopy(self.arguments)}

    def as_shared_dict(self) -> JsonObject:
        """The same without a copy of the arguments, for those who only read it."""
        values: JsonObject = dict(zip(_NAMES, _values(self), strict=True))
        return {**values, "allowed": self.allowed, "request_id": self.decision_id}


_NAMES = tuple(field.name for field in fields(DecisionEvent))
_values = attrgetter(*_NAMES)


OPTED_OUT: Final = "guardrail_opted_out"


@dataclass(frozen=True, slots=True)
class OptOut:
    """One request that a guardrail has left alone.

    Attributes:
        event_id: unique; the key by which consumers drop repeats.
        time: POSIX seconds.
        guardrail: as the config calls it.
        key: the hashed key.
    """

    event_id: str
    time: float
    guardrail: str
    actor: str
    domain: str
    surface: str
    model: str
    trace_id: str
    user: str
    team: str
    key: str

    def as_dict(self) -> JsonObject:
        """A copy in plain containers."""
        return {"kind": OPTED_OUT, **asdict(self)}


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """The result of one decided call. Holds nothing of the result itself, so that it may be logged as it is.

    Attributes:
        event_id: unique; the key by which consumers drop repeats.
        time: POSIX seconds at which the result was known.
        decision_id: of the decision that let the call pass, empty if the decider gave it none.
        ok: whether the tool says that it worked.
        size: how long the result is, in bytes of JSON; 0 where there is none.
        seconds: how long the call took.
    """

    event_id: str
    time: float
    tool: str
    type: CallType
    decision_id: str
    ok: bool
    size: int
    seconds: float
    arguments_digest: str
    actor: str
    domain: str
    surface: str
    trace_id: str
    user: str
    team: str
    kind: Literal["call_outcome"] = "call_outcome"

    def as_dict(self) -> JsonObject:
        """A copy in plain containers."""
        return asdict(self)


UnapprovedResultKind: TypeAlias = Literal["withheld_call_result", "unknown_call_result"]
"""`withheld_call_result`: the call was withheld, and yet it has a result: it was run, or somebody made that up.
`unknown_call_result`: no model made this call, as far as request and ledger can tell."""


@dataclass(frozen=True, slots=True)
class UnapprovedResult:
    """One such result. Holds nothing of the result itself, so that it may be logged as it is.

    Attributes:
        event_id: unique; the key by which consumers drop repeats.
        kind: what is wrong with it.
        time: POSIX seconds.
        path: where the result stands in the request, as in `input[3]`.
        call_id: the call that it is for; redacted, since the caller wrote it.
        tool: the tool's name, empty if unknown.
        digest: of the arguments of the withheld call.
        response_id: the upstream's id of the response that held the call, empty if unknown.
        decided_at: when the call was withheld, POSIX seconds.
        refused: whether the request was refused for it.
        key: the hash of the key that sent it.
    """

    event_id: str
    kind: UnapprovedResultKind
    time: float
    path: str
    call_id: str
    tool: str
    digest: str
    response_id: str
    decided_at: float | None
    actor: str
    domain: str
    surface: str
    model: str
    trace_id: str
    user: str
    team: str
    refused: bool
    key: str = ""

    def as_dict(self) -> JsonObject:
        """A copy in plain containers."""
        return asdict(self)
