"""Errors in answers and streams: whatever stands in them, none of it passes but names that are known."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st
from litellm.types.llms.base import BaseLiteLLMOpenAIResponseObject
from openai.types.responses import ResponseError

from litellm_bighub.formats.answers.error_text import NAMES, harmless, harmless_in_place, known_name
from litellm_bighub.formats.registry import format_named
from litellm_bighub.wording import ENGLISH

CANARY = "delete_everything"
KEYS = st.sampled_from(["message", "type", "code", "param", "failed_generation", "details", "metadata", CANARY])
PARTS = st.sampled_from(["tool_use_failed", CANARY, f"<function={CANARY}>", None, 400]) | st.recursive(
    st.just(CANARY), lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=2)
)
ERRORS = st.dictionaries(KEYS, PARTS, min_size=1) | st.just(CANARY) | st.just([CANARY])
FRAMES = {
    "chat chunk": lambda error: {"choices": [], "error": error},
    "response.failed": lambda error: {"type": "response.failed", "response": {"id": "r", "error": error}},
    "response.incomplete": lambda error: {
        "type": "response.incomplete", "response": {"id": "r", "incomplete_details": error},
    },
    "error of Responses": lambda error: {
        "sequence_number": 3, **(error if isinstance(error, dict) else {}), "type": "error",
    },
    "error of Messages": lambda error: {"type": "error", "error": error, "request_id": CANARY},
    "whole response": lambda error: {"id": "r", "status": "failed", "error": error},
}  # fmt: skip


def written(event: Any) -> str:
    return event.model_dump_json() if hasattr(event, "model_dump_json") else json.dumps(event)


@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES)
@pytest.mark.parametrize("form", [dict, BaseLiteLLMOpenAIResponseObject.model_validate], ids=["dict", "model"])
@given(error=ERRORS)
def test_nothing_of_an_error_passes(make, form, error):
    given_event = form(make(error))
    before = written(given_event)
    assert CANARY not in written(harmless(given_event))
    assert written(given_event) == before, "nobody's event is written to"


@pytest.mark.parametrize("form", [str, str.encode])
@given(error=ERRORS)
def test_a_frame_of_a_chat_stream(form, error):
    frame = harmless(form(f"data: {json.dumps({'error': error})}\n\n"))
    told = frame.decode() if isinstance(frame, bytes) else frame
    assert CANARY not in told
    assert "withheld" in told


@pytest.mark.format("messages")
@pytest.mark.parametrize("form", [str, str.encode])
def test_an_error_in_a_messages_stream(form):
    """It comes as bytes, cut anywhere, and leaves as the same event."""
    error = {"type": "error", "error": {"type": "overloaded_error", "message": f"while calling {CANARY}"}}
    gate = format_named("messages").gate({}, str)
    step = gate.feed(form(f"event: error\ndata: {json.dumps(error)}\n\n"))
    (frame,) = step.events  # type: ignore[union-attr]
    said = frame.decode() if isinstance(frame, bytes) else frame
    name, data = said.strip().split("\n")
    assert name == "event: error"
    assert json.loads(data.removeprefix("data: ")) == {
        "type": "error", "error": {"type": "overloaded_error", "message": ENGLISH.provider_failed},
    }  # fmt: skip


def test_known_names_stay():
    error = {"type": "invalid_request_error", "code": "tool_use_failed", "message": CANARY, "param": "messages"}
    expected = {
        "type": "invalid_request_error",
        "code": "tool_use_failed",
        "message": ENGLISH.provider_failed,
        "param": None,
    }
    assert harmless({"error": error})["error"] == expected


@pytest.mark.parametrize("name", [CANARY, "Tool_use_failed", "٤٠٠", "40000", "", None, ["400"]])
def test_unknown_names_do_not(name):
    assert known_name(name) is None


@pytest.mark.parametrize("name", [*sorted(NAMES), "429", 500])
def test_names(name):
    assert known_name(name) == str(name)


@pytest.mark.parametrize(
    "event",
    [
        pytest.param({"choices": [{"delta": {"content": "an error"}}]}, id="chat"),
        pytest.param({"type": "response.output_text.delta", "delta": "error"}, id="delta"),
        pytest.param(
            {"type": "response.completed", "response": {"error": None, "incomplete_details": None}}, id="done"
        ),
        pytest.param({"response": {"incomplete_details": {"reason": "max_output_tokens"}}}, id="cut off"),
        pytest.param("data: [DONE]\n\n", id="the end"),
        pytest.param(b"event: ping\ndata: {}\n\n", id="bytes"),
    ],
)
def test_everything_else_is_the_same_object(event):
    assert harmless(event) is event


def test_a_whole_answer_is_changed_where_it_is():
    answer = BaseLiteLLMOpenAIResponseObject.model_validate(
        {
            "output": [],
            "error": ResponseError(code="server_error", message=CANARY),
            "incomplete_details": {"reason": CANARY},
        }
    )
    harmless_in_place(answer)
    assert CANARY not in answer.model_dump_json()
    assert answer.error.code == "server_error"
