"""Which tools of a request the provider runs by itself, and how they are taken out."""

from __future__ import annotations

import copy
import typing

import pytest
from anthropic.types.beta.beta_tool_union_param import BetaToolUnionParam
from openai.types.responses.tool_param import ToolParam

from litellm_bighub.formats.requests.hosted_tools import find_own_tools
from litellm_bighub.formats.requests.tool_removal import replace_at, take_out

FUNCTION = {"type": "function", "name": "pay", "parameters": {}}
CHAT_FUNCTION = {"type": "function", "function": {"name": "pay", "parameters": {}}}
SEARCH = {"type": "web_search"}
REMOTE = {"type": "mcp", "server_label": "crm", "server_url": "https://crm.example/mcp"}
GATEWAYS = {"type": "mcp", "server_label": "all", "server_url": "litellm_proxy", "require_approval": "never"}


def found(request, **more):
    return [(tool.call.type, tool.call.name, tool.call.path) for tool in find_own_tools(request, **more)]


def listed(tool):
    return found({"tools": [tool]})


@pytest.mark.parametrize(
    ("tool", "call_type", "name"),
    [
        pytest.param(SEARCH, "web_search", "web_search", id="web search"),
        pytest.param({"type": "web_search_2025_08_26"}, "web_search", "web_search", id="web search of a date"),
        pytest.param(
            {"type": "web_search_preview_2025_03_11"}, "web_search", "web_search_preview", id="preview of a date"
        ),
        pytest.param(
            {"type": "file_search", "vector_store_ids": ["v"]}, "file_search", "file_search", id="file search"
        ),
        pytest.param({"type": "code_interpreter"}, "code_interpreter", "code_interpreter", id="code interpreter"),
        pytest.param({"type": "image_generation"}, "image_generation", "image_generation", id="images"),
        pytest.param(REMOTE, "mcp", "mcp", id="remote MCP"),
        pytest.param(GATEWAYS, "mcp", "mcp", id="MCP of the gateway, undecided otherwise"),
        pytest.param({"type": "tool_search"}, "tool_search", "tool_search", id="tool search"),
        pytest.param({"type": "programmatic_tool_calling"}, "program", "programmatic_tool_calling", id="programs"),
        pytest.param({"type": "shell", "environment": {"type": "container_auto"}}, "shell", "shell", id="hosted shell"),
        pytest.param(
            {"type": "shell", "environment": {"type": "container_reference", "container_id": "c"}},
            "shell",
            "shell",
            id="shell in a container",
        ),
        pytest.param(
            {"type": "web_search_20250305", "name": "web_search"}, "web_search", "web_search", id="Anthropic's"
        ),
        pytest.param({"type": "web_fetch_20250910", "name": "web_fetch"}, "unknown", "web_fetch", id="fetch"),
        pytest.param(
            {"type": "code_execution_20250825", "name": "x"}, "code_interpreter", "code_execution", id="code execution"
        ),
        pytest.param(
            {"type": "tool_search_tool_regex_20251119", "name": "x"},
            "tool_search",
            "tool_search_tool_regex",
            id="regex",
        ),
        pytest.param({"type": "teleport"}, "unknown", "teleport", id="a type that nobody knows"),
    ],
)
def test_the_provider_runs_it(tool, call_type, name):
    assert listed(tool) == [(call_type, name, "tools[0]")]


@pytest.mark.parametrize(
    "tool",
    [
        FUNCTION,
        CHAT_FUNCTION,
        {"type": "custom", "name": "grep"},
        {"name": "pay", "input_schema": {"type": "object"}},
        {"type": "local_shell"},
        {"type": "shell"},
        {"type": "shell", "environment": {"type": "local"}},
        {"type": "apply_patch"},
        {"type": "computer"},
        {"type": "computer_use_preview", "environment": "browser"},
        {"type": "tool_search", "execution": "client"},
        {"type": "namespace", "name": "crm", "tools": [FUNCTION]},
        {"type": "bash_20250124", "name": "bash"},
        {"type": "computer_20251124", "name": "computer"},
        {"type": "text_editor_20250728", "name": "str_replace_based_edit_tool"},
        {"type": "memory_20250818", "name": "memory"},
        {"functionDeclarations": [{"name": "pay"}]},
    ],
    ids=str,
)
def test_the_caller_runs_it(tool):
    assert listed(tool) == []


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        pytest.param({}, [], id="nothing"),
        pytest.param({"tools": None, "input": "hi"}, [], id="no tools"),
        pytest.param({"web_search_options": {}}, ["web_search_options"], id="chat's web search"),
        pytest.param({"search_parameters": {"mode": "on"}}, ["search_parameters"], id="live search"),
        pytest.param(
            {
                "mcp_servers": [{"name": "crm", "url": "u"}],
                "tools": [{"type": "mcp_toolset", "mcp_server_name": "crm"}],
            },
            ["mcp_servers[0]"],
            id="MCP servers of Messages, once",
        ),
        pytest.param({"tools": [{"googleSearch": {}}]}, ["tools[0].googleSearch"], id="Gemini's have no type"),
        pytest.param(
            {"tools": [{**CHAT_FUNCTION, "googleSearch": {}}]}, ["tools[0].googleSearch"], id="beside a function"
        ),
        pytest.param(
            {"tools": [{"type": "local_shell", "codeExecution": {}}]}, ["tools[0].codeExecution"], id="beside a shell"
        ),
        pytest.param({"extra_body": {"tools": [SEARCH]}}, ["extra_body.tools[0]"], id="sent on as it is"),
        pytest.param(
            {"input": [{"type": "additional_tools", "tools": [FUNCTION, SEARCH]}]}, ["input[0].tools[1]"], id="later"
        ),
        pytest.param(
            {"tools": [{"type": "namespace", "name": "n", "tools": [REMOTE]}]},
            ["tools[0].tools[0]"],
            id="in a namespace",
        ),
        pytest.param({"tools": ["web_search"]}, ["tools[0]"], id="what is no tool"),
    ],
)
def test_where_tools_are_listed(request_, expected):
    assert [path for _, _, path in found(request_)] == expected


def test_what_the_gateway_runs_call_by_call_is_not_decided_on_here():
    assert found({"tools": [GATEWAYS, REMOTE]}, gateway_mcp=True) == [("mcp", "mcp", "tools[1]")]


def test_secrets_of_a_server_are_no_part_of_what_is_decided_on():
    secret = {**REMOTE, "authorization": "Bearer s3cret", "headers": {"X-Key": "s3cret"}}
    (tool,) = find_own_tools({"tools": [secret]})

    assert tool.call.arguments == {**REMOTE, "authorization": "[redacted]", "headers": "[redacted]"}


def test_settings_that_cannot_be_read_are_said_to_be():
    (tool,) = find_own_tools({"tools": [{**SEARCH, "filters": float("nan")}]})

    assert tool.call.unreadable


@pytest.mark.parametrize("tool", typing.get_args(ToolParam), ids=lambda tool: tool.__name__)
def test_every_tool_of_openai_is_known(tool):
    for kind in typing.get_args(typing.get_type_hints(tool)["type"]):
        assert [call_type for call_type, *_ in listed({"type": kind})] != ["unknown"]


@pytest.mark.parametrize("tool", typing.get_args(BetaToolUnionParam), ids=lambda tool: tool.__name__)
def test_the_tools_of_anthropic_that_need_no_client_are_decided_on(tool):
    """A new one counts among them until somebody says otherwise."""
    client = ("BetaToolParam", "Bash", "Computer", "Memory", "TextEditor", "MCPToolset")
    kinds = [kind for kind in _literals(typing.get_type_hints(tool)["type"]) if kind]

    for kind in kinds:
        assert bool(listed({"type": kind})) is not any(part in tool.__name__ for part in client)


def _literals(hint):
    inner = [each for arg in typing.get_args(hint) if typing.get_args(arg) for each in _literals(arg)]
    return inner or [arg for arg in typing.get_args(hint) if isinstance(arg, str)]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        pytest.param({"tools": [SEARCH], "tool_choice": "auto", "parallel_tool_calls": True}, {}, id="the only one"),
        pytest.param(
            {"tools": [FUNCTION, SEARCH], "tool_choice": "auto"}, {"tools": [FUNCTION], "tool_choice": "auto"}
        ),
        pytest.param({"tools": [FUNCTION, SEARCH], "tool_choice": SEARCH}, {"tools": [FUNCTION]}, id="the chosen one"),
        pytest.param(
            {"tools": [FUNCTION, SEARCH], "tool_choice": {"type": "function", "name": "pay"}},
            {"tools": [FUNCTION], "tool_choice": {"type": "function", "name": "pay"}},
            id="another is chosen",
        ),
        pytest.param(
            {"tools": [CHAT_FUNCTION], "web_search_options": {}, "tool_choice": CHAT_FUNCTION},
            {"tools": [CHAT_FUNCTION], "tool_choice": CHAT_FUNCTION},
            id="a setting",
        ),
        pytest.param(
            {
                "tools": [FUNCTION, SEARCH],
                "tool_choice": {
                    "type": "allowed_tools",
                    "mode": "auto",
                    "tools": [{"type": "function", "name": "pay"}, SEARCH],
                },
            },
            {
                "tools": [FUNCTION],
                "tool_choice": {
                    "type": "allowed_tools",
                    "mode": "auto",
                    "tools": [{"type": "function", "name": "pay"}],
                },
            },
            id="one of those allowed",
        ),
        pytest.param(
            {
                "tools": [CHAT_FUNCTION, SEARCH],
                "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [SEARCH]}},
            },
            {"tools": [CHAT_FUNCTION]},
            id="all of those allowed, in chat",
        ),
        pytest.param(
            {
                "tools": [{"name": "pay", "input_schema": {}}, {"type": "web_search_20250305", "name": "web_search"}],
                "tool_choice": {"type": "tool", "name": "web_search"},
            },
            {"tools": [{"name": "pay", "input_schema": {}}]},
            id="the chosen one in Messages",
        ),
        pytest.param(
            {
                "mcp_servers": [{"name": "crm", "url": "u"}],
                "tools": [{"type": "mcp_toolset", "mcp_server_name": "crm"}],
                "max_tokens": 9,
            },
            {"max_tokens": 9},
            id="a server with its toolset",
        ),
        pytest.param({"extra_body": {"tools": [SEARCH], "tool_choice": SEARCH}}, {"extra_body": {}}, id="sent on"),
        pytest.param({"tools": [{**CHAT_FUNCTION, "googleSearch": {}}]}, {"tools": [CHAT_FUNCTION]}, id="beside"),
        pytest.param({"tools": [{"googleSearch": {}}]}, {}, id="without type"),
    ],
)
def test_taking_all_of_them_out(request_, expected):
    given = copy.deepcopy(request_)
    parts = [*request_.get("tools", ())]
    take_out(request_, [tool.path for tool in find_own_tools(request_)])

    assert expected == request_
    assert found(request_) == []
    assert parts == given.get("tools", [])  # the caller's own objects are as they were


def test_a_tool_with_other_settings():
    request = {"tools": [FUNCTION, REMOTE]}
    replace_at(request, ("tools", 1), {**REMOTE, "allowed_tools": ["read"]})

    assert request == {"tools": [FUNCTION, {**REMOTE, "allowed_tools": ["read"]}]}
