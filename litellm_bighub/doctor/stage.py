"""The config as the proof runs it: its guardrails as they are, and nothing around them that a canary could escape to.

The models are the scripted one, the database is a new one, a hosted decider is a fake that blocks everything, and what
would tell others (callbacks, audit file, hooks, caches, the gateway's own database) is left away. The policy has one
rule more, the first: the canary is blocked.
"""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yaml

from litellm_bighub.doctor.canary import TOOL
from litellm_bighub.doctor.probes import OWN_PROVIDERS
from litellm_bighub.doctor.proxy_config import GuardrailEntry, GuardrailKind, ProxyConfig, kind_of
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.testing.hosted_bighub import HostedBighub

MODEL: Final = "doctor-model"
SOCKET_MODEL: Final = "doctor-socket-model"
"""LiteLLM speaks HTTP to this one's provider, where it would want TLS for a WebSocket to OpenAI."""

_CONFIG = "litellm_bighub_doctor.yaml"
_POLICY = "litellm_bighub_doctor_policy.yaml"
_KEPT_SETTINGS = frozenset({"drop_params", "set_verbose", "modify_params", "guardrails_ai", "default_guardrails"})


@contextmanager
def staged_config(config: ProxyConfig, upstream_url: str, hosted: HostedBighub) -> Generator[Path, None, None]:
    """The path of the config to run, in a folder that looks like the config's own and is gone in the end."""
    home = config.path.resolve().parent
    with tempfile.TemporaryDirectory(prefix="litellm-bighub-") as name:
        folder = Path(name)
        for beside in home.iterdir():
            if beside.suffix in {".py", ".yaml", ".yml", ".json"} or (
                beside.is_dir() and not beside.name.startswith(".")
            ):
                (folder / beside.name).symlink_to(beside)
        guardrails = [
            {"guardrail_name": entry.name, "litellm_params": _params(entry, home, folder, hosted, index)}
            for index, entry in enumerate(config.guardrails)
        ]
        path = folder / _CONFIG
        path.write_text(yaml.safe_dump(_content(config, guardrails, upstream_url), sort_keys=False))
        yield path


def _content(config: ProxyConfig, guardrails: list[JsonObject], upstream_url: str) -> JsonObject:
    params = {"model": "openai/gpt-4.1", "api_base": upstream_url, "api_key": "sk-no-key-is-needed"}
    settings = {key: value for key, value in config.section("litellm_settings").items() if key in _KEPT_SETTINGS}
    return {
        "model_list": [
            {"model_name": MODEL, "litellm_params": params},
            {"model_name": SOCKET_MODEL, "litellm_params": {**params, "model": "litellm_proxy/gpt-4.1"}},
            *(
                {"model_name": f"{MODEL}-{route.rpartition('/')[2]}", "litellm_params": {**params, "model": model}}
                for route, model in OWN_PROVIDERS.items()
            ),
        ],
        "search_tools": [{"search_tool_name": "doctor-search", "litellm_params": _searching(params)}],
        "guardrails": guardrails,
        "litellm_settings": {**settings, "telemetry": False},
    }


def _searching(params: JsonObject) -> JsonObject:
    return {"search_provider": "perplexity", "api_base": params["api_base"], "api_key": params["api_key"]}


def _params(entry: GuardrailEntry, home: Path, folder: Path, hosted: HostedBighub, index: int) -> JsonObject:
    params = dict(entry.params)
    if kind_of(entry, home) is not GuardrailKind.CALLS:
        return params
    params.pop("on_decision", None)
    if params.get("decider") == "bighub":
        service = params.get("service")
        given = service if isinstance(service, dict) else {}
        params["service"] = {**given, "base_url": hosted.url, "api_key": hosted.api_key}
    else:
        policy = folder / f"{index}_{_POLICY}"
        policy.write_text(_with_canary(home / str(params.get("policy", "bighub_policy.yaml"))))
        params["policy"] = policy.name
        params["database_url"] = f"sqlite:///{folder / f'{index}_doctor.db'}"
    if "audit_file" in params:
        params["audit_file"] = f"{index}_audit.jsonl"
    return params


def _with_canary(path: Path) -> str:
    """The policy with the canary's rule before all others; what is no policy is left for the proxy to refuse."""
    text = path.read_text() if path.is_file() else ""
    content: Any = yaml.safe_load(text)
    if not isinstance(content, dict):
        return text
    rules = content.get("rules")
    rule: JsonObject = {"name": "litellm-bighub doctor", "tool": f"{TOOL}*", "effect": "block", "priority": 1000}
    return yaml.safe_dump({**content, "rules": [rule, *(rules if isinstance(rules, list) else ())]}, sort_keys=False)
