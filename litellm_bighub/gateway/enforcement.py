"""What becomes of a decided call: it passes, a notice takes its place, or the request fails."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fastapi import HTTPException

from litellm_bighub.deciders.tool_decisions import UNRECORDED, ToolDecisions
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Allow, Block, Decision, RequireApproval
from litellm_bighub.gateway.found_calls import calls_of
from litellm_bighub.gateway.remembering import remember
from litellm_bighub.settings import OnUnapprovedResult, Reveal, Withhold as OnWithhold
from litellm_bighub.wire.gating import Outcome, Pass, Withhold
from litellm_bighub.wire.responses.notice import NOTICE_PREFIX


class ToolCallWithheld(HTTPException):
    """A call is withheld and the operator wants the request to fail: HTTP 403.

    Attributes:
        notice: what the notice would have said.
        approval_id: the pending approval, empty for a blocked call.
    """

    def __init__(self, notice: str, *, kind: str, approval_id: str = "") -> None:
        self.notice = notice
        self.approval_id = approval_id
        detail: dict[str, Any] = {"error": notice, "type": kind}
        if approval_id:
            detail["approval_id"] = approval_id
        super().__init__(status_code=403, detail=detail)


@dataclass(frozen=True, slots=True)
class Withholding:
    """How a withheld call looks to the model and the caller.

    Attributes:
        on_block: put a notice in place of a blocked call, or fail the request.
        on_approval: the same for a call that waits for a person.
        reveal: whether the notice tells the reason; `nothing` keeps the policy from being probed.
        on_unapproved_result: what becomes of a request with the result of a call that was withheld, or nobody made.
    """

    on_block: OnWithhold = "replace"
    on_approval: OnWithhold = "replace"
    reveal: Reveal = "nothing"
    on_unapproved_result: OnUnapprovedResult = "record"

    def outcome(self, call: ToolCall, decision: Decision) -> Outcome:
        """What the stream gate is told.

        Raises:
            ToolCallWithheld: the operator wants the request to fail.
        """
        match decision:
            case Allow(edited=edited):
                return Pass(edited)
            case Block(reason=reason):
                notice = f'The tool call "{call.name}" was blocked by policy and has not been run.{self._why(reason)}'
                if self.on_block == "error":
                    raise ToolCallWithheld(notice, kind="tool_call_blocked")
            case RequireApproval(reason=reason, approval_id=approval_id):
                named = f" (approval {approval_id})" if approval_id else ""
                notice = (
                    f'The tool call "{call.name}" needs the approval of a person{named} and has not been run.'
                    f"{self._why(reason)}"
                )
                if self.on_approval == "error":
                    raise ToolCallWithheld(notice, kind="tool_call_requires_approval", approval_id=approval_id)
        return Withhold(notice)

    def _why(self, reason: str) -> str:
        return f" Reason: {reason}" if self.reveal == "reason" and reason else ""


def new_item_id() -> str:
    """An id for a message that nobody else made, and that is known for a notice when a request brings it back."""
    return f"{NOTICE_PREFIX}{uuid.uuid4().hex}"


@dataclass(frozen=True, slots=True)
class Enforcement:
    """The tool-decision hook together with what becomes of withheld calls."""

    tool_decisions: ToolDecisions
    withholding: Withholding = field(default_factory=Withholding)
    new_item_id: Callable[[], str] = new_item_id

    async def outcomes(self, calls: Sequence[ToolCall], context: CallContext) -> list[Outcome]:
        """Decide on calls, all at once.

        Raises:
            ToolCallWithheld: one is withheld, and the operator wants the request to fail.
        """
        decisions = await self.tool_decisions.decide(calls, context)
        try:
            outcomes = [self._outcome(call, decision) for call, decision in zip(calls, decisions, strict=True)]
        except ToolCallWithheld as withheld:
            await remember(self.tool_decisions, calls, decisions, [Withhold(withheld.notice)] * len(calls), context)
            raise
        if await remember(self.tool_decisions, calls, decisions, outcomes, context):
            return outcomes
        return [self.withholding.outcome(call, UNRECORDED) for call in calls]

    def _outcome(self, call: ToolCall, decision: Decision) -> Outcome:
        outcome = self.withholding.outcome(call, decision)
        return replace(outcome, item_id=self.new_item_id()) if isinstance(outcome, Withhold) else outcome

    async def govern(self, response: object, context: CallContext, *, refusals: bool = False) -> None:
        """Decide on every call of a whole response, and put a notice in the place of those that are withheld.

        Args:
            response: a dict or model; changed in place.
            context: who asks.
            refusals: whether notices are refusals, as `notice.wants_refusals` says of the request.

        Raises:
            ToolCallWithheld: one is withheld, and the operator wants the request to fail.
            PayloadError: the response cannot be read.
        """
        found = calls_of(response, new_item_id=self.new_item_id, refusals=refusals)
        if not found:
            return
        outcomes = await self.outcomes([each.call for each in found], context)
        for each, outcome in zip(found, outcomes, strict=True):
            match outcome:
                case Pass(edited=edited):
                    if edited is not None:
                        each.edit(edited)
                case Withhold():
                    each.withhold(outcome)
