"""Through the real proxy: LiteLLM's loggers get of a request what the provider and the caller got, and no more."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from litellm_bighub.testing import Failure, Output, Pace, function_call, reasoning, running_proxy, text

pytestmark = pytest.mark.proxy

ASKED, ANSWERED, WITHHELD = "anna@example.com", "bob@example.com", "/canary/9f3a77"
MASKED = "[EMAIL_REDACTED]"
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


class Gateway:
    def __init__(self, proxy: Any, log: Path) -> None:
        self.proxy, self.log = proxy, log

    def ask(self, path: str, model: str, **body: Any) -> httpx.Response:
        match path:
            case "/v1/responses":
                asked = {"input": f"mail {ASKED}", "instructions": f"be {ASKED}"}
            case "/v1/completions":
                asked = {"prompt": f"mail {ASKED}"}
            case _:
                asked = {"messages": [{"role": "user", "content": f"mail {ASKED}"}], "max_tokens": 99}
        self.log.unlink(missing_ok=True)
        headers = {"Authorization": f"Bearer {self.proxy.master_key}", "anthropic-version": "2023-06-01"}
        asked |= {"model": model, "metadata": {"user_id": "u"}, **body}
        return httpx.post(self.proxy.base_url + path, headers=headers, json=asked, trust_env=False, timeout=60)

    def logged(self, *kinds: str) -> dict[str, Any]:
        """What loggers got of the last request, by kind."""
        for _ in range(200):
            lines = self.log.read_text().splitlines() if self.log.exists() else []
            found = {line["kind"]: line for line in map(json.loads, lines)}
            if set(kinds) <= found.keys():
                return found
            time.sleep(0.05)
        raise AssertionError(f"not logged: {self.proxy.log[-3000:]}")


@pytest.fixture(scope="module")
def gateway(_upstream, tmp_path_factory, warm):
    folder = tmp_path_factory.mktemp("logs")
    shutil.copy(Path(__file__).parent / "recorder.py", folder)
    openai = {"model": "openai/gpt-4.1", "api_base": _upstream.base_url, "api_key": "sk-x"}
    claude = {"model": "anthropic/claude-sonnet-4-5", "api_base": _upstream.base_url.removesuffix("/v1")}
    masking = {"pattern_type": "prebuilt", "pattern_name": "email", "action": "MASK"}
    guardrails = {
        "emails": {"guardrail": "litellm_content_filter", "default_on": False, "patterns": [masking]},
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
        ],
        "guardrails": [
            {"guardrail_name": name, "litellm_params": {"mode": MODES, **params}} for name, params in guardrails.items()
        ],
        "litellm_settings": {"telemetry": False, "callbacks": ["recorder.recorder"]},
        "general_settings": {"store_prompts_in_spend_logs": True},
        "router_settings": {"num_retries": 0, "allowed_fails": 1000},
    }
    (folder / "policy.yaml").write_text("version: 1\ndefault: allow\nrules:\n- {name: w, effect: block, tool: wipe}\n")
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    env = {"UPSTREAM_BASE_URL": _upstream.base_url, "SEEN_FOLDER": str(folder), "PYTHONPATH": str(folder)}
    with running_proxy(folder / "config.yaml", env=env, python=warm) as proxy:
        yield Gateway(proxy, folder / "logged.jsonl")


def answer() -> Output:
    call = function_call("wipe", {"path": WITHHELD})
    return Output([reasoning(f"think {ANSWERED}"), text(f"mail {ANSWERED}"), call], pace=Pace(delta_size=3))


def leaks(line: dict[str, Any], *secrets: str) -> list[str]:
    """Where a logger found a secret. Our own record of a decision names the call that it is about."""
    return [where for where, said in line["texts"] if any(secret in said for secret in secrets) and OURS not in where]


OURS = "standard_logging_guardrail_information"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("path", "model"), ROUTES)
def test_loggers_get_what_the_caller_got(gateway, upstream, path, model, stream):
    upstream.script(f"mail {MASKED}", answer())
    answered = gateway.ask(path, model, stream=stream)
    assert answered.status_code == 200, answered.text
    line = gateway.logged("success")["success"]
    assert leaks(line, ASKED, ANSWERED, WITHHELD) == []
    logged = line["logged"]
    assert MASKED in json.dumps(logged["messages"])
    assert f"mail {MASKED}" in json.dumps(logged["response"])
    assert "has not been run" in json.dumps(logged["response"]) or path == "/v1/completions"
    assert logged["total_tokens"] > 0 or (path == "/v1/completions" and stream)  # LiteLLM does not count those
    assert logged["response_cost"] > 0 or path == "/v1/completions"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("path", "model"), ROUTES)
def test_a_released_call_is_logged(gateway, upstream, path, model, stream):
    upstream.script(f"mail {MASKED}", Output([function_call("look", {"q": "weather"})]))
    gateway.ask(path, model, stream=stream)
    response = json.dumps(gateway.logged("success")["success"]["logged"]["response"])
    assert ("look" in response and "weather" in response) or path == "/v1/completions"


@pytest.mark.parametrize(("path", "model"), ROUTES)
def test_the_request_of_a_failed_call_is_logged_as_it_was_sent(gateway, upstream, path, model):
    upstream.script(f"mail {MASKED}", Failure(500, "made up"))
    assert gateway.ask(path, model).status_code >= 400
    assert leaks(gateway.logged("failure")["failure"], ASKED) == []


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("path", "model"), ROUTES)
def test_no_error_quotes_the_provider(gateway, upstream, path, model, stream):
    """Text completions have no place for a call; their errors may quote a text all the same."""
    upstream.script(f"mail {MASKED}", Failure(500, f"the answer was: {ANSWERED}"))
    answered = gateway.ask(path, model, stream=stream)
    assert answered.status_code >= 400
    assert ANSWERED not in answered.text + str(answered.headers)
