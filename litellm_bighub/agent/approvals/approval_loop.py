"""What `run_with_approval` says of the people that it asked, and the answers that are given to a run in their place."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping

from litellm_bighub.agent.drivers.performer import AskCallback
from litellm_bighub.agent.flow.effects import GivenAnswer
from litellm_bighub.agent.flow.run import Run
from litellm_bighub.agent.record.events import ApprovedPayload, Payload
from litellm_bighub.domain.payload import JsonMapping, JsonObject


def approved_payload(payload: Payload, run: Run) -> ApprovedPayload:
    """A run's payload with what was asked of people."""
    return ApprovedPayload(**payload, approval_loop=approval_loop(run))


def approval_loop(run: Run) -> JsonObject:
    """What was asked of people and what became of it; the first approval's fields stand on top."""
    if not run.approvals:
        return {"required": False, "resolved": False, "resumed": False}
    approvals = [{**each, **_tool_output(run, each)} for each in run.approvals]
    return {
        **{key: each for key, each in approvals[0].items() if key not in {"tool", "call_id"}},
        "resolved": all(each["resolved"] for each in approvals),
        "resumed": any(each["resumed"] for each in approvals),
        "approvals": approvals,
    }


def answers(resolutions: Mapping[str, GivenAnswer] | None, otherwise: AskCallback | None) -> AskCallback:
    """A callback that gives prepared answers by request id, and asks on for the rest."""

    def ask(question: JsonObject) -> GivenAnswer | Awaitable[GivenAnswer]:
        if resolutions is not None and question["request_id"] in resolutions:
            return resolutions[question["request_id"]]
        return None if otherwise is None else otherwise(question)

    return ask


def one_answer(payload: ApprovedPayload, request_id: str) -> JsonObject:
    """What became of one of the calls that people were asked for, and the run that went on from there."""
    approval = next(each for each in payload["approval_loop"]["approvals"] if each.get("request_id") == request_id)
    return {**approval, "response": payload}


def _tool_output(run: Run, approval: JsonMapping) -> JsonObject:
    if not approval["resumed"]:
        return {}
    event = next(each for each in reversed(run.events) if each.call_id == approval["call_id"])
    return {"tool_output": event.output, "status": event.status}
