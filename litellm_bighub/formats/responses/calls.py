"""Where tool calls are in a Responses payload, and how one is read, edited and withheld."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace

from litellm_bighub.domain.arguments import UnreadableArguments, as_text, read_arguments
from litellm_bighub.domain.call import Arguments, ToolCall
from litellm_bighub.domain.payload import Payload
from litellm_bighub.errors import PayloadError
from litellm_bighub.formats.answers.provider_calls import type_of_function
from litellm_bighub.formats.answers.unreadable_calls import NO_NAME, NO_PAYLOAD, TOO_DEEP, UNFINISHED
from litellm_bighub.formats.payload.copies import json_text, listed, plain, text, with_fields
from litellm_bighub.formats.payload.fields import get
from litellm_bighub.formats.responses.item_kinds import CALLS, PAYLOAD_KEYS, is_call, is_unfinished
from litellm_bighub.formats.responses.reasoning_items import reasoning_mark

_JSON_TEXT = frozenset({"function_call", "mcp_approval_request"})
_NAMED = _JSON_TEXT | {"custom_tool_call"}
_KEYS = {
    "function_call": ("arguments",),
    "mcp_approval_request": ("arguments",),
    "tool_search_call": ("arguments",),
    "custom_tool_call": ("input",),
    "local_shell_call": ("action",),
    "shell_call": ("action",),
    "apply_patch_call": ("operation",),
    "computer_call": ("action", "actions"),
    "program": ("code",),
}


@dataclass(frozen=True, slots=True)
class ResponsesCall:
    """A tool call and where it stands: `owner[index]` is `item`."""

    call: ToolCall
    owner: list[Payload]
    index: int
    item: object


def find_calls(response: object) -> list[ResponsesCall]:
    """Every call for the caller in a response, dict or model, in the order of its output.

    Raises:
        PayloadError: the output is no list, so that nothing could be withheld in it.
    """
    items = listed(get(response, "output"), "output")
    found: list[ResponsesCall] = []
    for index, item in enumerate(items):
        if is_call(item):
            call = read_call(item, f"output[{index}]")
            if index and (mark := reasoning_mark(items[index - 1])):
                call = replace(call, reasoning=mark)
            found.append(ResponsesCall(call, items, index, item))
    return found


def read_call(item: object, path: str) -> ToolCall:
    """Read one item as a call. What cannot be read stands in `unreadable`; nothing is raised."""
    item_type = text(item, "type")
    call_type = CALLS.get(item_type, "unknown")
    call_id = text(item, "call_id") or (text(item, "id") if item_type == "mcp_approval_request" else "")
    if item_type == "function_call":
        call_type = type_of_function(call_id, text(item, "name"))
    name = _qualified(item) or ("" if item_type in _NAMED else call_type if item_type in CALLS else item_type)
    arguments: Arguments = {}
    unreadable = UNFINISHED if is_unfinished(item) else None if name else NO_NAME
    if unreadable is None:
        try:
            arguments = _read_payload(item)
        except UnreadableArguments as error:
            unreadable = str(error)
        except RecursionError:
            unreadable = TOO_DEEP
    return ToolCall(call_id, call_type, name, arguments, unreadable, path, item_id=text(item, "id"))


def _qualified(item: object) -> str:
    """The tool's name within its namespace, as in `crm.delete_contact`: policies must be able to tell them apart."""
    return ".".join(part for part in (text(item, "namespace"), text(item, "name")) if part)


def withhold(found: ResponsesCall, item: object) -> None:
    """Put another item in the call's place; its siblings keep their indices."""
    found.owner[found.index] = item


def rewrite_arguments(item: object, arguments: Arguments) -> object:
    """A copy of the call with edited arguments, which have the shape that `read_call` gave them.

    Raises:
        PayloadError: the arguments have no place in an item of this type.
    """
    return with_fields(item, **edited_payload(item, arguments))


def edited_payload(item: object, arguments: Arguments) -> dict[str, object]:
    """The fields of the call that edited arguments change, as `rewrite_arguments` writes them."""
    item_type = text(item, "type")
    if _holds_arguments(item):
        as_text = item_type in _JSON_TEXT or isinstance(get(item, "arguments"), str)
        return {"arguments": json_text(arguments) if as_text else dict(arguments)}
    keys = payload_keys(item)
    if set(arguments) != set(keys):
        raise PayloadError(item_type, f"edited arguments must have exactly the keys {', '.join(keys) or '(none)'}")
    for key, value in arguments.items():
        if isinstance(get(item, key), str) != isinstance(value, str):
            raise PayloadError(f"{item_type}.{key}", "the edited value is of another kind than the model's")
    return dict(arguments)


def payload_keys(item: object) -> tuple[str, ...]:
    """The fields that say what this call does."""
    keys = _KEYS.get(text(item, "type"), PAYLOAD_KEYS)
    return tuple(key for key in keys if get(item, key) is not None)


def fingerprint(item: object, call: ToolCall) -> str:
    """Equal for two versions of a call if, and only if, the same would be run under the same id."""
    said: object = call.arguments
    if call.unreadable is not None:
        try:
            said = repr([(key, plain(get(item, key))) for key in payload_keys(item)])
        except RecursionError:
            said = None  # equal to nothing that could ever be allowed
    labels = [text(item, key) for key in ("type", "call_id", "name", "namespace", "server_label")]
    serial = json.dumps([labels, said], sort_keys=True)
    return hashlib.sha256(serial.encode()).hexdigest()


def _holds_arguments(item: object) -> bool:
    item_type = text(item, "type")
    return _KEYS.get(item_type, payload_keys(item)) == ("arguments",)


def _read_payload(item: object) -> Arguments:
    if _holds_arguments(item):
        return read_arguments(as_text(get(item, "arguments")))
    keys = payload_keys(item)
    if not keys:
        raise UnreadableArguments(NO_PAYLOAD)
    return read_arguments(as_text({key: plain(get(item, key)) for key in keys}))
