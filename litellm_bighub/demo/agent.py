"""One run of an agent in code, `GuardedOpenAI`, on the same scripted model and the same policy."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import openai

from litellm_bighub.agent.guarded import GuardedOpenAI
from litellm_bighub.demo.exchange import Exchange, Mode
from litellm_bighub.testing import ScriptedUpstream

MODEL = "agent-model"
_NO_KEY = "sk-no-key-is-needed"


def ask_agent(upstream: ScriptedUpstream, policy: Path, prompt: str, mode: Mode) -> Exchange:
    """Let an agent with two tools work on a prompt.

    Returns:
        What happened: `output` holds one event for each tool call, `text` is the agent's last word.
    """
    with openai.DefaultHttpxClient(trust_env=False) as http:
        client = openai.OpenAI(base_url=upstream.base_url, api_key=_NO_KEY, max_retries=0, http_client=http)
        with GuardedOpenAI(
            openai_client=client, decider="embedded", policy=policy, actor="demo-agent", domain="customer_transactions"
        ) as guard:
            guard.tool("lookup_order", lookup_order)
            guard.tool("delete_customer", delete_customer)
            began = time.perf_counter()
            messages = [{"role": "user", "content": prompt}]
            first_text: float | None = None
            payload: Any = None
            if mode == "whole":
                payload = guard.run(messages=messages, model=MODEL)
            else:
                for event in guard.run_stream(messages=messages, model=MODEL):
                    if event["type"] == "llm_delta" and first_text is None:
                        first_text = time.perf_counter() - began
                    if event["type"] == "final_response":
                        payload = event["response"]
            seconds = time.perf_counter() - began
    events = [dict(event) for event in payload["execution"]["events"]]
    received = json.dumps(payload, default=str)
    return Exchange(events, payload["output_text"], received, upstream.requests[-1], first_text, seconds)


def lookup_order(order_id: str) -> dict[str, str]:
    """Look an order up."""
    return {"order_id": order_id, "status": "shipped"}


def delete_customer(customer_id: str) -> dict[str, bool]:
    """Delete a customer. The policy never lets it run."""
    raise AssertionError(f"{customer_id} was deleted")
