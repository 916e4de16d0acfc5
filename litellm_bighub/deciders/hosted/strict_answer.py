"""The strictest reading of BIGHUB's answer, of either generation.

A decision has many fields, and they may contradict each other. Each field is read alone and may object to the
call; then the objections are weighed:

- `NO`: any one blocks. So does an unknown value, or one of the wrong type.
- `NOT_YET` (`allowed` is not true, `can_run` is false): blocks, unless the verdict itself says that a person is
  awaited.
- `PENDING` (the verdict says so) and `ASK` (anything else asks for a person): a person is asked.
- Without objection the call may run. As `allowed` objects unless it is exactly true, nothing else ever allows.

An additional objection therefore never loosens a decision. `null` and empty texts count as absent. Fields that advise
(`risk_score`, `better_action`, `decision_intelligence` …) do not decide.
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import Final, cast

from litellm_bighub.deciders.hosted.objections import Answer, Objection, Weight, objections
from litellm_bighub.domain.decision import Allow, Basis, Block, Decision, RequireApproval
from litellm_bighub.errors import DecisionUnreadable

TOLD: Final = "told_agent"
"""What a person tells the agent; only our own control plane says that."""
_DENIED: Final = "denied"


def read_decision(body: object) -> Decision:
    """Read the body of an answer.

    Raises:
        DecisionUnreadable: it is no JSON object, or an empty one (which is what the SDK makes of malformed JSON).
    """
    if not isinstance(body, dict):
        raise DecisionUnreadable(f"the answer is a JSON {type(body).__name__}, not an object")
    if not body:
        raise DecisionUnreadable("the answer is empty or malformed")
    answer = cast("Answer", body)
    raised = list(objections(answer))
    basis = _basis(answer)
    said = _text(answer, "reason")
    blocking = _of(Weight.NO, raised)
    if not _of(Weight.PENDING, raised):
        blocking += _of(Weight.NOT_YET, raised)
    if blocking:
        reason = _because(blocking[0], said)
        if basis.blocked_by == _DENIED:
            return Block(reason, basis, "denied", told=_text(answer, TOLD))
        unreadable = all(objection.unreadable for objection in blocking)
        return Block(reason, basis, "unreadable" if unreadable else "policy")
    asking = _of(Weight.PENDING, raised) + _of(Weight.ASK, raised)
    if asking:
        return RequireApproval(
            _because(asking[0], said), basis.decision_id, expires_at=_time(answer.get("expires_at")), basis=basis
        )
    return Allow(said, basis=basis, told=_text(answer, TOLD))


def _of(weight: Weight, raised: list[Objection]) -> list[Objection]:
    return [objection for objection in raised if objection.weight is weight]


def _because(objection: Objection, said: str) -> str:
    return f"{objection.text}: {said}" if said else objection.text


def _basis(answer: Answer) -> Basis:
    return Basis(
        decision_id=_text(answer, "request_id") or _text(answer, "validation_id"),
        blocked_by=_text(answer, "blocked_by"),
        rule=_text(answer, "rule_id"),
        caller_rules=_text(answer, "caller_rules"),
        risk=_risk(answer.get("risk_score")),
        gate_version=_text(answer, "gate_version"),
    )


def _text(answer: Answer, field: str) -> str:
    value = answer.get(field)
    return value if isinstance(value, str) else ""


def _time(value: object) -> float | None:
    """POSIX seconds, or ISO 8601; `None` for another form: the service knows the time anyway."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if math.isfinite(value) else None
    try:
        read = datetime.fromisoformat(value.replace("Z", "+00:00")) if isinstance(value, str) else None
    except ValueError:
        return None
    return read.timestamp() if read and read.tzinfo else None


def _risk(score: object) -> float | None:
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
        return None
    return float(score)
