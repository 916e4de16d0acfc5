"""Prints the seconds of CPU that AGT's `PolicyEngine` takes for a call, a line a turn; runs where AGT is installed."""

from __future__ import annotations

import sys
import time
import warnings

warnings.simplefilter("ignore")

from agentmesh.governance.policy import Policy, PolicyEngine, PolicyRule  # noqa: E402 - it warns as it is imported

CONTEXT = {"action": {"type": "payment", "name": "payment"}, "currency": "EUR", "amount": 30}


def main(rules, turns, calls):
    others = [
        PolicyRule(name=f"r{number}", condition=f"action.name == 'tool_{number}'", action="allow")
        for number in range(rules - 1)
    ]
    last = PolicyRule(name="last", condition="action.name == 'payment' and currency == 'EUR'", action="allow")
    engine = PolicyEngine()
    engine.load_policy(Policy(name="bench", agents=["*"], rules=[*others, last]))
    decision = engine.evaluate("agent", CONTEXT)
    if (decision.allowed, decision.matched_rule) != (True, "last"):
        raise SystemExit(f"AGT decided otherwise: {decision}")
    for _ in range(turns):
        started = time.process_time()
        for _ in range(calls):
            engine.evaluate("agent", CONTEXT)
        print((time.process_time() - started) / calls)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
