"""LiteLLM's unified stream path over our handler: nothing is missed, nothing is looked at twice."""

import pytest
from litellm.integrations.custom_guardrail import CustomGuardrail
from litellm.proxy._types import UserAPIKeyAuth
from litellm.proxy.guardrails.guardrail_hooks.unified_guardrail.unified_guardrail import UnifiedLLMGuardrails

import litellm_bighub
from litellm_bighub.formats.registry import format_named, texts_of
from litellm_bighub.gateway.hooks.translation.responses_handler import OpenAIResponsesHandler
from litellm_bighub.gateway.hooks.translation.stream_scan import OVERLAP, StreamScan


class Recording(CustomGuardrail):
    """Sees and changes nothing."""

    def __init__(self):
        super().__init__(guardrail_name="recording", event_hook="post_call", default_on=True)
        self.seen = []
        self.calls = []

    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
        self.seen.append(list(inputs["texts"]))
        self.calls += inputs.get("tool_calls", [])
        return inputs


@pytest.fixture
def installed():
    litellm_bighub.install()
    yield
    litellm_bighub.uninstall()


def delta(text, part=0, index=0):
    return {
        "type": "response.output_text.delta",
        "output_index": index,
        "content_index": part,
        "item_id": f"msg_{index}",
        "delta": text,
    }


def done(text, part=0, index=0):
    return {
        "type": "response.output_text.done",
        "output_index": index,
        "content_index": part,
        "item_id": f"msg_{index}",
        "text": text,
    }


def message(*texts):
    content = [{"type": "output_text", "text": text, "annotations": []} for text in texts]
    return {"type": "message", "id": "msg_0", "role": "assistant", "status": "completed", "content": content}


def completed(*items):
    return {"type": "response.completed", "response": {"id": "resp_1", "status": "completed", "output": list(items)}}


async def unified(guardrail, events):
    async def upstream():
        for event in events:
            yield event

    hook = UnifiedLLMGuardrails(streaming_sampling_rate=1)
    caller = UserAPIKeyAuth(request_route="/v1/responses")
    stream = hook.async_post_call_streaming_iterator_hook(caller, upstream(), {}, guardrail_to_apply=guardrail)
    return [event async for event in stream]


async def test_through_the_unified_path_every_event_comes_out(installed):
    events = [delta("Hello "), delta("world"), done("Hello world"), completed(message("Hello world"))]

    assert events == await unified(Recording(), events)


async def test_a_text_told_whole_is_scanned_whole_and_once(installed):
    guardrail = Recording()

    await unified(guardrail, [delta("Hello "), delta("world"), done("Hello world"), completed(message("Hello world"))])

    assert [["Hello "], ["Hello world"]] == guardrail.seen


@pytest.mark.format("responses")
@pytest.mark.lesson("reasoning, answer and arguments are scanned as one text")
async def test_reasoning_answer_and_arguments_are_never_joined(installed):
    """Put together, they would make a card number that nobody wrote."""
    guardrail = Recording()
    thought = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "4000"}]}
    call = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "pay", "arguments": '{"a":"9010"}'}

    await unified(
        guardrail,
        [
            {"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": "4000"},
            delta("1234", 0, index=1),
            delta("5678", 1, index=1),
            {"type": "response.function_call_arguments.delta", "output_index": 2, "delta": '{"a":"9010"}'},
            completed(thought, message("1234", "5678"), call),
        ],
    )

    scanned = [text for texts in guardrail.seen for text in texts]
    found = [[part for part in ("4000", "1234", "5678", "9010") if part in text] for text in scanned]
    assert {"4000", "1234", "5678"} <= {part for parts in found for part in parts}
    parts_of_one_message = [["1234", "5678"]]  # which the second look joins
    assert [parts for parts in found if len(parts) > 1] == parts_of_one_message


async def test_a_text_that_only_the_envelope_tells_is_scanned(installed):
    guardrail = Recording()

    await unified(guardrail, [delta("Hello"), completed(message("Hello", "a secret"))])

    assert any("a secret" in texts for texts in guardrail.seen)


@pytest.mark.format("responses")
async def test_reasoning_and_refusals_of_a_stream_are_scanned(installed):
    guardrail = Recording()

    await unified(
        guardrail,
        [
            {"type": "response.reasoning_text.delta", "output_index": 0, "content_index": 0, "delta": "thought"},
            {"type": "response.refusal.delta", "output_index": 1, "content_index": 0, "delta": "refused"},
            completed(),
        ],
    )

    assert {"thought", "refused"} <= {text for texts in guardrail.seen for text in texts}


@pytest.mark.format("responses")
async def test_a_finished_call_is_handed_over_as_a_tool_call(installed):
    guardrail = Recording()
    call = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "refund", "arguments": '{"amount":1}'}

    await unified(
        guardrail,
        [
            {"type": "response.output_item.added", "output_index": 0, "item": {**call, "arguments": ""}},
            {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": '{"amount":1}'},
            {"type": "response.output_item.done", "output_index": 0, "item": call},
            completed(call),
        ],
    )

    assert ["refund"] == [chunk["function"]["name"] for chunk in guardrail.calls[:1]]


async def test_a_guardrail_that_refuses_ends_the_stream(installed):
    class Refusing(Recording):
        async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
            if any("forbidden" in text for text in inputs["texts"]):
                raise ValueError("refused")
            return inputs

    with pytest.raises(ValueError, match="refused"):
        await unified(Refusing(), [delta("for"), delta("bidden"), completed(message("forbidden"))])


@pytest.mark.format("responses")
def test_windows_overlap_so_that_a_secret_cut_by_a_round_is_seen():
    events = []
    scan = StreamScan(events, texts_of(format_named("responses")))
    events.append(delta("x" * 3 * OVERLAP + "sec"))
    scan.look()
    scan.mark_scanned()
    events.append(delta("ret"))

    scan.look()

    assert scan.due[0].endswith("secret")
    assert len(scan.due[0]) == OVERLAP + 3


@pytest.mark.format("responses")
def test_the_characters_scanned_grow_with_the_stream_and_not_with_its_square():
    def scanned(deltas):
        events, total = [], 0
        scan = StreamScan(events, texts_of(format_named("responses")))
        for number in range(deltas):
            events.append(delta(f"word {number} "))
            scan.look()
            total += sum(map(len, scan.due))
            scan.mark_scanned()
        return total

    assert scanned(4000) < 2.5 * scanned(2000)


@pytest.mark.format("responses")
async def test_a_round_without_news_calls_nobody():
    guardrail = Recording()
    handler = OpenAIResponsesHandler()
    events = [delta("Hello")]
    await handler.process_output_streaming_response(events, guardrail)

    await handler.process_output_streaming_response(events, guardrail)

    assert [["Hello"]] == guardrail.seen
    assert handler.get_streaming_scan_key(events).has_nothing_to_scan


CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "refund", "arguments": '{"amount":1}'}


@pytest.mark.format("responses")
@pytest.mark.parametrize(
    "kept", [[], [message("another text")], [{**CALL, "id": "fc_2"}]], ids=["none", "text", "call"]
)
@pytest.mark.parametrize("ending", ["incomplete", "failed", "completed"])
async def test_what_the_last_event_leaves_out_is_scanned_when_all_comes_at_once(ending, kept):
    """As with LiteLLM's `streaming_buffer_until_moderated`: the first look is the last one."""
    guardrail = Recording()
    events = [
        delta("sk-1"),
        delta("2345"),
        {"type": "response.output_item.added", "output_index": 1, "item": {**CALL, "arguments": ""}},
        {"type": "response.output_item.done", "output_index": 1, "item": CALL},
        {"type": f"response.{ending}", "response": {"id": "resp_1", "status": ending, "output": kept}},
    ]

    await OpenAIResponsesHandler().process_output_streaming_response(events, guardrail, request_data={})

    assert "sk-12345" in [text for texts in guardrail.seen for text in texts]
    assert [each["id"] for each in guardrail.calls if each["function"]["arguments"] == '{"amount":1}'][-1] == "call_1"


@pytest.mark.format("responses")
@pytest.mark.parametrize("ending", ["incomplete", "failed", "completed"])
async def test_what_the_last_event_tells_is_scanned_once(ending):
    guardrail = Recording()
    events = [
        delta("sk-12345"),
        {"type": "response.output_item.done", "output_index": 1, "item": CALL},
        {
            "type": f"response.{ending}",
            "response": {"id": "r", "status": ending, "output": [message("sk-12345"), CALL]},
        },
    ]

    await OpenAIResponsesHandler().process_output_streaming_response(events, guardrail, request_data={})

    assert guardrail.seen == [["sk-12345", '{"amount":1}', CALL["name"]]]
    assert len(guardrail.calls) == 1


@pytest.mark.format("responses")
async def test_a_stream_that_is_delivered_when_it_has_ended_hands_calls_over_and_rewrites_them():
    """As with a policy's pipeline, which buffers the stream and asks for rewrites."""

    class Masking(Recording):
        async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
            for each in inputs.get("tool_calls", ()):
                each["function"]["arguments"] = '{"amount":2}'
            return inputs

    events = [
        {"type": "response.output_item.added", "output_index": 0, "item": {**CALL, "arguments": ""}},
        {
            "type": "response.function_call_arguments.delta",
            "output_index": 0,
            "item_id": "fc_1",
            "delta": CALL["arguments"],
        },
        {"type": "response.output_item.done", "output_index": 0, "item": CALL},
        completed(CALL),
    ]

    await OpenAIResponsesHandler().process_output_streaming_response(
        events, Masking(), request_data={}, deliver_ended_stream_rewrites=True
    )

    assert '{"amount":1}' not in str(events)
    assert '{"amount":2}' in str(events)
