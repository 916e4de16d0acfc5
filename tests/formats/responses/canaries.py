"""One canary for each place of the Responses API where a person, a model or a tool can leave a text."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from openai.types import responses
from openai.types.responses.response_output_item import McpCall

CANARY = "canary-4711"
MASKED = "masked-1174"
ARGUMENTS = json.dumps({"city": CANARY})

ERROR_IS_TEXT = "Optional[str]" in str(McpCall.model_fields["error"].annotation)
"""Of an MCP call; from openai 3 on it is an object of one of three types."""
HAS_UPDATES = hasattr(responses, "ResponseConfigurationUpdateItem")
"""Whether openai, from 3 on, has a model for configuration updates."""

Make = Callable[[str], Any]


@dataclass(frozen=True)
class Row:
    """A row of the coverage table.

    Attributes:
        id: the test's id.
        make: builds the payload around a text.
        model: whether openai has a model for it.
    """

    id: str
    make: Make
    model: bool = True


def arguments(text: str) -> str:
    return json.dumps({"city": text})


def message(*content: Any, role: str = "user") -> dict[str, Any]:
    return {"type": "message", "role": role, "content": list(content)}


def answer(*content: Any) -> dict[str, Any]:
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": list(content)}


def output_text(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], **more}


def _search_results(text: str) -> list[dict[str, Any]]:
    return [{"file_id": "file_1", "filename": "a.txt", "score": 0.5, "text": text}]


ANNOTATIONS: dict[str, Callable[[str], dict[str, Any]]] = {
    "url_citation": lambda text: {
        "type": "url_citation", "title": text, "url": "http://a.test", "start_index": 0, "end_index": 2,
    },
    "file_citation": lambda text: {"type": "file_citation", "file_id": "file_1", "filename": text, "index": 0},
    "container_file_citation": lambda text: {
        "type": "container_file_citation", "container_id": "c_1", "file_id": "file_1", "filename": text,
        "start_index": 0, "end_index": 2,
    },
    "file_path": lambda text: {"type": "file_path", "file_id": text, "index": 0},
}  # fmt: skip

_SHELL_CALL = {"type": "shell_call", "id": "sh_1", "call_id": "call_1", "status": "completed"}
_PATCH_CALL = {"type": "apply_patch_call", "id": "ap_1", "call_id": "call_1", "status": "completed"}
_COMPUTER_CALL = {
    "type": "computer_call", "id": "cu_1", "call_id": "call_1", "status": "completed", "pending_safety_checks": [],
}  # fmt: skip
_SEARCH_CALL = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
_FUNCTION_CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "weather"}
_MCP_CALL = {"type": "mcp_call", "id": "mcp_1", "name": "search", "server_label": "docs", "arguments": "{}"}
_CODE = {"type": "code_interpreter_call", "id": "ci_1", "container_id": "c_1", "status": "completed", "code": "1"}

SHARED = (
    Row("function_call.arguments", lambda text: {**_FUNCTION_CALL, "arguments": arguments(text)}),
    Row(
        "custom_tool_call.input",
        lambda text: {"type": "custom_tool_call", "id": "ct_1", "call_id": "call_1", "name": "sql", "input": text},
    ),
    Row(
        "reasoning.summary",
        lambda text: {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": text}]},
    ),
    Row(
        "reasoning.content",
        lambda text: {
            "type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": text}],
        },
    ),
    Row("mcp_call.arguments", lambda text: {**_MCP_CALL, "arguments": arguments(text)}),
    Row("mcp_call.output", lambda text: {**_MCP_CALL, "output": text}),
    Row("mcp_call.error", lambda text: {**_MCP_CALL, "error": text}, model=ERROR_IS_TEXT),
    *(
        Row(
            f"mcp_call.error, {kind}",
            lambda text, kind=kind: {**_MCP_CALL, "error": {"type": kind, "code": 1, "message": text}},
            model=not ERROR_IS_TEXT,
        )
        for kind in ("http_error", "mcp_protocol_error")
    ),
    Row(
        "mcp_call.error, execution",
        lambda text: {
            **_MCP_CALL,
            "error": {"type": "mcp_tool_execution_error", "content": [{"type": "text", "name": {"detail": text}}]},
        },
        model=not ERROR_IS_TEXT,
    ),
    Row(
        "mcp_list_tools.description",
        lambda text: {
            "type": "mcp_list_tools", "id": "ml_1", "server_label": "docs",
            "tools": [{"name": "search", "description": text, "input_schema": {"type": "object"}}],
        },
    ),
    Row(
        "mcp_list_tools.parameter",
        lambda text: {
            "type": "mcp_list_tools", "id": "ml_1", "server_label": "docs",
            "tools": [{"name": "search", "input_schema": {"properties": {"type": {"description": text}}}}],
        },
    ),
    Row(
        "mcp_list_tools.error",
        lambda text: {"type": "mcp_list_tools", "id": "ml_1", "server_label": "docs", "tools": [], "error": text},
    ),
    Row(
        "mcp_approval_request.arguments",
        lambda text: {
            "type": "mcp_approval_request", "id": "ma_1", "name": "search", "server_label": "docs",
            "arguments": arguments(text),
        },
    ),
    Row(
        "file_search_call.results",
        lambda text: {
            "type": "file_search_call", "id": "fs_1", "status": "completed", "queries": ["a"],
            "results": _search_results(text),
        },
    ),
    Row(
        "file_search_call.results.attributes",
        lambda text: {
            "type": "file_search_call", "id": "fs_1", "status": "completed", "queries": [],
            "results": [{"attributes": {"name": text, "type": "a"}, "text": "b"}],
        },
    ),
    Row(
        "file_search_call.queries",
        lambda text: {"type": "file_search_call", "id": "fs_1", "status": "completed", "queries": ["a", text]},
    ),
    Row("web_search_call.query", lambda text: {**_SEARCH_CALL, "action": {"type": "search", "query": text}}),
    Row(
        "web_search_call.queries",
        lambda text: {**_SEARCH_CALL, "action": {"type": "search", "query": "a", "queries": ["b", text]}},
    ),
    Row(
        "web_search_call.sources",
        lambda text: {
            **_SEARCH_CALL,
            "action": {"type": "search", "query": "a", "sources": [{"type": "url", "url": f"http://{text}"}]},
        },
    ),
    Row("web_search_call.open_page", lambda text: {**_SEARCH_CALL, "action": {"type": "open_page", "url": text}}),
    Row(
        "web_search_call.find_in_page",
        lambda text: {**_SEARCH_CALL, "action": {"type": "find_in_page", "pattern": text, "url": "a"}},
    ),
    Row("code_interpreter_call.code", lambda text: {**_CODE, "code": text, "outputs": None}),
    Row("code_interpreter_call.logs", lambda text: {**_CODE, "outputs": [{"type": "logs", "logs": text}]}),
    Row(
        "local_shell_call.command",
        lambda text: {
            "type": "local_shell_call", "id": "ls_1", "call_id": "call_1", "status": "completed",
            "action": {"type": "exec", "command": ["echo", text], "env": {}},
        },
    ),
    Row(
        "local_shell_call.env",
        lambda text: {
            "type": "local_shell_call", "id": "ls_1", "call_id": "call_1", "status": "completed",
            "action": {"type": "exec", "command": ["env"], "env": {"type": text}},
        },
    ),
    Row("shell_call.commands", lambda text: {**_SHELL_CALL, "action": {"commands": ["ls", text]}}, model=False),
    Row(
        "apply_patch_call.diff",
        lambda text: {**_PATCH_CALL, "operation": {"type": "update_file", "path": "a.py", "diff": text}},
    ),
    Row(
        "apply_patch_call.path",
        lambda text: {**_PATCH_CALL, "operation": {"type": "delete_file", "path": text}},
    ),
    Row("computer_call.action", lambda text: {**_COMPUTER_CALL, "action": {"type": "type", "text": text}}),
    Row(
        "computer_call.keypress",
        lambda text: {**_COMPUTER_CALL, "action": {"type": "keypress", "keys": [text]}},
    ),
    Row(
        "computer_call.safety_check",
        lambda text: {
            **_COMPUTER_CALL, "action": {"type": "wait"}, "pending_safety_checks": [{"id": "sc_1", "message": text}],
        },
    ),
    Row("output_text", lambda text: answer(output_text(text))),
    Row("refusal", lambda text: answer({"type": "refusal", "refusal": text})),
    *(
        Row(
            f"output_text with {kind}",
            lambda text, make=make: answer(output_text(f"see {text}", annotations=[make("a.txt")])),
        )
        for kind, make in ANNOTATIONS.items()
    ),
    *(
        Row(f"{kind}.title", lambda text, make=make: answer(output_text("see there", annotations=[make(text)])))
        for kind, make in ANNOTATIONS.items()
        if kind != "file_path"
    ),
    Row("unknown item", lambda text: {"type": "from_the_future", "id": "ff_1", "words": {"name": text}}, model=False),
    Row(
        "unknown item, nested",
        lambda text: {"type": "from_the_future", "list": [{"detail": [{"created_by": text}]}]},
        model=False,
    ),
)  # fmt: skip
"""Items that may stand in a request's history and in an answer."""

ITEMS = (
    *SHARED,
    *(
        Row(
            f"configuration_update.{place}",
            lambda text, written=written: {
                "type": "configuration_update", "id": "cu_1", "reasoning": {"effort": "high"},
                "text": {"format": {"type": "json_schema", "name": "a", "schema": {"type": "object"}, **written(text)}},
            },
            model=HAS_UPDATES,
        )
        for place, written in {
            "description": lambda text: {"description": text},
            "schema": lambda text: {"schema": {"properties": {"type": {"type": "string", "description": text}}}},
        }.items()
    ),
    Row("message, string content", lambda text: {"type": "message", "role": "user", "content": text}),
    Row("message without type", lambda text: {"role": "developer", "content": text}),
    Row("input_text", lambda text: message({"type": "input_text", "text": text})),
    Row("bare string part", message, model=False),
    Row("part without type", lambda text: message({"text": text}), model=False),
    Row("input_file.filename", lambda text: message({"type": "input_file", "filename": text, "file_id": "file_1"})),
    Row(
        "function_call_output, string",
        lambda text: {"type": "function_call_output", "call_id": "call_1", "output": text},
    ),
    Row(
        "function_call_output, parts",
        lambda text: {
            "type": "function_call_output", "call_id": "call_1", "output": [{"type": "input_text", "text": text}],
        },
    ),
    Row(
        "function_call_output, object",
        lambda text: {"type": "function_call_output", "call_id": "call_1", "output": {"name": text}},
        model=False,
    ),
    Row(
        "function_call.arguments, object",
        lambda text: {**_FUNCTION_CALL, "arguments": {"name": {"status": text}}},
        model=False,
    ),
    Row(
        "custom_tool_call_output, string",
        lambda text: {"type": "custom_tool_call_output", "call_id": "call_1", "output": text},
    ),
    Row(
        "custom_tool_call_output, parts",
        lambda text: {
            "type": "custom_tool_call_output", "call_id": "call_1", "output": [{"type": "input_text", "text": text}],
        },
    ),
    Row(
        "local_shell_call_output",
        lambda text: {"type": "local_shell_call_output", "id": "call_1", "output": text},
    ),
    *(
        Row(
            f"shell_call_output.{stream}",
            lambda text, stream=stream: {
                "type": "shell_call_output",
                "call_id": "call_1",
                "output": [
                    {"stdout": "", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}, stream: text},
                ],
            },
        )
        for stream in ("stdout", "stderr")
    ),
    Row(
        "apply_patch_call_output",
        lambda text: {
            "type": "apply_patch_call_output", "call_id": "call_1", "status": "failed", "output": text,
        },
    ),
    Row(
        "computer_call_output.safety_check",
        lambda text: {
            "type": "computer_call_output", "call_id": "call_1", "output": {"type": "computer_screenshot"},
            "acknowledged_safety_checks": [{"id": "sc_1", "message": text}],
        },
    ),
    Row(
        "mcp_approval_response.reason",
        lambda text: {
            "type": "mcp_approval_response", "approval_request_id": "ma_1", "approve": False, "reason": text,
        },
    ),
    Row(
        "tool_search_output.tools",
        lambda text: {
            "type": "tool_search_output",
            "tools": [{"type": "function", "name": "a", "description": text, "parameters": {}, "strict": True}],
        },
    ),
    Row(
        "additional_tools",
        lambda text: {
            "type": "additional_tools", "role": "developer",
            "tools": [{"type": "custom", "name": "a", "description": text}],
        },
    ),
    Row("system message", lambda text: {"type": "message", "role": "system", "content": text}),
)  # fmt: skip
"""Items of a request."""

OUTPUT_ITEMS = SHARED
"""Items of an answer."""

REQUESTS = (
    Row("input, string", lambda text: {"input": text}),
    Row("input, bare strings", lambda text: {"input": ["a", text]}),
    Row("input, one item alone", lambda text: {"input": {"role": "user", "content": text}}),
    Row("instructions", lambda text: {"input": "a", "instructions": text}),
    Row("instructions alone", lambda text: {"instructions": text}),
    Row("prompt.variables, string", lambda text: {"prompt": {"id": "pmpt_1", "variables": {"name": text}}}),
    Row(
        "prompt.variables, input_text",
        lambda text: {"prompt": {"id": "pmpt_1", "variables": {"id": {"type": "input_text", "text": text}}}},
    ),
    Row(
        "text.format description",
        lambda text: {"text": {"format": {"type": "json_schema", "name": "a", "description": text, "schema": {}}}},
    ),
    *(
        Row(
            f"text.format schema, {where}",
            lambda text, schema=schema: {
                "text": {"format": {"type": "json_schema", "name": "a", "schema": schema(text)}}
            },
        )
        for where, schema in {
            "description": lambda text: {"properties": {"a": {"type": "string", "description": text}}},
            "property called description": lambda text: {"properties": {"description": {"title": text}}},
            "property called properties": lambda text: {"properties": {"properties": {"type": "a", "title": text}}},
            "default object": lambda text: {"properties": {"a": {"default": {"type": text}}}},
            "examples": lambda text: {"examples": [{"a": [text]}]},
            "$defs": lambda text: {"$defs": {"required": {"description": text}}},
            "anyOf": lambda text: {"anyOf": [{"type": "null"}, {"description": text}]},
            "unknown keyword": lambda text: {"properties": {"a": {"x-hint": text}}},
        }.items()
    ),
    Row("metadata", lambda text: {"input": "a", "metadata": {"topic": text}}),
    Row("user", lambda text: {"input": "a", "user": text}),
)
"""Requests as a whole."""

NAMES = (
    Row("a tool's name", lambda text: {"tools": [{"type": "function", "name": text, "parameters": {}}]}),
    Row("a custom tool's name", lambda text: {"tools": [{"type": "custom", "name": text}]}),
    Row("a key", lambda text: {"tools": [{"type": "function", "name": "a", "parameters": {"properties": {text: {}}}}]}),
    Row(
        "an enum",
        lambda text: {
            "tools": [{"type": "function", "name": "a", "parameters": {"properties": {"b": {"enum": [text]}}}}]
        },
    ),
    Row("the chosen tool's name", lambda text: {"tool_choice": {"type": "function", "name": text}}),
    Row("a schema's name", lambda text: {"text": {"format": {"type": "json_schema", "name": text, "schema": {}}}}),
    Row(
        "an enum of a schema",
        lambda text: {
            "text": {"format": {"type": "json_schema", "name": "a", "schema": {"properties": {"a": {"enum": [text]}}}}}
        },
    ),
    Row("a call's name", lambda text: {"input": [{**_FUNCTION_CALL, "name": text, "arguments": "{}"}]}),
    Row("a note's name", lambda text: {"metadata": {text: "b"}}),
    Row("a keyword of tomorrow", lambda text: {"text": {"format": {"type": "json_schema", "schema": {text: {}}}}}),
    Row("a tool server's name", lambda text: {"tools": [{"type": "mcp", "server_label": text}]}),
    Row("a prompt variable's name", lambda text: {"prompt": {"id": "pmpt_1", "variables": {text: "a"}}}),
)
"""Requests with identifiers."""

PICTURE = f"data:image/png;base64,{CANARY}"

MEDIA = (
    Row("input_image.image_url", lambda text: message({"type": "input_image", "detail": "auto", "image_url": text})),
    Row("input_image.file_id", lambda text: message({"type": "input_image", "detail": "auto", "file_id": text})),
    Row(
        "input_image, chat style",
        lambda text: message({"type": "input_image", "image_url": {"url": text, "detail": "low"}}),
        model=False,
    ),
    Row("image_url", lambda text: message({"type": "image_url", "image_url": {"url": text}}), model=False),
    Row(
        "computer_call_output",
        lambda text: {
            "type": "computer_call_output", "call_id": "call_1",
            "output": {"type": "computer_screenshot", "image_url": text},
        },
    ),
    Row(
        "function_call_output image",
        lambda text: {
            "type": "function_call_output", "call_id": "call_1",
            "output": [{"type": "input_image", "image_url": text}],
        },
    ),
    Row(
        "image_generation_call",
        lambda text: {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": text},
    ),
    Row(
        "code_interpreter_call image",
        lambda text: {**_CODE, "outputs": [{"type": "image", "url": text}]},
    ),
)  # fmt: skip
"""Items with an image."""

FILES = (
    *(
        Row(f"input_file.{field}", lambda text, field=field: message({"type": "input_file", field: text}))
        for field in ("file_data", "file_url", "file_id")
    ),
    Row(
        "input_audio",
        lambda text: message({"type": "input_audio", "input_audio": {"data": text, "format": "mp3"}}),
        model=False,
    ),
    Row("file, chat style", lambda text: message({"type": "file", "file": {"file_data": text}}), model=False),
)
"""Items with a file or audio."""

HIDDEN = (
    Row("encrypted_content", lambda text: {"type": "reasoning", "id": text, "summary": [], "encrypted_content": text}),
    Row("compaction", lambda text: {"type": "compaction", "encrypted_content": text}),
    Row("item_reference", lambda text: {"type": "item_reference", "id": text}),
)
"""Items that stand for texts which are not here."""
