"""One real proxy for all of these tests: each of its guardrails is another configuration, chosen request by request."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
import yaml

from litellm_bighub.testing import HostedBighub, RunningProxy, ScriptedUpstream, running_proxy
from tests.gateway.masking_gateway import masking_gateway

EXTENSIONS = Path(__file__).parent / "extensions"
MODEL = {"model": "openai/gpt-4.1", "api_base": "os.environ/UPSTREAM_BASE_URL", "api_key": "sk-x"}


@dataclass(frozen=True)
class Gateway:
    """The proxy with its two ends and what it wrote down."""

    proxy: RunningProxy
    upstream: ScriptedUpstream
    bighub: HostedBighub
    folder: Path

    def client(self, key: str | None = None) -> openai.OpenAI:
        return openai.OpenAI(base_url=self.proxy.openai_url, api_key=key or self.proxy.master_key, max_retries=0)

    def lines(self, name: str) -> list[dict[str, Any]]:
        path = self.folder / f"{name}.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def raw(self, prompt: str, *guardrails: str, **body: Any) -> bytes:
        """Every byte of a stream."""
        with self.http() as http:
            return http.post("/v1/responses", json=self.body(prompt, *guardrails, stream=True, **body)).content

    def http(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.proxy.master_key}"}
        return httpx.Client(base_url=self.proxy.base_url, headers=headers, trust_env=False, timeout=60)

    @staticmethod
    def body(prompt: str, *guardrails: str, **more: Any) -> dict[str, Any]:
        return {"model": "gpt-4.1", "input": prompt, "guardrails": list(guardrails), **more}


@pytest.fixture(scope="session")
def _gateway(tmp_path_factory, warm):
    folder = tmp_path_factory.mktemp("gateway")
    shutil.copytree(EXTENSIONS, folder, dirs_exist_ok=True)
    with ScriptedUpstream() as upstream, HostedBighub() as bighub, free_port() as dead:
        config = _config(bighub, dead)
        (folder / "proxy_config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
        env = {"UPSTREAM_BASE_URL": upstream.base_url, "SEEN_FOLDER": str(folder), "BIGHUB_KEY": bighub.api_key}
        with running_proxy(folder / "proxy_config.yaml", env=env, python=warm) as proxy:
            yield Gateway(proxy, upstream, bighub, folder)
            assert "Pydantic serializer warnings" not in proxy.log


@pytest.fixture
def gateway(_gateway):
    """The proxy, with nothing scripted and nothing asked yet."""
    _gateway.upstream.reset()
    _gateway.bighub.script()
    _gateway.bighub.requests.clear()
    return _gateway


@pytest.fixture(scope="session")
def _masking(_upstream, tmp_path_factory, warm):
    with masking_gateway(_upstream, tmp_path_factory.mktemp("masking"), warm) as running:
        yield running


@pytest.fixture
def masking(_masking, upstream):
    """A proxy that masks and blocks, with a logger beside it, behind which `upstream` stands."""
    return _masking


def _config(bighub: HostedBighub, dead: int) -> dict[str, Any]:
    asked = {"decider": "bighub", "service": _service(bighub.url, deadline_seconds=20, attempts=1)}
    unreachable = {"decider": "bighub", "service": _service(f"http://127.0.0.1:{dead}", deadline_seconds=2, attempts=1)}
    slow = {"decider": "bighub", "service": _service(bighub.url, deadline_seconds=0.3, attempts=1)}
    masking = {
        "guardrail": "litellm_content_filter",
        "patterns": [{"pattern_type": "prebuilt", "pattern_name": "email", "action": "MASK"}],
    }
    return {
        "model_list": [
            {"model_name": "gpt-4.1", "litellm_params": MODEL},
            {"model_name": "bridged", "litellm_params": {**MODEL, "model": "openai/responses/gpt-4.1"}},
        ],
        "guardrails": [
            _guardrail("masked_before", masking),
            _guardrail("policy", {"audit_file": "audit.jsonl", "on_decision": "hooks.keep"}),
            _guardrail("errors", {"on_block": "error", "on_approval": "error", "on_unapproved_result": "refuse"}),
            _guardrail("breaking", {**unreachable, "service": {**unreachable["service"], "breaker_failures": 1}}),
            _guardrail("reasons", {"reveal": "reason"}),
            _guardrail("unrecorded", {"on_decision": "hooks.refuse"}),
            _guardrail("open_policy", {"fail_mode": "open"}),
            _guardrail("asked", asked),
            _guardrail("asked_errors", {**asked, "on_block": "error", "on_approval": "error"}),
            _guardrail("dead_closed", unreachable),
            _guardrail("dead_open", {**unreachable, "fail_mode": "open"}),
            _guardrail("slow_closed", slow),
            _guardrail("slow_open", {**slow, "fail_mode": "open"}),
            _guardrail("mine", {"guardrail": "hooks.Mine"}),
            _guardrail("masked_after", masking),
        ],
        "litellm_settings": {"telemetry": False, "callbacks": ["hooks.recorder", "prometheus"]},
        "general_settings": {"custom_auth": "hooks.authenticate"},
    }


def _guardrail(name: str, params: dict[str, Any]) -> dict[str, Any]:
    ours = {"guardrail": "litellm_bighub.BighubGuardrail", "mode": ["pre_call", "post_call"], "default_on": False}
    return {"guardrail_name": name, "litellm_params": {**ours, **params}}


def _service(url: str, **more: Any) -> dict[str, Any]:
    return {"base_url": url, "api_key": "os.environ/BIGHUB_KEY", "breaker_failures": 0, **more}


@contextmanager
def free_port() -> Iterator[int]:
    """A port on which nobody listens as long as the context is open: it is bound, and refuses."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]
