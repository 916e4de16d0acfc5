"""A question that came before, with the same Idempotency-Key: judged anew, and counted once.

A client repeats a question when it did not receive the answer. It gets the first answer as long as that still holds:

- What was allowed is allowed again, unless policy or a kill switch say otherwise now.
- What an approval was used up for is not allowed again: the call may have run.
- What waits for a person waits under the same approval. Once a person has approved, the repeated question uses the
  approval up, as any next one would.
- What was blocked is blocked for the same reason, or decided on as if for the first time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from litellm_bighub.control_plane.decisions.recorded_decision import (
    DecisionQuestion,
    DecisionRecorder,
    RecordedDecision,
    bound_digest,
)
from litellm_bighub.control_plane.store.tables import approvals, idempotency
from litellm_bighub.control_plane.store.transaction import Transaction
from litellm_bighub.domain.decision import Verdict
from litellm_bighub.domain.payload import JsonObject

USED = "used"
_REASON = "the first question of this Idempotency-Key has used the approval up"


@dataclass(frozen=True, slots=True)
class _FirstAnswer:
    """What was answered before.

    Attributes:
        answer: as it was sent.
        verdict: that of the decision, also where shadow mode let the call pass.
        enforced: false in shadow mode.
        used: whether it used an approval up.
        counted: the rules that counted the call.
        approval_id: the approval that it waits for.
    """

    answer: JsonObject
    verdict: Verdict
    enforced: bool
    used: bool
    counted: tuple[str, ...]
    approval_id: str


def decide(
    transaction: Transaction,
    deciding: DecisionRecorder,
    question: DecisionQuestion,
    now: float,
    *,
    name: str,
    request: JsonObject,
    answer: Callable[[RecordedDecision], JsonObject],
) -> JsonObject:
    """Decide on a question that may have come before.

    Args:
        transaction: the writer's.
        deciding: decides.
        question: to decide on.
        now: POSIX seconds.
        name: of caller and key.
        request: the body; another one under the same key is refused.
        answer: makes the body of the answer.

    Raises:
        KeyReused: another request came with this key.
    """
    kept = idempotency.find(transaction.connection, name, request, now)
    if kept is None:
        outcome = deciding.decide(transaction, question, now)
        first = _first_answer(outcome, answer(outcome))
        idempotency.put(transaction.connection, name, request, asdict(first), now)
        return first.answer
    first = replace(_FirstAnswer(**kept), counted=_rules(kept["counted"]))
    if first.used:
        return answer(
            deciding.refuse(transaction, question, now, counted=first.counted, blocked_by=USED, reason=_REASON)
        )
    if _still_holds(transaction, deciding, question, now, first):
        return first.answer
    outcome = deciding.decide(transaction, question, now, counted=first.counted)
    again = _first_answer(outcome, answer(outcome), counted=first.counted)
    if not (first.verdict == "allowed" and again.verdict == "blocked"):  # which holds again when the switch is off
        idempotency.put(transaction.connection, name, request, asdict(again), now)
    return again.answer


def _still_holds(
    transaction: Transaction, deciding: DecisionRecorder, question: DecisionQuestion, now: float, first: _FirstAnswer
) -> bool:
    snapshot = deciding.snapshot(transaction, now)
    question, judgement = deciding.judge_question(transaction, snapshot, question, now, counted=first.counted)
    if (judgement.verdict, snapshot.text.mode == "enforce") != (first.verdict, first.enforced):
        return False
    if judgement.verdict == "blocked":
        said = (first.answer["blocked_by"], first.answer["policy_version"])
        return said == (judgement.blocked_by or None, judgement.policy_version)
    if judgement.verdict == "allowed" or not first.enforced:
        return True
    digest = bound_digest(question.call, question.context, snapshot.policy.version)
    found = approvals.find(transaction.connection, digest, question.call.type, now)
    return found is not None and found.id == first.approval_id and found.state != "approved"


def _rules(counted: list[str] | str) -> tuple[str, ...]:
    """As they were kept; answers of earlier releases kept one, or an empty text."""
    return tuple(counted) if isinstance(counted, list) else (counted,) if counted else ()


def _counting(outcome: RecordedDecision) -> tuple[str, ...]:
    """The rules that count an allowed call, or sum its value up."""
    judgement = outcome.judgement
    summing = [one.rule.id for one in judgement.charges] if judgement.verdict == "allowed" and outcome.enforced else []
    return tuple(dict.fromkeys([*(rule.id for rule in judgement.counting), *summing]))


def _first_answer(outcome: RecordedDecision, answer: JsonObject, *, counted: tuple[str, ...] = ()) -> _FirstAnswer:
    judgement, approval = outcome.judgement, outcome.approval
    allowed = judgement.verdict == "allowed"
    return _FirstAnswer(
        answer=answer,
        verdict=judgement.verdict,
        enforced=outcome.enforced,
        used=allowed and approval is not None,
        counted=_counting(outcome) or counted,
        approval_id=approval.id if approval and judgement.verdict == "requires_approval" else "",
    )
