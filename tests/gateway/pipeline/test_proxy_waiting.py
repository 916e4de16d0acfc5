"""Calls that wait for a person: official clients, the real proxy with two workers, and a control plane beside it."""

from __future__ import annotations

import asyncio
import json
import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anthropic
import httpx
import openai
import pytest
import yaml

from litellm_bighub.control_plane.approvals.resolution import Resolution
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.database import sqlite_url
from litellm_bighub.control_plane.store.tables import approvals
from litellm_bighub.control_plane.store.tables.approvals import Approval
from litellm_bighub.testing import Failure, ScriptedUpstream, function_call, reasoning, running_proxy, text
from litellm_bighub.testing.upstream.response import usage
from tests.gateway.conftest import EXTENSIONS, MODEL, Gateway, _guardrail

pytestmark = pytest.mark.proxy

POLICY = """\
version: 1
rules:
  - {name: refunds, tool: refund, require_approval_above: 500, max_value: 10000}
  - {name: lookups, tool: look_up, effect: allow}
  - {name: wipes, tool: wipe, effect: block}
tools:
  refund: {value: amount}
"""


def refund(amount, **more):
    return function_call("refund", {"amount": amount, "order": "o-1", **more})


PARAMETERS = {"type": "object"}
NAMES = ("refund", "look_up", "wipe")
RESPONSES_TOOLS = [{"type": "function", "name": name, "parameters": PARAMETERS, "strict": False} for name in NAMES]
CHAT_TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": PARAMETERS, "strict": True}} for name in NAMES
]
MESSAGES_TOOLS = [{"name": name, "input_schema": PARAMETERS} for name in NAMES]


@pytest.fixture(scope="module")
def _waiting(tmp_path_factory):
    folder = tmp_path_factory.mktemp("waiting")
    shutil.copytree(EXTENSIONS, folder, dirs_exist_ok=True)
    (folder / "bighub_policy.yaml").write_text(POLICY)
    config = {
        "model_list": [
            {"model_name": "gpt-4.1", "litellm_params": MODEL},
            {"model_name": "chatting", "litellm_params": {**MODEL, "model": "deepseek/chat"}},
        ],
        "guardrails": [
            _guardrail("waiting", {"on_approval": "wait", "approval_wait_seconds": 60, "keep_alive_seconds": 0.1}),
            _guardrail("impatient", {"on_approval": "wait", "approval_wait_seconds": 0.3}),
            _guardrail("continuing", {"on_block": "continue", "continue_rounds": 2}),
            _guardrail(
                "patient",
                {"on_block": "continue", "on_approval": "wait", "approval_wait_seconds": 60, "keep_alive_seconds": 0.1},
            ),
            _guardrail("requesting", {"on_approval": "request", "client_approvals": True}),
            _guardrail("deaf", {"on_approval": "request"}),
        ],
        "litellm_settings": {"telemetry": False},
        "general_settings": {"custom_auth": "hooks.authenticate"},  # a key that may use its own response ids alone
    }
    (folder / "proxy_config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    with (
        ScriptedUpstream(strict=True) as upstream,
        running_proxy(
            folder / "proxy_config.yaml",
            env={"UPSTREAM_BASE_URL": upstream.base_url, "SEEN_FOLDER": str(folder)},
            num_workers=2,
        ) as proxy,
    ):
        yield Gateway(proxy, upstream, None, folder)


@dataclass
class Answer:
    """What a client made of an answer."""

    calls: list[tuple[str, dict]]
    text: str
    kinds: list[str] = field(default_factory=list)
    requests: list[tuple[str, str, dict]] = field(default_factory=list)


@dataclass
class Desk:
    """A person at the control plane, which shares the proxy's database."""

    plane: ControlPlane

    async def pending(self, amount: int) -> Approval:
        return await asyncio.wait_for(self._pending(amount), 60)

    async def _pending(self, amount: int) -> Approval:
        while True:
            with self.plane.signals.watch() as changed:
                for approval in await self.all(amount):
                    if approval.state == "pending":
                        return approval
                await changed(1.0)

    async def all(self, amount: int) -> list[Approval]:
        listed = await self.plane.read(lambda connection: approvals.listed(connection, now=self.plane.clock()))
        return [approval for approval in listed if approval.value == amount]

    async def states(self, amount: int) -> list[str]:
        return sorted(approval.state for approval in await self.all(amount))

    async def resolve(self, approval: Approval, answer="approve", **more):
        resolved = await self.plane.resolve(Resolution(approval.id, answer, by="ann", **more))
        assert isinstance(resolved, Approval)


@pytest.fixture
def gateway(_waiting):
    _waiting.upstream.reset()
    return _waiting


@pytest.fixture
def desk(gateway):
    plane = ControlPlane.open(sqlite_url(gateway.folder / "bighub.db"), gateway.folder / "bighub_policy.yaml")
    yield Desk(plane)
    plane.close()


class Clients:
    """The official clients, each of which asks the same and tells what it got."""

    def __init__(self, gateway: Gateway) -> None:
        key = gateway.proxy.master_key
        self.openai = openai.AsyncOpenAI(base_url=gateway.proxy.openai_url, api_key=key, max_retries=0)
        self.anthropic = anthropic.AsyncAnthropic(base_url=gateway.proxy.base_url, api_key=key, max_retries=0)

    async def responses(self, prompt, extra, **more) -> Answer:
        asked = {"model": "gpt-4.1", "input": prompt, "tools": RESPONSES_TOOLS, "extra_body": extra, **more}
        return self._response(await self.openai.responses.create(**asked))

    async def responses_stream(self, prompt, extra) -> Answer:
        asked = {"model": "gpt-4.1", "input": prompt, "tools": RESPONSES_TOOLS, "extra_body": extra}
        async with self.openai.responses.stream(**asked) as stream:
            events = [event async for event in stream]
            answer = self._response(await stream.get_final_response())
        numbers = [event.sequence_number for event in events]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        answer.kinds = [event.type for event in events]
        return answer

    @staticmethod
    def _response(response) -> Answer:
        calls = [(item.name, json.loads(item.arguments)) for item in response.output if item.type == "function_call"]
        asked = [item for item in response.output if item.type == "mcp_approval_request"]
        requests = [(item.id, item.name, json.loads(item.arguments)) for item in asked]
        return Answer(calls, response.output_text, requests=requests)

    async def chat(self, prompt, extra) -> Answer:
        messages = [{"role": "user", "content": prompt}]
        asked = {"model": "gpt-4.1", "messages": messages, "tools": CHAT_TOOLS, "extra_body": extra}
        return self._completion(await self.openai.chat.completions.create(**asked))

    async def chat_stream(self, prompt, extra) -> Answer:
        messages = [{"role": "user", "content": prompt}]
        asked = {"model": "gpt-4.1", "messages": messages, "tools": CHAT_TOOLS, "extra_body": extra}
        async with self.openai.chat.completions.stream(**asked) as stream:
            events = [event async for event in stream]
            answer = self._completion(await stream.get_final_completion())
        silent = [event for event in events if event.type == "chunk" and _says_nothing(event.chunk)]
        answer.kinds = ["silent chunk"] * len(silent)
        return answer

    @staticmethod
    def _completion(completion) -> Answer:
        message = completion.choices[0].message
        calls = [(call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls or ()]
        return Answer(calls, message.content or "")

    async def messages(self, prompt, extra) -> Answer:
        return self._message(await self.anthropic.messages.create(**self._asked(prompt, extra)))

    async def messages_stream(self, prompt, extra) -> Answer:
        async with self.anthropic.messages.stream(**self._asked(prompt, extra)) as stream:
            return self._message(await stream.get_final_message())

    @staticmethod
    def _asked(prompt, extra):
        asked = {"model": "gpt-4.1", "max_tokens": 100, "tools": MESSAGES_TOOLS, "extra_body": extra}
        return {**asked, "messages": [{"role": "user", "content": prompt}]}

    async def go_on(self, road, call_id, answer, extra) -> None:
        """Bring a call's result with everything that was said before."""
        [(name, arguments)] = answer.calls
        said, written = {"role": "assistant", "content": answer.text}, json.dumps(arguments)
        match road.partition("_")[0]:
            case "responses":
                call = {"type": "function_call", "call_id": call_id, "name": name, "arguments": written}
                output = {"type": "function_call_output", "call_id": call_id, "output": "done"}
                await self.responses([{"role": "user", "content": "go"}, said, call, output], extra)
            case "chat":
                calls = [{"id": call_id, "type": "function", "function": {"name": name, "arguments": written}}]
                tool = {"role": "tool", "tool_call_id": call_id, "content": "done"}
                history = [{"role": "user", "content": "go"}, {**said, "tool_calls": calls}, tool]
                asked = {"model": "gpt-4.1", "messages": history, "tools": CHAT_TOOLS, "extra_body": extra}
                await self.openai.chat.completions.create(**asked)
            case _:
                use = {"type": "tool_use", "id": call_id, "name": name, "input": arguments}
                result = {"type": "tool_result", "tool_use_id": call_id, "content": "done"}
                history = [
                    {"role": "user", "content": "go"},
                    {"role": "assistant", "content": [{"type": "text", "text": answer.text}, use]},
                    {"role": "user", "content": [result]},
                ]
                await self.anthropic.messages.create(**{**self._asked("go", extra), "messages": history})

    @staticmethod
    def _message(message) -> Answer:
        calls = [(block.name, block.input) for block in message.content if block.type == "tool_use"]
        return Answer(calls, "".join(block.text for block in message.content if block.type == "text"))

    async def aclose(self) -> None:
        await self.openai.close()
        await self.anthropic.close()


def _says_nothing(chunk) -> bool:
    return bool(chunk.choices) and chunk.choices[0].delta.model_dump(exclude_none=True) == {"content": ""}


ROADS = ["responses", "responses_stream", "chat", "chat_stream", "messages", "messages_stream"]
AMOUNTS = {road: 1000 * number for number, road in enumerate(ROADS, 1)}


@pytest.fixture
async def clients(gateway):
    clients = Clients(gateway)
    yield clients
    await clients.aclose()


@asynccontextmanager
async def asking(clients, road, *guardrails):
    task = asyncio.ensure_future(getattr(clients, road)("go", {"guardrails": list(guardrails)}))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("road", ROADS)
async def test_when_a_person_approves_the_client_never_noticed(gateway, clients, desk, road):
    amount = AMOUNTS[road] + 1
    gateway.upstream.script("go", [text("Refunding."), refund(amount)])

    async with asking(clients, road, "waiting") as task:
        await desk.resolve(await desk.pending(amount))
        answer = await task

    assert answer.calls == [("refund", {"amount": amount, "order": "o-1"})]
    assert answer.text == "Refunding."
    assert await desk.states(amount) == ["consumed"]


@pytest.mark.parametrize("road", ROADS)
async def test_denied_it_is_replaced(gateway, clients, desk, road):
    amount = AMOUNTS[road] + 2
    gateway.upstream.script("go", [refund(amount)])

    async with asking(clients, road, "waiting") as task:
        await desk.resolve(await desk.pending(amount), "deny")
        answer = await task

    assert answer.calls == []
    assert "was blocked" in answer.text
    assert await desk.states(amount) == ["denied"]


@pytest.mark.parametrize("road", ROADS)
async def test_edited_and_approved_the_edit_flows_and_the_model_is_told_with_the_result(gateway, clients, desk, road):
    amount, call_id = AMOUNTS[road] + 3, f"call_{road}"
    call = function_call("refund", {"amount": amount, "order": "o-1"}, call_id=call_id)
    gateway.upstream.script("go", [text("Refunding."), call])

    async with asking(clients, road, "waiting") as task:
        await desk.resolve(await desk.pending(amount), edited={"amount": 600, "order": "o-1"})
        answer = await task
    assert answer.calls == [("refund", {"amount": 600, "order": "o-1"})]
    assert answer.text == "Refunding."

    await clients.go_on(road, call_id, answer, {"guardrails": ["waiting"]})
    assert str(gateway.upstream.requests[-1].body).count("A person changed the arguments") == 1


@pytest.mark.parametrize("road", ROADS)
async def test_approved_with_a_note_the_call_stays_as_it_is_and_the_model_is_told_with_the_result(
    gateway, clients, desk, road
):
    amount, call_id = AMOUNTS[road] + 9, f"call_noted_{road}"
    call = function_call("refund", {"amount": amount, "order": "o-1"}, call_id=call_id)
    gateway.upstream.script("go", [text("Refunding."), call])

    async with asking(clients, road, "waiting") as task:
        await desk.resolve(await desk.pending(amount), comment="not for you", told="on weekdays only")
        answer = await task
    assert answer.calls == [("refund", {"amount": amount, "order": "o-1"})]
    assert answer.text == "Refunding."

    await clients.go_on(road, call_id, answer, {"guardrails": ["waiting"]})
    sent = str(gateway.upstream.requests[-1].body)
    assert sent.count("A person approved the tool call") == sent.count("The person says: on weekdays only") == 1
    assert "not for you" not in sent


@pytest.mark.parametrize("road", ["responses", "chat_stream"])
async def test_out_of_time_it_is_replaced_and_the_next_identical_call_uses_the_approval(gateway, clients, desk, road):
    amount = AMOUNTS[road] + 4
    gateway.upstream.script("go", [refund(amount)])

    async with asking(clients, road, "impatient") as task:
        answer = await task
    assert answer.calls == []
    assert "needs the approval of a person" in answer.text

    await desk.resolve(await desk.pending(amount))
    async with asking(clients, road, "impatient") as task:
        assert (await task).calls == [("refund", {"amount": amount, "order": "o-1"})]


@pytest.mark.parametrize("road", ROADS)
async def test_who_hangs_up_leaves_an_approval_that_the_identical_call_uses(gateway, clients, desk, road):
    amount = AMOUNTS[road] + 5
    gateway.upstream.script("go", [refund(amount)])

    async with asking(clients, road, "waiting"):
        approval = await desk.pending(amount)
    await clients.responses("hello", {"guardrails": ["waiting"]})  # the proxy's loop has come around since
    await desk.resolve(approval)
    await clients.responses("hello", {"guardrails": ["waiting"]})
    assert await desk.states(amount) == ["approved"]

    async with asking(clients, road, "waiting") as task:
        answer = await task
    assert answer.calls == [("refund", {"amount": amount, "order": "o-1"})]
    assert await desk.states(amount) == ["consumed"]


async def test_of_two_waiters_for_one_approval_one_is_released(gateway, clients, desk):
    gateway.upstream.script("go", [refund(7001)])

    async with asking(clients, "responses", "waiting") as one, asking(clients, "responses_stream", "waiting") as other:
        first = await desk.pending(7001)
        await desk.resolve(first)
        await asyncio.wait({one, other}, return_when=asyncio.FIRST_COMPLETED)
        second = await desk.pending(7001)
        assert one.done() != other.done()
        await desk.resolve(second, "deny")
        answers = [await one, await other]

    assert sorted(len(answer.calls) for answer in answers) == [0, 1]


@pytest.mark.parametrize("road", ["responses", "responses_stream"])
async def test_of_two_identical_calls_one_is_shown_as_a_request_and_no_two_items_have_one_id(gateway, clients, road):
    amount = AMOUNTS[road] + 9
    gateway.upstream.script("go", [refund(amount), refund(amount)])

    async with asking(clients, road, "requesting") as task:
        answer = await task

    assert len(answer.requests) == 1
    assert "needs the approval of a person" in answer.text


@pytest.mark.parametrize(
    ("road", "sign"), [("responses_stream", "response.in_progress"), ("chat_stream", "silent chunk")]
)
async def test_a_waiting_stream_gives_signs_of_life(gateway, clients, desk, road, sign):
    amount = AMOUNTS[road] + 6
    gateway.upstream.script("go", [text("Refunding."), refund(amount)])
    beside = function_call("look_up", {"id": 1})
    gateway.upstream.script("go", [text("Refunding."), refund(amount), beside])

    async with asking(clients, road, "waiting") as task:
        approval = await desk.pending(amount)
        await asyncio.wait({task}, timeout=1.0)  # the signs come meanwhile
        await desk.resolve(approval)
        answer = await task

    assert answer.kinds.count(sign) >= 3
    assert [name for name, _ in answer.calls] == ["refund", "look_up"]


@pytest.mark.parametrize("road", ["responses", "chat", "messages"])
async def test_the_model_hears_of_its_blocked_call_and_the_client_gets_its_next_answer(gateway, clients, road):
    gateway.upstream.script("go", [text("Wiping."), function_call("wipe", {"id": 1})])
    gateway.upstream.script("was blocked", [text("I will look instead."), function_call("look_up", {"id": 2})])

    async with asking(clients, road, "continuing") as task:
        answer = await task

    assert answer.text == "I will look instead."
    assert answer.calls == [("look_up", {"id": 2})]
    assert len(gateway.upstream.requests) == 2


@pytest.mark.parametrize("road", ROADS)
async def test_a_model_that_does_not_listen_is_told_so_often_and_no_more(gateway, clients, road):
    gateway.upstream.script("go", [function_call("wipe", {"id": 1})])
    gateway.upstream.script("was blocked", [function_call("wipe", {"id": 1})])

    async with asking(clients, road, "continuing") as task:
        answer = await task

    assert answer.calls == []
    assert "was blocked" in answer.text
    assert len(gateway.upstream.requests) == 3


async def test_of_mixed_calls_the_blocked_one_is_replaced(gateway, clients):
    """The allowed one is the caller's to answer."""
    gateway.upstream.script("go", [function_call("wipe", {"id": 1}), function_call("look_up", {"id": 2})])

    async with asking(clients, "responses", "continuing") as task:
        answer = await task

    assert answer.calls == [("look_up", {"id": 2})]
    assert "was blocked" in answer.text
    assert len(gateway.upstream.requests) == 1


@pytest.mark.parametrize("road", ["responses_stream", "chat_stream", "messages_stream"])
async def test_in_a_stream_the_next_answer_follows_the_first(gateway, clients, road):
    gateway.upstream.script("go", [text("Wiping."), function_call("wipe", {"id": 1})])
    gateway.upstream.script("was blocked", [text("I will look instead."), function_call("look_up", {"id": 2})])

    async with asking(clients, road, "continuing") as task:
        answer = await task

    assert answer.text.replace("\n", "") == "Wiping.I will look instead."
    assert answer.calls == [("look_up", {"id": 2})]
    assert len(gateway.upstream.requests) == 2


async def test_a_joined_response_goes_on_whole(gateway, clients):
    gateway.upstream.script("go", [text("Wiping."), function_call("wipe", {"id": 1})])
    gateway.upstream.script("was blocked", [reasoning("so"), text("I will not.")])

    events = await streamed(clients)

    assert [item.type for item in events[-1].response.output] == ["message", "reasoning", "message"]
    assert "wipe" not in "".join(event.to_json() for event in events if event.type not in ENVELOPES)
    assert len({event.response.id for event in events if event.type in ENVELOPES}) == 1
    assert await goes_on(gateway, events[-1].response.id, "and then?") == (["reasoning", "message"], "and then?")


LOOK = function_call("look_up", {"id": 2}, call_id="call_look")
RESULT = {"type": "function_call_output", "call_id": "call_look", "output": "found"}


async def test_the_result_of_a_joined_response_goes_on_from_the_answer_that_made_the_call(gateway, clients):
    """By whichever worker; otherwise the upstream, which forgives nothing, would know no such call."""
    gateway.upstream.script("go", [text("Wiping."), function_call("wipe", {"id": 1})])
    gateway.upstream.script("was blocked", [text("I will look instead."), LOOK])

    [*_, end] = await streamed(clients)

    assert [item.type for item in end.response.output] == ["message", "message", "function_call"]
    for _ in range(4):
        assert await goes_on(gateway, end.response.id, [RESULT]) == (["message", "function_call"], [RESULT])


async def test_what_the_last_answer_is_owed_is_told_and_no_more(gateway, clients):
    gateway.upstream.script("go", [function_call("wipe", {"id": 1})])
    gateway.upstream.script("was blocked", [LOOK, refund(600)])

    [*_, end] = await streamed(clients)

    assert [item.type for item in end.response.output] == ["function_call", "message"]
    _, [owed, given] = await goes_on(gateway, end.response.id, [RESULT])
    assert given == RESULT
    assert "needs the approval of a person" in owed["output"]


async def test_after_several_rounds_it_goes_on_from_the_last(gateway, clients):
    gateway.upstream.script("go", [function_call("wipe", {"id": 1})])
    gateway.upstream.script("was blocked", [function_call("wipe", {"id": 2})], [LOOK])

    [*_, end] = await streamed(clients)

    assert len(gateway.upstream.requests) == 3
    assert await goes_on(gateway, end.response.id, [RESULT]) == (["function_call"], [RESULT])


async def test_a_joined_response_is_nobody_elses(gateway, clients):
    gateway.upstream.script("go", [function_call("wipe", {"id": 1})])
    gateway.upstream.script("was blocked", [LOOK])
    [*_, end] = await streamed(clients, key="sk-of-nobody-but-a-user")

    with pytest.raises(openai.PermissionDeniedError, match="not associated with the user"):
        await goes_on(gateway, end.response.id, [RESULT], key="sk-of-the-billing-agent")
    mine = await goes_on(gateway, end.response.id, [RESULT], key="sk-of-nobody-but-a-user")
    assert mine == (["function_call"], [RESULT])


async def test_who_replays_a_joined_response_brings_back_the_call_that_the_reasoning_led_to(gateway, clients):
    gateway.upstream.script("go", [reasoning("hm"), function_call("wipe", {"id": 1})])
    gateway.upstream.script("was blocked", [reasoning("so"), text("I will not.")])

    output = (await streamed(clients))[-1].response.output

    assert [item.type for item in output] == ["reasoning", "message", "reasoning", "message"]
    assert output[1].content[0].text == ""
    replayed = [*(item.to_dict() for item in output), {"role": "user", "content": "and then?"}]
    brought = await replays(gateway, clients, replayed)
    kinds = [item.get("type") for item in brought]
    assert kinds == ["reasoning", "function_call", "function_call_output", "reasoning", "message", None]
    assert "was blocked" in brought[2]["output"]


async def test_who_replays_a_joined_response_with_a_call_brings_the_output_of_each(gateway, clients):
    gateway.upstream.script("go", [reasoning("hm"), function_call("wipe", {"id": 1})])
    gateway.upstream.script("was blocked", [reasoning("so"), LOOK])

    output = (await streamed(clients, store=False))[-1].response.output

    brought = await replays(gateway, clients, [*(item.to_dict() for item in output), RESULT], store=False)
    calls = ["reasoning", "function_call", "function_call_output"]
    assert [item.get("type") for item in brought] == [*calls, *calls]
    assert "was blocked" in brought[2]["output"]
    assert brought[5] == RESULT


async def test_a_provider_that_speaks_chat_gets_the_replayed_calls_with_their_outputs(gateway, clients):
    gateway.upstream.script("go", [text("Wiping."), function_call("wipe", {"id": 1})])
    gateway.upstream.script("was blocked", [text("I will look instead."), LOOK])

    asked = {"model": "chatting", "tools": RESPONSES_TOOLS, "extra_body": {"guardrails": ["continuing"]}}
    *_, end = [event async for event in await clients.openai.responses.create(input="go", stream=True, **asked)]

    assert [item.type for item in end.response.output] == ["message", "message", "function_call"]
    replayed = [{"role": "user", "content": "go"}, *(item.to_dict() for item in end.response.output), RESULT]
    await clients.openai.responses.create(input=replayed, **asked)
    messages = gateway.upstream.requests[-1].body["messages"]
    made = [call["id"] for message in messages for call in message.get("tool_calls") or ()]
    assert made == [message["tool_call_id"] for message in messages if message["role"] == "tool"]
    wipe, look = made
    assert (wipe != look, look) == (True, "call_look")


async def test_a_joined_chat_stream_tells_the_next_answers_usage(gateway, clients):
    gateway.upstream.script("go", [text("Wiping."), function_call("wipe", {"id": 1})])
    gateway.upstream.script("was blocked", [text("I will not.")])
    asked = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "go"}], "tools": CHAT_TOOLS}
    extra = {"guardrails": ["continuing"]}

    stream = await clients.openai.chat.completions.create(
        stream=True, stream_options={"include_usage": True}, extra_body=extra, **asked
    )
    chunks = [chunk async for chunk in stream]

    [told] = [chunk.usage for chunk in chunks if chunk.usage]
    first, following = (usage(request, [])["input_tokens"] for request in gateway.upstream.requests)
    assert told.prompt_tokens == following != first
    assert len({chunk.id for chunk in chunks}) == 1


ENVELOPES = {"response.created", "response.in_progress", "response.completed"}


async def streamed(clients, *, key=None, **more):
    """The events of a joined stream, which goes on without a gap and ends with the items that it told."""
    extra = {"guardrails": ["continuing"]}
    asked = {"model": "gpt-4.1", "input": "go", "tools": RESPONSES_TOOLS, "extra_body": extra, **more}
    client = clients.openai if key is None else clients.openai.with_options(api_key=key)
    events = [event async for event in await client.responses.create(stream=True, **asked)]
    added = [event.output_index for event in events if event.type == "response.output_item.added"]
    done = [event.item for event in events if event.type == "response.output_item.done"]
    assert added == list(range(len(done)))
    assert [item.to_dict() for item in events[-1].response.output] == [item.to_dict() for item in done]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    return events


async def goes_on(gateway, response_id, given, **more):
    """What the upstream said where it goes on, and what it is given there.

    Over a connection of its own, so that both workers are asked.
    """
    asked = {"model": "gpt-4.1", "extra_body": {"guardrails": ["continuing"]}, "previous_response_id": response_id}
    with gateway.client(**more) as client:
        await asyncio.to_thread(client.responses.create, input=given, **asked)
    asked = gateway.upstream.requests[-1].body
    url = f"{gateway.upstream.base_url}/responses/{asked['previous_response_id']}"
    async with httpx.AsyncClient(trust_env=False) as http:
        said = (await http.get(url)).json()
    return [item["type"] for item in said["output"]], asked["input"]


async def replays(gateway, clients, items, **more):
    """What the upstream is given when a client brings back these items."""
    await clients.responses(items, {"guardrails": ["continuing"]}, **more)
    return gateway.upstream.requests[-1].body["input"]


@pytest.mark.parametrize(
    ("road", "sign"), [("responses_stream", "response.in_progress"), ("chat_stream", "silent chunk")]
)
async def test_a_call_of_the_next_answer_waits_for_a_person_and_the_stream_lives(gateway, clients, desk, road, sign):
    amount = AMOUNTS[road] + 8
    gateway.upstream.script("go", [function_call("wipe", {"id": 1})])
    gateway.upstream.script("was blocked", [refund(amount)])

    async with asking(clients, road, "patient") as task:
        approval = await desk.pending(amount)
        await asyncio.wait({task}, timeout=1.0)  # the signs come meanwhile
        await desk.resolve(approval)
        answer = await task

    assert answer.calls == [("refund", {"amount": amount, "order": "o-1"})]
    assert answer.kinds.count(sign) >= 3
    assert "blocked" not in answer.text


@pytest.mark.parametrize("road", ["responses_stream", "chat_stream", "messages_stream"])
@pytest.mark.parametrize(
    "beside",
    [
        pytest.param([function_call("look_up", {"id": 2})], id="an allowed call"),
        pytest.param([refund(600)], id="a call that needs a person"),
    ],
)
async def test_in_a_stream_of_mixed_calls_the_blocked_one_is_replaced(gateway, clients, road, beside):
    gateway.upstream.script("go", [function_call("wipe", {"id": 1}), *beside])

    async with asking(clients, road, "continuing") as task:
        answer = await task

    assert "was blocked" in answer.text
    assert len(gateway.upstream.requests) == 1


@pytest.mark.parametrize("road", ["responses", "responses_stream", "chat_stream", "messages_stream"])
async def test_when_the_model_cannot_be_told_the_call_is_replaced(gateway, clients, road):
    gateway.upstream.script("go", [function_call("wipe", {"id": 1})])
    gateway.upstream.script("was blocked", Failure(500))

    async with asking(clients, road, "continuing") as task:
        answer = await task

    assert answer.calls == []
    assert "was blocked" in answer.text


@pytest.mark.parametrize("road", ["responses", "responses_stream"])
async def test_a_call_becomes_a_request_that_clients_can_show(gateway, clients, desk, road):
    amount = AMOUNTS[road] + 7
    gateway.upstream.script("go", [refund(amount)])

    async with asking(clients, road, "deaf") as task:
        answer = await task

    approval = await desk.pending(amount)
    assert answer.calls == []
    assert answer.requests == [(approval.id, "refund", {"amount": amount, "order": "o-1"})]


async def consented(gateway, clients, guardrail, amount, *, approve=True):
    """Ask, get a request for approval, and send it back answered."""
    gateway.upstream.script("go", [refund(amount)])
    async with asking(clients, "responses", guardrail) as task:
        [(approval_id, name, arguments)] = (await task).requests
    asked = {"type": "mcp_approval_request", "id": approval_id, "server_label": "litellm_bighub", "name": name}
    answered = {"type": "mcp_approval_response", "approval_request_id": approval_id, "approve": approve}
    gateway.upstream.script(f"approve the tool call of approval {approval_id}", [refund(amount)])
    prompt = [{"role": "user", "content": "go"}, {**asked, "arguments": json.dumps(arguments)}, answered]
    return await clients.responses(prompt, {"guardrails": [guardrail]})


async def test_the_callers_consent_counts_where_the_operator_lets_it(gateway, clients, desk):
    answer = await consented(gateway, clients, "requesting", 8001)

    assert answer.calls == [("refund", {"amount": 8001, "order": "o-1"})]
    [approval] = await desk.all(8001)
    assert approval.state == "consumed"
    assert approval.resolved_by.startswith("caller:AI_AGENT")
    assert "mcp_approval" not in json.dumps(gateway.upstream.requests[-1].body)


async def test_the_callers_refusal_counts_too(gateway, clients, desk):
    answer = await consented(gateway, clients, "requesting", 8002, approve=False)

    assert answer.calls == []
    assert await desk.states(8002) == ["denied"]


async def test_elsewhere_the_callers_consent_is_taken_out(gateway, clients, desk):
    answer = await consented(gateway, clients, "deaf", 8003)

    assert answer.calls == []
    assert await desk.states(8003) == ["pending"]
    seen = json.dumps(gateway.upstream.requests[-1].body)
    assert "mcp_approval" not in seen
    assert "for somebody else to answer" in seen


@pytest.mark.parametrize("road", ["chat", "messages_stream"])
async def test_formats_without_such_a_request_get_the_notice(gateway, clients, road):
    gateway.upstream.script("go", [refund(AMOUNTS[road] + 7)])

    async with asking(clients, road, "deaf") as task:
        assert "needs the approval of a person" in (await task).text


async def test_a_waiting_messages_stream_pings(gateway, clients, desk):
    amount = 6006
    gateway.upstream.script("go", [text("Refunding."), refund(amount)])
    async with clients.anthropic.messages.with_streaming_response.create(
        stream=True, **clients._asked("go", {"guardrails": ["waiting"]})
    ) as raw:
        lines = raw.iter_lines()
        told = []
        async for line in lines:
            told.append(line)
            if line == "event: ping" and told.count(line) == 3:
                await desk.resolve(await desk.pending(amount))
    assert any("refund" in line for line in told)
    assert told.count("event: ping") >= 3
