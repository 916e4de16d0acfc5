"""LiteLLM's own stream path through the real proxy: our handler lets nothing pass that guardrails refuse or rewrite.

A policy's pipeline holds the stream back, and so does a guardrail with `streaming_buffer_until_moderated`.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import httpx
import pytest
import yaml

from litellm_bighub.testing import Verbatim, running_proxy
from tests.gateway.hooks.translation.stream_path import MASK, SECRET

pytestmark = pytest.mark.proxy

CLASSES = {
    "calls": "BlockingCalls",
    "rewritten-calls": "RewritingCalls",
    "texts": "BlockingTexts",
    "masked-texts": "MaskingTexts",
    "answers": "BlockingAnswers",
    "masked-answers": "MaskingAnswers",
    "buffered": "Buffered",
}


@pytest.fixture(scope="module")
def ask(_upstream, tmp_path_factory, warm):
    """Sends a stream through a pipeline of one guardrail, or with the guardrail that buffers; returns what arrives."""
    folder = tmp_path_factory.mktemp("stream_path")
    shutil.copy(Path(__file__).parent / "stream_path.py", folder)
    model = {"model": "openai/gpt-4.1", "api_base": _upstream.base_url, "api_key": "sk-x"}
    guardrails = {name: {"guardrail": f"stream_path.{kind}"} for name, kind in CLASSES.items()}
    guardrails["ours"] = {"guardrail": "litellm_bighub.TextGuardrail", "apply": ["texts"]}
    steps = {name: [{"guardrail": name, "on_fail": "block", "on_pass": "allow"}] for name in guardrails}
    config = {
        "model_list": [{"model_name": name, "litellm_params": model} for name in ("plain", *guardrails)],
        "guardrails": [
            {"guardrail_name": name, "litellm_params": {"mode": "post_call", "default_on": False, **params}}
            for name, params in guardrails.items()
        ],
        "policies": {
            name: {"guardrails": {"add": [name]}, "pipeline": {"mode": "post_call", "steps": steps[name]}}
            for name in guardrails
        },
        "policy_attachments": [{"policy": name, "models": [name]} for name in guardrails],
        "litellm_settings": {"telemetry": False},
        "router_settings": {"num_retries": 0, "allowed_fails": 1_000_000},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    with running_proxy(folder / "config.yaml", python=warm) as proxy:

        def ask(events, *, model="plain", guardrails=()):
            _upstream.reset()
            _upstream.script(lambda _: True, Verbatim(events))
            body = {"model": model, "input": "go", "stream": True, "guardrails": list(guardrails)}
            headers = {"Authorization": f"Bearer {proxy.master_key}"}
            url = f"{proxy.base_url}/v1/responses"
            return httpx.post(url, json=body, headers=headers, trust_env=False, timeout=60).text

        yield ask


TEXT = {"type": "output_text", "text": f"it is {SECRET}.", "annotations": []}
MESSAGE = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [TEXT]}


def call(name, arguments='{"key":"a"}'):
    return {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": name, "arguments": arguments}


def stream(item, ending="completed", *, told=True, pieces=4):
    """A stream of one item, cut into pieces; `told`: its last event tells the item, too."""
    answer = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": ending, "output": []}
    at = {"output_index": 0, "item_id": item["id"]}
    if item["type"] == "message":
        text, field = item["content"][0]["text"], "content"
        kind, at = "response.output_text", {**at, "content_index": 0}
        end = {"type": f"{kind}.done", **at, "text": text}
    else:
        text, field = item["arguments"], "arguments"
        kind = "response.function_call_arguments"
        end = {"type": f"{kind}.done", **at, "arguments": text}
    size = -(-len(text) // pieces)
    deltas = [text[start : start + size] for start in range(0, len(text), size)]
    empty = {**item, field: [] if field == "content" else "", "status": "in_progress"}
    done = [] if ending == "incomplete" and field == "content" else [end]
    done += [{"type": "response.output_item.done", "output_index": 0, "item": item}] if done else []
    return [
        {"type": "response.created", "response": {**answer, "status": "in_progress"}},
        {"type": "response.output_item.added", "output_index": 0, "item": empty},
        *({"type": f"{kind}.delta", **at, "delta": delta} for delta in deltas),
        *done,
        {"type": f"response.{ending}", "response": {**answer, "output": [item] if told else []}},
    ]


def told(received):
    """What the deltas tell, joined."""
    events = [json.loads(line[6:]) for line in received.splitlines() if line.startswith("data: {")]
    return "".join(event.get("delta", "") for event in events if isinstance(event.get("delta"), str))


ENDINGS = [(ending, kept) for ending in ("completed", "incomplete") for kept in (True, False)]
by_ending = pytest.mark.parametrize(
    ("ending", "kept"), ENDINGS, ids=[f"{ending}-{'told' if kept else 'empty'}" for ending, kept in ENDINGS]
)


@by_ending
def test_a_guardrail_that_refuses_a_call_stops_it(ask, ending, kept):
    """It looks at `tool_calls` alone."""
    events = stream(call("wipe"), ending, told=kept)

    for received in (ask(events, model="calls"), ask(events, guardrails=["buffered"])):
        assert "refused by the guardrail" in received
        assert "wipe" not in received


@by_ending
def test_a_call_that_a_guardrail_rewrites_arrives_rewritten(ask, ending, kept):
    received = ask(stream(call("look", json.dumps({"key": SECRET})), ending, told=kept), model="rewritten-calls")

    assert SECRET not in received
    assert told(received) == json.dumps({"key": MASK})


@by_ending
def test_a_text_that_a_guardrail_refuses_does_not_arrive(ask, ending, kept):
    """The last event may leave out what deltas told."""
    events = stream(MESSAGE, ending, told=kept)

    for received in (ask(events, model="texts"), ask(events, guardrails=["buffered"]), ask(events, model="ours")):
        assert "refused by the guardrail" in received
        assert SECRET not in received
        assert SECRET not in told(received)


@by_ending
def test_a_text_that_a_guardrail_masks_arrives_masked(ask, ending, kept):
    received = ask(stream(MESSAGE, ending, told=kept), model="masked-texts")

    assert SECRET not in received
    assert told(received) == f"it is {MASK}."


@by_ending
def test_a_guardrail_that_knows_whole_answers_alone_sees_the_stream_as_one(ask, ending, kept):
    """What it cannot see does not pass."""
    for item in (MESSAGE, call("wipe")):
        received = ask(stream(item, ending, told=kept), model="answers")

        assert "error" in received
        assert SECRET not in received + told(received)
        assert "wipe" not in received


@by_ending
def test_a_guardrail_that_changes_whole_answers_changes_the_stream(ask, ending, kept):
    received = ask(stream(MESSAGE, ending, told=kept), model="masked-answers")

    assert SECRET not in received + told(received)
    assert (told(received) == f"it is {MASK}.") == kept


@pytest.mark.parametrize("kept", [True, False], ids=["told", "empty"])
def test_a_failed_stream_tells_nothing_that_was_held_back(ask, kept):
    """LiteLLM makes an error of it, in place of the events that came before."""
    for item in (MESSAGE, call("wipe", json.dumps({"key": SECRET}))):
        events = stream(item, "failed", told=kept)

        for received in (
            ask(events, model="texts"),
            ask(events, model="answers"),
            ask(events, guardrails=["buffered"]),
        ):
            assert "response.failed" in received
            assert SECRET not in received + told(received)
            assert "wipe" not in received


@pytest.mark.parametrize("name", [*CLASSES, "ours"])
def test_what_no_guardrail_minds_arrives_as_it_was(ask, name):
    harmless = {**MESSAGE, "content": [{**TEXT, "text": "all is well."}]}

    assert told(ask(stream(harmless), model=name)) == "all is well."
    assert told(ask(stream(call("look")), model=name)) == '{"key":"a"}'
