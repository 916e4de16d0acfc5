"""What an operator keeps beside a proxy's config: a hook for decisions, a logger, authentication, a subclass.

It runs inside the proxy's process; what it saw it writes to files that the tests read.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from fastapi import HTTPException
from litellm.integrations.custom_logger import CustomLogger
from litellm.proxy._types import UserAPIKeyAuth

from litellm_bighub import BighubGuardrail

SEEN = Path(os.environ["SEEN_FOLDER"])


def keep(decision: dict) -> None:
    """An `on_decision` hook; what it does to its copy must not matter."""
    _append("decisions", decision)
    decision.clear()


async def refuse(decision: dict) -> None:
    raise RuntimeError(f"no room for {decision['arguments']}")


class Recorder(CustomLogger):
    """Keeps what LiteLLM's logging says of guardrails."""

    async def async_log_success_event(self, kwargs, response_obj, start_time, end_time) -> None:
        self._keep("success", kwargs)

    async def async_log_failure_event(self, kwargs, response_obj, start_time, end_time) -> None:
        self._keep("failure", kwargs)

    def _keep(self, kind: str, kwargs: dict) -> None:
        logged = kwargs.get("standard_logging_object") or {}
        _append(
            "logged",
            {
                "kind": kind,
                "tag": _tag(kwargs),
                "call_type": kwargs.get("call_type"),
                "guardrail_information": logged.get("guardrail_information"),
            },
        )


recorder = Recorder()


class Mine(BighubGuardrail):
    """A subclass that adds nothing and must lose nothing."""


async def authenticate(request, api_key: str) -> UserAPIKeyAuth:
    """Knows `sk-<alias>` of the table and the master key."""
    if api_key == os.environ["LITELLM_MASTER_KEY"]:
        return UserAPIKeyAuth(api_key=api_key)
    match api_key:
        case "sk-of-the-billing-agent":
            return UserAPIKeyAuth(
                api_key=api_key, key_alias="billing-agent", user_id="u-7", team_id="t-1", team_alias="billing"
            )
        case "sk-of-nobody-but-a-user":
            return UserAPIKeyAuth(api_key=api_key, user_id="u-8")
        case _:
            raise HTTPException(401, "unknown key")


def _tag(kwargs: dict) -> str:
    """The user's text, by which a test finds its own line."""
    return json.dumps(kwargs.get("input") or kwargs.get("messages"), default=str)


def _append(name: str, line: dict) -> None:
    with (SEEN / f"{name}.jsonl").open("a") as file:
        file.write(json.dumps(line, default=str) + "\n")
