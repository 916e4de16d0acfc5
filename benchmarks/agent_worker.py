"""Runs one scenario with either package and prints its milliseconds: `agent_worker.py MODULE SCENARIO MODEL BIGHUB`.

It is run by the Python of either environment, so it imports what both have.
"""

from __future__ import annotations

import importlib
import sys
import time

from bighub import BighubClient
from openai import OpenAI

SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer"}, "value": {"type": "number"}},
    "required": ["n", "value"],
    "additionalProperties": False,
}


def main(module, scenario, model_url, bighub_url):
    package = importlib.import_module(module)
    guard = package.GuardedOpenAI(
        openai_client=OpenAI(base_url=model_url, api_key="any"),
        bighub_client=BighubClient(base_url=bighub_url, api_key="bhk_test_key"),
        actor="AI_AGENT_001",
        domain="customer_transactions",
        memory_enabled=scenario == "memory",
        outcome_reporting=False,
    )
    guard.register_tool("work", lambda n, value: n * value, description="Works.", parameters_schema=SCHEMA)
    repeats = {"policy": 1, "parallel": 3}.get(scenario, 20)
    run(guard, "warm")
    print("ready", flush=True)
    # Flushed, because a run that takes minutes is cut off.
    for _ in range(repeats):
        print(run(guard, scenario), flush=True)


def run(guard, scenario):
    begun = time.perf_counter()
    guard.run(messages=[{"role": "user", "content": scenario}], model="gpt-4.1")
    return (time.perf_counter() - begun) * 1000


if __name__ == "__main__":
    main(*sys.argv[1:])
