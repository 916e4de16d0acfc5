"""The translation handler: what its document promises, and that nothing passes it unseen or half written."""

from __future__ import annotations

import asyncio
import json
from copy import deepcopy
from types import MappingProxyType
from typing import Any

import pytest
from litellm.llms import get_guardrail_translation_mapping
from litellm.llms.openai.responses.guardrail_translation.handler import OpenAIResponsesHandler as BuiltIn
from litellm.types.llms.openai import ResponsesAPIResponse
from litellm.types.responses.main import GenericResponseOutputItem, OutputText
from litellm.types.utils import CallTypes
from openai.types.responses import (
    EasyInputMessage,
    Response,
    ResponseFunctionToolCall,
    ResponseInputText,
    ResponseOutputMessage,
)

from litellm_bighub import OpenAIResponsesHandler, install, uninstall
from litellm_bighub.errors import GuardrailAnswerError, PayloadError
from tests.formats.responses.canaries import (
    CANARY,
    FILES,
    ITEMS,
    MASKED,
    MEDIA,
    NAMES,
    OUTPUT_ITEMS,
    REQUESTS,
    Row,
    answer,
    message,
    output_text,
)
from tests.llm_translation.guardrails import First, FirstRendezvous, Today, TodayRendezvous, masking

BOTH_SIDES = pytest.mark.parametrize("side", ["request", "response"])


@pytest.fixture(params=["first contract", "today's contract"])
def contract(request):
    """Picks the guardrail of one contract out of a pair."""
    return 0 if request.param == "first contract" else 1


@pytest.fixture
def registered():
    """Leaves LiteLLM's own handler registered, whatever a test did."""
    yield
    uninstall()


async def run(side: str, guardrail: Any, texts: list[str], handler: OpenAIResponsesHandler | None = None) -> list[str]:
    """Send texts through the handler as messages of a request or of an answer."""
    handler = handler or OpenAIResponsesHandler()
    if side == "request":
        data = {"input": [message({"type": "input_text", "text": text}) for text in texts]}
        await handler.process_input_messages(data, guardrail)
        return [item["content"][0]["text"] for item in data["input"]]
    response = {"output": [answer(output_text(text)) for text in texts]}
    await handler.process_output_response(response, guardrail)
    return [item["content"][0]["text"] for item in response["output"]]


# --- the user's document


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("call_type", [CallTypes.responses, CallTypes.aresponses])
def test_install(call_type: CallTypes):
    install()
    install()
    assert get_guardrail_translation_mapping(call_type) is OpenAIResponsesHandler
    uninstall()
    assert get_guardrail_translation_mapping(call_type) is BuiltIn


@pytest.mark.usefixtures("registered")
def test_a_registered_subclass_stays():
    class Mine(OpenAIResponsesHandler):
        pass

    install(handler=Mine)
    install()
    assert get_guardrail_translation_mapping(CallTypes.responses) is Mine


@pytest.mark.usefixtures("registered")
async def test_the_documents_example(contract: int):
    install()
    guardrail = masking("User", "Some")[contract]
    handler_class = get_guardrail_translation_mapping(CallTypes.responses)
    handler = handler_class()
    data = {"input": "User message", "model": "gpt-4"}
    assert await handler.process_input_messages(data, guardrail) == {"input": "Some message", "model": "gpt-4"}

    response = ResponsesAPIResponse(
        id="resp_123",
        created_at=0,
        output=[
            GenericResponseOutputItem(
                type="message",
                id="msg_123",
                status="completed",
                role="assistant",
                content=[OutputText(type="output_text", text="User response", annotations=[])],
            )
        ],
    )
    processed = await handler.process_output_response(response, guardrail)
    assert processed is response
    assert response.output[0].content[0].text == "Some response"


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda text: {"input": text}, id="string"),
        pytest.param(lambda text: {"input": [{"role": "user", "content": text, "type": "message"}]}, id="list"),
        pytest.param(lambda text: {"input": [{"role": "user", "content": text}]}, id="no type"),
        pytest.param(lambda text: {"input": [text]}, id="bare string"),
        pytest.param(lambda text: {"input": {"role": "user", "content": text}}, id="one item alone"),
        pytest.param(lambda text: {"instructions": text}, id="instructions alone"),
    ],
)
async def test_input_formats(make: Any, contract: int):
    data = make(CANARY)
    guardrail = masking(CANARY, MASKED)[contract]
    await OpenAIResponsesHandler().process_input_messages(data, guardrail)
    assert data == make(MASKED)
    assert guardrail.seen == [CANARY]


async def test_tuple_input(contract: int):
    data = {"input": ({"role": "user", "content": CANARY},)}
    await OpenAIResponsesHandler().process_input_messages(data, masking(CANARY, MASKED)[contract])
    assert data == {"input": [{"role": "user", "content": MASKED}]}


async def test_mixed_input(contract: int):
    """Dicts, openai models and bare strings in one list, each rewritten as what it is."""
    model = EasyInputMessage(role="user", content=CANARY)
    mixed = {"role": "user", "content": [ResponseInputText(type="input_text", text=CANARY)]}
    call = ResponseFunctionToolCall(type="function_call", name="a", call_id="c", arguments=json.dumps([CANARY]))
    data = {"input": [{"role": "user", "content": CANARY}, model, mixed, call, CANARY]}
    await OpenAIResponsesHandler().process_input_messages(data, masking(CANARY, MASKED)[contract])
    assert (data["input"][0]["content"], data["input"][4]) == (MASKED, MASKED)
    assert (model.content, mixed["content"][0].text, call.arguments) == (MASKED, MASKED, json.dumps([MASKED]))


OPENAI_MESSAGE = answer(output_text(CANARY))


async def test_mixed_output(contract: int):
    """Dicts, LiteLLM's models and openai's in one list."""
    ours = GenericResponseOutputItem.model_validate(OPENAI_MESSAGE)
    theirs = ResponseOutputMessage.model_validate(OPENAI_MESSAGE)
    plain = deepcopy(OPENAI_MESSAGE)
    response = {"output": [ours, theirs, plain]}
    await OpenAIResponsesHandler().process_output_response(response, masking(CANARY, MASKED)[contract])
    assert [ours.content[0].text, theirs.content[0].text, plain["content"][0]["text"]] == [MASKED] * 3


async def test_openai_response(contract: int):
    response = Response.model_validate({
        "id": "resp_1", "created_at": 0, "model": "m", "object": "response", "output": [OPENAI_MESSAGE],
        "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
    })  # fmt: skip
    await OpenAIResponsesHandler().process_output_response(response, masking(CANARY, MASKED)[contract])
    assert response.output_text == MASKED


async def test_no_guardrail():
    """Only tool decisions are wanted."""
    data, response = {"input": 5}, {"output": 5}
    handler = OpenAIResponsesHandler()
    assert await handler.process_input_messages(data, None) is data
    assert await handler.process_output_response(response, None) is response


# --- every row of the coverage table, beside LiteLLM's own handler


def payloads() -> list[Any]:
    rows = [("request", row, row.make) for row in REQUESTS]
    rows += [("input", row, lambda text, row=row: {"input": [row.make(text)]}) for row in ITEMS]
    rows += [("image", row, lambda text, row=row: {"input": [row.make(text)]}) for row in MEDIA]
    rows += [("file", row, lambda text, row=row: {"input": [row.make(text)]}) for row in FILES]
    rows += [("output", row, lambda text, row=row: {"output": [row.make(text)]}) for row in OUTPUT_ITEMS]
    return [pytest.param(side, make, id=f"{side}: {row.id}") for side, row, make in rows]


async def leaks(handler: Any, side: str, make: Any) -> bool:
    """Whether a canary goes past a guardrail that masks texts and is handed images and files."""
    guardrail = masking(CANARY, MASKED)[1]
    payload = make(CANARY)
    if side == "output":
        await handler.process_output_response(payload, guardrail)
    else:
        await handler.process_input_messages(payload, guardrail)
    handed_over = [thing for call in guardrail.calls for key in ("images", "files") for thing in call.get(key, ())]
    return CANARY not in handed_over if side in ("image", "file") else payload != make(MASKED)


async def built_in_leaks(side: str, make: Any) -> bool:
    """Whether a canary goes past LiteLLM's own handler. One that it shows as a tool call, or fails on, does not."""
    try:
        if not await leaks(BuiltIn(), side, make):
            return False
    except (AttributeError, KeyError, TypeError, ValueError):
        return False
    if side != "output":
        return True
    guardrail = Today()
    await BuiltIn().process_output_response(make(CANARY), guardrail)
    return CANARY not in str(guardrail.calls)


@pytest.mark.parametrize(("side", "make"), payloads())
async def test_nothing_leaks(side: str, make: Any):
    assert not await leaks(OpenAIResponsesHandler(), side, make)


async def test_the_built_in_handler_leaks_where_ours_does_not():
    """Figures that the README states."""
    table = [parameters.values for parameters in payloads()]
    ours = [await leaks(OpenAIResponsesHandler(), *row) for row in table]
    built_in = [await built_in_leaks(*row) for row in table]
    assert ours.count(True) == 0
    assert built_in.count(True) > 40


# --- answers that cannot be mapped back


BAD_ANSWERS = [
    pytest.param(lambda inputs: {"texts": inputs["texts"][:1]}, "answered 3 texts with 1", id="one for three"),
    pytest.param(lambda inputs: {"texts": inputs["texts"][:-1]}, "answered 3 texts with 2", id="two for three"),
    pytest.param(lambda inputs: {"texts": [*inputs["texts"], "a"]}, "answered 3 texts with 4", id="four for three"),
    pytest.param(lambda inputs: {"texts": []}, "answered 3 texts with 0", id="none for three"),
    pytest.param(lambda inputs: {"texts": None}, "answered 3 texts with nothing", id="no list"),
    pytest.param(lambda inputs: {"texts": "abc"}, "answered 3 texts with a str", id="a string"),
    pytest.param(lambda inputs: {"texts": ["a", None, "c"]}, "answered text 1 with nothing", id="None for a text"),
    pytest.param(lambda inputs: {"texts": ["a", "b", 5]}, "answered text 2 with a int", id="number for a text"),
    pytest.param(lambda inputs: None, "answered with nothing, not with its inputs", id="nothing"),
    pytest.param(lambda inputs: ["a", "b", "c"], "answered with a list, not with its inputs", id="a list"),
    pytest.param(lambda inputs: {"tools": "a"}, "answered with tools that cannot be read", id="tools"),
]  # fmt: skip


@pytest.mark.lesson("a guardrail that answers no text for three leaves all as they were", row="none for three")
@pytest.mark.lesson("a guardrail that answers four texts for three is an IndexError", row="four for three")
@pytest.mark.lesson("a guardrail that answers one text for three leaves two as they were", row="one for three")
@pytest.mark.parametrize(("change", "problem"), BAD_ANSWERS)
async def test_bad_answer_to_a_request(change: Any, problem: str):
    """The error names the guardrail, and nothing has been written."""
    data = {"input": ["one", "two"], "tools": [{"type": "function", "name": "a"}]}
    before = deepcopy(data)
    with pytest.raises(GuardrailAnswerError) as caught:
        await OpenAIResponsesHandler().process_input_messages(data, Today(change))
    assert str(caught.value) == f"guardrail today: {problem}"
    assert data == before


@pytest.mark.lesson("a guardrail that answers no text for three leaves all as they were", row="none for three")
@pytest.mark.lesson("a guardrail that answers four texts for three is an IndexError", row="four for three")
@pytest.mark.lesson("a guardrail that answers one text for three leaves two as they were", row="one for three")
@pytest.mark.parametrize(("change", "problem"), BAD_ANSWERS[:-1])
async def test_bad_answer_to_an_answer(change: Any, problem: str):
    response = {"output": [answer(output_text(text)) for text in ("one", "two", "three")]}
    before = deepcopy(response)
    with pytest.raises(GuardrailAnswerError) as caught:
        await OpenAIResponsesHandler().process_output_response(response, Today(change))
    assert str(caught.value) == f"guardrail today: {problem}"
    assert response == before


@BOTH_SIDES
@pytest.mark.parametrize("wrong", [None, 5, ["a"]])
async def test_bad_answer_of_the_first_contract(side: str, wrong: Any):
    with pytest.raises(GuardrailAnswerError, match=r"^guardrail first: answered a text with "):
        await run(side, First(lambda text: wrong if text == "two" else "written"), ["one", "two"])


@BOTH_SIDES
async def test_an_answer_without_texts_means_unchanged(side: str):
    assert await run(side, Today(lambda inputs: {}), ["one", "two"]) == ["one", "two"]


@pytest.mark.lesson("a mask that cannot be written back is lost, and the answer leaves")
async def test_a_mask_that_cannot_be_written_fails_the_answer(contract: int):
    """LiteLLM's own handler drops the mask there, and the answer leaves as it was."""
    sealed = MappingProxyType({"type": "message", "role": "assistant", "content": "the secret"})
    response = {"output": [answer(output_text("secret")), sealed]}
    before = deepcopy(response["output"][0])
    with pytest.raises(GuardrailAnswerError, match=r"output\[1\]\.content: "):
        await OpenAIResponsesHandler().process_output_response(response, masking("secret", "[mask]")[contract])
    assert response["output"][0] == before


@pytest.mark.lesson("a mask that cannot be written back is lost, and the answer leaves")
async def test_a_rewrite_that_is_no_json_writes_nothing(contract: int):
    call = {"type": "function_call", "name": "a", "call_id": "c", "arguments": '{"a": "secret"}'}
    data = {"input": ["secret", call], "instructions": "secret"}
    before = deepcopy(data)
    pair = masking('"secret"', "")[contract], masking("secret", '"')[contract]
    for guardrail in pair:
        with pytest.raises(GuardrailAnswerError, match=r"input\[1\]\.arguments: "):
            await OpenAIResponsesHandler().process_input_messages(data, guardrail)
        assert data == before


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda calls: [], id="too few"),
        pytest.param(lambda calls: [{"function": {}}], id="no arguments"),
        pytest.param(lambda calls: [{"function": {"name": "a", "arguments": {"a": 1}}}], id="no string"),
        pytest.param(lambda calls: [{"function": {"name": "a", "arguments": "{"}}], id="no JSON"),
        pytest.param(lambda calls: "a", id="a string"),
    ],
)
async def test_bad_tool_calls(change: Any):
    response = {"output": [{"type": "function_call", "name": "a", "call_id": "c", "arguments": "{}"}]}
    before = deepcopy(response)
    with pytest.raises(GuardrailAnswerError):
        await OpenAIResponsesHandler().process_output_response(
            response, Today(lambda inputs: {"texts": inputs["texts"], "tool_calls": change(inputs["tool_calls"])})
        )
    assert response == before


def changing(**fields: str) -> Any:
    def change(inputs: dict[str, Any]) -> dict[str, Any]:
        inputs["tool_calls"][0]["function"].update(fields)
        return inputs

    return Today(change)


async def test_tool_calls_are_written_back():
    call = {"type": "function_call", "name": "a", "call_id": "c", "arguments": "{}"}
    response = {"output": [answer(output_text("a")), call]}

    await OpenAIResponsesHandler().process_output_response(response, changing(arguments='{"c": 1}'))
    assert response["output"][1] == {"type": "function_call", "name": "a", "call_id": "c", "arguments": '{"c": 1}'}


async def test_the_call_of_another_tool_is_no_rewrite():
    """LiteLLM's own handler writes the name, and another tool runs."""
    call = {"type": "function_call", "name": "a", "call_id": "c", "arguments": "{}"}
    response = {"output": [answer(output_text("a")), call]}
    before = deepcopy(response)

    with pytest.raises(GuardrailAnswerError, match=r"output\[1\]\.name"):
        await OpenAIResponsesHandler().process_output_response(response, changing(name="b", arguments='{"c": 1}'))
    assert response == before


@pytest.mark.parametrize(
    "call",
    [
        {"type": "local_shell_call", "call_id": "c", "action": {"type": "exec", "command": ["echo", "secret"]}},
        {"type": "shell_call", "call_id": "c", "action": {"commands": ["echo secret"]}},
        {"type": "apply_patch_call", "call_id": "c", "operation": {"type": "create_file", "diff": "+secret"}},
        {"type": "computer_call", "call_id": "c", "action": {"type": "type", "text": "secret"}},
    ],
    ids=lambda call: call["type"],
)
@pytest.mark.parametrize("mask", ["[mask]", "[text]"])
async def test_a_call_whose_arguments_are_no_text_is_rewritten_through_tool_calls(call: Any, mask: str):
    """Where a guardrail rewrites the same text in `texts` too, that counts: it is exact."""
    response = {"output": [deepcopy(call)]}

    def change(inputs: dict[str, Any]) -> dict[str, Any]:
        function = inputs["tool_calls"][0]["function"]
        function["arguments"] = function["arguments"].replace("secret", "[mask]")
        if mask == "[text]":
            inputs["texts"] = [text.replace("secret", "[text]") for text in inputs["texts"]]
        return inputs

    await OpenAIResponsesHandler().process_output_response(response, Today(change))
    assert response["output"] == [json.loads(json.dumps(call).replace("secret", mask))]


# --- in parallel, and none left behind


@BOTH_SIDES
async def test_all_texts_are_checked_at_once(side: str, contract: int):
    guardrail = (FirstRendezvous, TodayRendezvous)[contract](together=32)
    answers = await asyncio.wait_for(run(side, guardrail, [f"text {n}" for n in range(32)]), 60)
    assert answers == [f"TEXT {n}" for n in range(32)]


async def test_at_most_so_many_at_once(contract: int):
    class Bounded(OpenAIResponsesHandler):
        max_parallel_texts = 4

    guardrail = (FirstRendezvous, TodayRendezvous)[contract](together=4)
    await asyncio.wait_for(run("request", guardrail, ["a"] * 12, Bounded()), 60)
    assert guardrail.most == 4


@BOTH_SIDES
async def test_when_one_raises_the_others_are_cancelled_and_awaited(side: str, contract: int):
    guardrail = (FirstRendezvous, TodayRendezvous)[contract](together=8, fail=True)
    before = asyncio.all_tasks()
    with pytest.raises(LookupError, match="this text is blocked"):
        await asyncio.wait_for(run(side, guardrail, ["a"] * 80), 60)
    assert (guardrail.running, asyncio.all_tasks()) == (0, before)
    assert guardrail.cancelled >= 7


async def test_when_the_caller_gives_up_the_checks_end(contract: int):
    guardrail = (FirstRendezvous, TodayRendezvous)[contract](together=1000)
    before = asyncio.all_tasks()
    running = asyncio.ensure_future(run("request", guardrail, ["a"] * 80))
    while guardrail.running < 64:  # noqa: ASYNC110 - its event would end the checks
        await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (guardrail.running, guardrail.cancelled, asyncio.all_tasks()) == (0, 64, before)


# --- what a guardrail of today's contract is handed


FUNCTION = {
    "type": "function",
    "name": "weather",
    "description": "the weather",
    "strict": True,
    "parameters": {"type": "object", "properties": {"city": {"type": "string", "description": "which city"}}},
}
IMAGE = {"type": "input_image", "image_url": "http://a.test"}
SEARCH = {"type": "tool_search", "description": "finds tools"}


async def test_a_batch_is_one_call_with_its_context():
    guardrail = Today(lambda inputs: inputs if inputs["structured_messages"] else None)
    data = {
        "model": "m",
        "instructions": "be kind",
        "input": ["a", message(IMAGE, {"type": "input_file", "file_id": "file_1"})],
        "tools": [FUNCTION, SEARCH],
    }  # fmt: skip
    await OpenAIResponsesHandler().process_input_messages(data, guardrail)
    (call,) = guardrail.calls
    assert (call["texts"], call["images"], call["files"], call["model"]) == (
        ["be kind", "a", "the weather", "which city", "finds tools", "weather\ncity"],
        ["http://a.test"], ["file_1"], "m",
    )  # fmt: skip
    assert [tool["function"]["name"] for tool in call["tools"]] == ["weather"]
    assert guardrail.input_types == ["request"]


async def test_tools_are_handed_over_beside_their_texts():
    guardrail = Today()
    await OpenAIResponsesHandler().process_input_messages({"tools": [FUNCTION]}, guardrail)
    assert guardrail.calls[0]["tools"][0]["function"]["description"] == "the weather"


def upper(text: str) -> str:
    """Rewrites whatever has several words, which names have not."""
    return text.upper() if " " in text else text


@pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in NAMES])
async def test_a_rewritten_name_fails_the_request(row: Any, contract: int):
    """Nothing has been written, and a tool by another name would be another one."""
    data = row.make(CANARY)
    with pytest.raises(GuardrailAnswerError, match="names: was rewritten, but means something only as it stands"):
        await OpenAIResponsesHandler().process_input_messages(data, masking(CANARY, MASKED)[contract])
    assert data == row.make(CANARY)


async def test_the_first_contract_gets_tools_as_texts():
    guardrail = First(upper)
    data = {"tools": [deepcopy(FUNCTION)]}
    await OpenAIResponsesHandler().process_input_messages(data, guardrail)
    assert guardrail.seen == ["the weather", "which city", "weather\ncity"]
    assert (data["tools"][0]["name"], data["tools"][0]["description"]) == ("weather", "THE WEATHER")
    assert data["tools"][0]["parameters"]["properties"]["city"] == {"type": "string", "description": "WHICH CITY"}


async def test_rewritten_tools_are_written_back():
    """Those that were left alone stay the same objects."""

    def change(inputs: dict[str, Any]) -> dict[str, Any]:
        inputs["tools"][1]["function"]["description"] = MASKED
        return inputs

    first, second = deepcopy(FUNCTION), {**deepcopy(FUNCTION), "name": "time"}
    data = {"input": "a", "tools": [first, second, SEARCH]}
    await OpenAIResponsesHandler().process_input_messages(data, Today(change))
    assert data["tools"][0] is first
    assert data["tools"][1]["description"] == MASKED
    assert data["tools"][2] is SEARCH


@pytest.mark.parametrize("execution", ["server", "client"])
async def test_a_rewritten_tool_search_stays_one(execution: str, contract: int):
    """Newer releases of LiteLLM know a chat form of it, and would write a function back."""
    schema = {"type": "object", "properties": {"goal": {"type": "string", "description": "which tool"}}}
    search = {**SEARCH, "execution": execution, "parameters": schema}
    data = {"input": "a", "tools": [search]}
    guardrail = (First(upper), Today(lambda inputs: {"texts": [upper(text) for text in inputs["texts"]]}))
    await OpenAIResponsesHandler().process_input_messages(data, guardrail[contract])
    goal = {"type": "string", "description": "WHICH TOOL"}
    parameters = {"type": "object", "properties": {"goal": goal}}
    expected = {"type": "tool_search", "description": "FINDS TOOLS", "execution": execution, "parameters": parameters}
    assert data["tools"] == [expected]


@pytest.mark.parametrize("tools", [5, "a", [None], ["a"], {"a": 1}])
async def test_unreadable_tools(tools: Any, contract: int):
    with pytest.raises(PayloadError, match=r"^tools"):
        await OpenAIResponsesHandler().process_input_messages({"tools": tools}, (First(), Today())[contract])


MESSAGE_INPUTS = [
    pytest.param(f"say {CANARY}", id="string"),
    pytest.param([{"role": "user", "content": f"say {CANARY}"}], id="dict"),
    pytest.param([EasyInputMessage(role="user", content=f"say {CANARY}")], id="model"),
    pytest.param([f"say {CANARY}"], id="bare string"),
    pytest.param(({"role": "user", "content": f"say {CANARY}"},), id="tuple"),
    pytest.param({"role": "user", "content": f"say {CANARY}"}, id="one item alone"),
    pytest.param(
        [{"role": "user", "content": [ResponseInputText(type="input_text", text=f"say {CANARY}")]}], id="model part"
    ),
]


@pytest.mark.parametrize("in_place", [False, True], ids=["new messages", "changed in place"])
@pytest.mark.parametrize("value", MESSAGE_INPUTS)
async def test_rewritten_messages_reach_the_request(value: Any, in_place: object):
    """Also where a guardrail writes into the messages that it was handed."""

    def change(inputs: dict[str, Any]) -> dict[str, Any]:
        messages = inputs["structured_messages"] if in_place else deepcopy(inputs["structured_messages"])
        for each in messages:
            each["content"] = json.loads(json.dumps(each["content"]).replace(CANARY, MASKED))
        return {"texts": inputs["texts"], "structured_messages": messages}

    data = {"input": deepcopy(value), "instructions": f"never {CANARY}"}
    await OpenAIResponsesHandler().process_input_messages(data, Today(change))
    assert CANARY not in str(data)
    assert str(data).count(MASKED) == 2


async def test_messages_that_were_only_read_change_nothing():
    items = [EasyInputMessage(role="user", content="a"), {"type": "item_reference", "id": "msg_1"}, "b"]
    data = {"input": list(items)}
    guardrail = Today(lambda inputs: {**inputs, "structured_messages": inputs["structured_messages"]})
    await OpenAIResponsesHandler().process_input_messages(data, guardrail)
    assert all(after is before for after, before in zip(data["input"], items, strict=True))


@pytest.mark.parametrize("messages", ["a", 5, {"role": "user"}])
async def test_messages_that_are_none(messages: Any):
    guardrail = Today(lambda inputs: {"structured_messages": messages} if inputs["structured_messages"] else None)
    data = {"input": "a"}
    with pytest.raises(GuardrailAnswerError, match="answered with messages that are no list"):
        await OpenAIResponsesHandler().process_input_messages(data, guardrail)
    assert data == {"input": "a"}


async def test_skip_system_message(contract: int):
    guardrail = (First(), Today())[contract]
    guardrail.skip_system_message_in_guardrail = True
    data = {"instructions": "a", "input": [{"role": "system", "content": "b"}, {"role": "user", "content": "c"}]}
    await OpenAIResponsesHandler().process_input_messages(data, guardrail)
    assert guardrail.seen == ["c"]


# --- saying what was scanned


async def test_nothing_to_scan_is_said_so(contract: int):
    guardrail = (First(), Today())[contract]
    data = {"input": [{"type": "item_reference", "id": "msg_1"}], "previous_response_id": "r", "litellm_metadata": {}}
    await OpenAIResponsesHandler().process_input_messages(data, guardrail)
    (scan,) = data["litellm_metadata"]["litellm_bighub_scans"]
    assert (scan["texts"], scan["not_visible_here"]) == (0, ["input[0]", "previous_response_id"])
    assert guardrail.seen == []
    (logged,) = data["litellm_metadata"]["standard_logging_guardrail_information"]
    assert logged["guardrail_status"] == "not_run"


async def test_an_image_alone_is_nothing_that_the_first_contract_could_scan():
    guardrail = First()
    data = {"input": [message(IMAGE)], "litellm_metadata": {}}
    await OpenAIResponsesHandler().process_input_messages(data, guardrail)
    (logged,) = data["litellm_metadata"]["standard_logging_guardrail_information"]
    assert (logged["guardrail_status"], guardrail.seen) == ("not_run", [])


@pytest.mark.parametrize("spoofed", [None, "a", {}])
async def test_what_was_scanned_is_counted(spoofed: Any, contract: int):
    """Whatever a caller put there before."""
    data = {"input": ["a", "b"], "litellm_metadata": {"litellm_bighub_scans": spoofed}}
    await OpenAIResponsesHandler().process_input_messages(data, (First(), Today())[contract])
    (scan,) = data["litellm_metadata"]["litellm_bighub_scans"]
    assert (scan["texts"], scan["input_type"], scan["guardrail"]) == (2, "request", ("first", "today")[contract])


async def test_no_metadata_is_made():
    """It would go upstream."""
    data = {"input": "a"}
    await OpenAIResponsesHandler().process_input_messages(data, Today())
    assert data == {"input": "a"}


# --- bad input


@pytest.mark.parametrize(
    ("data", "path"),
    [
        pytest.param({"input": 5}, "input", id="number"),
        pytest.param({"input": ["a", message("a", {"text": 5})]}, "input[1].content[1].text", id="text"),
    ],
)
async def test_bad_input_names_the_place(data: dict[str, Any], path: str, contract: int):
    before = deepcopy(data)
    guardrail = (First(), Today())[contract]
    with pytest.raises(PayloadError) as caught:
        await OpenAIResponsesHandler().process_input_messages(data, guardrail)
    assert (caught.value.path, caught.value.status_code) == (path, 400)
    assert (guardrail.seen, data) == ([], before)


def test_rows_have_ids_of_their_own():
    for table in (REQUESTS, ITEMS, MEDIA, FILES, OUTPUT_ITEMS):
        assert len({row.id for row in table}) == len(table)
        assert all(isinstance(row, Row) for row in table)
