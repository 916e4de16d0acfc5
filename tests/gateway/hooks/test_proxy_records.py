"""What is kept of decisions made in the proxy, who they are ascribed to, and that no secret is among it."""

from __future__ import annotations

import json
import re
import time

import pytest

from litellm_bighub.testing import function_call, text

pytestmark = pytest.mark.proxy

CANARY = "canary-4711"
PASSWORD = "of-no-other-test"  # what other modules of the session let be kept is looked through as well
SECRET = "sk-abcdefghijklmnopqrstuvwxyz0123456789"
BILLING = "sk-of-the-billing-agent"
HOSTILE = {
    "user": "root",
    "metadata": {"user_api_key_alias": "root", "user_api_key_user_id": "root", "user_id": "root", "actor": "root"},
    "litellm_metadata": {"user_api_key_alias": "root", "user_api_key_user_id": "root", "actor": "root"},
    "actor": "root",
    "domain": "root",
    "safety_identifier": "root",
    "user_api_key_dict": {"key_alias": "root"},
    "proxy_server_request": {"body": {"user": "root"}},
}
HEADERS = {
    "x-litellm-user": "root",
    "x-litellm-customer-id": "root",
    "x-litellm-end-user-id": "root",
    "x-litellm-key-alias": "root",
    "x-actor": "root",
    "x-user-id": "root",
}


@pytest.fixture(params=[False, True], ids=["whole", "streamed"])
def streamed(request):
    return request.param


def ask(gateway, items, *guardrails, streamed, key=None, prompt="go", headers=None, **more) -> str:
    gateway.upstream.script(prompt.split()[0], items)
    body = gateway.body(prompt, *guardrails, stream=streamed, **more)
    with gateway.http() as http:
        headers = {"Authorization": f"Bearer {key or gateway.proxy.master_key}", **(headers or {})}
        answer = http.post("/v1/responses", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.text


def decision(gateway, call_id) -> dict:
    [found] = [line for line in gateway.lines("decisions") if line["call_id"] == call_id]
    return found


def logged(gateway, marker) -> list[dict]:
    """LiteLLM logs after it has answered."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        found = [line for line in gateway.lines("logged") if marker in line["tag"]]
        if found:
            return found
        time.sleep(0.05)
    raise TimeoutError(f"nothing was logged of {marker}")


@pytest.mark.parametrize(
    ("key", "actor", "user", "team"),
    [
        (BILLING, "key:billing-agent", "u-7", "billing"),
        ("sk-of-nobody-but-a-user", "user:u-8", "u-8", ""),
        (None, "AI_AGENT", "", ""),
    ],
    ids=["alias", "user", "nobody"],
)
def test_the_actor_is_who_authentication_says(gateway, streamed, key, actor, user, team):
    call_id = f"call_{actor}_{streamed}"
    items = [function_call("lookup", {}, call_id=call_id)]
    ask(gateway, items, "policy", streamed=streamed, key=key, headers=HEADERS, **HOSTILE)
    kept = decision(gateway, call_id)

    assert (kept["actor"], kept["user"], kept["team"]) == (actor, user, team)
    assert re.fullmatch(r"[0-9a-f]{64}", kept["key"])
    assert kept["domain"] == "custom"
    assert kept["surface"].endswith("/responses")
    assert "root" not in json.dumps(kept)


def test_the_hosted_bighub_is_told_the_same_actor(gateway, streamed):
    ask(gateway, [function_call("pay", {})], "asked", streamed=streamed, key=BILLING, headers=HEADERS, **HOSTILE)
    [question] = gateway.bighub.requests

    assert question.body["actor"] == "key:billing-agent"
    assert question.body["context"]["gateway"].pop("end_user") == "root"  # told as what it is: the caller's word
    assert "root" not in json.dumps(question.body)


def test_every_decision_is_kept_without_its_secrets(gateway, streamed):
    call_id = f"call_secret_{streamed}"
    items = [
        text("Hm."),
        function_call("refund", {"amount": 7, "order_id": "o", "password": PASSWORD, "note": SECRET}, call_id=call_id),
    ]
    ask(gateway, items, "policy", streamed=streamed, prompt=f"go {call_id}")
    audit = [line for line in gateway.lines("audit") if line["call_id"] == call_id]
    [log] = logged(gateway, call_id)
    [entry] = log["guardrail_information"]

    assert audit == [decision(gateway, call_id)]
    assert audit[0]["arguments"] == {"amount": 7, "order_id": "o", "password": "[redacted]", "note": "[redacted]"}
    assert (audit[0]["verdict"], audit[0]["value"], audit[0]["target"]) == ("allowed", 7.0, "o")
    assert audit[0]["response_id"].startswith("resp_up")
    assert audit[0]["model"] == "gpt-4.1"
    assert log["kind"] == "success"
    assert (entry["guardrail_name"], entry["guardrail_status"]) == ("policy", "success")
    assert entry["guardrail_response"][0]["decision_id"] == audit[0]["decision_id"]
    kept = json.dumps([audit, gateway.lines("decisions"), log]) + gateway.proxy.log
    assert PASSWORD not in kept
    assert SECRET not in kept


def test_a_blocked_call_shows_as_an_intervention(gateway, streamed):
    marker = f"marker-blocked-{streamed}"
    ask(gateway, [function_call("wipe", {"a": 1})], "policy", streamed=streamed, prompt=f"go {marker}")
    [log] = logged(gateway, marker)
    [entry] = log["guardrail_information"]

    assert (entry["guardrail_status"], entry["guardrail_provider"]) == ("guardrail_intervened", "bighub")
    assert entry["guardrail_response"][0]["verdict"] == "blocked"


def test_a_failed_request_shows_its_decision_too(gateway, streamed):
    marker = f"marker-failed-{streamed}"
    gateway.upstream.script("go", [text("Hi."), function_call("wipe", {"a": 1})])
    with gateway.http() as http:
        http.post("/v1/responses", json=gateway.body(f"go {marker}", "errors", stream=streamed))
    information = [line["guardrail_information"] for line in logged(gateway, marker)]

    assert any(entries and entries[0]["guardrail_response"][0]["verdict"] == "blocked" for entries in information)


def test_the_hook_is_told_before_anything_is_released(gateway, streamed):
    """Its refusal withholds the call, so it came first; what it does to its copy changes nothing."""
    received = ask(gateway, [function_call("lookup", {"a": CANARY})], "unrecorded", streamed=streamed)

    assert CANARY not in received
    assert "blocked" in received


def test_an_answer_without_calls_is_no_decision(gateway, streamed):
    marker = f"marker-nothing-{streamed}"
    before = len(gateway.lines("decisions"))
    ask(gateway, [text("Words.")], "policy", streamed=streamed, prompt=f"go {marker}")

    assert logged(gateway, marker)[0]["guardrail_information"] in (None, [])
    assert len(gateway.lines("decisions")) == before
