"""What holds for the text gate whatever is said, cut wherever, in whatever order."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from litellm_bighub.formats.responses.texts.texts import text_gate
from litellm_bighub.formats.stream.text_part import WholeText, Window
from tests.formats.responses.streams import accept
from tests.formats.responses.text_streams import (
    Told,
    asked,
    call,
    drive,
    joined,
    message,
    reasoning,
    refusal,
    settle,
    stream,
    web_search,
)

MODERATE = settings(max_examples=100, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
SECRET = re.compile(r"sk-\d{4}")
MASKS = {
    "same length": lambda text: SECRET.sub("[a key]", text),
    "longer": lambda text: SECRET.sub("<a key was here, and is gone>", text),
    "shorter": lambda text: SECRET.sub("*", text),
    "nothing": lambda text: SECRET.sub("", text),
    "end stays": lambda text: SECRET.sub(lambda found: "*****" + found[0][-2:], text),
    "beginning stays": lambda text: SECRET.sub(lambda found: found[0][:3] + "****", text),
    "whole words": lambda text: re.sub(r"\bcat\b", "dog", text),
    "inside words": lambda text: re.sub(r"\Bcat\B", "dog", text),
    "runs": lambda text: re.sub(r"(?<!\d)\d{4}(?!\d)", "####", text),
}
WORDS = (
    "sk-1234",
    "sk-",
    "1234",
    "12",
    "cat",
    "concatenate",
    "a",
    "the",
    " ",
    " ",
    " ",
    "\n",
    ".",
    ". ",
    "。",
    "日本",
    "🙂",
)
texts = st.lists(st.sampled_from(WORDS), max_size=60).map("".join)
windows = st.builds(
    lambda overlap, more, context: Window(size=overlap + more, overlap=overlap, context=context),
    st.integers(8, 16),
    st.integers(1, 16),
    st.integers(4, 12),
)
whole_deltas = st.just(WholeText()) | windows
modes = whole_deltas | windows.map(lambda window: replace(window, sentences=True))


@st.composite
def pieces(draw: st.DrawFn, text: str | None = None) -> list[str]:
    """A text cut anywhere."""
    whole = draw(texts) if text is None else text
    cuts = sorted(draw(st.lists(st.integers(0, len(whole)), max_size=30)))
    return [whole[start:end] for start, end in itertools.pairwise([0, *cuts, len(whole)])]


@st.composite
def items(draw: st.DrawFn, index: int) -> Told:
    match draw(st.sampled_from(["message", "refusal", "reasoning", "function_call", "custom_tool_call", "search"])):
        case "message":
            return message(index, *draw(st.lists(pieces(), min_size=1, max_size=2)))
        case "refusal":
            return refusal(index, *draw(pieces()))
        case "reasoning":
            return reasoning(index, *draw(pieces()))
        case "function_call":
            return call(index, "function_call", *draw(pieces(json.dumps({"of": draw(texts)}, ensure_ascii=False))))
        case "custom_tool_call":
            return call(index, "custom_tool_call", *draw(pieces()))
        case _:
            return web_search(index, draw(texts))


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[Told], list[dict[str, Any]]]:
    """Items whose events come in any order that keeps each item's own, added in the order of their indices."""
    told = [draw(items(index)) for index in range(draw(st.integers(1, 3)))]
    left = [list(item.events) for item in told]
    order: list[dict[str, Any]] = []
    begun = 0
    while any(left):
        choices = [n for n, events in enumerate(left) if events and n <= begun]
        n = draw(st.sampled_from(choices))
        begun = max(begun, n + 1)
        order += [left[n].pop(0) for _ in range(min(len(left[n]), draw(st.integers(1, 6))))]
    return told, stream(*told, events=order)


def rewritten(value: Any, mask: Any) -> Any:
    """An item with every text of it masked."""
    if isinstance(value, dict):
        return {
            key: mask(inner) if isinstance(inner, str) and key in TEXTS else rewritten(inner, mask)
            for key, inner in value.items()
        }
    return [rewritten(inner, mask) for inner in value] if isinstance(value, list) else value


TEXTS = {"text", "refusal", "arguments", "input", "query"}


@pytest.mark.parametrize("name", MASKS)
@MODERATE
@given(cut=pieces(), mode=modes)
def test_every_version_of_a_text_is_the_masked_one(name, cut, mode):
    mask = MASKS[name]
    released = list(drive(text_gate(mode=mode), stream(message(0, cut)), asked(mask)))
    expected = mask("".join(cut))
    versions = {
        joined(released, "response.output_text.delta"),
        next(event["text"] for event in released if event["type"] == "response.output_text.done"),
        next(event["part"]["text"] for event in released if event["type"] == "response.content_part.done"),
        released[-2]["item"]["content"][0]["text"],
        released[-1]["response"]["output"][0]["content"][0]["text"],
    }
    assert versions == {expected}


@pytest.mark.parametrize("name", ["same length", "longer", "shorter", "whole words"])
@MODERATE
@given(told=streams(), mode=modes)
def test_any_stream_leaves_masked(name, told, mode):
    mask = MASKS[name]
    items, sent = told
    released = list(drive(text_gate(mode=mode), sent, asked(mask)))
    expected = [rewritten(item.item, mask) for item in items]
    assert released[-1]["response"]["output"] == expected
    finished = [event for event in released if event["type"] == "response.output_item.done"]
    assert [event["item"] for event in sorted(finished, key=lambda event: event["output_index"])] == expected
    for index, item in enumerate(expected):
        for number, part in enumerate(item.get("content", ())):
            if part["type"] == "output_text":
                deltas = joined(released, "response.output_text.delta", output_index=index, content_index=number)
                assert deltas == part["text"]
    assert [event["sequence_number"] for event in released] == list(range(len(released)))
    if name != "whole words":
        assert not any(SECRET.search(json.dumps(event)) for event in released)


@MODERATE
@given(text=st.text("ab", min_size=1, max_size=8), answer=st.text("ab", max_size=8), data=st.data())
def test_the_deltas_tell_whatever_the_answer_is(text, answer, data):
    cut = data.draw(pieces(text) | st.just(list(text)))
    released = list(drive(text_gate(mode=WholeText()), stream(message(0, cut)), asked(lambda _: answer)))
    assert joined(released, "response.output_text.delta") == answer


@MODERATE
@given(told=streams(), mode=whole_deltas)
def test_every_item_keeps_the_order_of_its_events(told, mode):
    _, sent = told
    released = list(drive(text_gate(mode=mode), sent, asked()))

    def unnumbered(events: list[dict[str, Any]], index: int) -> list[dict[str, Any]]:
        own = [event for event in events if event.get("output_index") == index]
        return [{key: value for key, value in event.items() if key != "sequence_number"} for event in own]

    assert len(released) == len(sent)
    for index in range(3):
        assert unnumbered(released, index) == unnumbered(sent, index)
    first_seen = [event["output_index"] for event in released if event["type"] == "response.output_item.added"]
    assert first_seen == sorted(first_seen)


@MODERATE
@given(cut=pieces(), other=pieces(), mode=whole_deltas)
def test_unchanged_events_are_the_same_objects(cut, other, mode):
    sent = stream(message(0, cut), call(1, "custom_tool_call", *other))
    released = list(drive(text_gate(mode=mode), sent, asked()))
    assert len(released) == len(sent)
    assert all(one is other for one, other in zip(sent, released, strict=True))


@MODERATE
@given(told=streams(), mode=modes)
def test_the_official_client_reads_what_leaves(told, mode):
    _, sent = told
    accept(list(drive(text_gate(mode=mode), sent, asked(MASKS["longer"]))))


@MODERATE
@given(cut=pieces(), count=st.integers(0, 40), mode=modes)
def test_a_cut_stream_leaks_nothing(cut, count, mode):
    sent = stream(message(0, cut))[:count]
    released = list(drive(text_gate(mode=mode), sent, asked(MASKS["same length"])))
    told = "".join(event["delta"] for event in sent if event["type"] == "response.output_text.delta")
    assert joined(released, "response.output_text.delta") == MASKS["same length"](told)


@pytest.mark.lesson("a text leaves before it was scanned")
@MODERATE
@given(cut=pieces(), mode=windows, secret=st.text("ab", min_size=1, max_size=8))
def test_whoever_sees_all_scanned_texts_sees_every_secret_before_it_leaves(cut, mode, secret):
    """The invariant itself: no byte of a short secret leaves before one scanned text held all of it."""
    text = "".join(cut)
    position = text.find("cat")
    secret = "cat" if position >= 0 else secret
    gate, check = text_gate(mode=mode), asked()
    left = ""
    for event in message(0, cut).events:
        for out in _released(gate, event, check):
            left += out["delta"] if out["type"] == "response.output_text.delta" else ""
        if position >= 0 and len(left) > position:
            assert any(secret in scanned for scanned in check.texts)


def _released(gate, event, check):
    return settle(gate, gate.feed(event), check)


@pytest.mark.parametrize("sentences", [False, True])
@MODERATE
@given(size=st.sampled_from([1, 3, 7]), dense=st.booleans())
def test_scanning_is_linear(size, dense, sentences):
    """Four times the text costs about four times the scanning, and a bounded number of characters for each."""
    text = ("sk-1234. " if dense else "words of no. weight ") * 300

    def scanned(times: int) -> int:
        whole = text * times
        cut = [whole[n : n + size] for n in range(0, len(whole), size)]
        check = asked(MASKS["same length"])
        list(drive(text_gate(mode=Window(sentences=sentences)), stream(message(0, cut)), check))
        return check.characters

    times = 6 if sentences else 4  # what left before is shown again with every sentence, short as they are here
    assert scanned(1) <= times * len(text)
    assert scanned(4) <= 4 * times * len(text)
