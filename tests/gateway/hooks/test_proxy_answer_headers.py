"""What operators and clients see of decisions at the real proxy: response headers and LiteLLM's own `/metrics`."""

from __future__ import annotations

import re
import time

import pytest

from litellm_bighub.testing import function_call, text

pytestmark = pytest.mark.proxy

CANARY = "trace-seen-0817"
ANSWER = [
    text("Here it comes."),
    function_call("lookup_seen", {"id": "a"}),
    function_call("wipe_seen", {"id": CANARY}),
    function_call("wipe_seen", {"id": CANARY}),
]
SOON = 30.0
FORMATS = {
    "/v1/responses": {"input": "go"},
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "go"}]},
    "/v1/messages": {"messages": [{"role": "user", "content": "go"}], "max_tokens": 99},
}


def ask(gateway, path, guardrail="policy", **more):
    with gateway.http() as http:
        return http.post(path, json={"model": "gpt-4.1", "guardrails": [guardrail], **FORMATS[path], **more})


def metrics(gateway):
    """Every sample of ours, by name and labels."""
    with gateway.http() as http:
        told = http.get("/metrics/", headers={"Accept": "text/plain"}).text
    lines = re.findall(r"^(litellm_bighub_\S+) (\S+)$", told, re.MULTILINE)
    return {name: float(value) for name, value in lines}


@pytest.mark.parametrize("path", FORMATS)
def test_a_whole_answers_headers_count_its_decisions(gateway, path):
    gateway.upstream.script("go", ANSWER)

    told = ask(gateway, path).headers

    counts = {name: told.get(f"x-bighub-{name}") for name in ("allowed", "blocked", "requires-approval")}
    assert counts == {"allowed": "1", "blocked": "2", "requires-approval": "0"}


@pytest.mark.parametrize("path", FORMATS)
def test_a_headers_ids_lead_to_the_audit(gateway, path):
    gateway.upstream.script("go", ANSWER)

    told = ask(gateway, path).headers

    lines = [line for line in gateway.lines("audit") if line["trace_id"] == told["x-bighub-trace-id"]]
    assert sorted(told["x-bighub-decisions"].split(",")) == sorted(line["decision_id"] for line in lines)
    assert len(lines) == 3


@pytest.mark.parametrize("path", FORMATS)
def test_a_streams_headers_hold_the_trace_alone(gateway, path):
    gateway.upstream.script("go", ANSWER)

    told = ask(gateway, path, stream=True).headers

    lines = [line for line in gateway.lines("audit") if line["trace_id"] == told["x-bighub-trace-id"]]
    assert len(lines) == 3
    assert "x-bighub-blocked" not in told


def test_a_refused_requests_headers_tell_why(gateway):
    gateway.upstream.script("go", ANSWER)

    answer = ask(gateway, "/v1/responses", "errors")

    assert answer.status_code == 400
    assert answer.headers["x-bighub-blocked"] == "2"


def test_an_answer_that_nobody_governs_has_no_headers_of_ours(gateway):
    gateway.upstream.script("go", ANSWER)
    with gateway.http() as http:
        told = http.post("/v1/responses", json={"model": "gpt-4.1", "input": "go"}).headers

    assert not [name for name in told if name.startswith("x-bighub")]


def test_decisions_are_counted_by_tool_and_verdict(gateway):
    gateway.upstream.script("go", ANSWER)
    blocked = 'litellm_bighub_decisions_total{enforced="true",tool="wipe_seen",verdict="blocked"}'
    allowed = 'litellm_bighub_decisions_total{enforced="true",tool="lookup_seen",verdict="allowed"}'
    taken = 'litellm_bighub_decision_seconds_count{decider="embedded"}'
    before = metrics(gateway)

    ask(gateway, "/v1/responses")
    ask(gateway, "/v1/chat/completions", stream=True)

    after = metrics(gateway)
    grown = {name: after[name] - before.get(name, 0) for name in (blocked, allowed, taken)}
    assert grown == {blocked: 4, allowed: 2, taken: 6}
    assert after["litellm_bighub_held_streams"] == 0
    assert CANARY not in str(after)


def test_an_open_breaker_and_what_passed_undecided_can_be_seen(gateway):
    gateway.upstream.script("go", ANSWER)
    opened = 'litellm_bighub_breakers{state="open"}'
    degraded = 'litellm_bighub_degraded_decisions_total{tool="wipe_seen"}'
    before = metrics(gateway)

    ask(gateway, "/v1/responses", "breaking")
    ask(gateway, "/v1/responses", "dead_open")

    after = metrics(gateway)
    assert after[opened] - before.get(opened, 0) == 1
    assert after[degraded] - before.get(degraded, 0) == 2


def test_a_worker_counts_the_approvals_that_wait(gateway):
    gateway.upstream.script("go", [function_call("refund", {"amount": 900, "order_id": "A-seen"})])
    ask(gateway, "/v1/responses")

    until = time.monotonic() + SOON
    while not (waiting := metrics(gateway)["litellm_bighub_pending_approvals"]) and time.monotonic() < until:
        pass

    assert waiting >= 1


@pytest.mark.parametrize("path", FORMATS)
@pytest.mark.parametrize("beside", ["masked_before", "masked_after"])
def test_another_guardrail_beside_ours_changes_no_count(gateway, path, beside):
    gateway.upstream.script("go", ANSWER)

    told = ask(gateway, path, guardrails=["policy", beside]).headers

    assert (told["x-bighub-allowed"], told["x-bighub-blocked"]) == ("1", "2")
    ids = told["x-bighub-decisions"].split(",")
    assert len(ids) == len(set(ids)) == 3
