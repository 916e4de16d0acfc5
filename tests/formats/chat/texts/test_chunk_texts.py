"""Texts of chat streams leave masked, wherever chunks cut them, and the end leaves last."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, strategies as st
from litellm import ModelResponseStream
from openai.lib.streaming.chat._completions import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from litellm_bighub.errors import PayloadError
from litellm_bighub.formats.chat.texts.chunk_texts import ChatTextGate, apart, read
from litellm_bighub.formats.payload.copies import plain
from litellm_bighub.formats.payload.fields import get
from litellm_bighub.formats.stream.event_texts import ToldTexts
from litellm_bighub.formats.stream.gate_protocol import Release
from litellm_bighub.formats.stream.text_gate import Scan
from litellm_bighub.formats.stream.text_part import Mode, WholeText, Window

C, M = "bob@example.com", "[mask]"
MODES = [WholeText(), Window(), Window(24, 16, 4), Window(24, 16, 4, sentences=True)]
HEAD = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"}


def chunk(delta: Any = None, index: int = 0, finish: str | None = None, **choice: Any) -> dict[str, Any]:
    return {**HEAD, "choices": [{"index": index, "delta": delta or {}, "finish_reason": finish, **choice}]}


END = chunk(finish="stop")
USAGE = {**HEAD, "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}


def masked(text: str) -> str:
    return text.replace(C, M)


def left(events: list[Any], mode: Mode, check: Callable[[str], str] = masked) -> list[Any]:
    """What leaves, with the release of each step behind the events that brought it about."""
    gate, out = ChatTextGate(mode), []

    def settle(step: Any) -> None:
        while isinstance(step, Scan):
            step = gate.answer([*map(check, step.texts), *step.images, *step.files])
        if isinstance(step, Release):
            out.extend(step.events)

    for event in events:
        settle(gate.feed(event))
    settle(gate.finish())
    return out


def joined(events: list[Any], *way: str | int, index: int = 0) -> str:
    """All that the chunks add to one text of a choice."""
    said = []
    for event in events:
        for choice in get(event, "choices"):
            if get(choice, "index") != index:
                continue
            value: Any = choice
            for key in way:
                if isinstance(key, int):
                    value = next((each for each in value or () if get(each, "index") == key), None)
                else:
                    value = get(value, key)
            said.append(value or "")
    return "".join(said)


def call(arguments: str, index: int = 0, kind: str = "function", key: str = "arguments", **more: Any) -> Any:
    return {"tool_calls": [{"index": index, kind: {key: arguments}, **more}]}


PLACES: dict[str, tuple[Callable[[str], Any], tuple[str | int, ...]]] = {
    "content": (lambda text: chunk({"content": text}), ("delta", "content")),
    "refusal": (lambda text: chunk({"refusal": text}), ("delta", "refusal")),
    "reasoning_content": (lambda text: chunk({"reasoning_content": text}), ("delta", "reasoning_content")),
    "a field of tomorrow": (lambda text: chunk({"later": text}), ("delta", "later")),
    "another choice": (lambda text: chunk({"content": text}, index=1), ("delta", "content")),
    "a choice's text": (lambda text: chunk(text=text), ("text",)),
    "a transcript": (lambda text: chunk({"audio": {"id": "a", "transcript": text}}), ("delta", "audio", "transcript")),
    "arguments": (lambda text: chunk(call(text)), ("delta", "tool_calls", 0, "function", "arguments")),
    "input": (
        lambda text: chunk(call(text, kind="custom", key="input")),
        ("delta", "tool_calls", 0, "custom", "input"),
    ),
    "legacy arguments": (
        lambda text: chunk({"function_call": {"arguments": text}}),
        ("delta", "function_call", "arguments"),
    ),
}
TEXT = f"{{I tell {C} and {C}. Then more of it, so that windows are full more than once. And {C}}}"
cuts = st.lists(st.integers(0, len(TEXT)), max_size=12).map(sorted)


def pieces(text: str, cut: list[int]) -> list[str]:
    return [text[start:end] for start, end in zip([0, *cut], [*cut, len(text)], strict=True)]


@given(place=st.sampled_from(list(PLACES)), cut=cuts, mode=st.sampled_from(MODES))
def test_a_text_leaves_masked_wherever_it_is_cut(place, cut, mode):
    make, way = PLACES[place]
    out = left([make(piece) for piece in pieces(TEXT, cut)] + [END, USAGE], mode)
    assert joined(out, *way, index=1 if place == "another choice" else 0) == masked(TEXT)
    assert out[-2:] == [END, USAGE]


@given(
    told=st.lists(st.tuples(st.sampled_from(list(PLACES)), st.text("ab .", max_size=9)), max_size=12),
    mode=st.sampled_from(MODES),
)
def test_what_nobody_rewrites_leaves_whole(told, mode):
    events = [PLACES[place][0](piece) for place, piece in told] + [END]
    out = left(events, mode)
    for _, way in PLACES.values():
        for index in (0, 1):
            assert joined(out, *way, index=index) == joined(events, *way, index=index)
    if mode == WholeText():  # a window may cut a piece in two
        assert all(any(event is given for given in events) for event in out)


@given(first=cuts, second=cuts, order=st.randoms(use_true_random=False), mode=st.sampled_from(MODES))
def test_texts_that_alternate_are_told_apart(first, second, order, mode):
    told = [("content", piece) for piece in pieces(TEXT, first)] + [("x", piece) for piece in pieces(TEXT, second)]
    lanes = {name: [piece for lane, piece in told if lane == name] for name in ("content", "x")}
    names = [name for name, _ in told]
    order.shuffle(names)
    events = [chunk({"content" if name == "content" else "reasoning": lanes[name].pop(0)}) for name in names]
    out = left([*events, END], mode)
    assert joined(out, "delta", "content") == joined(out, "delta", "reasoning") == masked(TEXT)


def state(events: list[Any]) -> Any:
    """As the official client joins them."""
    made = ChatCompletionStreamState()
    for event in events:
        made.handle_chunk(ChatCompletionChunk.model_validate(plain(event)))
    return made.get_final_completion()


def conversation(cut: list[int], arguments: str) -> list[Any]:
    named = {"index": 0, "id": "c1", "type": "function", "function": {"name": "mail", "arguments": arguments[:4]}}
    return [
        chunk({"role": "assistant", "content": ""}),
        *(chunk({"content": piece}) for piece in pieces(TEXT, cut)),
        chunk({"content": "!", "tool_calls": [named]}),
        *(chunk(call(arguments[n : n + 5])) for n in range(4, len(arguments), 5)),
        chunk({"tool_calls": [{**named, "index": 1, "id": "c2"}]}),
        chunk(call(arguments[4:], index=1)),
        chunk(finish="tool_calls"),
        USAGE,
    ]


@pytest.mark.parametrize("as_model", [False, True], ids=["dicts", "LiteLLM's"])
@given(cut=cuts, mode=st.sampled_from(MODES))
def test_the_official_client_reads_what_leaves(as_model, cut, mode):
    arguments = json.dumps({"to": C, "text": "hi é"}).replace("@", "\\u0040")
    events = conversation(cut, arguments)
    given_ = [ModelResponseStream(**event) for event in events] if as_model else events
    [choice] = state(left(given_, mode)).choices
    assert choice.message.content == masked(TEXT) + "!"
    assert choice.message.role == "assistant"
    assert choice.finish_reason == "tool_calls"
    calls = choice.message.tool_calls
    assert [(each.id, each.type, each.function.name) for each in calls] == [
        ("c1", "function", "mail"),
        ("c2", "function", "mail"),
    ]
    assert [json.loads(each.function.arguments) for each in calls] == [{"to": M, "text": "hi é"}] * 2


def test_arguments_that_nobody_rewrote_leave_as_they_were_written():
    raw = r'{"a": "\u0041"}'
    out = left([chunk(call(raw[:9])), chunk(call(raw[9:])), END], Window(), lambda text: text)
    assert joined(out, "delta", "tool_calls", 0, "function", "arguments") == raw


def test_rewritten_arguments_stay_json():
    with pytest.raises(PayloadError, match="no valid JSON"):
        left([chunk(call('{"a": 1}')), END], Window(), lambda text: "hidden" if text.startswith("{") else text)


@pytest.mark.parametrize("delta", [call("x", key="name"), {"function_call": {"name": "x"}}], ids=["a call", "legacy"])
def test_names_are_never_rewritten(delta):
    with pytest.raises(PayloadError, match="means something only as it stands"):
        left([chunk(delta), END], Window(), lambda text: text.replace("x", M))


def test_text_flows_before_it_ends():
    gate = ChatTextGate(Window(24, 16, 4))
    step = gate.feed(*(chunk({"content": "word "}) for _ in range(10)))
    assert isinstance(step, Scan)
    step = gate.answer(step.texts)
    assert isinstance(step, Release)
    assert len(joined(list(step.events), "delta", "content")) >= 50 - 16 - 5


THOUGHT = [
    {"thinking_blocks": [{"type": "thinking", "thinking": f"of {C[:4]}", "signature": None}]},
    {"thinking_blocks": [{"type": "thinking", "thinking": C[4:], "signature": None}]},
    {"thinking_blocks": [{"type": "thinking", "thinking": "", "signature": "s1"}]},
]
TOKENS = {"content": [{"token": C, "logprob": -1.0, "top_logprobs": []}]}
NOTE = {"type": "url_citation", "url_citation": {"start_index": 0, "end_index": 17, "title": "t", "url": "u"}}
TOGETHER = {
    "thoughts": [chunk(delta) for delta in THOUGHT],
    "tokens": [chunk({"content": C}, logprobs=TOKENS)],
    "tokens of another text": [chunk({"content": "hi"}, logprobs=TOKENS)],
    "a provider's fields": [chunk({"provider_specific_fields": {"x": part}}) for part in (C[:5], C[5:])],
    "a list for content": [chunk({"content": [{"type": "text", "text": C}]})],
    "a whole message": [chunk(message={"content": C})],
    "a call's other fields": [chunk({"tool_calls": [{"index": 0, "id": "c", "later": C}]})],
}


@pytest.mark.parametrize("events", TOGETHER.values(), ids=TOGETHER)
@pytest.mark.parametrize("mode", MODES, ids=repr)
def test_what_cannot_be_rewritten_in_pieces_leaves_whole_or_not_at_all(events, mode):
    out = left([*events, END], mode)
    assert C not in json.dumps(out)
    assert C[:4] not in json.dumps(out)
    assert "s1" not in json.dumps(out)
    assert out[-1] == END

    unchanged = left([*events, END], mode, lambda text: text)
    assert state_of(unchanged) == state_of([*events, END])


def state_of(events: list[Any]) -> list[Any]:
    """Everything that is told, in its order, but for empty fields."""
    told = []
    for event in events:
        for choice in get(event, "choices"):
            for key, value in sorted({**choice, **choice["delta"]}.items()):
                if value and key not in {"delta", "index"}:
                    told.append((key, json.dumps(value)))
    return sorted(told)


def test_a_calls_other_fields_leave_before_its_name_or_not_at_all():
    piece = {"index": 0, "id": "c", "type": "function", "later": C, "function": {"name": "f", "arguments": "{}"}}
    out = left([chunk({"tool_calls": [piece]}), END], Window(), lambda text: text)
    told = [get(get(event, "choices")[0], "delta")["tool_calls"][0] for event in out[:-1]]
    assert [each.get("id") for each in told] == ["c", None, None]
    assert [each.get("function") for each in told] == [
        None,
        {"name": "f", "arguments": ""},
        {"arguments": "{}"},
    ]
    assert C not in json.dumps(left([chunk({"tool_calls": [piece]}), END], Window()))


@pytest.mark.parametrize(("before", "kept"), [("hi ", False), ("see the first one ", True)])
def test_annotations_are_dropped_where_they_no_longer_fit(before, kept):
    out = left([chunk({"content": before + C}), chunk({"annotations": [NOTE]}), END], Window())
    assert ("annotations" in json.dumps(out)) is kept
    flat = {"start_index": 0, "end_index": 17}
    out = left([chunk({"content": before + C}), chunk({"annotations": [flat]}), END], Window())
    assert ("end_index" in json.dumps(out)) is kept


def test_a_role_leaves_once_and_with_the_first_text():
    delta = {"role": "assistant", "content": "a", "reasoning": "b"}
    out = left([chunk(delta), END], Window())
    assert [get(get(event, "choices")[0], "delta").get("role") for event in out] == ["assistant", None, None]


def test_texts_beside_the_choices():
    event = {**chunk({"content": "a"}), "citations": [C], "usage": {"total_tokens": 1}}
    out = left([event, {**HEAD, "choices": [], "filters": [C]}, END], Window())
    assert C not in json.dumps(out)
    assert json.dumps(out).count(M) == 2
    assert [event["usage"] for event in out if "usage" in event] == [{"total_tokens": 1}]


@pytest.mark.parametrize("event", ["data: [DONE]\n\n", b"data: [DONE]\n\n", 'data: {"error": {"message": "no"}}'])
def test_what_is_written_already_leaves_as_it_is(event):
    assert left([chunk({"content": "a"}), event], Window()) == [chunk({"content": "a"}), event]


def test_what_is_written_already_cannot_be_rewritten():
    with pytest.raises(PayloadError):
        left([f"data: {C}"], Window())


@pytest.mark.parametrize(
    "event", [chunk(), END, {**HEAD, "choices": [{"index": 0, "finish_reason": None}]}, USAGE, chunk({"role": "user"})]
)
def test_a_chunk_without_texts_is_left_alone(event):
    assert apart(event) == (event,)
    assert left([event], Window()) == [event]


def test_a_chunk_of_several_texts_that_nobody_took_apart_is_read_whole():
    told = read({**HEAD, "choices": [*chunk({"content": C})["choices"], *chunk({"content": "b"}, index=1)["choices"]]})
    assert isinstance(told, ToldTexts)
    assert [carried.slot.text for carried in told.texts] == [C, "b"]


def test_choices_in_one_chunk_are_told_apart():
    both = {**HEAD, "choices": [*chunk({"content": C[:4]})["choices"], *chunk({"content": "b"}, index=1)["choices"]]}
    last = {**HEAD, "choices": [*chunk({"content": C[4:]}, finish="stop")["choices"], *chunk(index=1)["choices"]]}
    out = left([both, last], Window())
    assert sorted(
        (choice["index"], choice["delta"]["content"])
        for event in out
        for choice in event["choices"]
        if choice["delta"].get("content")
    ) == [(0, M), (1, "b")]
    assert out[-1]["choices"][0]["finish_reason"] == "stop" or out[-2]["choices"][0]["finish_reason"] == "stop"


def test_what_a_guardrail_leaves_of_a_call_with_other_fields_is_all_of_it():
    function = {"name": "f", "arguments": {"to": C}, "note": "n"}
    out = left([chunk({"function_call": function}), END], Window(), lambda text: text)
    told = [get(get(event, "choices")[0], "delta").get("function_call") for event in out[:-1]]
    assert told == [{"arguments": {"to": C}, "note": "n"}, {"name": "f"}]


@pytest.mark.parametrize(
    "choices",
    [[C], [[C]], [None], [{"index": 0, "delta": C}], [{"index": 0, "delta": [C], "finish_reason": "stop"}]],
    ids=repr,
)
def test_choices_and_deltas_without_fields_are_refused(choices):
    with pytest.raises(PayloadError, match=r"choices\[0\]"):
        left([{**HEAD, "choices": choices}], Window())


@pytest.mark.parametrize("named", [C, None, [C]])
def test_calls_without_fields_are_refused(named):
    with pytest.raises(PayloadError, match=r"tool_calls\[0\]"):
        left([chunk({"tool_calls": [named]})], Window())


BESIDE = {
    "a text in place of calls": [chunk({"tool_calls": C})],
    "what else stands beside a transcript": [chunk({"audio": {"id": "a", "transcript": "hi", "data": "x", "note": C}})],
    "audio in another form": [chunk({"audio": {"id": "a", "transcript": [C]}})],
    "what else stands beside arguments": [
        chunk({"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": "{}", "note": C}}]})
    ],
    "arguments that are no text": [chunk({"function_call": {"name": "f", "arguments": {"to": C}}})],
}


@pytest.mark.parametrize("events", BESIDE.values(), ids=BESIDE)
@pytest.mark.parametrize("mode", MODES, ids=repr)
def test_what_stands_beside_a_text_is_scanned_as_well(events, mode):
    assert C not in json.dumps(left([*events, END], mode))
    assert C in json.dumps(left([*events, END], mode, lambda text: text))


def token(said: str) -> Any:
    others = [{"token": other, "logprob": -2.0, "bytes": list(other.encode())} for other in ("zz", said)]
    return {"token": said, "logprob": -1.0, "bytes": list(said.encode()), "top_logprobs": others}


@pytest.mark.parametrize("key", ["content", "refusal"])
@pytest.mark.parametrize("before", [True, False], ids=["before", "beside"])
@pytest.mark.parametrize("mode", MODES, ids=repr)
def test_the_tokens_of_several_chunks_are_one_text(key, before, mode):
    pieces_ = [C[:4], C[4:]]
    tokens = [{"logprobs": {key: [token(piece)], "other": None}} for piece in pieces_]
    if before:
        events = [*(chunk(**each) for each in tokens), chunk({key: C})]
    else:
        events = [chunk({key: piece}, **each) for piece, each in zip(pieces_, tokens, strict=True)]
    out = left([*events, END], mode)
    assert joined(out, "delta", key) == M
    assert "logprob" not in json.dumps(out)
    assert json.dumps(left([*events, END], mode, lambda text: text)).count('"top_logprobs"') == 2


@pytest.mark.parametrize("value", [[C], {"content": C}], ids=repr)
def test_tokens_in_another_form_are_scanned(value):
    assert C not in json.dumps(left([chunk({"content": "hi"}, logprobs=value), END], Window()))


def test_a_text_in_the_usage_leaves_checked_and_apart():
    told = {**chunk({"content": "a"}, finish="stop"), "usage": {"total_tokens": 1, "note": C}}
    first, *rest = apart(told)
    assert (first["choices"], first["usage"]) == ([], told["usage"])
    assert all("usage" not in each for each in rest)
    texts = read(first)
    assert isinstance(texts, ToldTexts)
    assert [each.slot.text for each in texts.texts] == [C]


PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}}


@pytest.mark.parametrize(
    "delta",
    [{"images": [PICTURE]}, {"content": [PICTURE]}, {"content": [{"type": "text", "text": "hi"}, PICTURE]}],
    ids=["images", "content", "beside a text"],
)
def test_a_picture_is_handed_over_whole_and_leaves(delta):
    gate, images, out = ChatTextGate(), [], []
    for feed in (lambda: gate.feed(chunk(delta)), lambda: gate.feed(END), gate.finish):
        step = feed()
        while isinstance(step, Scan):
            images += step.images
            step = gate.answer([*step.texts, *step.images])
        out += step.events if isinstance(step, Release) else ()
    assert images == ["data:image/png;base64,QUJD"]
    assert str(out).count("QUJD") == 1
