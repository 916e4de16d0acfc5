"""The documented methods go on working for a subclass, with the signatures that they were released with."""

from __future__ import annotations

import asyncio
from copy import deepcopy
from typing import Any

import pytest

from litellm_bighub import OpenAIResponsesHandler
from litellm_bighub.errors import GuardrailAnswerError, PayloadError
from tests.formats.responses.canaries import answer, message, output_text
from tests.llm_translation.guardrails import First, FirstRendezvous, Today, TodayRendezvous


async def ask(guardrail: Any, text: str) -> str:
    """What a subclass of the first release would write, for a guardrail of either contract."""
    if isinstance(guardrail, (First, FirstRendezvous)):
        return await guardrail.apply_guardrail(text=text)
    answered = await guardrail.apply_guardrail(inputs={"texts": [text]}, request_data={}, input_type="request")
    return answered["texts"][0]


class OnlyUser(OpenAIResponsesHandler):
    """The first release's input extraction, written by hand: string contents of users."""

    async def _extract_input_text_and_create_tasks(self, message, msg_idx, tasks, task_mappings, guardrail_to_apply):
        if message["role"] == "user":
            tasks.append(ask(guardrail_to_apply, message["content"]))
            task_mappings.append((msg_idx, None))


class Signs(OpenAIResponsesHandler):
    """Overrides how answers are written into the input."""

    async def _apply_guardrail_responses_to_input(self, messages, responses, task_mappings):
        signed = [f"{response} (checked)" for response in responses]
        await super()._apply_guardrail_responses_to_input(messages, signed, task_mappings)


class NotTheFirst(OpenAIResponsesHandler):
    """Leaves the first output item out, and has ours do the others."""

    async def _extract_output_text_and_create_tasks(
        self, output_item, output_idx, tasks, task_mappings, guardrail_to_apply
    ):
        if output_idx:
            await super()._extract_output_text_and_create_tasks(
                output_item, output_idx, tasks, task_mappings, guardrail_to_apply
            )


class SignsOutput(OpenAIResponsesHandler):
    """Overrides how answers are written into the output."""

    async def _apply_guardrail_responses_to_output(self, response, responses, task_mappings):
        for text, (item, part) in zip(responses, task_mappings, strict=True):
            response["output"][item]["content"][part]["text"] = f"{text} (checked)"


class Silent(OpenAIResponsesHandler):
    """Takes every answer for one without text."""

    def _has_text_content(self, response):
        return False


class LaterInput(OpenAIResponsesHandler):
    """LiteLLM's later extraction of the input: the first item only."""

    def _extract_input_text_and_images(self, message, msg_idx, texts_to_check, images_to_check, task_mappings):
        if msg_idx == 0:
            super()._extract_input_text_and_images(message, msg_idx, texts_to_check, images_to_check, task_mappings)


class LaterOutput(OpenAIResponsesHandler):
    """LiteLLM's later extraction of the output, by hand and with the signature that it had first."""

    def _extract_output_text_and_images(self, output_item, output_idx, texts_to_check, images_to_check, task_mappings):
        texts_to_check.append(output_item["content"][0]["text"])
        task_mappings.append((output_idx, 0))


def shouting(contract: int) -> Any:
    return (First(str.upper), Today(lambda inputs: {"texts": [text.upper() for text in inputs["texts"]]}))[contract]


@pytest.fixture(params=[0, 1], ids=["first contract", "today's contract"])
def contract(request):
    return request.param


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        pytest.param(OpenAIResponsesHandler, ["ONE", "TWO"], id="nothing overridden"),
        pytest.param(OnlyUser, ["ONE", "two"], id="_extract_input_text_and_create_tasks"),
        pytest.param(Signs, ["ONE (checked)", "TWO (checked)"], id="_apply_guardrail_responses_to_input"),
        pytest.param(LaterInput, ["ONE", "two"], id="_extract_input_text_and_images"),
    ],
)
@pytest.mark.parametrize("kind", [list, tuple])
async def test_input(handler: type[OpenAIResponsesHandler], expected: list[str], kind: type, contract: int):
    """What stands around the items is checked as ever, and so are items that are bare strings."""
    items = kind([{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}, "three"])
    data = {"instructions": "be kind", "input": items}
    await handler().process_input_messages(data, shouting(contract))
    assert [item["content"] for item in data["input"][:2]] == expected
    assert (data["instructions"], data["input"][2]) == ("BE KIND", "THREE")


async def test_one_item_alone(contract: int):
    data = {"input": {"role": "assistant", "content": "two"}}
    await OnlyUser().process_input_messages(data, shouting(contract))
    assert data == {"input": {"role": "assistant", "content": "two"}}


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        pytest.param(OpenAIResponsesHandler, ["ONE", "TWO"], id="nothing overridden"),
        pytest.param(NotTheFirst, ["one", "TWO"], id="_extract_output_text_and_create_tasks"),
        pytest.param(SignsOutput, ["ONE (checked)", "TWO (checked)"], id="_apply_guardrail_responses_to_output"),
        pytest.param(Silent, ["one", "two"], id="_has_text_content"),
        pytest.param(LaterOutput, ["ONE", "TWO"], id="_extract_output_text_and_images"),
    ],
)
async def test_output(handler: type[OpenAIResponsesHandler], expected: list[str], contract: int):
    response = {"output": [answer(output_text(text)) for text in ("one", "two")]}
    await handler().process_output_response(response, shouting(contract))
    assert [item["content"][0]["text"] for item in response["output"]] == expected


@pytest.mark.parametrize("handler", [Signs, LaterInput])
async def test_our_extraction_below_an_override_finds_everything(handler: type[OpenAIResponsesHandler], contract: int):
    """Also what the first release's mappings had no word for."""
    call = {"type": "function_call", "name": "a", "call_id": "c", "arguments": '{"a": 1}'}
    reasoning = {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "why"}]}
    for item in (call, reasoning):
        guardrail = (First(), Today())[contract]
        await handler().process_input_messages({"input": [item]}, guardrail)
        assert [text for text in guardrail.seen if text != "a"] == ['{"a": 1}' if item is call else "why"]


@pytest.mark.parametrize("handler", [OnlyUser, LaterInput, Signs])
async def test_media_and_hidden_places_are_handed_over_below_an_override(handler: type[OpenAIResponsesHandler]):
    guardrail = Today()
    parts = [{"type": "input_image", "image_url": "http://a.test"}, {"type": "input_file", "file_id": "file_1"}]
    data = {"input": [message(*parts, role="assistant"), {"type": "item_reference", "id": "m", "role": "tool"}]}
    data["litellm_metadata"] = {}
    await handler().process_input_messages(data, guardrail)
    assert (guardrail.calls[0]["images"], guardrail.calls[0]["files"]) == (["http://a.test"], ["file_1"])
    assert data["litellm_metadata"]["litellm_bighub_scans"][0]["not_visible_here"] == ["input[1]"]


async def test_the_convenience_field_is_checked_below_an_override(contract: int):
    response = {"output": [answer(output_text("one"))], "output_text": "one"}
    await SignsOutput().process_output_response(response, shouting(contract))
    assert response["output_text"] == "ONE"


async def test_texts_in_tasks_are_counted(contract: int):
    data = {"input": [{"role": "user", "content": "one"}], "litellm_metadata": {}}
    await OnlyUser().process_input_messages(data, shouting(contract))
    assert data["litellm_metadata"]["litellm_bighub_scans"][0]["texts"] == 1
    assert "standard_logging_guardrail_information" not in data["litellm_metadata"]


def _mapped(mapping: Any) -> type[OpenAIResponsesHandler]:
    class Mapped(OpenAIResponsesHandler):
        async def _extract_input_text_and_create_tasks(self, message, msg_idx, tasks, task_mappings, guardrail):
            tasks.append(ask(guardrail, "a"))
            task_mappings.append(mapping)

    return Mapped


@pytest.mark.parametrize("mapping", [(5, None), (0, 3), (-1, None), (0, "a"), (0,), (0, 0, 0), None, (1, 0), (1, None)])
async def test_a_mapping_that_means_no_text(mapping: Any, contract: int):
    """The error names the place, nothing is written, and the task is not left behind."""
    data = {"input": [{"role": "user", "content": "one"}, {"role": "user"}]}
    before = deepcopy(data)
    with pytest.raises(PayloadError, match=r"^input"):
        await _mapped(mapping)().process_input_messages(data, shouting(contract))
    assert data == before


class Unmapped(OpenAIResponsesHandler):
    """Forgets to say where a text belongs."""

    async def _extract_input_text_and_create_tasks(self, message, msg_idx, tasks, task_mappings, guardrail_to_apply):
        tasks.append(ask(guardrail_to_apply, "a"))


async def test_a_task_without_a_mapping():
    with pytest.raises(PayloadError, match="collected 1 texts and 0 mappings"):
        await Unmapped().process_input_messages({"input": [{"role": "user", "content": "one"}]}, First())


class Numbers(OnlyUser):
    """Has tasks that answer no text."""

    async def _extract_input_text_and_create_tasks(self, message, msg_idx, tasks, task_mappings, guardrail_to_apply):
        tasks.append(asyncio.sleep(0, result=5))
        task_mappings.append((msg_idx, None))


async def test_a_task_that_answers_no_text():
    data = {"input": [{"role": "user", "content": "one"}], "instructions": "a"}
    with pytest.raises(GuardrailAnswerError, match="answered text 0 with a int"):
        await Numbers().process_input_messages(data, First(str.upper))
    assert data == {"input": [{"role": "user", "content": "one"}], "instructions": "a"}


class Eager(OpenAIResponsesHandler):
    """Starts its tasks at once."""

    async def _extract_input_text_and_create_tasks(self, message, msg_idx, tasks, task_mappings, guardrail_to_apply):
        tasks.append(asyncio.ensure_future(ask(guardrail_to_apply, message["content"])))
        task_mappings.append((msg_idx, None))


@pytest.mark.parametrize("handler", [OnlyUser, Eager])
async def test_when_one_raises_no_task_is_left(handler: type[OpenAIResponsesHandler], contract: int):
    """Neither of the override's tasks nor of the texts around the items."""
    guardrail = (FirstRendezvous, TodayRendezvous)[contract](together=8, fail=True)
    before = asyncio.all_tasks()
    data = {"instructions": "a", "user": "b", "input": [{"role": "user", "content": f"{n}"} for n in range(80)]}
    with pytest.raises(LookupError):
        await asyncio.wait_for(handler().process_input_messages(data, guardrail), 60)
    assert (guardrail.running, asyncio.all_tasks()) == (0, before)


async def test_tasks_are_checked_at_once(contract: int):
    guardrail = (FirstRendezvous, TodayRendezvous)[contract](together=33)
    items = [{"role": "user", "content": "a"} for _ in range(32)]
    await asyncio.wait_for(Unchanged().process_input_messages({"input": items, "user": "b"}, guardrail), 60)
    assert [item["content"] for item in items] == ["A"] * 32


class Unchanged(OpenAIResponsesHandler):
    """Overrides, and changes nothing."""

    async def _extract_input_text_and_create_tasks(self, message, msg_idx, tasks, task_mappings, guardrail_to_apply):
        await super()._extract_input_text_and_create_tasks(message, msg_idx, tasks, task_mappings, guardrail_to_apply)
