"""The stream of a run, under both drivers and over real server-sent events."""

from __future__ import annotations

import pytest

from litellm_bighub.errors import ProviderResponseError
from litellm_bighub.testing import Output, Pace, ScriptedDecider, function_call, refusal, text

DONE = [text("done and dusted")]


def agent(driver, **options):
    guard = driver.guard(**options)
    guard.tool("double", double)
    return guard


def double(n: int) -> int:
    return 2 * n


def kinds(events):
    return [event["type"] for event in events]


def test_a_stream_has_every_event_of_the_documents_table(driver, model):
    model([text("let me see"), function_call("double", {"n": 4}, call_id="c1")], DONE)
    events = driver.stream(agent(driver))
    assert {
        "llm_delta",
        "llm_text_done",
        "output_item_added",
        "function_call_args_delta",
        "function_call_args_done",
        "response_done",
        "execution_event",
        "final_response",
    } == set(kinds(events))
    assert "".join(e["delta"] for e in events if e["type"] == "llm_delta") == "let me seedone and dusted"
    (done,) = [e for e in events if e["type"] == "function_call_args_done"]
    assert (done["arguments"], done["name"]) == ('{"n": 4}', "double")


def test_the_last_event_is_what_run_returns(driver, model, upstream):
    model([function_call("double", {"n": 4}, call_id="c1")], DONE)
    streamed = driver.stream(agent(driver))[-1]["response"]
    upstream.reset()
    model([function_call("double", {"n": 4}, call_id="c1")], DONE)
    whole = driver.run(agent(driver))
    assert streamed.keys() == whole.keys()
    assert streamed["output_text"] == whole["output_text"]
    told = [{**e, "event_id": "", "trace_id": ""} for e in streamed["execution"]["events"]]
    assert told == [{**e, "event_id": "", "trace_id": ""} for e in whole["execution"]["events"]]


@pytest.mark.lesson("events of a stream never name their response and call")
def test_events_name_their_response_and_call(driver, model):
    """Old sin: both were always None with the real event types."""
    model([function_call("double", {"n": 4}, call_id="c1")], DONE)
    events = driver.stream(agent(driver))
    calls = [e for e in events if e["type"].startswith("function_call_args")]
    assert {e["call_id"] for e in calls} == {"c1"}
    assert all(e["response_id"] for e in events if e["type"] not in {"execution_event", "final_response"})


def test_a_refusal_comes_through(driver, model):
    model([refusal("I will not")])
    events = driver.stream(agent(driver))
    assert "".join(e["delta"] for e in events if e["type"] == "refusal_delta") == "I will not"


def test_a_failed_response_is_told_and_then_raised(driver, model):
    model(Output([text("x")], status="failed"))
    with pytest.raises(ProviderResponseError):
        driver.stream(agent(driver))


def test_nobody_runs_a_tool_before_its_decision(driver, model):
    model([function_call("double", {"n": 4})], DONE)
    ran_when_asked = []
    ran = []

    class Watching(ScriptedDecider):
        async def decide(self, call, context):
            ran_when_asked.append(list(ran))
            return await super().decide(call, context)

    guard = driver.guard(decider=Watching())

    def track(n: int) -> int:
        ran.append(n)
        return n

    guard.tool("double", track)
    driver.stream(guard)
    assert (ran_when_asked, ran) == ([[]], [4])


@pytest.mark.lesson("events are lost when a stream is closed early")
def test_a_stream_closed_early_leaves_a_whole_record(driver, model):
    """Old sin: a stream that nobody read on lost its events."""
    model([function_call("double", {"n": 1}), function_call("double", {"n": 2})], DONE)
    first = kinds(driver.stream(agent(driver))).index("execution_event")
    model([function_call("double", {"n": 1}), function_call("double", {"n": 2})], DONE)
    told = []
    guard = agent(driver, bighub_client=_Client(told), decider=None, memory_ingest_timeout_ms=10_000)
    driver.stream(guard, take=first + 1)
    driver.call(guard, "close")
    assert [[event["output"] for event in batch] for batch in told] == [[2, 4]]


class _Actions:
    def __init__(self, told):
        self.told = told

    def submit(self, **_):
        return {"allowed": True, "result": "allowed"}

    def ingest_memory(self, *, events, **_):
        self.told.append(events)


class _Client:
    def __init__(self, told):
        self.actions = _Actions(told)


def test_a_cut_stream_raises_and_runs_nothing(driver, model):
    model(Output([function_call("double", {"n": 4})], pace=Pace(cut_after=3)))
    ran = []
    guard = driver.guard()
    guard.tool("double", ran.append, parameters_schema={"type": "object", "properties": {}}, strict=False)
    with pytest.raises(Exception):  # noqa: B017, PT011 - the client's own error, whichever that is
        driver.stream(guard)
    assert ran == []
