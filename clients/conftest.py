"""One real proxy for each answer to a blocked call, with an upstream that is as strict as providers are."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from clients.environment import install
from litellm_bighub.control_plane.approvals.resolution import Resolution
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.database import sqlite_url
from litellm_bighub.control_plane.store.tables import approvals
from litellm_bighub.testing import RunningProxy, ScriptedUpstream, running_proxy

_RULES = [
    {"name": "lookups", "tool": "look_up", "effect": "allow"},
    {"name": "refunds", "tool": "refund", "effect": "require_approval"},
]
_SHELLS = {"exec_command": "cmd", "Bash": "command"}
_COMMANDS = {"wipe": "block", "refund": "require_approval", "look_up": "allow"}
POLICY = {
    "version": 1,
    "default": "block",
    "rules": [
        *_RULES,
        *(
            {"name": f"{tool} {word}", "tool": tool, "when": f"contains({field}, '{word}')", "effect": effect}
            for tool, field in _SHELLS.items()
            for word, effect in _COMMANDS.items()
        ),
    ],
}


@dataclass(frozen=True)
class Gateway:
    """A proxy between the clients and the pretended providers.

    Attributes:
        on_block: what its guardrail does with a blocked call.
    """

    proxy: RunningProxy
    upstream: ScriptedUpstream
    on_block: str


@pytest.fixture(scope="session")
def _installed():
    install()


@pytest.fixture(scope="session", params=["replace", "error", "continue"])
def gateway(request, tmp_path_factory, _installed):
    """The proxy, which all clients use."""
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "bighub_policy.yaml").write_text(yaml.safe_dump(POLICY, sort_keys=False))
    config = folder / "proxy_config.yaml"
    with ScriptedUpstream(strict=True) as upstream:
        config.write_text(yaml.safe_dump(_config(upstream, request.param), sort_keys=False))
        with running_proxy(config) as proxy, _somebody_who_approves(folder):
            yield Gateway(proxy, upstream, request.param)


@pytest.fixture(scope="session")
def asking(tmp_path_factory, _installed):
    """A proxy whose clients are asked for approvals, and may answer."""
    folder = tmp_path_factory.mktemp("asking")
    (folder / "bighub_policy.yaml").write_text(yaml.safe_dump(POLICY, sort_keys=False))
    config = folder / "proxy_config.yaml"
    with ScriptedUpstream(strict=True) as upstream:
        asks = {"on_approval": "request", "client_approvals": True}
        config.write_text(yaml.safe_dump(_config(upstream, "replace", **asks), sort_keys=False))
        with running_proxy(config) as proxy:
            yield Gateway(proxy, upstream, "replace")


@pytest.fixture(scope="session")
def refusing(tmp_path_factory, _installed):
    """A proxy that refuses requests which list a web search, as Codex's do: it needs an approval."""
    folder = tmp_path_factory.mktemp("refusing")
    searches = {"name": "searches", "type": "web_search", "effect": "require_approval"}
    policy = {**POLICY, "rules": [searches, *POLICY["rules"]]}
    (folder / "bighub_policy.yaml").write_text(yaml.safe_dump(policy, sort_keys=False))
    config = folder / "proxy_config.yaml"
    with ScriptedUpstream(strict=True) as upstream:
        config.write_text(yaml.safe_dump(_config(upstream, "replace", on_approval="error"), sort_keys=False))
        with running_proxy(config) as proxy:
            yield Gateway(proxy, upstream, "replace")


def _config(upstream: ScriptedUpstream, on_block: str, **more: object) -> dict[str, object]:
    openai = {"model": "openai/gpt-4.1", "api_base": upstream.base_url, "api_key": "sk-x"}
    claude = {"model": "anthropic/claude-sonnet-5", "api_base": upstream.base_url.removesuffix("/v1"), "api_key": "x"}
    ours = {
        "guardrail": "litellm_bighub.BighubGuardrail",
        "mode": ["pre_call", "post_call"],
        "default_on": True,
        "on_block": on_block,
        "on_approval": "wait",
        "approval_wait_seconds": 60,
        **more,
    }
    return {
        "model_list": [
            {"model_name": "gpt-4.1", "litellm_params": openai},
            {"model_name": "claude", "litellm_params": claude},
        ],
        "guardrails": [{"guardrail_name": "policy", "litellm_params": ours}],
        "litellm_settings": {"telemetry": False},
    }


@contextmanager
def _somebody_who_approves(folder: Path) -> Iterator[None]:
    """Approves whatever waits, as a person with the inbox open would."""
    done = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_approve_all(folder, done)))
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


async def _approve_all(folder: Path, done: threading.Event) -> None:
    plane = ControlPlane.open(sqlite_url(folder / "bighub.db"), folder / "bighub_policy.yaml")
    try:
        while not done.is_set():
            listed = await plane.read(lambda connection: approvals.listed(connection, now=plane.clock()))
            for approval in listed:
                if approval.state == "pending":
                    await plane.resolve(Resolution(approval.id, "approve", by="ann"))
            await asyncio.sleep(0.2)
    finally:
        plane.close()
