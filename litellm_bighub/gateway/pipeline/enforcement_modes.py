"""What the settings `on_block`, `on_approval` and `reveal` make of a decision on a call."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import HTTPException
from typing_extensions import assert_never

from litellm_bighub.domain.call import ToolCall
from litellm_bighub.domain.decision import Allow, Block, Decision, RequireApproval
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.errors import REFUSED
from litellm_bighub.formats.answers.provider_calls import has_been_run
from litellm_bighub.formats.format import Format
from litellm_bighub.formats.registry import DEFAULT
from litellm_bighub.formats.stream.gate_protocol import Outcome, Pass, Withhold
from litellm_bighub.settings import OnApproval, OnBlock, OnUnapprovedResult, Reveal
from litellm_bighub.wording import ENGLISH, Wording


class ToolCallWithheld(HTTPException):
    """A call is withheld, and `on_block` or `on_approval` is `error`: HTTP 400.

    Attributes:
        notice: the text of the notice.
        kind: the error's type.
        approval_id: the pending approval; empty for a blocked call.
    """

    def __init__(self, notice: str, *, kind: str, approval_id: str = "") -> None:
        self.notice = notice
        self.kind = kind
        self.approval_id = approval_id
        detail: JsonObject = {"error": notice, "type": kind}
        if approval_id:
            detail["approval_id"] = approval_id
        super().__init__(status_code=REFUSED, detail=detail)


@dataclass(frozen=True, slots=True)
class Withholding:
    """What the model and the caller see of a withheld call.

    Attributes:
        on_block: replace a blocked call by a notice, fail the request, or tell the model and return its next answer.
        on_approval: replace a call that needs approval by a notice, fail the request, wait for a person, or send the
            client a request for approval, in formats that have one.
        reveal: whether the notice gives the reason. `nothing` prevents callers from probing the policy.
        on_unapproved_result: record or refuse a request with the result of a call that was withheld or is unknown.
        approval_wait_seconds: how long to wait for a person.
        continue_rounds: how often the model is asked again after its calls were blocked.
    """

    on_block: OnBlock = "replace"
    on_approval: OnApproval = "replace"
    reveal: Reveal = "nothing"
    on_unapproved_result: OnUnapprovedResult = "record"
    approval_wait_seconds: float = 60.0
    continue_rounds: int = 3

    @property
    def rounds(self) -> int:
        """How often the model is asked again; 0 unless `on_block` is `continue`."""
        return self.continue_rounds if self.on_block == "continue" else 0

    @property
    def waits(self) -> bool:
        """Whether a call that needs approval waits for a person."""
        return self.on_approval == "wait"

    def outcome(
        self, call: ToolCall, decision: Decision, wire_format: Format | None = DEFAULT, wording: Wording = ENGLISH
    ) -> Outcome:
        """What becomes of a call after its decision.

        Raises:
            ToolCallWithheld: `on_block` or `on_approval` is `error`.
        """
        ran = call.type != "function" and has_been_run(call.id, call.name)
        match decision:
            case Allow(edited=edited, told=told):
                changed = "" if edited is None else wording.edited_before_approval.format(tool=call.name)
                return Pass(edited, wording.approved(call.name, told, edited=changed), told)
            case Block(reason=reason, cause=cause, told=told):
                said = wording.withheld_after_run.format(tool=call.name) if ran else wording.blocked(cause, call.name)
                notice = said + wording.person_says(told) + self._why(reason, wording)
                if self.on_block == "error":
                    raise ToolCallWithheld(notice, kind="tool_call_blocked")
                return Withhold(notice)
            case RequireApproval(reason=reason, approval_id=approval_id):
                said = (
                    wording.withheld_after_run.format(tool=call.name)
                    if ran
                    else wording.waiting(call.name, approval_id)
                )
                notice = said + self._why(reason, wording)
                if self.on_approval == "error":
                    raise ToolCallWithheld(notice, kind="tool_call_requires_approval", approval_id=approval_id)
                shown = (
                    self.on_approval == "request"
                    and not ran
                    and wire_format is not None
                    and wire_format.client_approvals is not None
                )
                return Withhold(notice, approval_id=approval_id if shown else "")
            case _:
                assert_never(decision)

    def _why(self, reason: str, wording: Wording) -> str:
        return wording.because(reason) if self.reveal == "reason" else ""
