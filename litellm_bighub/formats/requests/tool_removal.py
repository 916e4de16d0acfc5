"""Taking tools out of a request, and with them what else of the request speaks of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, MutableMapping
from typing import cast

from litellm_bighub.domain.payload import JsonMapping, JsonObject, Payload
from litellm_bighub.formats.payload.copies import text, with_fields
from litellm_bighub.formats.payload.fields import get, is_object, members
from litellm_bighub.formats.requests.hosted_tools import Path

_ABOUT_TOOLS = ("tool_choice", "parallel_tool_calls")
_BY_NAME = frozenset({"function", "custom", "tool"})
_GONE = object()


def take_out(request: MutableMapping[str, Payload], paths: Collection[Path]) -> None:
    """Take what stands at these paths out of a request. What is left empty by it goes too.

    Lists and objects of the request are replaced by changed copies and never written to.
    """
    for key in {path[0] for path in paths}:
        left = _without(request[cast("str", key)], [path[1:] for path in paths if path[0] == key])
        _set(request, cast("str", key), left)
    _forget_toolsets(request)
    _fix_choice(request)
    extra = request.get("extra_body")
    if any(path[0] == "extra_body" for path in paths) and is_object(extra):
        fixed = dict(members(extra))
        _fix_choice(fixed)
        request["extra_body"] = fixed


def replace_at(request: MutableMapping[str, Payload], path: Path, value: object) -> None:
    """Put another value at a path, in changed copies of what holds it."""
    request[cast("str", path[0])] = _with(request[cast("str", path[0])], path[1:], value)


def _without(value: Payload, paths: list[Path]) -> Payload:
    if () in paths:
        return _GONE
    steps = {path[0] for path in paths}
    below = {step: [path[1:] for path in paths if path[0] == step] for step in steps}
    if isinstance(value, list | tuple):
        kept = [
            _without(element, below[index]) if index in below else element
            for index, element in enumerate(cast("list[Payload]", value))
        ]
        kept = [element for element in kept if element is not _GONE]
        return kept or _GONE
    changed: JsonObject = {str(key): _without(get(value, str(key)), below[key]) for key in steps}
    if isinstance(value, Mapping):
        fields: JsonObject = {**cast("JsonMapping", value), **changed}
        left = {key: field for key, field in fields.items() if field is not _GONE}
        return left or _GONE
    return with_fields(value, **{key: None if new is _GONE else new for key, new in changed.items()})


def _with(value: Payload, path: Path, new: object) -> Payload:
    if not path:
        return new
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        return [_with(each, rest, new) if index == step else each for index, each in enumerate(value)]
    return with_fields(value, **{step: _with(get(value, step), rest, new)})


def _set(request: MutableMapping[str, Payload], key: str, value: object) -> None:
    if value is _GONE:
        request.pop(key, None)
    else:
        request[key] = value


def _forget_toolsets(request: MutableMapping[str, Payload]) -> None:
    """Without its server an MCP toolset of a Messages request is an error."""
    tools = request.get("tools")
    if not isinstance(tools, list):
        return
    servers = {text(server, "name") for server in cast("list[Payload]", request.get("mcp_servers") or ())}
    given = cast("list[Payload]", tools)
    kept = [tool for tool in given if text(tool, "type") != "mcp_toolset" or text(tool, "mcp_server_name") in servers]
    if len(kept) != len(given):
        _set(request, "tools", kept or _GONE)


def _fix_choice(request: MutableMapping[str, Payload]) -> None:
    """No choice may name a tool that is gone: the provider would refuse the request."""
    tools = cast("list[Payload]", request.get("tools") or ())
    if not tools:
        for key in _ABOUT_TOOLS:
            request.pop(key, None)
        return
    choice = request.get("tool_choice")
    if not is_object(choice):
        return
    nested = get(choice, "allowed_tools")
    holder = nested if is_object(nested) else choice
    if text(choice, "type") == "allowed_tools":
        listed = cast("list[Payload]", get(holder, "tools") or ())
        kept = [each for each in listed if _is_listed(each, tools)]
        if len(kept) == len(listed):
            return
        if not kept:
            request.pop("tool_choice")
        elif holder is nested:
            request["tool_choice"] = with_fields(choice, allowed_tools=with_fields(nested, tools=kept))
        else:
            request["tool_choice"] = with_fields(choice, tools=kept)
    elif text(choice, "type") not in {"", "auto", "any", "none", "required"} and not _is_listed(choice, tools):
        request.pop("tool_choice")


def _is_listed(choice: object, tools: list[Payload]) -> bool:
    kind = text(choice, "type")
    if kind in _BY_NAME:
        name = _name(choice)
        return any(_name(tool) == name for tool in tools) or any(text(tool, "type") == "namespace" for tool in tools)
    return any(
        text(tool, "type") == kind and text(tool, "server_label") == text(choice, "server_label") for tool in tools
    )


def _name(tool: object) -> str:
    return text(tool, "name") or text(get(tool, "function"), "name") or text(get(tool, "custom"), "name")
