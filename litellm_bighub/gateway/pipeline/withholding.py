"""What the settings `on_block`, `on_approval` and `reveal` make of a decision on a call."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import HTTPException
from typing_extensions import assert_never

from litellm_bighub.domain.call import ToolCall
from litellm_bighub.domain.decision import Allow, Block, Decision, RequireApproval
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.formats.format import Format
from litellm_bighub.formats.registry import DEFAULT
from litellm_bighub.formats.stream.gate_protocol import Outcome, Pass, Withhold
from litellm_bighub.settings import OnApproval, OnBlock, OnUnapprovedResult, Reveal
from litellm_bighub.wording import ENGLISH, Wording


class ToolCallWithheld(HTTPException):
    """A call is withheld and the operator wants the request to fail: HTTP 403.

    Attributes:
        notice: what the notice would have said.
        kind: the error's type.
        approval_id: the pending approval, empty for a blocked call.
    """

    def __init__(self, notice: str, *, kind: str, approval_id: str = "") -> None:
        self.notice = notice
        self.kind = kind
        self.approval_id = approval_id
        detail: JsonObject = {"error": notice, "type": kind}
        if approval_id:
            detail["approval_id"] = approval_id
        super().__init__(status_code=403, detail=detail)


@dataclass(frozen=True, slots=True)
class Withholding:
    """How a withheld call looks to the model and the caller.

    Attributes:
        on_block: put a notice in place of a blocked call, fail the request, or tell the model and return its next
            answer.
        on_approval: put a notice in place of a call that waits for a person, fail the request, wait for the person, or
            let the client show the request for approval, in formats that have one.
        reveal: whether the notice tells the reason; `nothing` keeps the policy from being probed.
        on_unapproved_result: what becomes of a request with the result of a call that was withheld, or nobody made.
        approval_wait_seconds: how long to wait.
        continue_rounds: how often a model that is told of its blocked calls is asked anew.
    """

    on_block: OnBlock = "replace"
    on_approval: OnApproval = "replace"
    reveal: Reveal = "nothing"
    on_unapproved_result: OnUnapprovedResult = "record"
    approval_wait_seconds: float = 60.0
    continue_rounds: int = 3

    @property
    def rounds(self) -> int:
        """How often the model is asked anew."""
        return self.continue_rounds if self.on_block == "continue" else 0

    @property
    def waits(self) -> bool:
        """Whether a call that needs a person waits for one."""
        return self.on_approval == "wait"

    def outcome(
        self, call: ToolCall, decision: Decision, wire_format: Format | None = DEFAULT, wording: Wording = ENGLISH
    ) -> Outcome:
        """What the stream gate is told.

        Raises:
            ToolCallWithheld: the operator wants the request to fail.
        """
        match decision:
            case Allow(edited=edited):
                return Pass(edited, "" if edited is None else wording.edited_before_approval.format(tool=call.name))
            case Block(reason=reason, cause=cause):
                notice = wording.blocked(cause, call.name) + self._why(reason, wording)
                if self.on_block == "error":
                    raise ToolCallWithheld(notice, kind="tool_call_blocked")
                return Withhold(notice)
            case RequireApproval(reason=reason, approval_id=approval_id):
                notice = wording.waiting(call.name, approval_id) + self._why(reason, wording)
                if self.on_approval == "error":
                    raise ToolCallWithheld(notice, kind="tool_call_requires_approval", approval_id=approval_id)
                shown = (
                    self.on_approval == "request"
                    and wire_format is not None
                    and wire_format.client_approvals is not None
                )
                return Withhold(notice, approval_id=approval_id if shown else "")
            case _:
                assert_never(decision)

    def _why(self, reason: str, wording: Wording) -> str:
        return wording.because(reason) if self.reveal == "reason" else ""
