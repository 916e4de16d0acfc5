"""A proposed rule allows the call that it was made for, those like it that people approved, and nothing else."""

from __future__ import annotations

import pytest

from litellm_bighub.control_plane.approvals.resolution import Resolution
from litellm_bighub.control_plane.decisions.policy_suggestion import LeftOut
from litellm_bighub.control_plane.decisions.rule_proposal import RuleProposal, Unproposed, propose
from litellm_bighub.control_plane.store.tables import events, rules
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.policy.evaluation import evaluate
from litellm_bighub.policy.policy_file import parse_policy
from litellm_bighub.policy.policy_text import build
from tests.control_plane.conftest import NOON

POLICY = """\
version: 1
default: block
tools: {Bash: {command: command}, pay: {value: amount}}
rules:
  - {name: other, tool: lookup, effect: block}
  - {name: never, tool: Bash, command: {block: ["rm *"], require_approval: ["git *", "make *"]}}
  - {name: pays, tool: pay, require_approval_above: 10}
"""
ASKS = """\
version: 1
tools: {pay: {value: amount}, Bash: {command: command}}
rules: [{name: ask, tool: "*", effect: require_approval%s}]
"""


class Calls:
    """Asks a control plane, and for proposals."""

    def __init__(self, plane):
        self.plane = plane

    async def ask(self, arguments, *, tool="Bash", context=None):
        if isinstance(arguments, str):
            arguments = {"command": arguments}
        call = ToolCall("c", "function", tool, arguments, value=arguments.get("amount"))
        return await self.plane.decide(call, context or CallContext(actor="key:a"))

    async def verdict(self, arguments, **options):
        return (await self.ask(arguments, **options)).judgement.verdict

    async def answered(self, arguments, answer="approve", *, edited=None, **options):
        outcome = await self.ask(arguments, **options)
        await self.plane.resolve(Resolution(outcome.approval.id, answer, "ann", edited=edited))
        return outcome

    async def proposal(self, outcome):
        snapshot = await self.plane.snapshot()
        return await self.plane.read(
            lambda connection: propose(connection, snapshot, events.decision(connection, outcome.decision_id))
        )

    async def accept(self, proposal):
        await self.plane.write(
            lambda transaction: (
                rules.insert(transaction.connection, "rule_1", proposal.text, by="boss", now=NOON),
                transaction.reconfigure(),
            )
        )


@pytest.fixture
def calls(open_plane):
    return lambda policy=POLICY: Calls(open_plane(policy))


@pytest.mark.parametrize("priority", [0, 7, -3])
async def test_the_rule_of_a_waiting_call_allows_it_and_no_other(priority, calls):
    asking = calls(POLICY.replace("{name: never,", f"{{name: never, priority: {priority},"))
    found = await asking.proposal(await asking.ask("git push"))
    assert isinstance(found, RuleProposal)
    assert (found.in_place, found.before, found.calls, found.examples) == (True, "never", 1, ("git push",))
    await asking.accept(found)
    assert await asking.verdict("git push") == "allowed"
    for other in ("git push --force", "git pull", "make"):
        assert await asking.verdict(other) == "requires_approval"
    assert await asking.verdict("git push; rm x") == "blocked"
    assert await asking.verdict("git push", context=CallContext(actor="key:b")) == "requires_approval"


async def test_calls_like_it_that_people_approved_are_allowed_too(calls):
    asking = calls(ASKS % "")
    for name in ("a", "b"):
        await asking.answered(f"pytest tests/{name}.py")
    found = await asking.proposal(await asking.ask("pytest tests/c.py"))
    assert isinstance(found, RuleProposal)
    assert (found.in_place, found.calls, found.looked_at) == (True, 3, 3)
    await asking.accept(found)
    asked = [await asking.verdict(one) for one in ("pytest tests/c.py", "pytest tests/new.py", "pytest other/c.py")]
    assert asked == ["allowed", "allowed", "requires_approval"]


async def test_what_another_rule_asks_certain_people_about_is_not_allowed_along(calls):
    asking = calls(
        "version: 1\nrules:\n  - {name: few, tool: pay, when: 'n < `10`', effect: require_approval}\n"
        "  - {name: many, tool: pay, approvers: 'group:finance', effect: require_approval}\n"
    )
    many = await asking.ask({"n": 20}, tool="pay")
    of_finance = Resolution(many.approval.id, "approve", "fin", groups=frozenset({"finance"}))
    await asking.plane.resolve(of_finance)
    found = await asking.proposal(await asking.ask({"n": 5}, tool="pay"))
    assert (found.in_place, found.calls) == (True, 1)
    await asking.accept(found)
    assert [await asking.verdict({"n": n}, tool="pay") for n in (5, 21)] == ["allowed", "requires_approval"]


async def test_no_pattern_goes_around_a_rule_before_it(calls):
    asking = calls()
    for name in ("a", "b"):
        await asking.answered(f"make t{name}.o")
    await asking.answered("make td.o", "deny")
    found = await asking.proposal(await asking.ask("make tc.o"))
    assert isinstance(found, RuleProposal)
    assert (found.in_place, found.calls, "*" in found.yaml) == (True, 3, False)
    await asking.accept(found)
    assert [await asking.verdict(f"make t{name}.o") for name in "cde"] == ["allowed", *["requires_approval"] * 2]


async def test_a_value_is_allowed_and_another_one_still_asks(calls):
    asking = calls()
    found = await asking.proposal(await asking.ask({"amount": 20, "to": "x"}, tool="pay"))
    assert isinstance(found, RuleProposal)
    await asking.accept(found)
    assert await asking.verdict({"amount": 20, "to": "x"}, tool="pay") == "allowed"
    for other in ({"amount": 21, "to": "x"}, {"amount": 20, "to": "y"}):
        assert await asking.verdict(other, tool="pay") == "requires_approval"


@pytest.mark.parametrize(
    "before",
    [
        '{name: first, tool: "*", team: bad, effect: block}',
        "{name: first, tool: pay, when: \"to == 'z'\", effect: block}",
        "{name: first, tool: pay, status: paused, effect: block}",
    ],
)
async def test_a_rule_that_would_pass_one_by_is_for_the_file_alone(before, calls):
    policy = POLICY.replace("rules:\n", f"rules:\n  - {before}\n")
    asking = calls(policy)
    found = await asking.proposal(await asking.ask({"amount": 20}, tool="pay"))
    assert isinstance(found, RuleProposal)
    assert (found.in_place, found.before) == (False, "pays")
    entry = "".join(f"  {line}\n" for line in found.yaml.splitlines())
    built = build(parse_policy(policy.replace("  - {name: pays", f"{entry}  - {{name: pays"), "p.yaml"))
    tried = [ToolCall("c", "function", "pay", {"amount": one}, value=one) for one in (20, 21)]
    verdicts = [evaluate(built, call, CallContext("key:a"), now=NOON).verdict for call in tried]
    assert verdicts == ["allowed", "requires_approval"]


async def test_a_rule_that_asks_first_of_all_has_none_before_it(calls):
    asking = calls(POLICY.replace("{name: pays,", "{name: pays, priority: 1000,"))
    found = await asking.proposal(await asking.ask({"amount": 20}, tool="pay"))
    assert (found.in_place, found.text.priority) == (False, 1000)


async def test_where_the_default_asks_it_stands_behind_all(calls):
    asking = calls(POLICY.replace("default: block", "default: require_approval"))
    found = await asking.proposal(await asking.ask({"id": 1}, tool="delete"))
    assert (found.in_place, found.before) == (True, "")
    await asking.accept(found)
    verdicts = [await asking.verdict({"id": one}, tool="delete") for one in (1, 2)]
    assert verdicts == ["allowed", "requires_approval"]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (", four_eyes: true", Unproposed.PEOPLE),
        (', approvers: ["group:finance"]', Unproposed.PEOPLE),
        (", max_per_day: 3", LeftOut.LIMITED),
        (", max_total_per_day: 300", LeftOut.LIMITED),
        (", not_after: {tool: other}", Unproposed.HISTORY),
    ],
)
async def test_what_a_rule_asks_for_more_than_a_person_gives_no_proposal(more, why, calls):
    asking = calls(ASKS % more)
    assert await asking.proposal(await asking.ask({"amount": 20}, tool="pay")) == why


async def test_what_cannot_be_suggested_gives_a_reason(calls):
    asking = calls()
    secret = "curl -H 'Authorization: Bearer sk-proj-1234567890abcdefghij' x"
    assert await asking.proposal(await asking.answered("git log", "deny")) == LeftOut.REFUSED
    edited = await asking.answered("git log -1", edited={"command": "git log -2"})
    assert await asking.proposal(edited) == LeftOut.REFUSED
    assert await asking.proposal(await asking.ask(f"git x; make '{secret}'")) == LeftOut.HIDDEN
    assert await asking.proposal(await asking.ask("git push $X")) == LeftOut.UNSURE
    assert await asking.proposal(await asking.ask("A=1 make x")) == LeftOut.WRAPPED
    assert await asking.proposal(await asking.ask("rm x")) == LeftOut.REFUSED
    assert await asking.proposal(await asking.ask({"amount": 1}, tool="pay")) == Unproposed.ALLOWED


async def test_a_temporary_allowance_is_not_taken_for_always(calls):
    asking = calls()
    outcome = await asking.ask({"amount": 20}, tool="pay")
    await asking.plane.resolve(Resolution(outcome.approval.id, "approve", "ann", allow_minutes=30))
    assert await asking.verdict({"amount": 21}, tool="pay") == "allowed"
    assert isinstance(await asking.proposal(outcome), RuleProposal)


async def test_a_rule_that_would_allow_what_was_blocked_or_asked_is_not_proposed(calls):
    asking = calls("version: 1\nrules: [{name: ask, tool: t, effect: require_approval}]\n")
    bare = await asking.ask({}, tool="t")
    assert isinstance(await asking.proposal(bare), RuleProposal)
    await asking.answered({"force": True}, "deny", tool="t")
    assert await asking.proposal(bare) == LeftOut.INEXACT
