# pyright: strict, reportUnnecessaryTypeIgnoreComment=true
"""Use of the public API, as mypy and pyright see it. Checked by `make check`, and never run.

A line with `# type: ignore[…]` is a use that has to be an error: when it is none any more, the ignore is unnecessary,
and that is an error.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import Any

from litellm.integrations.custom_guardrail import CustomGuardrail
from typing_extensions import assert_type, override

from litellm_bighub import (
    Allow,
    AsyncGuardedOpenAI,
    BighubGuardrail,
    Block,
    CallContext,
    Decision,
    EmbeddedDecider,
    GuardedOpenAI,
    OpenAIResponsesHandler,
    PersonAnswer,
    RequireApproval,
    ToolCall,
    ToolDecisions,
    Withholding,
    acompletion,
    amessages,
    aresponses,
    install,
    responses,
    uninstall,
)
from litellm_bighub.testing import (
    BlackHole,
    Failure,
    HostedBighub,
    ScriptedDecider,
    ScriptedUpstream,
    allow,
    block,
    function_call,
    running_proxy,
    text,
)


class OfficeHours:
    """A decider of one's own."""

    name = "office-hours"

    async def decide(self, call: ToolCall, context: CallContext) -> Decision:
        if call.value is not None and call.value > 100:
            return RequireApproval("a person has to look", approval_id=context.trace_id)
        return Allow() if call.name.startswith("lookup_") else Block("outside of office hours")

    async def aclose(self) -> None: ...


class Undecided:
    """No decider: it answers with a truth value."""

    name = "undecided"

    async def decide(self, call: ToolCall, context: CallContext) -> bool:
        return True

    async def aclose(self) -> None: ...


class OfficeHoursGuardrail(BighubGuardrail):
    """A guardrail for the proxy's config."""

    def __init__(self, **settings: Any) -> None:  # what the config says
        super().__init__(decider_instance=OfficeHours(), **settings)


class TrustsDevelopers(OpenAIResponsesHandler):
    """Extends the translation handler at an override point."""

    max_parallel_texts = 16

    @override
    async def _extract_input_text_and_create_tasks(
        self,
        message: Any,  # an input item
        msg_idx: int,
        tasks: list[Awaitable[str]],
        task_mappings: Any,  # where the answers belong
        guardrail_to_apply: Any,  # of LiteLLM's
    ) -> None:
        if message.get("role") != "developer":
            await super()._extract_input_text_and_create_tasks(
                message, msg_idx, tasks, task_mappings, guardrail_to_apply
            )


def handler() -> None:
    install()
    install(TrustsDevelopers)
    uninstall()
    install(OfficeHours)  # type: ignore[arg-type]


async def decisions(calls: list[ToolCall]) -> None:
    embedded = EmbeddedDecider.from_policy_file(Path("bighub_policy.yaml"))
    decided = ToolDecisions(embedded, tools=embedded.policy.tools, fail_mode="open")
    assert_type(await decided.decide(calls, CallContext(actor="support")), "list[Allow | Block | RequireApproval]")
    ToolDecisions(OfficeHours())
    ToolDecisions(Undecided())  # type: ignore[arg-type]
    ToolDecisions(embedded, fail_mode="ajar")  # type: ignore[arg-type]
    EmbeddedDecider.from_policy_file("bighub_policy.yaml")  # type: ignore[arg-type]
    ToolCall("call_1", "telepathy", "pay")  # type: ignore[arg-type]


def decision(made: Decision) -> str:
    match made:
        case Allow(reason=reason) | Block(reason=reason):
            return reason
        case RequireApproval(approval_id=approval_id):
            return approval_id


async def calls_in_code(mask: CustomGuardrail, decided: ToolDecisions) -> None:
    await aresponses(
        model="openai/gpt-4.1",
        input="Delete customer 4711",
        guardrails=[mask],
        tool_decisions=decided,
        withholding=Withholding(),
        actor="support-agent",
    )
    await acompletion(model="openai/gpt-4.1", messages=[], tool_decisions=decided)
    await amessages(model="anthropic/claude", messages=[], max_tokens=100, tool_decisions=decided)
    responses(model="openai/gpt-4.1", input="Hello", guardrails=[mask])
    await acompletion(model="openai/gpt-4.1", messages=[], guardrails=[mask])
    await aresponses(model="openai/gpt-4.1", input="", tool_decisions=OfficeHours())  # type: ignore[arg-type]


def refund_payment(order_id: str, amount: float) -> Mapping[str, bool]:
    """Refund an order."""
    return {"refunded": bool(order_id) and amount > 0}


def agent() -> None:
    with GuardedOpenAI(decider="embedded", policy="bighub_policy.yaml", actor="AI_AGENT_001") as guard:
        guard.tool("refund_payment", refund_payment, value_from_args=lambda arguments: arguments["amount"])
        guard.run(messages=[{"role": "user", "content": "Refund order A-17"}], model="openai/gpt-4.1")
        for event in guard.run_stream(messages=[], model="openai/gpt-4.1"):
            event["type"]
        guard.resume(guard.pending[0], resolutions={"req_1": {"resolution": "approved"}})
        guard.resume(guard.pending[0], resolutions={"req_1": PersonAnswer(approved=False, comment="too much")})
        guard.run_with_approval(messages=[], model="x", on_approval_required=lambda _: True)
        guard.run_with_approval(messages=[], model="x", on_approval_required=lambda _: None)
        guard.run_with_approval(messages=[], model="x", on_approval_required=lambda _: {"resolution": "denied"})
        guard.run_with_approval(messages=[], model="x", on_approval_required=lambda _: "yes")  # type: ignore[arg-type,return-value]
        guard.resume(guard.pending[0], resolutions={"req_1": {"resolution": "perhaps"}})  # type: ignore[dict-item]
        guard.tool("refund_payment", refund_payment, amount_from_args=None)  # type: ignore[call-arg]
        guard.run(messages=[])  # type: ignore[call-arg]
    GuardedOpenAI(decider=OfficeHours(), fail_mode="closed", max_tool_rounds=3)
    GuardedOpenAI(fail_mode="ajar")  # type: ignore[arg-type]
    GuardedOpenAI(max_rounds=3)  # type: ignore[call-arg]


async def async_agent() -> None:
    async with AsyncGuardedOpenAI(decider=ScriptedDecider()) as guard:

        @guard.action
        async def lookup_order(order_id: str) -> str:
            return order_id

        assert_type(await lookup_order("A-17"), str)
        await guard.run(messages=[], model="openai/gpt-4.1")
        async for event in guard.run_stream(messages=[], model="openai/gpt-4.1"):
            event["type"]


def gateway() -> None:
    with ScriptedUpstream(strict=True) as upstream, HostedBighub(allow(), block("no"), BlackHole()) as bighub:
        upstream.script("order", [text("Looking it up."), function_call("lookup_order", {"id": 1})], Failure(500))
        with running_proxy(Path("proxy_config.yaml"), env={"BIGHUB": bighub.url}) as proxy:
            assert_type(proxy.openai_url, str)
    decider = ScriptedDecider({"pay": Block("no"), "refund": lambda call: Allow(call.name)}, otherwise=OSError())
    assert_type(decider.asked, list[tuple[ToolCall, CallContext]])
    ScriptedDecider({"pay": "no"})  # type: ignore[dict-item]
    HostedBighub("no")  # type: ignore[arg-type]
