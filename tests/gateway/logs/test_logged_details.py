"""Whatever goes wrong in our hook, or is not known, LiteLLM's loggers get no raw text."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from litellm.constants import LITELLM_LOGGING_NO_UPSTREAM_LLM_CALL
from litellm.proxy.spend_tracking.spend_tracking_utils import get_logging_payload
from litellm.types.llms.openai import ResponsesAPIResponse
from litellm.types.utils import (
    EmbeddingResponse,
    ModelResponse,
    TextCompletionResponse,
    TranscriptionResponse,
    Usage,
)

from litellm_bighub.formats.registry import DEFAULT, FORMATS, format_named, plain_format_of
from litellm_bighub.gateway.logs.delivered_answer import RECORD, DeliveredAnswer
from litellm_bighub.gateway.logs.logged_details import hide_refused, logged_details

RAW = "bob@example.com"
SAFE = "[EMAIL]"


def completion(said):
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": said}}
    answer = ModelResponse(
        id="c", model="gpt", choices=[choice], usage=Usage(prompt_tokens=1, completion_tokens=2, total_tokens=3)
    )
    answer._hidden_params = {
        "model_id": "m",
        "provider_specific_fields": {"thinking": RAW},
        "additional_headers": {"llm_provider-x-note": RAW, "x-ratelimit-limit-requests": 7},
    }
    return answer


def response(said):
    part = {"type": "output_text", "text": said, "annotations": []}
    item = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [part]}
    return ResponsesAPIResponse(id="r", created_at=1, output=[item], object="response", instructions=said)


def message(said):
    return {"type": "message", "role": "assistant", "id": "m", "content": [{"type": "text", "text": said}]}


def old(said):
    return TextCompletionResponse(id="t", choices=[{"text": said, "index": 0, "finish_reason": "stop"}])


def details(record, **more):
    return {
        RECORD: record,
        "messages": [{"role": "user", "content": SAFE}],
        "original_response": RAW,
        "newer_than_this_test": {"deep": [RAW]},
        "start_time": dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc),
        "response_cost": 0.5,
        "optional_params": {"user": SAFE, "tools": [SAFE]},
        "tools": [SAFE],
        "response_headers": {"x-note": RAW, "x-request-id": "req_1"},
        "litellm_params": {"metadata": {"hidden_params": {"note": RAW, "model_id": "m"}}},
        "standard_logging_object": {
            "response": {"choices": RAW},
            "messages": [SAFE],
            "total_tokens": 3,
            "metadata": {"mcp_tool_call_metadata": {"result": RAW}, "user_api_key_alias": "a"},
            "hidden_params": {"additional_headers": {"x-note": RAW}, "model_id": "m"},
        },
        **more,
    }


def told(*values):
    return json.dumps(
        [v.model_dump() | {"_": v._hidden_params} if hasattr(v, "model_dump") else v for v in values], default=repr
    )


ANSWERS = {"chat": completion, "responses": response, "messages": message, "old chat": old}


def record(name, delivered=None):
    kept = DeliveredAnswer(format_named(name.removeprefix("old ")))
    if delivered is not None:
        kept.keep(delivered)
    return kept


@pytest.mark.parametrize("raw", [*ANSWERS.values(), EmbeddingResponse, lambda said: said, lambda said: [said]])
@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("known", [True, False])
def test_no_raw_text_is_logged(raw, name, known):
    kept = record(name, ANSWERS[name](SAFE) if known else None)
    given = raw(RAW) if raw is not EmbeddingResponse else EmbeddingResponse(model="e")
    logged, result = logged_details(
        details(kept, async_complete_streaming_response=raw(RAW) if raw is not EmbeddingResponse else None), given
    )
    assert RAW not in told(logged, result, logged.get("async_complete_streaming_response"))
    assert logged["standard_logging_object"]["total_tokens"] == 3
    assert logged["response_cost"] == 0.5
    assert logged["start_time"].year == 2026
    assert logged["tools"] == [SAFE]


@pytest.mark.parametrize("name", ANSWERS)
def test_what_the_caller_got_is_logged_in_the_form_of_a_completion(name):
    logged, result = logged_details(details(record(name, ANSWERS[name](SAFE))), completion(RAW))
    assert result.choices[0].message.content == SAFE
    assert logged["standard_logging_object"]["response"]["choices"][0]["message"]["content"] == SAFE
    assert result.usage.total_tokens == 3
    assert result._hidden_params == {"model_id": "m", "additional_headers": {"x-ratelimit-limit-requests": 7}}


@pytest.mark.format("messages")
def test_what_guardrails_logged_twice_stays_the_same():
    once = logged_details(details(record("messages", message(SAFE))), completion(RAW))
    assert logged_details(*once)[1] is once[1]


class Broken(DeliveredAnswer):
    def answer(self):
        raise RuntimeError(RAW)


class Unreadable:
    def __getattr__(self, name):
        raise RuntimeError(RAW)


@pytest.mark.parametrize(
    "broken",
    [Broken(DEFAULT), *(record(known.name, Unreadable()) for known in FORMATS)],
    ids=["broken", *(known.name for known in FORMATS)],
)
def test_an_error_of_ours_empties_the_log(broken):
    logged, result = logged_details(details(broken), completion(RAW))
    assert RAW not in told(logged, result)
    assert logged["standard_logging_object"]["total_tokens"] == 3


def test_a_request_without_a_record_is_none_of_our_business():
    before = details(None)
    answer = completion(RAW)
    assert logged_details(before, answer) == (details(None), answer)


def transcript(said):
    answer = TranscriptionResponse(text=said)
    answer.segments = [{"text": said}]
    answer._hidden_params = {"model_id": "m", "note": RAW}
    return answer


def test_a_transcript_is_logged_as_its_caller_got_it():
    kept = DeliveredAnswer(plain_format_of("atranscription"))
    kept.keep(transcript(SAFE))
    logged, result = logged_details(details(kept), transcript(RAW))
    assert (result.text, result.segments) == (SAFE, [{"text": SAFE}])
    assert RAW not in told(logged, result)


@pytest.mark.parametrize("request_too", [True, False])
def test_nothing_is_left_of_what_was_refused(monkeypatch, request_too):
    monkeypatch.setattr("litellm.proxy.proxy_server.general_settings", {"store_prompts_in_spend_logs": True})
    asked = {"messages": [{"content": RAW}], "user": RAW, "stream": True, "model": "gpt"}
    refused = details(None, **asked, response=completion(RAW), optional_params={**asked, "response": completion(RAW)})
    refused[LITELLM_LOGGING_NO_UPSTREAM_LLM_CALL] = True
    refused["litellm_params"] = {"proxy_server_request": {"body": {**asked}}, "metadata": {"user_api_key": "k"}}
    del refused[RECORD], refused["standard_logging_object"]
    hide_refused(refused, request=request_too)
    assert refused["response"] is None
    assert refused["original_response"] == ""
    assert refused["litellm_params"]["metadata"] == {"user_api_key": "k"}
    assert refused["litellm_params"]["proxy_server_request"]["body"]["stream"] is True
    if request_too:
        assert RAW not in told(refused)
        now = dt.datetime.now(dt.timezone.utc)
        assert RAW not in json.dumps(get_logging_payload(refused, None, now, now), default=str)
    else:
        assert refused["messages"] == [{"content": RAW}]


def test_the_log_of_a_call_that_was_sent_is_left_alone():
    sent = {"response": completion(RAW), "messages": [RAW]}
    hide_refused(sent, request=True)
    assert sent["messages"] == [RAW]
