"""One real proxy with a guardrail that keeps what it is given, and what its two sockets saw."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from litellm_bighub.testing import RunningProxy, ScriptedUpstream, running_proxy
from tests.gateway.oracle.type_canaries import CANARY

MODES = ["pre_call", "post_call"]


@dataclass
class Road:
    proxy: RunningProxy
    upstream: ScriptedUpstream
    given_path: Path
    http: httpx.Client

    @property
    def given(self) -> set[str]:
        """The canaries that the guardrail was given."""
        return self.given_of("request") | self.given_of("response")

    def given_of(self, side: str) -> set[str]:
        """The same, of requests or of answers alone."""
        lines = self.given_path.read_text().splitlines() if self.given_path.exists() else []
        return {canary for line in lines if json.loads(line)["side"] == side for canary in CANARY.findall(line)}

    def ask(self, path: str, body: Any) -> httpx.Response:
        return self.http.post(path, json=body)

    def sent(self) -> set[str]:
        """The canaries that the upstream's socket got."""
        seen = "".join(f"{request.raw} {dict(request.headers)} {request.path}" for request in self.upstream.requests)
        return set(CANARY.findall(seen))


@contextmanager
def open_road(
    upstream: ScriptedUpstream, folder: Path, python: list[str], *, modes: Sequence[str] = MODES, **more: Any
) -> Iterator[Road]:
    """The proxy, with `more` in its config."""
    shutil.copy(Path(__file__).parent / "recording.py", folder)
    bare = upstream.base_url.removesuffix("/v1")
    models = {
        "gpt": ("openai/gpt-4.1", upstream.base_url),
        "instruct": ("text-completion-openai/gpt-3.5-turbo-instruct", upstream.base_url),
        "claude": ("anthropic/claude-sonnet-4-5", bare),
        "compatible": (
            "together_ai/m",
            upstream.base_url,
        ),  # LiteLLM speaks chat completions with it, whatever is asked
    }
    config = {
        "model_list": [
            {"model_name": name, "litellm_params": {"model": model, "api_base": base, "api_key": "sk-x"}}
            for name, (model, base) in models.items()
        ],
        "guardrails": [
            {
                "guardrail_name": "recording",
                "litellm_params": {"guardrail": "recording.Recording", "mode": [*modes], "default_on": False},
            },
            {
                "guardrail_name": "texts",
                "litellm_params": {
                    "guardrail": "litellm_bighub.TextGuardrail",
                    "mode": [*modes],
                    "default_on": True,
                    "apply": ["recording"],
                },
            },
        ],
        "litellm_settings": {"telemetry": False},
        "router_settings": {"num_retries": 0, "allowed_fails": 1_000_000},
        **more,
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    env = {"UPSTREAM_BASE_URL": upstream.base_url, "GIVEN": str(folder / "given.jsonl")}
    with running_proxy(folder / "config.yaml", env=env, python=python) as proxy:
        headers = {"Authorization": f"Bearer {proxy.master_key}", "x-api-key": proxy.master_key}
        headers["anthropic-version"] = "2023-06-01"
        with httpx.Client(base_url=proxy.base_url, headers=headers, trust_env=False, timeout=60) as http:
            yield Road(proxy, upstream, folder / "given.jsonl", http)
