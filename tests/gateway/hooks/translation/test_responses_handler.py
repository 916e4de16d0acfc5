"""One text alone is checked in a shorter way, which must do what the long way does."""

from __future__ import annotations

import asyncio
from copy import deepcopy

import pytest
from hypothesis import given, strategies as st
from litellm.types.llms.openai import ResponsesAPIResponse

from litellm_bighub.errors import GuardrailAnswerError
from litellm_bighub.formats.payload.slots import slot_of
from litellm_bighub.gateway.hooks.translation.responses_handler import OpenAIResponsesHandler
from litellm_bighub.gateway.hooks.translation.scan_record import SCANS
from tests.formats.absent import of_format

pytestmark = pytest.mark.format("responses")
finder = of_format("litellm_bighub.formats.responses.texts.text_finder")


class Answers:
    """A guardrail of today's contract that answers what a function makes of its inputs."""

    guardrail_name = "answers"

    def __init__(self, make):
        self.make = make
        self.seen = []

    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
        self.seen.append({**inputs, "input_type": input_type, "logging_obj": logging_obj})
        return self.make(inputs)


def masks_in_place(inputs):
    inputs["texts"][0] = inputs["texts"][0].replace("4711", "[hidden]")
    return inputs


def rewrites_messages(inputs):
    for message in inputs.get("structured_messages", ()):
        message["content"] = "said otherwise"
    return inputs


def replaces_messages(inputs):
    told = {"role": "user", "content": "said otherwise"}
    return {"texts": inputs["texts"], "structured_messages": [told for _ in inputs.get("structured_messages", ())]}


ANSWERS = {
    "what it was handed": lambda inputs: inputs,
    "a copy": lambda inputs: {**inputs},
    "only the texts": lambda inputs: {"texts": inputs["texts"]},
    "no texts": lambda _inputs: {},
    "masked in place": masks_in_place,
    "masked anew": lambda inputs: {"texts": [text.replace("4711", "[hidden]") for text in inputs["texts"]]},
    "messages asked for": lambda inputs: (inputs.get("structured_messages"), inputs)[1],
    "messages rewritten in place": rewrites_messages,
    "messages replaced": replaces_messages,
    "too many texts": lambda inputs: {"texts": [*inputs["texts"], "more"]},
    "too few texts": lambda _inputs: {"texts": []},
    "a text that is none": lambda _inputs: {"texts": [4711]},
    "texts removed": lambda inputs: (inputs.pop("texts"), inputs)[1],
    "tools nobody had": lambda inputs: {**inputs, "tools": []},
    "calls nobody made": lambda inputs: {**inputs, "tool_calls": [{"function": {"name": "a", "arguments": "{}"}}]},
    "nothing": lambda _inputs: None,
}
REQUESTS = {
    "a string": "Delete 4711",
    "a user": [{"role": "user", "content": "Delete 4711"}],
    "an assistant": [{"role": "assistant", "content": "4711?", "type": "message"}],
}


def an_answer(*more):
    part = {"type": "output_text", "text": "It is 4711", "annotations": []}
    message = {"type": "message", "role": "assistant", "status": "completed", "id": "msg_1", "content": [part]}
    return ResponsesAPIResponse.model_validate(
        {"id": "resp_1", "created_at": 1, "model": "gpt-4.1", "object": "response", "output": [message, *more]}
        | {"parallel_tool_calls": True, "tool_choice": "auto", "tools": []}
    )


async def checked(guardrail, run):
    """What came of it: the payload, or the error."""
    try:
        return await run(guardrail)
    except GuardrailAnswerError as error:
        return str(error)


@pytest.mark.parametrize("make", ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize("value", REQUESTS.values(), ids=REQUESTS)
async def test_a_request_of_one_text_is_treated_like_any_other(value, make):
    async def run(guardrail, **beside):
        copied = value if isinstance(value, str) else [dict(item) for item in value]
        data = {"model": "gpt-4.1", "input": copied, "litellm_metadata": {}, **beside}
        return await OpenAIResponsesHandler().process_input_messages(data, guardrail, "the log")

    lone, any_other = Answers(make), Answers(make)
    outcome = await checked(lone, run)
    # an empty field beside the input holds no text, and takes the request off the short way
    expected = await checked(any_other, lambda guardrail: run(guardrail, user=""))
    if isinstance(expected, dict):
        del expected["user"]
    assert outcome == expected
    assert lone.seen == any_other.seen


@pytest.mark.parametrize("make", ANSWERS.values(), ids=ANSWERS)
async def test_an_answer_of_one_text_is_treated_like_any_other(make):
    requests = {}

    async def run(guardrail, name, *more):
        requests[name] = {"litellm_metadata": {}}
        response = an_answer(*more)
        await OpenAIResponsesHandler().process_output_response(response, guardrail, request_data=requests[name])
        return response.model_dump()["output"][0]

    lone, any_other = Answers(make), Answers(make)
    silent = {"type": "message", "role": "assistant", "status": "completed", "id": "msg_2", "content": []}
    outcome = await checked(lone, lambda guardrail: run(guardrail, "lone"))
    assert outcome == await checked(any_other, lambda guardrail: run(guardrail, "other", silent))
    assert lone.seen == any_other.seen
    scans = [requests[name]["litellm_metadata"][SCANS] for name in ("lone", "other")]
    assert scans[0] == scans[1]


WORDS = st.text(st.characters(codec="utf-8"), max_size=12)
TOLD = st.none() | st.booleans() | st.integers(0, 3) | WORDS
MESSAGES = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "system", "developer"]), "content": WORDS},
    optional={"type": st.sampled_from(["message", "reasoning"]), "status": TOLD, "id": TOLD, "phase": TOLD},
)
PARTS = st.fixed_dictionaries(
    {"type": st.sampled_from(["output_text", "refusal"]), "text": WORDS},
    optional={"annotations": st.just([]) | st.just([{"type": "url_citation", "title": "a title"}]), "more": TOLD},
)
ITEMS = MESSAGES | st.fixed_dictionaries(
    {"type": st.sampled_from(["message", "function_call"]), "role": st.just("assistant"), "id": st.just("m")},
    optional={"content": WORDS | st.lists(PARTS, max_size=2), "arguments": WORDS, "more": TOLD},
)
BESIDE = st.dictionaries(
    st.sampled_from(["model", "store", "temperature", "top_p", "user", "instructions", "metadata", "more"]),
    TOLD,
    max_size=3,
)
BODIES = st.builds(lambda beside, told: {**beside, "input": told}, BESIDE, WORDS | st.lists(ITEMS, max_size=2))
ANSWER = st.sampled_from(list(ANSWERS.values()))


def seen_of(found):
    return [(slot.owner, slot.key, slot.text, slot.kind, slot.where) for slot in found]


@given(BODIES)
def test_the_short_way_sees_what_the_walk_sees_in_a_request(body):
    """It is taken only where one text is all that there is to see."""
    lone = finder.lone_text_in_request(body)
    if lone is not None:
        found = finder.find_in_request(body)
        assert seen_of([slot_of(*lone)]) == seen_of(found.slots)
        assert [*found.images, *found.files, *found.hidden] == []


@given(st.lists(ITEMS, max_size=2))
def test_the_short_way_sees_what_the_walk_sees_in_an_answer(items):
    response = an_answer()
    response.output = items
    lone = finder.lone_text_in_response(response)
    if lone is not None:
        found = finder.find_in_response(response)
        assert seen_of([slot_of(*lone)]) == seen_of(found.slots)
        assert [*found.images, *found.files, *found.hidden] == []


@given(
    st.builds(lambda beside, told: {**beside, "input": told}, BESIDE, WORDS | st.lists(MESSAGES, max_size=1)), ANSWER
)
def test_both_ways_do_the_same_with_a_request(body, make):
    async def run(guardrail, **beside):
        return await OpenAIResponsesHandler().process_input_messages({**deepcopy(body), **beside}, guardrail)

    async def both():
        lone, any_other = Answers(make), Answers(make)
        outcome = await checked(lone, run)
        # an empty field that no list names holds no text, and takes the request off the short way
        expected = await checked(any_other, lambda guardrail: run(guardrail, nothing=""))
        if isinstance(expected, dict):
            del expected["nothing"]
        return outcome, lone.seen, expected, any_other.seen

    outcome, seen, expected, others = asyncio.run(both())
    assert (outcome, seen) == (expected, others)


@given(st.lists(PARTS, max_size=2), ANSWER)
def test_both_ways_do_the_same_with_an_answer(parts, make):
    async def run(guardrail, *more):
        response = an_answer(*more)
        response.output[0].content = deepcopy(parts)
        await OpenAIResponsesHandler().process_output_response(response, guardrail, request_data={})
        return response.output[0]

    async def both():
        lone, any_other = Answers(make), Answers(make)
        silent = {"type": "message", "role": "assistant", "status": "completed", "id": "msg_2", "content": []}
        outcome = await checked(lone, run)
        return outcome, lone.seen, await checked(any_other, lambda guardrail: run(guardrail, silent)), any_other.seen

    outcome, seen, expected, others = asyncio.run(both())
    assert (outcome, seen) == (expected, others)
