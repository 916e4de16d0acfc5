"""The records of plain requests: each text of a request or answer is found, and rewritten where it stands."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from litellm_bighub.errors import PayloadError
from litellm_bighub.formats.format_texts import FormatTexts
from litellm_bighub.formats.payload.slots import rewrite
from litellm_bighub.formats.plain.formats import PLAIN
from litellm_bighub.formats.stream.text_part import WholeText

C = "canary"
MESSAGE = {"role": "user", "content": C}
REQUESTS: dict[str, list[dict[str, Any]]] = {
    "embeddings": [{"input": C}, {"input": ["x", C]}, {"input": [{"text": C}]}, {"user": C}],
    "rerank": [{"query": C}, {"documents": [C]}, {"documents": [{"text": C}]}],
    "moderations": [{"input": C}, {"input": [{"type": "text", "text": C}]}],
    "speech": [{"input": C}, {"instructions": C}],
    "transcriptions": [{"prompt": C}, {"known_speaker_names": [C]}],
    "images": [{"prompt": C}, {"messages": [MESSAGE]}, {"user": C}],
    "ocr": [{"document": {"type": "document_url", "document_name": C}}, {"document_annotation_prompt": C}],
    "search": [{"query": C}, {"query": [C]}, {"search_domain_filter": [C]}],
    "videos": [{"prompt": C}],
}
ANSWERS: dict[str, list[dict[str, Any]]] = {
    "embeddings": [{"data": [{"embedding": [0.5], "later": C}]}],
    "rerank": [{"results": [{"index": 0, "document": {"text": C}}]}],
    "moderations": [{"results": [{"flagged": True, "reason": C}]}],
    "speech": [{"later": C}],
    "transcriptions": [
        {"text": C},
        {"text": "x", "segments": [{"id": 0, "text": C}]},
        {"text": "x", "words": [{"word": C}]},
        {"text": "x", "segments": [{"type": "transcript.text.segment", "speaker": C}]},
    ],
    "images": [{"data": [{"revised_prompt": C}]}],
    "ocr": [{"pages": [{"markdown": C}]}, {"document_annotation": C}],
    "search": [{"results": [{"title": C, "url": "u"}]}, {"data": [{"content": [{"type": "text", "text": C}]}]}],
    "videos": [{"prompt": C}, {"error": {"message": C}}],
}
SIDES = [
    *((known, "in_request", each) for known in PLAIN for each in REQUESTS[known.name]),
    *((known, "in_answer", each) for known in PLAIN for each in ANSWERS[known.name]),
]


def texts_of(known: Any) -> FormatTexts:
    assert known.texts is not None
    return known.texts


@pytest.mark.parametrize(("known", "side", "payload"), SIDES, ids=repr)
def test_each_text_is_found_and_rewritten_where_it_stands(known, side, payload):
    payload = copy.deepcopy(payload)
    shown = getattr(texts_of(known), side)(payload)
    rewrite(shown.slots, [text.replace(C, "[hidden]") for text in shown.texts])

    assert C not in str(payload)
    assert "[hidden]" in str(payload)


@pytest.mark.parametrize("known", PLAIN, ids=repr)
def test_what_is_no_object_is_no_answer(known):
    with pytest.raises(PayloadError, match=r"^answer: is a str"):
        texts_of(known).in_answer("text")


@pytest.mark.parametrize("known", PLAIN, ids=repr)
def test_it_has_no_streams_and_no_conversation(known):
    texts = texts_of(known)
    assert known.conversation == ""
    assert texts.in_scope({}, ("user",))
    assert texts.lone_in_request({}) is None
    assert texts.calls([], "output") == ()
    with pytest.raises(PayloadError, match="a dict is no event"):
        texts.read({})
    with pytest.raises(PayloadError, match="WholeText could hold nothing back"):
        texts.gate(WholeText())


def test_texts_of_one_item_are_found_as_those_of_an_answer():
    (known,) = (known for known in PLAIN if known.name == "rerank")
    (slot,) = texts_of(known).in_item({"results": [{"document": C}]}, (None, 3)).slots
    assert slot.path == "[3].results[0].document"


def test_a_transcript_without_a_rewrite_is_only_read():
    (known,) = (known for known in PLAIN if known.name == "transcriptions")
    answer = {"text": "1\n00:00:00,000 --> 00:00:01,000\nhello\n"}
    assert texts_of(known).in_answer(answer).texts == [answer["text"], "hello"]


def test_no_two_records_share_a_route_or_a_call():
    routes = [route for known in PLAIN for route in known.routes]
    calls = [call for known in PLAIN for call in texts_of(known).call_types]
    assert len(set(routes)) == len(routes)
    assert len(set(calls)) == len(calls)
