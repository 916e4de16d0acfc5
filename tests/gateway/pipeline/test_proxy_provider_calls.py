"""What Claude's provider has run itself passes as the plain proxy has it, in each format that LiteLLM shows it in."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import yaml

from litellm_bighub.testing import RunningProxy, ScriptedUpstream, Verbatim, running_proxy
from tests.gateway.conftest import EXTENSIONS

pytestmark = [pytest.mark.proxy, pytest.mark.filterwarnings("ignore::Warning")]

ALLOWING = "version: 1\nrules:\n" + "".join(
    f"  - {{name: {name}, {what}, effect: allow}}\n"
    for name, what in {
        "searches": "type: web_search",
        "code": "type: code_interpreter",
        "fetches": "type: unknown, tool: web_fetch",
        "remote": "type: mcp",
    }.items()
)
BLOCKING = "version: 1\ndefault: block\n"
CANARY = "canary-4711"
RAN = {
    "web_search": (
        {"query": CANARY},
        "web_search_tool_result",
        [
            {
                "type": "web_search_result",
                "url": "https://example.org",
                "title": "A page",
                "encrypted_content": "aGk=",
                "page_age": None,
            }
        ],
    ),
    "web_fetch": (
        {"url": f"https://example.org/{CANARY}"},
        "web_fetch_tool_result",
        {
            "type": "web_fetch_result",
            "url": f"https://example.org/{CANARY}",
            "content": {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hello"}},
            "retrieved_at": None,
        },
    ),
    "code_execution": (
        {"code": f"print('{CANARY}')"},
        "code_execution_tool_result",
        {"type": "code_execution_result", "stdout": "ran", "stderr": "", "return_code": 0, "content": []},
    ),
    "bash_code_execution": (
        {"command": f"echo {CANARY}"},
        "bash_code_execution_tool_result",
        {"type": "bash_code_execution_result", "stdout": "ran", "stderr": "", "return_code": 0, "content": []},
    ),
    "text_editor_code_execution": (
        {"command": "create", "path": "a.txt", "file_text": CANARY},
        "text_editor_code_execution_tool_result",
        {"type": "text_editor_code_execution_create_result", "is_file_update": False},
    ),
    "remote": ({"customer": CANARY}, "mcp_tool_result", [{"type": "text", "text": "found"}]),
}
"""What Claude is given to run, by the tool's name, and how its result is told."""


def blocks(tool: str) -> list[dict[str, Any]]:
    given, kind, content = RAN[tool]
    call = {"type": "server_tool_use", "id": "srvtoolu_01", "name": tool, "input": given}
    if kind == "mcp_tool_result":
        call = {"type": "mcp_tool_use", "id": "mcptoolu_01", "name": tool, "server_name": "crm", "input": given}
    result = {"type": kind, "tool_use_id": call["id"], "content": content}
    result |= {"is_error": False} if kind == "mcp_tool_result" else {}
    return [{"type": "text", "text": "Looking."}, call, result, {"type": "text", "text": "Done."}]


def answer(tool: str) -> Verbatim:
    made = blocks(tool)
    frame = {"id": "msg_01", "type": "message", "role": "assistant", "model": "claude", "stop_sequence": None}
    usage = {"input_tokens": 3, "output_tokens": 5}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**frame, "content": [], "stop_reason": None, "usage": usage}}
    ]
    for index, block in enumerate(made):
        at = {"index": index}
        match block["type"]:
            case "text":
                begun, deltas = {**block, "text": ""}, [{"type": "text_delta", "text": block["text"]}]
            case "server_tool_use" | "mcp_tool_use":
                written = json.dumps(block["input"])
                pieces = [written[:5], written[5:]]
                begun, deltas = (
                    {**block, "input": {}},
                    [{"type": "input_json_delta", "partial_json": p} for p in pieces],
                )
            case _:
                begun, deltas = block, []
        events.append({"type": "content_block_start", **at, "content_block": begun})
        events += [{"type": "content_block_delta", **at, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", **at})
    events.append(
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": usage}
    )
    events.append({"type": "message_stop"})
    return Verbatim(events, {**frame, "content": made, "stop_reason": "end_turn", "usage": usage})


@dataclass(frozen=True)
class Claude:
    """The proxy in front of Claude."""

    proxy: RunningProxy
    upstream: ScriptedUpstream

    def ask(self, path: str, tool: str, guardrail: str | None, *, stream: bool) -> str:
        self.upstream.reset()
        self.upstream.script(lambda _: True, answer(tool))
        asked = {"input": "go"} if path == "/v1/responses" else {"messages": [{"role": "user", "content": "go"}]}
        body = {"model": "claude", "stream": stream, "max_tokens": 100, **asked}
        body |= {"guardrails": [guardrail]} if guardrail else {}
        headers = {"Authorization": f"Bearer {self.proxy.master_key}"}
        response = httpx.post(self.proxy.base_url + path, json=body, headers=headers, timeout=60, trust_env=False)
        assert response.status_code == 200, response.text
        return response.text


@pytest.fixture(scope="module")
def claude(tmp_path_factory, warm) -> Iterator[Claude]:
    folder = tmp_path_factory.mktemp("claude")
    shutil.copytree(EXTENSIONS, folder, dirs_exist_ok=True)
    (folder / "allowing.yaml").write_text(ALLOWING)
    (folder / "blocking.yaml").write_text(BLOCKING)
    with ScriptedUpstream() as upstream:
        base = upstream.base_url.removesuffix("/v1")
        model = {"model": "anthropic/claude-sonnet-4-5", "api_base": base, "api_key": "sk-x"}
        config = {
            "model_list": [{"model_name": "claude", "litellm_params": model}],
            "guardrails": [
                {
                    "guardrail_name": name,
                    "litellm_params": {
                        "guardrail": "litellm_bighub.BighubGuardrail",
                        "mode": ["pre_call", "post_call"],
                        "default_on": False,
                        "policy": f"{name}.yaml",
                    },
                }
                for name in ("allowing", "blocking")
            ],
            "litellm_settings": {"telemetry": False},
        }
        (folder / "proxy_config.yaml").write_text(yaml.safe_dump(config))
        env = {"UPSTREAM_BASE_URL": upstream.base_url, "SEEN_FOLDER": str(folder)}
        with running_proxy(folder / "proxy_config.yaml", env=env, python=warm) as proxy:
            yield Claude(proxy, upstream)


def frames(said: str) -> list[Any]:
    """An answer, or each event of one that is streamed, without what differs from one to the next."""
    said = re.sub(r'"(created|created_at|completed_at|sequence_number)": ?[\d.]+', r'"\1": 0', said)
    said = re.sub(r'"(id|item_id|response_id)": ?"(resp|chatcmpl|msg|rs)[-_][^"]*"', r'"\1": ""', said)
    lines = [line.removeprefix("data:") for line in said.splitlines() if line.startswith("data:")]
    return [json.loads(line) for line in lines or [said] if line.strip() != "[DONE]"]


def told(path: str, said: str) -> object:
    """What an answer tells. In chat a client puts the pieces of a choice together, so calls may come after texts."""
    if path != "/v1/chat/completions" or not said.startswith("data:"):
        return sorted(map(json.dumps, frames(said)))
    joined: dict[str, Any] = {"content": "", "arguments": "", "named": [], "fields": {}, "ends": []}
    for frame in frames(said):
        [choice] = frame["choices"]
        delta = choice["delta"]
        joined["content"] += delta.get("content") or ""
        joined["fields"] |= delta.get("provider_specific_fields") or {}
        joined["ends"].append(choice.get("finish_reason"))
        for call in delta.get("tool_calls") or ():
            joined["arguments"] += call["function"]["arguments"]
            joined["named"] += [call["id"], call["function"]["name"]] if call.get("id") else []
    return {**joined, "ends": set(joined["ends"])}


EVERYWHERE = pytest.mark.parametrize("path", ["/v1/responses", "/v1/chat/completions", "/v1/messages"])
BOTH = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


@EVERYWHERE
@BOTH
@pytest.mark.parametrize("tool", RAN)
def test_what_the_policy_allows_arrives_as_the_plain_proxy_has_it(claude, path, stream, tool):
    plain = claude.ask(path, tool, None, stream=stream)
    governed = claude.ask(path, tool, "allowing", stream=stream)
    assert told(path, governed) == told(path, plain)


@EVERYWHERE
@BOTH
@pytest.mark.parametrize("tool", RAN)
def test_no_notice_says_that_it_has_not_been_run(claude, path, stream, tool):
    governed = claude.ask(path, tool, "blocking", stream=stream)
    assert "has not been run" not in governed
    assert "Looking." in governed
