"""Conversations with withheld calls through the real proxy with two workers, and an upstream that forgives nothing."""

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager

import httpx
import openai
import pytest
import yaml
from openai import OpenAI

from litellm_bighub.control_plane.approvals.resolution import Resolution
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.database import sqlite_url
from litellm_bighub.control_plane.store.tables import approvals
from litellm_bighub.testing import RunningProxy, ScriptedUpstream, function_call, running_proxy, text

pytestmark = pytest.mark.proxy

CANARY = "canary-4711"
POLICY = """\
version: 1
default: block
rules:
  - {name: lookups, tool: lookup, effect: allow}
  - {name: payments, tool: pay, effect: require_approval}
"""
MODEL = {"model": "openai/gpt-4.1", "api_base": "os.environ/UPSTREAM_BASE_URL", "api_key": "sk-x"}
TOOLS = [{"type": "function", "name": name, "parameters": {"type": "object"}} for name in ("lookup", "wipe", "pay")]


def config() -> dict:
    params = {"guardrail": "litellm_bighub.BighubGuardrail", "mode": ["pre_call", "post_call"]}
    others = {"default_on": True, "audit_file": "audit.jsonl"}
    return {
        "model_list": [{"model_name": "gpt-4.1", "litellm_params": MODEL}],
        "guardrails": [{"guardrail_name": "bighub", "litellm_params": {**params, **others}}],
        "litellm_settings": {"telemetry": False},
    }


class Setup:
    """A proxy on a folder that can be started again, as after a restart."""

    def __init__(self, folder, upstream: ScriptedUpstream) -> None:
        self.folder = folder
        self.upstream = upstream
        (folder / "proxy_config.yaml").write_text(yaml.safe_dump(config()))
        (folder / "bighub_policy.yaml").write_text(POLICY)

    @contextmanager
    def proxy(self):
        env = {"UPSTREAM_BASE_URL": self.upstream.base_url, "LITELLM_MASTER_KEY": "sk-the-same-after-a-restart-4711"}
        with running_proxy(self.folder / "proxy_config.yaml", env=env, num_workers=2) as proxy:
            yield proxy

    def audit(self, kind: str) -> list[dict]:
        return [line for line in self._lines() if line.get("kind") == kind]

    def decisions(self) -> list[dict]:
        return [line for line in self._lines() if "verdict" in line]

    def _lines(self) -> list[dict]:
        return [json.loads(line) for line in (self.folder / "audit.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def setup(tmp_path_factory):
    with ScriptedUpstream(strict=True) as upstream:
        yield Setup(tmp_path_factory.mktemp("conversation"), upstream)


@pytest.fixture(scope="module")
def proxy_of_two(setup):
    with setup.proxy() as proxy:
        yield proxy


@pytest.fixture
def upstream(setup):
    setup.upstream.reset()
    return setup.upstream


@pytest.fixture(params=[False, True], ids=["whole", "streamed"])
def ask(request, proxy_of_two):
    """Asks as the official client does, each time over a connection of its own, so that both workers get requests."""

    def ask(prompt, **more):
        return asked(proxy_of_two, prompt, streamed=request.param, **more)

    return ask


def asked(proxy: RunningProxy, prompt, *, streamed, **more):
    with OpenAI(base_url=proxy.openai_url, api_key=proxy.master_key, max_retries=0) as client:
        body = {"model": "gpt-4.1", "input": prompt, "tools": TOOLS, **more}
        if not streamed:
            return client.responses.create(**body)
        with client.responses.stream(**body) as stream:
            return stream.get_final_response()


def test_a_chain_goes_on_in_whichever_worker(upstream, ask):
    upstream.script("go", [text("Hm."), function_call("lookup", {}, call_id="call_l"), function_call("wipe", {})])
    first = ask("go")
    result = {"type": "function_call_output", "call_id": "call_l", "output": "found"}

    forks = [ask([result], previous_response_id=first.id) for _ in range(6)]
    last = ask("further", previous_response_id=forks[-1].id)

    for request in upstream.requests[1:7]:
        withheld, given = request.body["input"]
        assert '"wipe" was blocked' in withheld["output"]
        assert given == result
    assert last.output_text == "echo: further"
    assert len(upstream.requests[-1].body["input"]) <= 1 or isinstance(upstream.requests[-1].body["input"], str)


def test_a_stored_call_that_was_released_is_released_by_the_other_worker_too(
    setup, upstream, ask, proxy_of_two, request
):
    """Its approval is used up: who asked again would have to ask a person again."""
    arguments = {"order": request.node.name}
    upstream.script("go", [function_call("pay", arguments)])
    created = ask("go")
    assert "needs the approval" in created.output_text
    approve(setup, arguments)

    fetched = [fetch(proxy_of_two, created.id) for _ in range(12)]

    calls = [[json.loads(item.arguments) for item in each.output if item.type == "function_call"] for each in fetched]
    assert calls == [[arguments]] * 12
    verdicts = [line["verdict"] for line in setup.decisions() if line["arguments"] == arguments]
    assert verdicts == ["requires_approval", "allowed"]


def test_a_stored_call_that_was_released_edited_is_released_so_by_the_other_worker_too(
    setup, upstream, ask, proxy_of_two, request
):
    """The very same call: with what the person wrote, and with what the person was not shown."""
    order = request.node.name
    upstream.script("go", [function_call("pay", {"order": order, "password": "hunter2"})])
    created = ask("go")
    shown = {"order": order, "password": "[redacted]"}
    approve(setup, shown, edited={"order": f"{order}, half of it", "password": "[redacted]"})

    fetched = [fetch(proxy_of_two, created.id) for _ in range(12)]

    calls = [[json.loads(item.arguments) for item in each.output if item.type == "function_call"] for each in fetched]
    assert calls == [[{"order": f"{order}, half of it", "password": "hunter2"}]] * 12
    verdicts = [line["verdict"] for line in setup.decisions() if line["arguments"] == shown]
    assert verdicts == ["requires_approval", "allowed"]
    assert "hunter2" not in (setup.folder / "audit.jsonl").read_text()
    assert b"hunter2" not in b"".join(path.read_bytes() for path in setup.folder.glob("bighub.db*"))


def approve(setup, arguments, *, edited=None):
    plane = ControlPlane.open(sqlite_url(setup.folder / "bighub.db"), setup.folder / "bighub_policy.yaml")

    async def answer():
        listed = await plane.read(lambda connection: approvals.listed(connection, now=plane.clock()))
        [approval] = [each for each in listed if each.arguments == arguments]
        assert isinstance(
            await plane.resolve(Resolution(approval.id, "approve", by="ann", edited=edited)), approvals.Approval
        )

    try:
        asyncio.run(answer())
    finally:
        plane.close()


def fetch(proxy: RunningProxy, response_id: str):
    """Over a connection of its own."""
    with OpenAI(base_url=proxy.openai_url, api_key=proxy.master_key, max_retries=0) as client:
        return client.responses.retrieve(response_id)


def test_a_conversation_goes_on(upstream, ask, request):
    """LiteLLM passes `conversation` on to the provider as part of `extra_body` only."""
    conversation = f"conv_{request.node.name}"
    kept = {"extra_body": {"extra_body": {"conversation": conversation}}}
    upstream.script("go", [function_call("wipe", {})])
    ask("go", **kept)

    ask("and now?", **kept)
    ask("further", **kept)

    assert upstream.requests[1].body["conversation"] == conversation
    assert "was blocked" in upstream.requests[1].raw
    assert "was blocked" not in upstream.requests[2].raw


def test_a_conversation_that_litellm_drops_is_none(upstream, ask):
    upstream.script("go", [function_call("wipe", {})])
    for _ in range(2):
        ask("go", extra_body={"conversation": "conv_dropped"})

    assert "conversation" not in upstream.requests[1].body
    assert "was blocked" not in upstream.requests[1].raw


def test_a_replayed_history_is_whole(upstream, ask):
    upstream.script("go", [function_call("lookup", {}, call_id="call_l"), function_call("wipe", {"password": CANARY})])
    first = ask("go", store=False)
    history = [item.model_dump(exclude_none=True, exclude={"parsed_arguments"}) for item in first.output]
    result = {"type": "function_call_output", "call_id": "call_l", "output": "found"}

    ask([{"role": "user", "content": "go"}, *history, result], store=False)

    kinds = [item.get("type", "message") for item in upstream.requests[1].body["input"]]
    assert kinds == ["message", "function_call", "function_call", "function_call_output", "function_call_output"]
    assert CANARY not in upstream.requests[1].raw


def test_a_result_of_a_withheld_call_is_recorded(setup, upstream, ask, request):
    call_id = f"call_{request.node.name[-9:-1]}"
    upstream.script("go", [function_call("wipe", {"a": CANARY}, call_id=call_id)])
    first = ask("go")

    ask([{"type": "function_call_output", "call_id": call_id, "output": CANARY}], previous_response_id=first.id)

    [event] = [line for line in setup.audit("withheld_call_result") if line["call_id"] == call_id]
    assert (event["tool"], event["path"], event["refused"]) == ("wipe", "input[0]", False)
    assert event["response_id"].startswith("resp_up")
    assert CANARY not in json.dumps(event)


def test_a_result_of_a_call_that_nobody_made_is_recorded(setup, upstream, ask, request):
    call_id = f"call_{request.node.name[-9:-1]}_nobody"
    first = ask("hello")
    with pytest.raises(openai.BadRequestError, match="the provider refused the request"):
        ask([{"type": "function_call_output", "call_id": call_id, "output": "x"}], previous_response_id=first.id)

    [event] = [line for line in setup.audit("unknown_call_result") if line["call_id"] == call_id]
    assert event["tool"] == ""


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_results_in_histories_of_other_formats_are_recorded(setup, upstream, proxy_of_two, path):
    call_id = f"call_of_nobody_{path[4:8]}"
    chat = [{"role": "tool", "tool_call_id": call_id, "content": CANARY}]
    messages = [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": call_id, "content": CANARY}]}]
    body = {"model": "gpt-4.1", "max_tokens": 9, "messages": messages if path.endswith("messages") else chat}
    headers = {"Authorization": f"Bearer {proxy_of_two.master_key}"}
    httpx.post(f"{proxy_of_two.base_url}{path}", json=body, headers=headers, timeout=30, trust_env=False)

    [event] = [line for line in setup.audit("unknown_call_result") if line["call_id"] == call_id]
    assert event["surface"].endswith(path)
    assert CANARY not in json.dumps(event)
