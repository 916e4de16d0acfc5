"""A notice is an assistant's message: an answer, or a refusal where the caller parses answers."""

from __future__ import annotations

import pytest

from litellm_bighub.formats.responses.notice_item import notice_item, wants_refusals


@pytest.mark.parametrize(
    ("request_", "wants"),
    [
        ({}, False),
        ({"text": {"format": {"type": "text"}}}, False),
        ({"text": {"format": {"type": "json_schema"}}}, True),
        ({"text": {"format": {"type": "json_object"}}}, True),
        ({"text_format": dict}, True),
    ],
)
def test_whether_the_caller_parses_the_answer(request_, wants):
    assert wants_refusals(request_) is wants


@pytest.mark.parametrize(
    ("refusal", "content"),
    [
        (False, {"type": "output_text", "text": "blocked", "annotations": []}),
        (True, {"type": "refusal", "refusal": "blocked"}),
    ],
)
def test_the_item_is_complete(refusal, content):
    assert notice_item("msg_1", "blocked", refusal=refusal) == {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [content],
    }
