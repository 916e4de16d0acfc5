"""Providers' own tools in a request: web search, code interpreter, remote MCP servers and their like.

The provider runs them before anyone sees the answer, so they are decided on where a request lists them. What the
caller's machine runs (functions, local shells, computers) is left alone here: those calls are decided on one by one.
A type that nobody knew when this was written is taken for one of the provider's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias, cast

from litellm_bighub.domain.arguments import UnreadableArguments, read_arguments
from litellm_bighub.domain.call import Arguments, CallType, ToolCall
from litellm_bighub.domain.payload import JsonMapping, Payload
from litellm_bighub.domain.secret_patterns import REDACTED
from litellm_bighub.formats.answers.unreadable_calls import TOO_DEEP
from litellm_bighub.formats.payload.copies import plain, text
from litellm_bighub.formats.payload.fields import get, is_object, members
from litellm_bighub.formats.requests.approval_answers import SERVER_LABEL

Path: TypeAlias = "tuple[str | int, ...]"
"""Where something stands in a request, as in `("tools", 2)`."""

GATEWAY_MCP = "litellm_proxy"
"""The beginning of a `server_url` by which LiteLLM knows that it is to run the MCP tools itself."""

_FUNCTIONS = frozenset({"function", "custom", "namespace"})
_MACHINE = frozenset(
    {"apply_patch", "computer", "computer_use", "computer_use_preview", "computer-preview", "local_shell"}
)
_ANTHROPIC_MACHINE = re.compile(r"(bash|computer|computer_toolset|memory|text_editor)_\d{8}")
_HOSTED_SHELLS = frozenset({"container_auto", "container_reference"})
_VERSION = re.compile(r"(_\d{8}|_\d{4}_\d{2}_\d{2})$")
_TYPES: tuple[tuple[str, CallType], ...] = (
    ("web_search", "web_search"),
    ("googleSearch", "web_search"),
    ("google_search", "web_search"),
    ("enterpriseWebSearch", "web_search"),
    ("enterprise_web_search", "web_search"),
    ("search_parameters", "web_search"),
    ("file_search", "file_search"),
    ("fileSearch", "file_search"),
    ("code_interpreter", "code_interpreter"),
    ("code_execution", "code_interpreter"),
    ("codeExecution", "code_interpreter"),
    ("image_generation", "image_generation"),
    ("mcp", "mcp"),
    ("shell", "shell"),
    ("tool_search", "tool_search"),
    ("programmatic_tool_calling", "program"),
)
_SETTINGS = ("web_search_options", "search_parameters")
"""Fields of a request that are a tool each."""

_FUNCTION_FIELDS = frozenset(
    {
        *("type", "name", "description", "parameters", "strict", "function", "custom", "format", "input_schema"),
        *("tools", "cache_control", "defer_loading", "allowed_callers", "output_schema", "input_examples"),
        *("eager_input_streaming", "functionDeclarations", "function_declarations", "computerUse"),
    }
)
_GEMINIS = frozenset(
    {
        *(
            "googleSearch",
            "google_search",
            "googleSearchRetrieval",
            "google_search_retrieval",
            "googleMaps",
            "google_maps",
        ),
        *(
            "enterpriseWebSearch",
            "enterprise_web_search",
            "codeExecution",
            "code_execution",
            "urlContext",
            "url_context",
        ),
        *("fileSearch", "file_search", "retrieval", "mcpServers", "mcp_servers", "systemTool"),
    }
)
_SECRETS = ("authorization", "authorization_token", "headers")


@dataclass(frozen=True, slots=True)
class HostedTool:
    """A provider's own tool and where the request lists it. Its call has no id: it is the permission to be used."""

    call: ToolCall
    path: Path

    @property
    def asks_for_approval(self) -> bool:
        """Whether it is no tool, but the server of our requests for approval, which some clients have to know."""
        return self.call.type == "mcp" and self.call.arguments.get("server_label") == SERVER_LABEL


def find_own_tools(request: JsonMapping, *, gateway_mcp: bool = False) -> list[HostedTool]:
    """Every provider's own tool that a request lists, in any format, also in its `extra_body`.

    Args:
        request: of Responses, chat or Messages.
        gateway_mcp: whether MCP tools that the gateway runs itself are decided on call by call.
    """
    found = list(_found_in(request, ()))
    extra = request.get("extra_body")
    if is_object(extra):
        found += _found_in(members(extra), ("extra_body",))
    return [tool for tool in found if not (gateway_mcp and _is_gateways(tool.call))]


def _found_in(request: JsonMapping, at: Path) -> Iterator[HostedTool]:
    yield from _found_in_list(request.get("tools"), (*at, "tools"))
    for index, item in enumerate(_elements(request.get("input"))):
        if is_object(item):  # `additional_tools`, and what a tool search is said to have found
            yield from _found_in_list(get(item, "tools"), (*at, "input", index, "tools"))
    for key in _SETTINGS:
        if request.get(key) is not None:
            yield HostedTool(_read(key, request[key], (*at, key)), (*at, key))
    for index, server in enumerate(_elements(request.get("mcp_servers"))):
        path = (*at, "mcp_servers", index)
        yield HostedTool(_read("mcp", server, path), path)


def _found_in_list(tools: object, at: Path) -> Iterator[HostedTool]:
    for index, tool in enumerate(_elements(tools)):
        path = (*at, index)
        kind = text(tool, "type")
        if not is_object(tool):
            yield HostedTool(_read("unknown", tool, path), path)
        elif kind and not _runs_with_the_caller(tool, kind):
            yield HostedTool(_read(_VERSION.sub("", kind), tool, path), path)
        else:
            yield from _found_in_list(get(tool, "tools"), (*path, "tools"))
            # Gemini's tools have no type, and LiteLLM reads them beside a function too.
            for key in members(tool).keys() - _FUNCTION_FIELDS:
                if get(tool, key) is not None and (not kind or key in _GEMINIS):
                    yield HostedTool(_read(key, get(tool, key), (*path, key)), (*path, key))


def _runs_with_the_caller(tool: object, kind: str) -> bool:
    if kind == "shell":
        return text(get(tool, "environment"), "type") not in _HOSTED_SHELLS
    if kind == "tool_search":
        return text(tool, "execution") == "client"
    if kind == "mcp_toolset":
        return True  # says how to use one of `mcp_servers`, which is decided on
    return kind in _FUNCTIONS or kind in _MACHINE or _ANTHROPIC_MACHINE.fullmatch(kind) is not None


def _read(name: str, settings: object, path: Path) -> ToolCall:
    call_type: CallType = "unknown"
    for prefix, known in _TYPES:
        if name.startswith(prefix):
            call_type = known
            break
    where = rendered(path)
    try:
        return ToolCall("", call_type, name, _arguments(settings), path=where)
    except (UnreadableArguments, ValueError, TypeError) as error:
        reason = str(error) if isinstance(error, UnreadableArguments) else "the tool's settings are no JSON"
        return ToolCall("", call_type, name, unreadable=reason, path=where)
    except RecursionError:
        return ToolCall("", call_type, name, unreadable=TOO_DEEP, path=where)


def _arguments(settings: object) -> Arguments:
    """The settings without their secrets, which change from request to request and are nobody's to see."""
    given: Payload = plain(settings)
    if not isinstance(given, Mapping):
        given = {} if given is None else {"value": given}
    shown = {key: REDACTED if key in _SECRETS else value for key, value in cast("JsonMapping", given).items()}
    return read_arguments(json.dumps(shown))


def _is_gateways(call: ToolCall) -> bool:
    url = call.arguments.get("server_url")
    return call.type == "mcp" and isinstance(url, str) and url.startswith(GATEWAY_MCP)


def _elements(value: object) -> list[Payload]:
    return list(cast("list[Payload]", value)) if isinstance(value, list | tuple) else []


def rendered(path: Path) -> str:
    """The path as people read it, as in `tools[2]`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")
