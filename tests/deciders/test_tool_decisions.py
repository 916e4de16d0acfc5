"""The hook: one decision a call, asked for in parallel, closed whenever there is doubt."""

from __future__ import annotations

import asyncio
import json

import anyio
import pytest
from hypothesis import given, strategies as st

from litellm_bighub.deciders.audit_file import AuditFile
from litellm_bighub.deciders.tool_decisions import ToolDecisions
from litellm_bighub.domain.arguments import UnreadableArguments, read_arguments
from litellm_bighub.domain.call import UNREADABLE_NAME, CallContext, ToolCall
from litellm_bighub.domain.decision import Allow, Block, Decision, RequireApproval
from litellm_bighub.errors import ConfigurationError, DecisionRefused, DecisionUnavailable, DecisionUnreadable
from litellm_bighub.settings import ToolSettings
from litellm_bighub.testing import ScriptedDecider
from tests.deciders.fakes import Kept, counter

CONTEXT = CallContext(
    actor="support-bot", domain="custom", trace_id="t-1", response_id="resp_1", surface="/v1/responses"
)
MODES = pytest.mark.parametrize("fail_mode", ["closed", "open"])


def call(name: str = "refund", arguments: object = None, **fields) -> ToolCall:
    """A function call with these arguments, read as the wire rooms read them."""
    try:
        return ToolCall(id=f"call_{name}", type="function", name=name, arguments=read_arguments(arguments), **fields)
    except UnreadableArguments as error:
        return ToolCall(id=f"call_{name}", type="function", name=name, unreadable=str(error), **fields)


async def decide(decider: ScriptedDecider, *calls: ToolCall, **options) -> list[Decision]:
    return await ToolDecisions(decider, **options).decide(calls, CONTEXT)


async def test_one_decision_for_each_call_in_their_order():
    decider = ScriptedDecider({"a": Allow("yes"), "b": Block("no"), "c": RequireApproval("who knows", "req_1")})
    decisions = await decide(decider, call("a"), call("b"), call("c"), call("a"))
    assert decisions == [Allow("yes"), Block("no"), RequireApproval("who knows", "req_1"), Allow("yes")]


async def test_no_calls_ask_nobody():
    decider = ScriptedDecider()
    assert await decide(decider) == []
    assert decider.asked == []


@pytest.mark.lesson("the calls of an answer cost a round trip each")
async def test_all_calls_are_asked_about_at_the_same_time():
    """The published adapter decides one after the other: 8 calls of 200 ms take 1.6 s."""

    class Rendezvous(ScriptedDecider):
        """Answers nobody before all eight have asked."""

        everyone = asyncio.Event()

        async def decide(self, call, context):
            decision = await super().decide(call, context)
            if len(self.asked) == 8:
                self.everyone.set()
            await self.everyone.wait()
            return decision

    decisions = await asyncio.wait_for(decide(Rendezvous(), *[call() for _ in range(8)]), timeout=60)
    assert decisions == [Allow("fine")] * 8


async def test_an_unforeseen_error_goes_out_after_the_other_calls_were_cancelled():
    ended = []

    class Waiting(ScriptedDecider):
        started = asyncio.Event()

        async def decide(self, call, context):
            if call.name == "broken":
                await self.started.wait()
                raise ZeroDivisionError("a bug")
            try:
                self.started.set()
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)  # cleaning up takes a turn of the loop, and is waited for
                ended.append(call.name)

    kept = Kept()
    with pytest.raises(ZeroDivisionError, match="a bug"):
        await asyncio.wait_for(decide(Waiting(), call("slow"), call("broken"), sinks=[kept]), timeout=60)
    assert ended == ["slow"]
    assert kept.events == []


async def test_cancelling_cancels_what_was_asked():
    ended = []

    class Waiting(ScriptedDecider):
        started = asyncio.Event()

        async def decide(self, call, context):
            try:
                self.started.set()
                await asyncio.Event().wait()
            finally:
                ended.append(call.name)

    decider = Waiting()
    task = asyncio.create_task(decide(decider, call("slow")))
    await decider.started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["slow"]


@pytest.mark.parametrize(
    ("shadowed", "verdict", "enforced"),
    [
        pytest.param(None, "allowed", True, id="allowed"),
        pytest.param(Block("no"), "blocked", False, id="blocked"),
        pytest.param(RequireApproval("large", "req_1"), "requires_approval", False, id="approval"),
    ],
)
async def test_in_shadow_mode_everything_passes_and_what_was_decided_is_recorded(shadowed, verdict, enforced):
    kept = Kept()
    [decision] = await decide(ScriptedDecider(otherwise=Allow("fine", shadowed=shadowed)), call(), sinks=[kept])
    assert isinstance(decision, Allow)
    [event] = kept.events
    assert (event.verdict, event.enforced, event.allowed, event.decider) == (verdict, enforced, True, "scripted")


@pytest.mark.lesson("a lone surrogate in the arguments runs the tool undecided under fail-open", row="lone surrogate")
@pytest.mark.lesson("null in the place of the arguments runs the tool undecided under fail-open", row="null")
@pytest.mark.lesson("Infinity in the arguments runs the tool undecided under fail-open", row="infinity")
@pytest.mark.lesson("NaN in the arguments runs the tool undecided under fail-open", row="nan")
@MODES
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        pytest.param('{"amount": NaN}', "NaN", id="nan"),
        pytest.param('{"amount": Infinity}', "Infinity", id="infinity"),
        pytest.param('{"amount": 1e999}', "not finite", id="overflow"),
        pytest.param('{"amount": "\\ud800"}', "Unicode", id="lone surrogate"),
        pytest.param('{"amount": 1, "amount": 2}', "twice", id="duplicate key"),
        pytest.param("null", "null", id="null"),
        pytest.param("[1]", "array", id="array"),
        pytest.param('"x"', "string", id="string"),
        pytest.param("{", "valid JSON", id="broken"),
        pytest.param('{"a": "' + "x" * 10_000_000 + '"}', "characters", id="ten megabytes"),
        pytest.param("[" * 10_000, "levels", id="ten thousand levels"),
    ],
)
async def test_unreadable_arguments_are_withheld_and_nobody_is_asked(arguments, reason, fail_mode):
    """Such arguments make the published adapter run the tool under fail-open, with no policy call at all."""
    decider = ScriptedDecider(otherwise=DecisionUnavailable("down"))
    [decision] = await decide(decider, call(arguments=arguments), fail_mode=fail_mode)
    assert isinstance(decision, Block)
    assert reason in decision.reason
    assert decider.asked == []


@pytest.mark.lesson("an amount in words runs the tool undecided under fail-open", row="1e6 USD")
@MODES
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        pytest.param('{"amount": "1e6 USD"}', "the amount is a string, not a number", id="1e6 USD"),
        pytest.param('{"amount": true}', "the amount is a boolean, not a number", id="bool"),
        pytest.param('{"amount": [1]}', "the amount is a list, not a number", id="list"),
        pytest.param('{"amount": {"v": 1}}', "the amount is an object, not a number", id="object"),
    ],
)
async def test_an_amount_that_is_no_number_is_withheld_and_nobody_is_asked(arguments, reason, fail_mode):
    decider = ScriptedDecider(otherwise=DecisionUnavailable("down"))
    tools = {"refund": ToolSettings(value="amount")}
    [decision] = await decide(decider, call(arguments=arguments), tools=tools, fail_mode=fail_mode)
    assert isinstance(decision, Block)
    assert decision.reason == reason
    assert decider.asked == []


@pytest.mark.lesson("an amount whose extraction raises runs the tool undecided under fail-open")
@MODES
@pytest.mark.parametrize("expression", ["abs(amount)", "sum(amount)", "amount[::0]"])
async def test_an_amount_that_cannot_be_computed_is_withheld_and_nobody_is_asked(expression, fail_mode):
    decider = ScriptedDecider(otherwise=DecisionUnavailable("down"))
    tools = {"refund": ToolSettings(value=expression)}
    arguments = '{"amount": "1"}' if "::" not in expression else '{"amount": [1]}'
    [decision] = await decide(decider, call(arguments=arguments), tools=tools, fail_mode=fail_mode)
    assert decision == Block(
        "the amount or target cannot be computed from these arguments", basis=decision.basis, cause=decision.cause
    )
    assert decider.asked == []


async def test_a_sum_beyond_all_numbers_is_withheld():
    tools = {"refund": ToolSettings(value="sum(amounts)")}
    decider = ScriptedDecider()
    [decision] = await decide(decider, call(arguments='{"amounts": [1e308, 1e308]}'), tools=tools)
    assert decision == Block("the amount is not a finite number", basis=decision.basis, cause=decision.cause)
    assert decider.asked == []


@pytest.mark.lesson("a tool without a number is always blocked")
@pytest.mark.lesson("null in the place of the amount runs the tool undecided under fail-open", row='{"amount": null}')
@pytest.mark.parametrize("arguments", ['{"amount": null}', "{}", None, ""])
async def test_a_call_without_amount_is_asked_about_without_one(arguments):
    """The published adapter never asks about a tool that has no numeric argument."""
    decider = ScriptedDecider()
    assert await decide(decider, call(arguments=arguments), tools={"refund": ToolSettings(value="amount")}) == [
        Allow("fine")
    ]
    assert decider.asked[0][0].value is None


async def test_value_target_action_and_domain_are_told_to_the_decider():
    settings = ToolSettings(value="order.total", target="order.id", action="refund_payment", domain="financial_actions")
    decider = ScriptedDecider()
    await decide(decider, call(arguments='{"order": {"total": 12, "id": 7}}'), tools={"ref*": settings})
    asked, context = decider.asked[0]
    assert (asked.name, asked.action, asked.value, asked.target) == ("refund", "refund_payment", 12.0, "7")
    assert (context.domain, context.actor) == ("financial_actions", "support-bot")


async def test_a_target_that_is_no_text_is_withheld():
    decider = ScriptedDecider()
    tools = {"refund": ToolSettings(target="to")}
    [decision] = await decide(decider, call(arguments='{"to": ["a", "b"]}'), tools=tools)
    assert decision == Block("the target is a list, not a string or number", basis=decision.basis, cause=decision.cause)
    assert decider.asked == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("refund_payment", "first", id="first that fits"),
        pytest.param("refund_order", "second", id="pattern"),
        pytest.param("Refund_order", "last", id="case-sensitive"),
    ],
)
async def test_the_first_pattern_that_fits_counts(name, expected):
    tools = {
        "refund_payment": ToolSettings(domain="first"),
        "refund_*": ToolSettings(domain="second"),
        "*": ToolSettings(domain="last"),
    }
    decider = ScriptedDecider()
    await decide(decider, call(name), tools=tools)
    assert decider.asked[0][1].domain == expected


UNAVAILABLE, REFUSED, UNREADABLE = (
    DecisionUnavailable("connect error"),
    DecisionRefused("401"),
    DecisionUnreadable("[]"),
)


@pytest.mark.parametrize(
    ("error", "fail_mode", "tool_mode", "allowed", "reason"),
    [
        pytest.param(UNAVAILABLE, "closed", None, False, "could not be reached", id="unreachable, closed"),
        pytest.param(UNAVAILABLE, "open", None, True, "could not be reached", id="unreachable, open"),
        pytest.param(UNAVAILABLE, "closed", "open", True, "could not be reached", id="unreachable, tool open"),
        pytest.param(UNAVAILABLE, "open", "closed", False, "could not be reached", id="unreachable, tool closed"),
        pytest.param(REFUSED, "closed", None, False, "refused", id="refused, closed"),
        pytest.param(REFUSED, "open", "open", False, "refused", id="refused, open"),
        pytest.param(UNREADABLE, "closed", None, False, "no decision", id="unreadable, closed"),
        pytest.param(UNREADABLE, "open", "open", False, "no decision", id="unreadable, open"),
    ],
)
async def test_fail_mode_opens_nothing_but_unreachability(error, fail_mode, tool_mode, allowed, reason):
    tools = {"refund": ToolSettings(fail_mode=tool_mode)}
    [decision] = await decide(ScriptedDecider(otherwise=error), call(), fail_mode=fail_mode, tools=tools)
    assert isinstance(decision, Allow) is allowed
    assert reason in decision.reason
    assert not allowed or decision.degraded


async def test_fail_mode_is_applied_to_each_call_alone():
    decider = ScriptedDecider({"down": UNAVAILABLE, "no": REFUSED, "block": Block("rule")})
    decisions = await decide(decider, call("down"), call("no"), call("block"), call("fine"), fail_mode="open")
    assert [type(decision) for decision in decisions] == [Allow, Block, Block, Allow]


@pytest.mark.lesson("a check that crashes counts as safe")
@MODES
async def test_a_bug_in_the_decider_is_never_taken_for_unreachability(fail_mode):
    with pytest.raises(TypeError, match="bug"):
        await decide(ScriptedDecider(otherwise=TypeError("bug")), call(), fail_mode=fail_mode)


async def test_every_decision_is_told_to_the_hook_before_it_is_returned():
    told = []
    decider = ScriptedDecider({"a": Allow("yes"), "b": Block("no")})
    await decide(
        decider, call("a", '{"amount": 5}', path="output[0]"), call("b"), on_decision=told.append,
        clock=lambda: 1000.0, timer=iter([1.0, 2.0, 3.5, 4.5]).__next__, new_id=counter(),
        tools={"a": ToolSettings(value="amount")},
    )  # fmt: skip
    assert [(event["event_id"], event["tool"], event["verdict"], event["allowed"]) for event in told] == [
        ("event-0", "a", "allowed", True),
        ("event-1", "b", "blocked", False),
    ]
    first = told[0]
    assert first["time"] == 1000.0
    assert first["latency_ms"] == pytest.approx(1000.0)
    assert (first["trace_id"], first["response_id"], first["call_id"], first["path"]) == (
        "t-1", "resp_1", "call_a", "output[0]",
    )  # fmt: skip
    assert (first["actor"], first["domain"], first["surface"]) == ("support-bot", "custom", "/v1/responses")
    assert (first["decider"], first["value"], first["arguments"]) == ("scripted", 5.0, {"amount": 5})
    assert len(first["arguments_digest"]) == 64


async def test_an_asynchronous_hook_is_awaited():
    told = []

    async def hook(event):
        await asyncio.sleep(0)
        told.append(event["tool"])

    await decide(ScriptedDecider(), call("a"), on_decision=hook)
    assert told == ["a"]


@pytest.mark.lesson("`on_decision` can rewrite the audit")
async def test_the_hook_gets_a_copy_of_its_own():
    """In the published adapter the hook receives the live record and can rewrite the audit."""
    kept = Kept()

    def rewrite(event):
        event["arguments"]["nested"]["amount"] = 0
        event["verdict"] = "allowed"

    decider = ScriptedDecider(otherwise=Block("no"))
    toolcall = call(arguments='{"nested": {"amount": 9}}')
    [decision] = await decide(decider, toolcall, on_decision=rewrite, sinks=[kept])
    assert decision == Block("no")
    assert toolcall.arguments == {"nested": {"amount": 9}}
    assert kept.events[0].arguments == {"nested": {"amount": 9}}
    assert kept.events[0].verdict == "blocked"


@MODES
@pytest.mark.parametrize("error", [RuntimeError("down"), DecisionUnavailable("nor is this"), KeyError("x")])
async def test_a_call_whose_hook_raises_is_withheld(fail_mode, error, caplog):
    kept = Kept()

    def hook(event):
        if event["tool"] == "a":
            raise error

    decisions = await decide(
        ScriptedDecider(), call("a"), call("b"), on_decision=hook, sinks=[kept], fail_mode=fail_mode
    )
    assert decisions == [
        Block("the decision could not be recorded", basis=decisions[0].basis, cause="unrecorded"),
        Allow("fine"),
    ]
    assert [(event.tool, event.verdict) for event in kept.events] == [("a", "blocked"), ("b", "allowed")]
    assert "on_decision did not record decision" in caplog.text


async def test_a_call_whose_sink_fails_is_withheld():
    told = []
    broken = Kept(OSError("disk full"))
    [decision] = await decide(ScriptedDecider(), call("a"), on_decision=told.append, sinks=[broken])
    assert decision == Block("the decision could not be recorded", basis=decision.basis, cause=decision.cause)


async def test_the_log_of_a_failed_hook_holds_nothing_of_the_call(caplog):
    def hook(event):
        raise ValueError(f"cannot store {event}")

    await decide(ScriptedDecider(), call(arguments='{"note": "confidential matter"}'), on_decision=hook)
    assert "confidential" not in caplog.text


async def test_events_hold_no_secret():
    kept = Kept()
    tools = {"pay": ToolSettings(target="iban")}
    decider = ScriptedDecider(otherwise=Block("saw sk-abcdefghijklmnopqrstuvwx"))
    arguments = '{"iban": "DE89370400440532013000", "note": "key sk-abcdefghijklmnopqrstuvwx", "password": "hunter2"}'
    await decide(decider, call("pay", arguments), sinks=[kept], tools=tools)
    event = kept.events[0]
    assert event.arguments == {"iban": "[redacted]", "note": "key [redacted]", "password": "[redacted]"}
    assert (event.target, event.reason) == ("[redacted]", "saw [redacted]")
    assert decider.asked[0][0].target == "DE89370400440532013000"


async def test_an_unreadable_call_is_recorded_without_digest():
    kept = Kept()
    await decide(ScriptedDecider(), call(arguments="["), sinks=[kept])
    event = kept.events[0]
    assert (event.verdict, event.blocked_by, event.decider) == ("blocked", "unreadable_arguments", "litellm_bighub")
    assert event.arguments_digest == ""


async def test_calls_without_a_trace_get_one_in_common():
    """Two requests that nobody told apart must not look like one and the same to the decider."""
    decider = ScriptedDecider()
    decisions = ToolDecisions(decider, new_id=counter("id-"))
    await decisions.decide([call("a"), call("b")], CallContext())
    await decisions.decide([call("a")], CallContext())
    assert [context.trace_id for _, context in decider.asked] == ["id-0", "id-0", "id-1"]


@MODES
async def test_a_name_that_is_no_unicode_is_withheld_and_recorded(fail_mode, tmp_path):
    path, decider = tmp_path / "audit.jsonl", ScriptedDecider(otherwise=DecisionUnavailable("down"))
    decisions = await decide(decider, call("a\ud800"), call("b"), sinks=[AuditFile(path)], fail_mode=fail_mode)
    assert decisions[0] == Block(UNREADABLE_NAME, basis=decisions[0].basis, cause="undecidable")
    assert [asked.name for asked, _ in decider.asked] == ["b"]
    assert {json.loads(line)["tool"] for line in path.read_text().splitlines()} == {"a?", "b"}


async def test_degradation_is_recorded():
    kept = Kept()
    await decide(ScriptedDecider(otherwise=UNAVAILABLE), call(), sinks=[kept], fail_mode="open")
    assert (kept.events[0].verdict, kept.events[0].degraded) == ("allowed", True)


async def test_a_pending_approval_is_recorded_with_its_id():
    kept = Kept()
    await decide(ScriptedDecider(otherwise=RequireApproval("large", "req_9")), call(), sinks=[kept])
    assert (kept.events[0].verdict, kept.events[0].approval_id) == ("requires_approval", "req_9")


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        pytest.param(ToolSettings(value="a["), "tools.refund_payment.value", id="value"),
        pytest.param(ToolSettings(target=""), "tools.refund_payment.target", id="empty target"),
        pytest.param(ToolSettings(value="a[].nosuch(@)"), "tools.refund_payment.value", id="unknown function"),
    ],
)
def test_a_bad_expression_stops_the_start_and_names_its_key(settings, key):
    with pytest.raises(ConfigurationError) as raised:
        ToolDecisions(ScriptedDecider(), tools={"refund_payment": settings})
    assert raised.value.key == key
    assert "\n" not in str(raised.value)


async def test_closing_closes_decider_and_sinks():
    decider, kept = ScriptedDecider(), Kept()
    await ToolDecisions(decider, sinks=[kept]).aclose()
    assert (decider.closed, kept.closed) == (1, 1)


async def test_a_servers_cancellation_lets_the_decider_clean_up():
    """A cancel scope cancels at every await; a decider must still be able to close its connection."""
    asked, cleaned = asyncio.Event(), []

    class Slow(ScriptedDecider):
        async def decide(self, call, context):
            self.asked.append((call, context))
            if len(self.asked) == 2:
                asked.set()
            try:
                await asyncio.Event().wait()
            finally:
                for _ in range(5):
                    await asyncio.sleep(0)
                cleaned.append(call.name)

    async with anyio.create_task_group() as group:
        group.start_soon(ToolDecisions(Slow()).decide, [call("a"), call("b")], CallContext())
        await asked.wait()
        group.cancel_scope.cancel()
    assert sorted(cleaned) == ["a", "b"]


async def test_closing_closes_the_rest_when_one_fails_to():
    class Stuck(ScriptedDecider):
        async def aclose(self):
            raise OSError("stuck")

    kept = Kept()
    with pytest.raises(OSError, match="stuck"):
        await ToolDecisions(Stuck(), sinks=[kept]).aclose()
    assert kept.closed == 1


answers = st.sampled_from([Allow("yes"), Block("no"), RequireApproval("ask", "r"), UNAVAILABLE, REFUSED, UNREADABLE])


@given(st.lists(answers, max_size=8), st.sampled_from(["closed", "open"]))
def test_a_call_passes_only_if_it_was_allowed_or_could_not_be_asked_about_in_open_mode(script, fail_mode):
    kept = Kept()
    names = [f"tool_{index}" for index in range(len(script))]
    decider = ScriptedDecider(dict(zip(names, script, strict=True)))
    decisions = asyncio.run(decide(decider, *map(call, names), fail_mode=fail_mode, sinks=[kept]))
    passing = [answer == Allow("yes") or (answer is UNAVAILABLE and fail_mode == "open") for answer in script]
    assert [isinstance(decision, Allow) for decision in decisions] == passing
    assert {event.tool: event.allowed for event in kept.events} == dict(zip(names, passing, strict=True))
