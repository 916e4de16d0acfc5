"""In streams a secret that is split over a message's parts is masked as far as it has not left."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, strategies as st

from litellm_bighub import TextGuardrail
from litellm_bighub.formats.payload.fields import get
from litellm_bighub.formats.registry import format_named, known_format
from tests.formats.absent import of_format
from tests.llm_translation.guardrails import masking

SECRET, MASK = "secretcode", "[mask]"
blocks = of_format("tests.formats.messages.texts.test_gate")
joined = of_format("tests.formats.messages.streams").joined
text_streams = of_format("tests.formats.responses.text_streams")
HALVES = ("a secret", "code b")
HOLDS = ["sentence", "window", "whole"]


async def upstream(events):
    for event in events:
        yield event


async def sent(events: Any, name: str, **settings: Any) -> list[Any]:
    check = masking(SECRET, MASK)[1]
    guardrail = TextGuardrail(guardrail_name="texts", guardrails=[check], **settings)
    return [event async for event in guardrail.checked(upstream(events), {}, format_named(name))]


def deltas_of(part: str) -> list[str]:
    return [part[n : n + 2] for n in range(0, len(part), 2)]


async def messages(parts: Any, **settings: Any) -> list[str]:
    """The texts of the blocks that a client of Messages gets."""
    told = [event for n, part in enumerate(parts) for event in blocks.text_block(n, *deltas_of(part))]
    events = await sent([blocks.start(), *told, *blocks.end()], "messages", **settings)
    return [each["text"] for each in joined(events)["content"]]


async def responses(parts: Any, **settings: Any) -> list[str]:
    """The texts of a Responses stream, of one message or of several, which clients join."""
    half = len(parts) // 2
    told = [
        text_streams.message(0, *map(deltas_of, parts[:half])),
        text_streams.message(1, *map(deltas_of, parts[half:])),
    ]
    completed = {"id": "r", "status": "completed", "output": [each.item for each in told]}
    events = [*(event for each in told for event in each.events), {"type": "response.completed", "response": completed}]
    left = await sent(events, "responses", **settings)
    texts = [get(part, "text") for item in get(get(left[-1], "response"), "output") for part in get(item, "content")]
    deltas = [get(event, "delta") or "" for event in left]
    assert "".join(deltas) == "".join(texts)
    return texts


TOLD = {"messages": messages, "responses": responses}


@pytest.mark.parametrize("hold", HOLDS)
@pytest.mark.parametrize("told", TOLD.values(), ids=TOLD)
async def test_what_comes_behind_a_part_that_has_left_is_masked(told, hold):
    assert await told(HALVES, hold=hold) == ["a secret", "[mask] b"]


@pytest.mark.parametrize("told", TOLD.values(), ids=TOLD)
async def test_it_can_be_switched_off(told):
    assert await told(HALVES, join_parts=False) == list(HALVES)


@pytest.mark.parametrize("hold", HOLDS)
@pytest.mark.parametrize("told", TOLD.values(), ids=TOLD)
async def test_invisible_characters_hide_no_secret(told, hold):
    parts = ("x " * 300 + "s\u200becret\u2060code b", "c")

    assert await told(parts, hold=hold) == ["x " * 300 + "[mask] b", "c"]
    assert await told(parts, hold=hold, ignore_invisible=False) == list(parts)


@given(
    st.sampled_from([told for name, told in TOLD.items() if known_format(name)]),
    st.sampled_from(HOLDS),
    st.lists(st.integers(1, 9), unique=True, min_size=1).map(sorted),
    st.sampled_from(["", "x " * 200]),
    st.sampled_from(["", " y" * 200]),
)
async def test_no_cut_over_parts_lets_a_whole_secret_leave(told, hold, at, before, behind):
    cuts = [SECRET[first:last] for first, last in pairwise([0, *at, len(SECRET)])]
    parts = [f"{before}{cuts[0]}", *cuts[1:-1], f"{cuts[-1]}{behind}"]

    texts = await told(parts, hold=hold)

    assert SECRET not in "".join(texts)
    assert texts[-1] == f"{MASK}{behind}"


@given(
    st.sampled_from([told for name, told in TOLD.items() if known_format(name)]),
    st.sampled_from(HOLDS),
    st.lists(st.text(st.sampled_from("ab. ")), min_size=2),
)
async def test_a_stream_without_a_secret_is_never_changed(told, hold, parts):
    parts = [f"x{part}" for part in parts]

    assert await told(parts, hold=hold) == parts


@pytest.mark.format("messages")
async def test_signed_thoughts_over_which_a_secret_is_split():
    """The first has left; the second is left out, since it would be refused."""
    thoughts = [*blocks.thinking_block(0, HALVES[0]), *blocks.thinking_block(1, HALVES[1])]
    events = [blocks.start(), *thoughts, *blocks.text_block(2, "hi"), *blocks.end()]

    content = joined(await sent(events, "messages"))["content"]

    assert [each.get("thinking") or each.get("text") for each in content] == ["a secret", "hi"]


@pytest.mark.format("messages")
async def test_parts_of_a_result_that_is_told_whole_are_both_masked():
    parts = [{"type": "text", "text": text} for text in (*HALVES, "c", "c")]
    result = {"type": "mcp_tool_result", "tool_use_id": "t", "is_error": False, "content": parts}

    content = joined(await sent([blocks.start(), *blocks.block(0, result), *blocks.end()], "messages"))["content"]

    assert [part["text"] for part in content[0]["content"]] == ["a [mask]", "[mask] b", "c", "c"]


def chunk(delta: Any, finish: str | None = None) -> Any:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


@pytest.mark.format("chat")
@pytest.mark.parametrize("hold", HOLDS)
async def test_content_that_comes_as_a_part_and_as_a_text_is_joined(hold):
    """Parts of chat streams leave as they are or not at all."""
    parts = [{"type": "text", "text": HALVES[0]}]
    events = [chunk({"role": "assistant", "content": parts}), chunk({"content": HALVES[1]}), chunk({}, "stop")]

    left = await sent(events, "chat", hold=hold)

    contents = [get(get(choice, "delta"), "content") for event in left for choice in get(event, "choices")]
    assert [content for content in contents if content] == ["[mask] b"]
