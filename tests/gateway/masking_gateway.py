"""One real proxy that masks e-mail addresses and blocks the call `wipe` and holds `refund`, with a logger beside it."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from litellm_bighub.testing import ScriptedUpstream, running_proxy

ASKED, ANSWERED, WITHHELD = "anna@example.com", "bob@example.com", "/canary/9f3a77"
MASKED = "[EMAIL_REDACTED]"
REFUSED = "forbidden-word"
POLICY = """\
version: 1
default: allow
rules:
- {name: w, effect: block, tool: wipe}
- {name: r, effect: require_approval, tool: refund}
"""
MODES = ["pre_call", "post_call"]
ROUTES = [
    ("/v1/chat/completions", "gpt"),
    ("/v1/chat/completions", "claude"),
    ("/v1/completions", "gpt"),
    ("/v1/messages", "claude"),
    ("/v1/messages", "gpt"),
    ("/v1/responses", "gpt"),
    ("/v1/responses", "claude"),
]


class MaskingGateway:
    def __init__(self, proxy: Any, log: Path) -> None:
        self.proxy, self.log, self.folder = proxy, log, log.parent

    def ask(self, path: str, model: str, said: str = f"mail {ASKED}", **body: Any) -> httpx.Response:
        return self.post(path.removeprefix("/v1"), json=self.asked(path, model, said, **body))

    def asked(self, path: str, model: str, said: str = f"mail {ASKED}", **body: Any) -> dict[str, Any]:
        match path:
            case "/v1/responses":
                asked: dict[str, Any] = {"input": said, "instructions": f"be {ASKED}"}
            case "/v1/completions":
                asked = {"prompt": said}
            case _:
                asked = {"messages": [{"role": "user", "content": said}], "max_tokens": 99}
        return {**asked, "model": model, "metadata": {"user_id": "u"}, **body}

    def post(self, path: str, **request: Any) -> httpx.Response:
        with self.begun(path, **request) as response:
            response.read()
            return response

    @contextmanager
    def begun(self, path: str, **request: Any) -> Iterator[httpx.Response]:
        """An answer of which nothing but the headers was read."""
        self.log.unlink(missing_ok=True)
        headers = {"Authorization": f"Bearer {self.proxy.master_key}", "anthropic-version": "2023-06-01"}
        url = f"{self.proxy.openai_url}{path}"
        with httpx.stream("POST", url, headers=headers, trust_env=False, timeout=60, **request) as response:
            yield response

    def logged(self, *kinds: str) -> dict[str, Any]:
        """What loggers got of the last request, by kind."""
        for _ in range(200):
            lines = self.log.read_text().splitlines() if self.log.exists() else []
            found = {line["kind"]: line for line in map(json.loads, lines)}
            if set(kinds) <= found.keys():
                return found
            time.sleep(0.05)
        raise AssertionError(f"not logged: {self.proxy.log[-3000:]}")

    def all_logged(self) -> list[dict[str, Any]]:
        """Whatever loggers got of the last request. It may be nothing: so this waits a while for it."""
        for _ in range(40):
            if self.log.exists() and self.log.read_text().endswith("\n"):
                break
            time.sleep(0.05)
        time.sleep(0.3)  # a success and a failure of one request come at about the same time
        if not self.log.exists():
            return []
        return list(map(json.loads, self.log.read_text().splitlines()))


@contextmanager
def masking_gateway(upstream: ScriptedUpstream, folder: Path, warm: Any) -> Iterator[MaskingGateway]:
    """The running proxy, with its files in a folder."""
    shutil.copy(Path(__file__).parent / "logs" / "recorder.py", folder)
    openai = {"model": "openai/gpt-4.1", "api_base": upstream.base_url, "api_key": "sk-x"}
    claude = {"model": "anthropic/claude-sonnet-4-5", "api_base": upstream.base_url.removesuffix("/v1")}
    masking = {"pattern_type": "prebuilt", "pattern_name": "email", "action": "MASK"}
    guardrails = {
        "emails": {
            "guardrail": "litellm_content_filter",
            "default_on": False,
            "patterns": [masking],
            "blocked_words": [{"keyword": REFUSED, "action": "BLOCK"}],
        },
        "texts": {"guardrail": "litellm_bighub.TextGuardrail", "default_on": True, "apply": ["emails"]},
        "calls": {
            "guardrail": "litellm_bighub.BighubGuardrail",
            "default_on": True,
            "policy": str(folder / "policy.yaml"),
        },
    }
    config = {
        "model_list": [
            {"model_name": "gpt", "litellm_params": openai},
            {"model_name": "claude", "litellm_params": {**claude, "api_key": "sk-x"}},
            {"model_name": "azure", "litellm_params": {**claude, "model": "azure_ai/claude-x", "api_key": "sk-x"}},
        ],
        "guardrails": [
            {"guardrail_name": name, "litellm_params": {"mode": MODES, **params}} for name, params in guardrails.items()
        ],
        "litellm_settings": {"telemetry": False, "callbacks": ["recorder.recorder"]},
        "general_settings": {"store_prompts_in_spend_logs": True},
        "router_settings": {"num_retries": 0, "allowed_fails": 1000},
    }
    (folder / "policy.yaml").write_text(POLICY)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    env = {"UPSTREAM_BASE_URL": upstream.base_url, "SEEN_FOLDER": str(folder), "PYTHONPATH": str(folder)}
    with running_proxy(folder / "config.yaml", env=env, python=warm) as proxy:
        yield MaskingGateway(proxy, folder / "logged.jsonl")
