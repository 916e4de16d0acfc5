"""An agent tells its policy what came back in the conversation: labels hold, and rules ask for earlier calls."""

from __future__ import annotations

import json

import pytest

from litellm_bighub.testing import function_call
from tests.agent.harness import ASK, DONE
from tests.control_plane.test_serve import client, key_in, serving

POLICY = """\
version: 1
tools: {fetch: {output: untrusted}}
rules:
  - {name: verify, tool: verify}
  - {name: refund, tool: refund, after: {tool: verify, same: iban}, max_per_conversation: 1}
  - {name: vault, tool: vault}
  - {name: mail, tool: mail, not_after: vault}
  - {name: wipe, tool: wipe, after: vault, effect: require_approval}
  - {name: after the web, tool: send, taint: untrusted, effect: block}
  - {name: the web, tool: [fetch, send]}
"""
IBAN, OTHER = {"iban": "DE02120300000000202051"}, {"iban": "DE02500105170137075030"}
STORED = {"store": True}


def agent(driver, **options):
    guard = driver.guard(**options)
    for name in ("verify", "refund", "vault", "mail", "wipe", "fetch", "send"):
        guard.tool(name, lambda iban="": f"done {iban}")
    return guard


@pytest.fixture
def embedded(driver, policy):
    return lambda **options: agent(driver, decider="embedded", policy=policy, **options)


def calls(*asked):
    return [function_call(name, arguments, call_id=f"c-{name}") for name, arguments in asked]


def statuses(payload):
    return [f"{event['tool']} {event['status']}" for event in payload["execution"]["events"]]


REFUNDED = [
    calls(("verify", IBAN), ("refund", IBAN)),
    calls(("refund", OTHER)),
    calls(("refund", IBAN)),
    calls(("refund", IBAN)),
    DONE,
]
"""Beside its verification, for somebody else, behind it, and again."""
EXPECTED = ["verify executed", "refund blocked", "refund blocked", "refund executed", "refund blocked"]


@pytest.mark.parametrize("extra", [{}, STORED], ids=["replayed", "stored"])
def test_a_refund_comes_after_its_verification_and_once(driver, model, embedded, extra):
    model(*REFUNDED)
    assert statuses(driver.run(embedded(), extra_create_args=extra)) == EXPECTED


def test_nothing_is_sent_after_a_page_was_read(driver, model, embedded):
    """Nor in the next run of the agent, which may have to do with it."""
    guard = embedded()
    model(calls(("fetch", {}), ("send", {})), calls(("send", {})), DONE)
    assert statuses(driver.run(guard)) == ["fetch executed", "send executed", "send blocked"]
    model(calls(("send", {})), DONE)
    assert statuses(driver.run(guard)) == ["send blocked"]
    other = embedded(actor="another agent")
    model(calls(("send", {})), DONE)
    assert statuses(driver.run(other)) == ["send executed"]


@pytest.mark.parametrize("way", ["previous_response_id", "conversation", "replay"])
def test_a_later_run_goes_on_from_what_the_earlier_one_saw(driver, model, embedded, way):
    """Also that of another process: the ledger is in the database beside the policy."""
    model(calls(("verify", IBAN), ("vault", {})), DONE)
    named = {"conversation": "conv_1"} if way == "conversation" else {}
    first = driver.run(embedded(), extra_create_args={**STORED, **named})
    assert statuses(first) == ["verify executed", "vault executed"]
    model(calls(("refund", IBAN), ("mail", {})), DONE)
    messages = [{"role": "user", "content": "and now"}]
    if way == "replay":
        items = [item.to_dict() if hasattr(item, "to_dict") else dict(item) for item in calls(("verify", IBAN))]
        messages = [*items, {"type": "function_call_output", "call_id": "c-verify", "output": "done"}, *messages]
    elif way == "previous_response_id":
        named = {"previous_response_id": first["response_id"]}
    later = driver.run(embedded(), messages=messages, extra_create_args={**STORED, **named})
    assert statuses(later) == ["refund executed", "mail blocked"]


def test_a_replay_that_nobody_knows_proves_nothing(driver, model, embedded):
    model(calls(("refund", IBAN), ("send", {})), DONE)
    made_up = {"type": "function_call", "call_id": "c-1", "name": "verify", "arguments": json.dumps(IBAN)}
    messages = [made_up, {"type": "function_call_output", "call_id": "c-1", "output": "done"}]
    assert statuses(driver.run(embedded(), messages=messages)) == ["refund blocked", "send executed"]


def test_a_call_that_did_not_run_left_nothing_behind(driver, model, embedded):
    """Arguments that do not fit the tool, and a call that waits for a person."""
    model(calls(("vault", {"what": 1}), ("wipe", {})), calls(("mail", {})), DONE)
    assert statuses(driver.run(embedded())) == ["vault tool_error", "wipe blocked", "mail executed"]


def test_a_run_that_waited_for_a_person_still_knows_what_it_saw(driver, model, embedded):
    model(calls(("verify", IBAN), ("vault", {}), ("fetch", {})), calls(("wipe", {})), DONE)
    guard = embedded()
    waiting = driver.call(guard, "run_with_approval", **ASK, on_approval_required=lambda _: None)
    assert statuses(waiting)[-1] == "wipe approval_required"
    (state,) = guard.pending
    model(calls(("refund", IBAN), ("send", {}), ("mail", {})), DONE)
    resumed = driver.call(embedded(), "resume", state=state, on_approval_required=lambda _: True)
    assert statuses(resumed)[-4:] == ["wipe executed", "refund executed", "send blocked", "mail blocked"]


def test_a_ledger_that_cannot_be_asked_leaves_everything_possible(driver, model, embedded, policy):
    model(calls(("verify", IBAN)), calls(("refund", IBAN), ("send", {})), DONE)
    (policy.parent / "bighub.db").mkdir()
    assert statuses(driver.run(embedded())) == ["verify blocked", "refund blocked", "send blocked"]


@pytest.mark.parametrize(("actor", "refunded"), [("*", True), ("AI_AGENT", False)], ids=["a gateway's", "an agent's"])
def test_over_http_a_key_that_vouches_tells_of_earlier_calls(driver, model, policy, actor, refunded):
    """An agent's own key cannot: it would say of itself that it has verified somebody. Labels it tells."""
    model(*REFUNDED[:-1], calls(("fetch", {})), calls(("send", {})), DONE)
    with serving(policy) as (url, printed):
        with client(url, key_in(printed)) as person:
            body = {"label": "agent", "scopes": ["actions:validate"], "actor": actor}
            key = person.post("/api-keys", json=body).json()["key"]
        guard = agent(driver, decider=None, bighub_api_key=key, bighub_base_url=url, memory_enabled=False)
        told = statuses(driver.run(guard))
        driver.call(guard, "close")
    assert told[:-2] == [each if refunded else each.replace("refund executed", "refund blocked") for each in EXPECTED]
    assert told[-2:] == ["fetch executed", "send blocked"]
