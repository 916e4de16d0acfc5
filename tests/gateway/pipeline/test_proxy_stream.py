"""Tool calls of streams, through the real proxy: what leaves, when, and in which order."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import openai
import pytest
from pydantic import BaseModel

from litellm_bighub.testing import (
    BlackHole,
    Output,
    Pace,
    Verbatim,
    allow,
    apply_patch_call,
    block,
    computer_call,
    custom_call,
    function_call,
    local_shell_call,
    reasoning,
    shell_call,
    text,
)

pytestmark = pytest.mark.proxy

CANARY = "canary-4711"


def accumulated(gateway, items, *guardrails, key=None, **more):
    """The response as the official client's stream helper puts it together, and the events."""
    gateway.upstream.script("go", items)
    with (
        gateway.client(key) as client,
        client.responses.stream(
            model="gpt-4.1", input="go", extra_body={"guardrails": list(guardrails)}, **more
        ) as stream,
    ):
        events = list(stream)
        return stream.get_final_response(), events


def parsed(raw: bytes) -> list[dict]:
    lines = [line.removeprefix("data: ") for line in raw.decode().splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def raw(gateway, items, *guardrails, **more):
    gateway.upstream.script("go", items)
    return gateway.raw("go", *guardrails, **more)


def assert_well_formed(events: list[dict]) -> None:
    """Numbers follow each other, every item is opened and closed at its index, and the envelope says the same."""
    numbers = [event["sequence_number"] for event in events]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    done = {event["output_index"]: event["item"] for event in events if event["type"] == "response.output_item.done"}
    added = {event["output_index"]: event["item"] for event in events if event["type"] == "response.output_item.added"}
    assert events[-1]["type"] == "response.completed"
    output = events[-1]["response"]["output"]
    assert [item["type"] for item in output] == [done[index]["type"] for index in range(len(output))]
    assert [item["id"] for item in output] == [done[index]["id"] for index in range(len(output))]
    assert {index: item["id"] for index, item in added.items()} == {index: item["id"] for index, item in done.items()}


@contextmanager
def undecided(gateway, answer=None) -> Iterator[threading.Event]:
    """The decider answers nothing until the event is set; it is set at the end in any case."""
    go_on = threading.Event()

    def wait(request):
        assert go_on.wait(60)
        return answer or allow()

    gateway.bighub.script(wait)
    try:
        yield go_on
    finally:
        go_on.set()


def test_an_allowed_call_arrives_unchanged(gateway):
    call = function_call("lookup_order", '{ "order_id" : "A-17" }', call_id="call_1")
    response, events = accumulated(gateway, [text("Looking."), call], "policy")

    assert [item.type for item in response.output] == ["message", "function_call"]
    assert response.output[1].arguments == '{ "order_id" : "A-17" }'
    assert [event.type for event in events if "arguments" in event.type][-1] == "response.function_call_arguments.done"


BLOCKED = [
    pytest.param(function_call(f"delete_{CANARY}", {"table": CANARY}, call_id=f"call_{CANARY}"), id="function"),
    pytest.param(custom_call("run_sql", f"drop {CANARY}", call_id=f"call_{CANARY}"), id="custom"),
    pytest.param(shell_call("rm", f"-rf {CANARY}"), id="shell"),
    pytest.param(local_shell_call("rm", CANARY), id="local shell"),
    pytest.param(apply_patch_call({"type": "delete_file", "path": CANARY}), id="apply patch"),
    pytest.param(computer_call({"type": "type", "text": CANARY}), id="computer"),
    pytest.param({"type": "teleport_call", "arguments": json.dumps({"to": CANARY})}, id="unknown"),
    pytest.param(
        {"type": "mcp_approval_request", "name": "wipe", "server_label": "s", "arguments": json.dumps({"x": CANARY})},
        id="mcp approval",
    ),
]


@pytest.mark.lesson("a stream of Responses delivers arguments before their decision", row="function")
@pytest.mark.parametrize("call", BLOCKED)
def test_no_byte_of_a_blocked_call_leaves(gateway, call):
    items = [reasoning("Hm."), text("First."), call, function_call("lookup_order", {"id": 17}), text("Last.")]
    received = raw(gateway, items, "policy")
    told = received.decode().replace(f'\\"delete_{CANARY}\\"', "")  # the notice names the tool

    assert CANARY not in told
    events = parsed(received)
    assert_well_formed(events)
    output = events[-1]["response"]["output"]
    assert [item["type"] for item in output] == ["reasoning", "message", "message", "function_call", "message"]
    assert "was blocked by policy and has not been run." in output[2]["content"][0]["text"]


@pytest.mark.parametrize("call", BLOCKED)
def test_the_official_client_puts_the_notice_together(gateway, call):
    response, _ = accumulated(gateway, [text("First."), call, text("Last.")], "policy")

    assert [item.type for item in response.output] == ["message", "message", "message"]
    assert response.output_text.startswith("First.The tool call ")
    assert response.output_text.endswith("has not been run.Last.")


def test_parallel_calls_are_decided_each_on_its_own(gateway):
    calls = [function_call("refund", {"amount": amount, "order_id": f"o-{amount}"}) for amount in (20, 900, 20_000)]
    received = raw(gateway, calls, "policy")
    events = parsed(received)

    assert_well_formed(events)
    assert [item["type"] for item in events[-1]["response"]["output"]] == ["function_call", "message", "message"]
    assert b"o-900" not in received
    assert b"o-20000" not in received


@pytest.mark.lesson("a withheld call withholds the text before it as well")
def test_text_flows_before_the_decision_and_the_call_after_it(gateway):
    gateway.upstream.script(
        "go", [text("Here it comes."), function_call(f"pay_{CANARY}", {"to": CANARY}), text("After.")]
    )
    seen = []
    with (
        undecided(gateway) as go_on,
        gateway.http() as http,
        http.stream("POST", "/v1/responses", json=gateway.body("go", "asked", stream=True)) as answer,
    ):
        for line in answer.iter_lines():
            seen.append(line)
            if '"Here it comes."' in line and "output_item.done" in line:
                gateway.bighub.wait_for(requests=1, timeout=60)
                assert CANARY not in "".join(seen)
                seen.append("decided")
                go_on.set()
    before, after = seen[: seen.index("decided")], seen[seen.index("decided") :]

    assert any("output_text.delta" in line for line in before)
    assert CANARY not in "".join(before)
    assert CANARY in "".join(after)
    assert_well_formed(parsed("\n".join(line for line in seen if line != "decided").encode()))


@pytest.mark.lesson("the calls of an answer cost a round trip each")
def test_all_calls_of_a_stream_are_asked_at_the_same_time(gateway):
    arrived = threading.Barrier(3)

    def together(request):
        arrived.wait(60)
        return allow()

    gateway.bighub.script(together)
    response, _ = accumulated(gateway, [function_call("pay", {"number": number}) for number in range(3)], "asked")

    assert [item.type for item in response.output] == ["function_call"] * 3


def test_a_call_that_stands_only_in_the_envelope_is_decided(gateway):
    call = {"id": "fc_1", "type": "function_call", "name": "wipe", "arguments": f'{{"a":"{CANARY}"}}', "call_id": "c1"}
    gateway.upstream.script("go", [text("Hi.")])
    plain = parsed(gateway.raw("go"))
    plain[-1]["response"]["output"].append({**call, "status": "completed"})
    received = raw(gateway, Verbatim(plain), "policy")

    assert CANARY.encode() not in received
    output = parsed(received)[-1]["response"]["output"]
    assert [item["type"] for item in output] == ["message", "message"]
    assert "blocked" in output[1]["content"][0]["text"]


@pytest.mark.parametrize(
    "arguments",
    [
        '{"amount": NaN}',
        '{"amount": 1, "amount": 900}',
        '{"a":' * 10_000 + "1" + "}" * 10_000,
        '{"a": "\\ud800"}',
        "[1]",
    ],
    ids=["NaN", "twice", "deep", "surrogate", "no object"],
)
def test_unreadable_arguments_are_withheld_without_asking(gateway, arguments):
    gateway.upstream.script("go", Output([function_call("lookup", arguments)], pace=Pace(delta_size=20_000)))
    events = parsed(gateway.raw("go", "asked"))

    assert_well_formed(events)
    assert "blocked" in events[-1]["response"]["output"][0]["content"][0]["text"]
    assert gateway.bighub.requests == []


def test_ten_megabytes_are_withheld(gateway):
    huge = function_call("lookup", '{"a": "' + "x" * 10_000_000 + '"}')
    gateway.upstream.script("go", Output([huge], pace=Pace(delta_size=500_000)))
    received = gateway.raw("go", "open_policy")

    assert len(received) < 100_000
    assert_well_formed(parsed(received))


@pytest.mark.parametrize(
    ("guardrail", "expected"),
    [
        ("dead_closed", "message"),
        ("dead_open", "function_call"),
        ("slow_closed", "message"),
        ("slow_open", "function_call"),
    ],
)
def test_fail_mode_counts_when_bighub_cannot_be_reached(gateway, guardrail, expected):
    gateway.bighub.script(BlackHole())
    response, _ = accumulated(gateway, [function_call("pay", {"amount": 3})], guardrail)

    assert response.output[0].type == expected


def test_a_subclass_keeps_the_hook(gateway):
    received = raw(gateway, [function_call("wipe", {"a": CANARY})], "mine")

    assert CANARY.encode() not in received
    assert_well_formed(parsed(received))


def test_an_answer_without_calls_asks_nobody(gateway):
    response, _ = accumulated(gateway, [text("Just words.")], "asked")

    assert response.output_text == "Just words."
    assert gateway.bighub.requests == []


@pytest.mark.parametrize("guardrails", [("masked_before", "asked"), ("asked", "masked_after")])
def test_other_guardrails_run_too_and_the_call_is_decided_once(gateway, guardrails):
    gateway.upstream.script("go", [text("Just a word."), function_call("pay", {"amount": 3})])
    events = parsed(gateway.raw("go to bob@example.com", *guardrails))

    assert events[-1]["response"]["output"][1]["type"] == "function_call"
    assert len(gateway.bighub.requests) == 1
    assert "bob@example.com" not in gateway.upstream.requests[-1].raw


# Errors of the operator's choice.


def test_a_withheld_call_can_fail_the_stream_after_its_first_event(gateway):
    received = raw(gateway, [text("First."), function_call("wipe", {"a": CANARY}), text("Last.")], "errors")
    events = parsed(received)

    assert CANARY.encode() not in received
    assert "First." in received.decode()
    assert [event["type"] for event in events[-2:]] == ["error", "response.failed"]
    failed = events[-1]["response"]
    assert (failed["status"], failed["output"]) == ("failed", [])
    assert failed["error"]["code"] == "invalid_prompt"
    assert "The tool call" in failed["error"]["message"]
    assert "wipe" in json.dumps(events[-1])
    numbers = [event["sequence_number"] for event in events if "sequence_number" in event]
    assert numbers == sorted(set(numbers))


def test_the_official_client_hears_of_a_failed_stream(gateway):
    gateway.upstream.script("go", [text("First."), function_call("wipe", {"a": CANARY})])
    heard = []

    def listen(client):
        create = client.responses.create(
            model="gpt-4.1", input="go", stream=True, extra_body={"guardrails": ["errors"]}
        )
        for event in create:
            heard.append(event)  # noqa: PERF402 - a comprehension would lose what came before the error

    with gateway.client() as client, pytest.raises(openai.APIError, match="wipe"):
        listen(client)

    assert heard
    assert CANARY not in "".join(event.to_json(warnings=False) for event in heard)


def test_a_withheld_call_before_the_first_event_fails_with_a_status(gateway):
    gateway.upstream.script("go", [function_call("wipe", {"a": CANARY})])
    events = [
        event for event in parsed(gateway.raw("go")) if "response" not in event or event["type"].endswith("completed")
    ]
    gateway.upstream.script("go", Verbatim(events))
    with gateway.http() as http:
        answer = http.post("/v1/responses", json=gateway.body("go", "errors", stream=True))

    assert CANARY not in answer.text
    assert answer.status_code == 400
    assert "wipe" in answer.text


# Upstreams and clients that break off.


@pytest.mark.parametrize("cut_after", range(2, 14))
def test_a_cut_stream_releases_nothing_undecided(gateway, cut_after):
    items = [text("Hi."), function_call("wipe", {"a": CANARY}), text("x")]
    gateway.upstream.script("go", Output(items, pace=Pace(delta_size=6, cut_after=cut_after)))
    with (
        gateway.http() as http,
        http.stream("POST", "/v1/responses", json=gateway.body("go", "policy", stream=True)) as answer,
    ):
        received = b"".join(answer.iter_raw())

    assert CANARY.encode() not in received
    assert b"canary" not in received


def test_a_cut_while_the_decision_is_under_way_releases_nothing(gateway):
    items = [function_call("pay", {"a": CANARY}), text("x" * 60)]
    gateway.upstream.script("go", Output(items, pace=Pace(delta_size=6, cut_after=12)))
    gateway.bighub.script(BlackHole())
    received = gateway.raw("go", "asked")

    assert CANARY.encode() not in received


def test_an_error_of_the_upstream_in_mid_stream_is_told(gateway):
    gateway.upstream.script("go", [text("Hi."), function_call("wipe", {"a": CANARY})])
    good = parsed(gateway.raw("go"))
    upto = next(index for index, event in enumerate(good) if event["type"] == "response.function_call_arguments.delta")
    error = {"type": "error", "code": "server_error", "message": "out of order", "param": None, "sequence_number": upto}
    received = raw(gateway, Verbatim([*good[:upto], error]), "policy")

    assert b"canary" not in received
    assert parsed(received)[-1]["type"] == "response.failed"


def test_a_client_that_hangs_up_cancels_the_decision(gateway):
    gateway.upstream.script("go", Output([text("Hi."), function_call("pay", {"a": CANARY})]))
    gateway.bighub.script(BlackHole())
    abandoned = gateway.bighub.abandoned
    with (
        gateway.http() as http,
        http.stream("POST", "/v1/responses", json=gateway.body("go", "asked", stream=True)) as answer,
    ):
        for line in answer.iter_lines():
            if "output_text.done" in line:
                gateway.bighub.wait_for(requests=1, timeout=60)
                break
    gateway.bighub.wait_for(abandoned=abandoned + 1, timeout=60)

    decisions = [line for line in gateway.lines("decisions") if line["tool"] == "pay"]
    assert decisions == []


def test_two_streams_at_once_do_not_mix(gateway):
    def by_name(request):
        first.wait(60)
        return block() if request.body["action"].endswith("b") else allow()

    first = threading.Barrier(2)
    gateway.bighub.script(by_name)
    for name in "ab":
        gateway.upstream.script(
            f"go {name}", [text(f"text-{name}"), function_call(f"pay_{name}", {"only": f"for-{name}"})]
        )
    received = {}
    threads = [
        threading.Thread(target=lambda name=name: received.update({name: gateway.raw(f"go {name}", "asked").decode()}))
        for name in "ab"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert "for-a" in received["a"]
    assert "for-b" not in received["a"] + received["b"]
    assert "text-b" not in received["a"]
    assert "text-a" not in received["b"]


# Structured outputs.


class Report(BaseModel):
    """What the caller wants the model to answer."""

    title: str


def test_a_notice_does_not_break_a_structured_stream(gateway):
    items = [function_call("wipe", {"a": CANARY})]
    response, _ = accumulated(gateway, items, "policy", text_format=Report)

    assert response.output_parsed is None
    assert "was blocked" in response.output[0].content[0].refusal


def test_a_notice_does_not_break_parsing(gateway):
    gateway.upstream.script("go", [text('{"title": "t"}'), function_call("wipe", {"a": CANARY})])
    with gateway.client() as client:
        response = client.responses.parse(
            model="gpt-4.1", input="go", text_format=Report, extra_body={"guardrails": ["policy"]}
        )

    assert response.output_parsed == Report(title="t")
    assert "was blocked" in response.output[1].content[0].refusal


def test_a_chat_that_litellm_answers_by_way_of_responses_is_not_refused(gateway):
    """The call that LiteLLM makes within is the proxy's own, whatever it was made of."""
    gateway.upstream.script("go", [text("Just words.")])
    with gateway.client() as client:
        chunks = list(
            client.chat.completions.create(model="bridged", messages=[{"role": "user", "content": "go"}], stream=True)
        )

    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "Just words."
    assert gateway.upstream.requests[-1].path == "/v1/responses"
