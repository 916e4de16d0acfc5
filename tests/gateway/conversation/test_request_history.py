"""What follows a withheld call, in code, against an upstream that refuses a conversation with a hole in it."""

from __future__ import annotations

import json
from dataclasses import replace

import litellm
import openai
import pytest
from litellm.caching.in_memory_cache import InMemoryCache
from litellm.responses.litellm_completion_transformation import transformation

import litellm_bighub
from litellm_bighub import BighubGuardrail, ToolDecisions
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decided_call import released
from litellm_bighub.domain.decision import Allow, Block, RequireApproval
from litellm_bighub.formats.payload.copies import plain
from litellm_bighub.formats.registry import format_named
from litellm_bighub.gateway.conversation.request_history import RequestHistory, UnapprovedToolResult
from litellm_bighub.gateway.pipeline.enforcement_modes import ToolCallWithheld, Withholding
from litellm_bighub.testing import (
    ScriptedDecider,
    ScriptedUpstream,
    apply_patch_call,
    computer_call,
    custom_call,
    function_call,
    local_shell_call,
    reasoning,
    shell_call,
    text,
)

pytestmark = pytest.mark.filterwarnings("ignore:Items? .* on TypedDict class .* the `ReadOnly` qualifier")

CANARY = "canary-4711"
BLOCKED = Block("not within policy")
MCP = {"type": "mcp_approval_request", "id": "mcpr_1", "name": "wipe", "arguments": "{}", "server_label": "crm"}
RESULT = {"type": "function_call_output", "call_id": "call_a", "output": "found"}


@pytest.fixture(scope="module")
def _strict():
    with ScriptedUpstream(strict=True) as upstream:
        yield upstream


@pytest.fixture
def upstream(_strict):
    _strict.reset()
    return _strict


@pytest.fixture(params=[False, True], ids=["whole", "streamed"])
def ask(request, upstream):
    """Asks, and gives back the response."""

    async def ask(prompt, *, decisions, **more):
        body = {"model": "openai/gpt-4.1", "api_base": upstream.base_url, "api_key": "sk-x", "input": prompt}
        answer = await litellm_bighub.aresponses(**body, tool_decisions=decisions, stream=request.param, **more)
        return [event async for event in answer][-1].response if request.param else answer

    return ask


def decisions(**scripted) -> ToolDecisions:
    return ToolDecisions(ScriptedDecider(scripted))


def sent(upstream: ScriptedUpstream) -> list[dict]:
    return upstream.requests[-1].body["input"]


@pytest.mark.format("responses")
@pytest.mark.lesson("after a withheld call the provider goes on waiting for its output", row="function")
@pytest.mark.parametrize(
    ("call", "name", "answered"),
    [
        pytest.param(function_call("wipe", {"a": CANARY}), "wipe", "function_call_output", id="function"),
        pytest.param(custom_call("sql", CANARY), "sql", "custom_tool_call_output", id="custom"),
        pytest.param(shell_call(f"rm {CANARY}"), "shell", "shell_call_output", id="shell"),
        pytest.param(local_shell_call("rm", CANARY), "local_shell", "local_shell_call_output", id="local shell"),
        pytest.param(
            apply_patch_call({"type": "delete_file", "path": CANARY}),
            "apply_patch",
            "apply_patch_call_output",
            id="patch",
        ),
        pytest.param(computer_call({"type": "screenshot"}), "computer", "computer_call_output", id="computer"),
        pytest.param(MCP, "wipe", "mcp_approval_response", id="mcp"),
    ],
)
async def test_the_provider_hears_that_the_call_has_not_been_run(upstream, ask, call, name, answered):
    tools = decisions(**{name: BLOCKED})
    upstream.script("go", [call])
    first = await ask("go", decisions=tools)

    second = await ask("and now?", decisions=tools, previous_response_id=first.id)

    output, *_, question = sent(upstream)
    assert output["type"] == answered
    assert "not been run" in json.dumps(output) or answered == "computer_call_output"
    assert question["content"] == "and now?"
    assert second.output[0].content[0].text == "echo: and now?"


@pytest.mark.format("responses")
async def test_siblings_that_the_client_answers_are_not_answered_again(upstream, ask):
    tools = decisions(wipe=BLOCKED)
    upstream.script("go", [function_call("lookup", {}, call_id="call_a"), function_call("wipe", {}, call_id="call_b")])
    first = await ask("go", decisions=tools)

    await ask([RESULT], decisions=tools, previous_response_id=first.id)

    assert [item["call_id"] for item in sent(upstream)] == ["call_b", "call_a"]


@pytest.mark.format("responses")
async def test_a_retry_and_a_fork_are_both_answered_and_what_follows_is_not(upstream, ask):
    tools = decisions(wipe=BLOCKED)
    upstream.script("go", [function_call("wipe", {})])
    first = await ask("go", decisions=tools)

    for prompt in ("and now?", "and now?", "or this?"):
        fork = await ask(prompt, decisions=tools, previous_response_id=first.id)
    await ask("further", decisions=tools, previous_response_id=fork.id)

    assert [len(request.body["input"]) for request in upstream.requests[1:4]] == [2, 2, 2]
    assert "not been run" not in upstream.requests[4].raw


@pytest.mark.format("responses")
async def test_after_an_error_the_call_is_not_waited_for(upstream, ask):
    tools = decisions(wipe=BLOCKED)
    upstream.script("go", [function_call("wipe", {})])
    kept = {"extra_body": {"conversation": f"conv_{id(tools)}"}}
    with pytest.raises(ToolCallWithheld):
        await ask("go", decisions=tools, withholding=Withholding(on_block="error"), **kept)

    await ask("and now?", decisions=tools, **kept)

    assert [item["type"] for item in sent(upstream)] == ["function_call_output", "message"]


@pytest.mark.format("responses")
@pytest.mark.lesson("after a withheld call the provider goes on waiting for its output")
async def test_a_conversation_is_answered_once(upstream, ask):
    tools = decisions(wipe=BLOCKED)
    upstream.script("go", [function_call("wipe", {}, call_id="call_x")])
    kept = {"extra_body": {"conversation": f"conv_{id(tools)}"}}
    await ask("go", decisions=tools, **kept)

    await ask("and now?", decisions=tools, **kept)
    await ask("further", decisions=tools, **kept)

    assert [item["type"] for item in upstream.requests[1].body["input"]] == ["function_call_output", "message"]
    assert "not been run" not in upstream.requests[2].raw


@pytest.mark.format("responses")
async def test_no_output_is_missing_of_what_the_provider_has_run():
    tools = decisions()
    context = CallContext(response_id="resp_1")
    calls = [ToolCall(f"{prefix}_1", "code_interpreter", "code_execution") for prefix in ("srvtoolu", "call")]
    await tools.ledger.write([replace(released(call, context, 1.0), released=False) for call in calls])
    request = {"input": "and now?", "previous_response_id": "resp_1"}

    await RequestHistory(tools).prepare(request, format_named("responses"), "resp_1", lambda: context)

    assert [item.get("call_id") for item in request["input"]] == ["call_1", None]


@pytest.mark.format("responses")
async def test_a_replayed_notice_becomes_the_call_again(upstream, ask):
    """A reasoning item is worth nothing to the provider without the very item that followed it."""
    tools = decisions(wipe=BLOCKED)
    call = function_call("wipe", {"a": 1, "password": CANARY}, call_id="call_x")
    upstream.script("go", [reasoning("hm", encrypted="e"), call])
    first = await ask("go", decisions=tools, store=False)
    history = plain(first.output)
    question = {"role": "user", "content": "and now?"}

    await ask([{"role": "user", "content": "go"}, *history, question], decisions=tools, store=False)

    _, thought, made, output, asked = sent(upstream)
    assert (thought["type"], made["type"], output["type"]) == ("reasoning", "function_call", "function_call_output")
    assert json.loads(made["arguments"]) == {"a": 1, "password": "[redacted]"}
    assert made["call_id"] == output["call_id"] == "call_x"
    assert asked["content"] == "and now?"


@pytest.mark.format("responses")
async def test_a_reference_to_a_notice_becomes_the_call_again(upstream, ask):
    tools = decisions(wipe=BLOCKED)
    upstream.script("go", [function_call("wipe", {})])
    first = await ask("go", decisions=tools)
    references = [{"type": "item_reference", "id": item["id"]} for item in plain(first.output)]

    await ask([*references, {"role": "user", "content": "and now?"}], decisions=tools)

    assert [item.get("type") for item in sent(upstream)[:2]] == ["function_call", "function_call_output"]


@pytest.mark.format("responses")
async def test_the_model_is_told_of_edited_arguments(upstream, ask):
    tools = decisions(pay=Allow("approved by ada", edited={"amount": 5}))
    upstream.script("go", [function_call("pay", {"amount": 500}, call_id="call_a")])
    first = await ask("go", decisions=tools)

    await ask([RESULT], decisions=tools, previous_response_id=first.id)

    result, told = sent(upstream)
    assert result == RESULT
    assert told["role"] == "developer"
    assert 'A person changed the arguments of the tool call "pay" (call_a)' in told["content"][0]["text"]
    assert '{"amount":5}' in told["content"][0]["text"]


@pytest.mark.format("responses")
async def test_the_model_is_told_what_a_person_says_who_approved(upstream, ask):
    tools = decisions(pay=Allow("approved by ada", told="once"), get=Allow("ok"))
    upstream.script("go", [function_call("pay", {}, call_id="call_a"), function_call("get", {}, call_id="call_b")])
    first = await ask("go", decisions=tools)

    other = {"type": "function_call_output", "call_id": "call_b", "output": "got"}
    await ask([RESULT, other], decisions=tools, previous_response_id=first.id)

    result, told, last = sent(upstream)
    assert (result, last) == (RESULT, other)
    assert told["role"] == "developer"
    assert told["content"][0]["text"] == 'A person approved the tool call "pay". The person says: once'


@pytest.mark.format("responses")
async def test_a_result_of_a_withheld_call_can_be_refused(upstream, ask):
    tools = decisions(pay=RequireApproval("large", "req_9"))
    upstream.script("go", [function_call("pay", {}, call_id="call_a")])
    refusing = Withholding(on_unapproved_result="refuse")
    first = await ask("go", decisions=tools, withholding=refusing)
    with pytest.raises(UnapprovedToolResult) as refused:
        await ask([RESULT], decisions=tools, withholding=refusing, previous_response_id=first.id)

    [result] = refused.value.results
    assert (result.kind, result.call_id, result.tool, result.refused) == ("withheld_call_result", "call_a", "pay", True)
    assert len(upstream.requests) == 1


@pytest.mark.format("responses")
async def test_a_recorded_result_of_a_withheld_call_is_its_only_one(upstream, ask):
    tools = decisions(pay=BLOCKED)
    upstream.script("go", [function_call("pay", {}, call_id="call_a")])
    first = await ask("go", decisions=tools)

    await ask([RESULT], decisions=tools, previous_response_id=first.id)

    assert sent(upstream) == [RESULT]


@pytest.mark.format("responses")
async def test_without_a_ledger_entry_a_hole_stays_a_hole(upstream, ask):
    """The strict upstream does refuse; otherwise all of these tests would prove nothing."""
    upstream.script("go", [function_call("wipe", {})])
    first = await ask("go", decisions=decisions(wipe=BLOCKED))
    with pytest.raises((openai.BadRequestError, litellm.BadRequestError), match="the provider refused the request"):
        await ask("and now?", decisions=decisions(wipe=BLOCKED), previous_response_id=first.id)


@pytest.mark.format("responses")
async def test_litellms_own_function_goes_on_too(upstream, monkeypatch):
    guardrail = BighubGuardrail(guardrail_name="bighub", decider_instance=ScriptedDecider({"wipe": BLOCKED}))
    monkeypatch.setattr(litellm, "callbacks", [guardrail])
    upstream.script("go", [function_call("wipe", {})])
    body = {"model": "openai/gpt-4.1", "api_base": upstream.base_url, "api_key": "sk-x"}
    first = await litellm.aresponses(**body, input="go")

    await litellm.aresponses(**body, input="and now?", previous_response_id=first.id)

    assert [item["type"] for item in sent(upstream)] == ["function_call_output", "message"]
    litellm_bighub.uninstall()


@pytest.mark.format("responses")
async def test_a_provider_that_keeps_no_conversation_gets_the_call_too(upstream, monkeypatch):
    """LiteLLM makes chat messages of it. What its worker remembers of calls is not in the others."""
    tools = decisions(wipe=BLOCKED)
    upstream.script("go", [function_call("wipe", {"a": 1}, call_id="call_x")])
    body = {"model": "deepseek/x", "api_base": upstream.base_url, "api_key": "sk-x", "tool_decisions": tools}
    first = await litellm_bighub.aresponses(**body, input="go")
    monkeypatch.setattr(transformation, "TOOL_CALLS_CACHE", InMemoryCache())

    await litellm_bighub.aresponses(**body, input="and now?", previous_response_id=first.id)

    made, output, asked = upstream.requests[-1].body["messages"]
    assert [call["id"] for call in made["tool_calls"]] == [output["tool_call_id"]] == ["call_x"]
    assert "not been run" in output["content"]
    assert asked["content"] == "and now?"


def without_ids(items):
    return [{key: value for key, value in item.items() if key != "id"} for item in items]


def as_references(items):
    return [{"type": "item_reference", "id": item["id"]} for item in items]


@pytest.mark.format("responses")
@pytest.mark.parametrize("kept", [list, without_ids, as_references], ids=["as they are", "without ids", "references"])
@pytest.mark.parametrize(
    "call",
    [
        pytest.param(function_call("wipe", {"a": 1}, call_id="call_f"), id="function"),
        pytest.param(custom_call("wipe", "all", call_id="call_c"), id="custom"),
        pytest.param(MCP, id="mcp, which cannot be put there again"),
    ],
)
@pytest.mark.parametrize("mode", ["continue", "error", "request"])
async def test_reasoning_before_a_withheld_call_is_never_an_orphan(upstream, mode, call, kept):
    """Of what stands in the call's place the client keeps nothing: a provider takes no reasoning without the call."""
    decision = RequireApproval("large", "req_9") if mode == "request" else BLOCKED
    tools = decisions(wipe=decision)
    withholding = Withholding(on_approval="request") if mode == "request" else Withholding(on_block=mode)
    upstream.script("go", [reasoning("hm", encrypted="opaque"), call])
    upstream.script(lambda request: "not been run" in request.raw and "now?" not in request.raw, [text("It is over.")])
    body = {"model": "openai/gpt-4.1", "api_base": upstream.base_url, "api_key": "sk-x"}
    more = {"tool_decisions": tools, "withholding": withholding}
    got = []
    try:
        async for event in await litellm_bighub.aresponses(**body, input="go", stream=True, **more):
            got += [plain(event.item)] if event.type == "response.output_item.done" else []
    except ToolCallWithheld:
        assert mode == "error"
    seen = [item for item in got if item["type"] == "reasoning" or "It is over." in str(item)]
    assert seen[0]["type"] == "reasoning"
    question = {"role": "user", "content": "and now?"}

    answer = await litellm_bighub.aresponses(
        **body, input=[{"role": "user", "content": "go"}, *kept(seen), question], **more
    )

    assert answer.output_text == "echo: and now?"
    if call is not MCP:
        _, thought, made, output, *_ = sent(upstream)
        assert thought == kept(seen)[0]
        assert made["call_id"] == output["call_id"] == call["call_id"]
        assert "not been run" in output["output"]


@pytest.mark.format("responses")
@pytest.mark.parametrize("kept", [list, without_ids], ids=["ids", "no ids"])
@pytest.mark.parametrize("thought", [[], [reasoning("hm", encrypted="opaque 2")]], ids=["", "reasoning"])
async def test_a_notice_without_its_id_becomes_the_call_again(upstream, ask, thought, kept):
    """Pydantic AI replays what the model said, not its items. Another conversation may read the same."""
    tools = decisions(wipe=BLOCKED)
    for order in ("A", "B"):
        upstream.script(f"go {order}", [*thought, function_call("wipe", {"order": order}, call_id=f"call_{order}")])
        first = await ask(f"go {order}", decisions=tools, store=False)
    said = first.output_text
    history = [*kept(plain(first.output))[: len(thought)], {"role": "assistant", "content": said}]
    question = {"role": "user", "content": "and now?"}

    await ask([{"role": "user", "content": "go B"}, *history, question], decisions=tools, store=False)

    made, output, asked = sent(upstream)[1 + len(thought) :]
    assert (made["type"], made["call_id"], json.loads(made["arguments"])) == ("function_call", "call_B", {"order": "B"})
    assert (output["call_id"], output["output"]) == ("call_B", said)
    assert asked["content"] == "and now?"


@pytest.mark.format("responses")
async def test_words_that_are_no_notice_stay_the_models(upstream, ask):
    said = 'The tool call "wipe" was blocked by policy and has not been run.'
    items = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": said},
        {"role": "user", "content": "?"},
    ]

    await ask(items, decisions=decisions(wipe=BLOCKED), store=False)

    assert [item["role"] for item in sent(upstream)] == ["user", "assistant", "user"]
    assert sent(upstream)[1]["content"] == said


TOOL = {"name": "wipe", "description": "Wipes.", "input_schema": {"type": "object"}}
DEFINED = {
    "responses": [{"type": "function", "name": "wipe", "parameters": {"type": "object"}}],
    "chat": [{"type": "function", "function": {"name": "wipe", "parameters": {"type": "object"}}}],
    "messages": [TOOL],
}


@pytest.fixture(params=["chat", "messages", "responses"])
def api(request):
    return request.param


@pytest.fixture
def converse(upstream, api):
    """Sends a whole conversation in a format, with the tool, and gives back the text of the answer."""

    async def converse(messages, *, streamed, **more):
        body = {"model": "openai/gpt-4.1", "api_base": upstream.base_url, "api_key": "sk-x", "tools": DEFINED[api]}
        body |= {"stream": streamed, "withholding": Withholding(on_block="continue"), **more}
        if api == "chat":
            answer = await litellm_bighub.acompletion(**body, messages=messages)
            if not streamed:
                return answer.choices[0].message.content
            chunks = [chunk async for chunk in answer]
            return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        if api == "responses":
            answer = await litellm_bighub.aresponses(**body, input=messages, store=False)
            return [event async for event in answer][-1].response.output_text if streamed else answer.output_text
        body |= {"model": "anthropic/claude-sonnet-4-5", "api_base": upstream.base_url.removesuffix("/v1")}
        answer = await litellm_bighub.amessages(**body, messages=messages, max_tokens=9)
        if not streamed:
            return answer["content"][-1]["text"]
        frames = b"".join([chunk async for chunk in answer]).decode().split("\n\n")
        events = [json.loads(frame.partition("data: ")[2]) for frame in frames if "data: " in frame]
        return "".join(event.get("delta", {}).get("text", "") for event in events)

    return converse


def calls_and_results(request) -> list[tuple[str, object]]:
    """What a request tells of calls and of results, in its order."""
    told: list[tuple[str, object]] = []
    for item in request.body.get("input", request.body.get("messages")):
        for block in [
            item,
            *(item.get("tool_calls") or ()),
            *(item["content"] if isinstance(item.get("content"), list) else ()),
        ]:
            match block:
                case {"type": "function_call", "arguments": arguments} | {"function": {"arguments": arguments}}:
                    told.append(("call", json.loads(arguments)))
                case {"type": "tool_use", "input": arguments}:
                    told.append(("call", arguments))
                case {"type": "function_call_output", "output": said} | {"role": "tool", "content": said}:
                    told.append(("result", said))
                case {"type": "tool_result", "content": said}:
                    told.append(("result", said if isinstance(said, str) else said[0]["text"]))
    return told


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("words", [[], [text("I shall wipe it.")]], ids=["", "words before the call"])
async def test_a_call_that_the_model_was_told_of_stays_in_the_conversation(upstream, converse, streamed, words):
    tools = decisions(wipe=BLOCKED)
    upstream.script(
        lambda request: "and now?" not in request.raw,
        [*words, function_call("wipe", {"order": 1, "password": CANARY})],
        [text("It is over.")],
    )
    history = [{"role": "user", "content": "go"}]
    said = await converse(history, streamed=streamed, tool_decisions=tools)
    assert said.endswith("It is over.")
    assert len(upstream.requests) == 2
    history += [{"role": "assistant", "content": said}, {"role": "user", "content": "and now?"}]

    await converse(history, streamed=streamed, tool_decisions=tools)

    [call, result] = calls_and_results(upstream.requests[-1])
    assert call == ("call", {"order": 1, "password": "[redacted]"})
    assert "not been run" in result[1]
    given = upstream.requests[-1].body
    texts = [str(item.get("content")) for item in given.get("input", given.get("messages"))]
    assert "go" in texts[0]
    assert "It is over." in texts[-2]
    assert "and now?" in texts[-1]


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_of_conversations_that_begin_alike_the_newest_ones_calls_come_back(upstream, converse, streamed):
    tools = decisions(wipe=BLOCKED)
    history = [{"role": "user", "content": "go"}]
    for order in range(3):
        made = [function_call("wipe", {"order": order}, call_id=f"call_{order}_{n}") for n in range(2)]
        upstream.script(lambda request: "and now?" not in request.raw, made, [text("It is over.")])
        said = await converse(history, streamed=streamed, tool_decisions=tools)
    history += [{"role": "assistant", "content": said}, {"role": "user", "content": "and now?"}]

    await converse(history, streamed=streamed, tool_decisions=tools)

    assert [told for kind, told in calls_and_results(upstream.requests[-1]) if kind == "call"] == [{"order": 2}]


async def test_a_conversation_in_which_nothing_was_withheld_stays_as_it_is(upstream, converse):
    history = [{"role": "user", "content": "go"}, {"role": "assistant", "content": "no"}]
    await converse([*history, {"role": "user", "content": "?"}], streamed=False, tool_decisions=decisions(wipe=BLOCKED))
    assert calls_and_results(upstream.requests[-1]) == []
