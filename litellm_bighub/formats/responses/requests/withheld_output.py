"""What the model is told in place of the output of a call that was withheld: that it has not been run."""

from __future__ import annotations

from typing_extensions import assert_never

from litellm_bighub.domain.decided_call import DecidedCall
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.formats.payload.copies import json_text
from litellm_bighub.wording import ENGLISH, Wording

_BLANK = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj2FAAAAABJRU5ErkJggg=="
)
"""One white pixel: the output of a computer call must be a picture."""


def not_run(call: DecidedCall, wording: Wording = ENGLISH) -> list[JsonObject]:
    """The items by which a provider is told; the first is the output that it waits for."""
    said = call.notice or wording.not_run.format(tool=call.tool)
    match call.type:
        case "custom":
            return [{"type": "custom_tool_call_output", "call_id": call.call_id, "output": said}]
        case "shell":
            failed = {"stdout": "", "stderr": said, "outcome": {"type": "exit", "exit_code": 1}}
            return [{"type": "shell_call_output", "call_id": call.call_id, "output": [failed]}]
        case "local_shell":
            return [{"type": "local_shell_call_output", "id": call.call_id, "output": json_text({"error": said})}]
        case "apply_patch":
            output = {"call_id": call.call_id, "status": "failed", "output": said}
            return [{"type": "apply_patch_call_output", **output}]
        case "computer":
            picture = {"type": "computer_screenshot", "image_url": _BLANK}
            return [
                {"type": "computer_call_output", "call_id": call.call_id, "output": picture},
                developer_message(said),
            ]
        case "mcp":
            answer = {"approval_request_id": call.call_id, "approve": False, "reason": said}
            return [{"type": "mcp_approval_response", **answer}]
        case "tool_search":
            found: JsonObject = {"execution": "client", "tools": [], "status": "completed"}
            return [{"type": "tool_search_output", "call_id": call.call_id, **found}, developer_message(said)]
        case (
            "function" | "web_search" | "file_search" | "code_interpreter" | "image_generation" | "program" | "unknown"
        ):
            return [{"type": "function_call_output", "call_id": call.call_id, "output": said}]
        case _:
            assert_never(call.type)


def developer_message(text: str) -> JsonObject:
    """A message to the model that is not the user's."""
    return {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": text}]}


def restored(call: DecidedCall) -> JsonObject | None:
    """The call as the model made it, with its arguments redacted; `None` if that cannot be."""
    own: JsonObject = {"id": call.item_id} if call.item_id else {}
    own["call_id"] = call.call_id
    match call.type:
        case "function":
            namespace, _, name = call.tool.rpartition(".")
            own |= {"namespace": namespace} if namespace else {}
            return {"type": "function_call", **own, "name": name, "arguments": json_text(call.arguments)}
        case "custom":
            written = call.arguments.get("input")
            return {
                "type": "custom_tool_call",
                **own,
                "name": call.tool,
                "input": written if isinstance(written, str) else "",
            }
        case "shell" | "local_shell" | "apply_patch" | "computer" if call.arguments:
            checks: JsonObject = {"pending_safety_checks": []} if call.type == "computer" else {}
            return {"type": f"{call.type}_call", **own, **call.arguments, **checks, "status": "completed"}
        case "shell" | "local_shell" | "apply_patch" | "computer" | "mcp" | "tool_search" | "program":
            return None
        case "web_search" | "file_search" | "code_interpreter" | "image_generation" | "unknown":
            return None
        case _:
            assert_never(call.type)
