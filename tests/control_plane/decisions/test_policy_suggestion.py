"""What is suggested allows exactly what people approved or shadow mode recorded; it is tried out of real records."""

from __future__ import annotations

from dataclasses import replace

import pytest

from litellm_bighub.control_plane.approvals.resolution import Resolution, ResolutionRefused
from litellm_bighub.control_plane.decisions.policy_suggestion import Answers, suggest
from litellm_bighub.control_plane.store.tables import events
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.errors import ConfigurationError
from litellm_bighub.policy.evaluation import evaluate
from litellm_bighub.policy.policy_file import parse_policy
from litellm_bighub.policy.policy_text import build

ASKING = """\
version: 1
workspace: /repo
tools:
  Bash: {command: command}
  pay: {value: amount}
  fetch: {url: url}
rules:
  # commands
  - name: never
    tool: Bash
    command: {block: ["rm *"]}
  - {name: ask, tool: [Bash, pay, fetch], effect: require_approval}

# the end
"""
SHADOW = ASKING.replace("version: 1\n", "version: 1\nmode: shadow\n").replace(
    "  - {name: ask,", "  - {name: z, status: paused,"
)


class Recording:
    """Calls that are recorded, some of them answered by a person."""

    def __init__(self, plane, policy):
        self.plane, self.policy = plane, policy

    async def call(self, arguments, answer=None, *, tool="Bash", actor="key:a", edited=None):
        if isinstance(arguments, str):
            arguments = {"command": arguments}
        call = ToolCall("c", "function", tool, arguments, value=arguments.get("amount"))
        outcome = await self.plane.decide(call, CallContext(actor=actor))
        if answer is not None:
            assert outcome.approval is not None
            await self.plane.resolve(Resolution(outcome.approval.id, answer, "ann", edited=edited))
            if answer == "approve" and edited is None:
                assert (await self.plane.decide(call, CallContext(actor=actor))).judgement.verdict == "allowed"
        return call

    async def suggestion(self, least=1):
        def read(connection):
            answers = Answers.of(events.since_of_type(connection, "approval.resolved", 0.0))
            return suggest(
                self.policy, "p.yaml", (), list(events.decisions(connection, since=0.0)), answers, least=least
            )

        return await self.plane.read(read)


@pytest.fixture
def recording(open_plane):
    return lambda policy=ASKING: Recording(open_plane(policy), policy)


def verdict(text, call, actor="key:a"):
    return evaluate(build(parse_policy(text, "p.yaml")), call, CallContext(actor=actor), now=1.0).verdict


async def test_what_was_approved_is_suggested_before_the_rule_that_asked_and_nothing_else(recording):
    record = recording()
    approved = [await record.call(text, "approve") for text in ("git push", "git push", "uv run 'my tests.py'")]
    denied = await record.call("git push --force", "deny")
    waiting = await record.call("git fetch")
    found = await record.suggestion()
    assert (found.rules, found.calls) == (2, 2)
    assert found.diff.startswith("--- p.yaml\n+++ p.yaml\n")
    assert not [line for line in found.diff.splitlines()[2:] if line.startswith("-")]
    assert found.text.index("name: never") < found.text.index("suggested 1") < found.text.index("name: ask")
    assert "# times: 2, different calls: 1, as: git push" in found.text
    assert found.text.endswith("\n# the end\n")
    assert [verdict(found.text, call) for call in approved] == ["allowed"] * 3
    assert [verdict(found.text, call) for call in (denied, waiting)] == ["requires_approval"] * 2
    assert verdict(found.text, approved[0], actor="key:b") == "requires_approval"
    other = ToolCall("c", "function", "Bash", {"command": "git push; rm x"})
    assert verdict(found.text, other) == "blocked"


async def test_what_was_approved_too_seldom_denied_edited_blocked_or_hidden_is_not_suggested(recording):
    record = recording()
    await record.call("git pull", "approve")
    await record.call("git push", "approve")
    await record.call("git push", "deny")
    await record.call("git push -f", "approve", edited={"command": "git push"})
    await record.call("rm x")
    for _ in range(2):
        await record.call("curl -H 'Authorization: Bearer sk-proj-1234567890abcdefghij' x", "approve")
        await record.call("git push $BRANCH", "approve")
        await record.call("FOO=1 make", "approve")
    found = await record.suggestion(least=2)
    assert (found.diff, found.text, found.rules) == ("", ASKING, 0)
    assert dict(found.left_out) == {
        "approved or recorded less than 2 times": 1,
        "a rule blocked the same call, or a person denied or edited it": 1,
        "something is hidden in its arguments": 1,
        "a word is known only when the command runs": 1,
        "a wrapper or a variable before the command changes what it runs": 1,
    }


@pytest.mark.parametrize(
    ("commands", "pattern"),
    [
        (["pytest tests/a.py", "pytest tests/b.py", "pytest tests/cc.py"], "pytest tests/*.py"),
        (["pytest tests/a.py", "pytest tests/b.py"], None),
        (["pytest a", "pytest b", "pytest c"], None),
        (["git push origin fix-1", "git push origin fix-2", "git push origin fix-3"], None),
        (["kill 11", "kill 12", "kill 13"], None),
    ],
)
async def test_a_word_that_varies_becomes_a_star_where_that_is_harmless(recording, commands, pattern):
    record = recording()
    calls = [await record.call(command, "approve") for command in commands]
    found = await record.suggestion()
    assert {verdict(found.text, call) for call in calls} == {"allowed"}
    if pattern:
        assert found.text.count("suggested") == 1
        assert pattern in found.text
    else:
        assert "*" not in "".join(line for line in found.diff.splitlines() if line.startswith("+"))


async def test_values_are_bounded_by_what_was_approved_and_other_arguments_stay(recording):
    record = recording()
    for amount, currency in ((5, "EUR"), (50, "EUR"), (20, "USD")):
        await record.call({"amount": amount, "currency": currency, "n": amount}, "approve", tool="pay")
    found = await record.suggestion()

    def paid(**arguments):
        return verdict(found.text, ToolCall("c", "function", "pay", arguments, value=arguments.get("amount")))

    assert paid(amount=30, currency="USD", n=30) == "allowed"
    assert paid(amount=51, currency="EUR", n=30) == "requires_approval"
    assert paid(amount=30, currency="CHF", n=30) == "requires_approval"
    assert paid(amount=30, currency="EUR", n="x") == "requires_approval"


async def test_a_value_out_of_an_expression_is_bounded(recording):
    record = recording(ASKING.replace("value: amount", "value: order.amount"))
    for amount in (5, 50):
        await record.call({"order": {"amount": amount}}, "approve", tool="pay")
    found = await record.suggestion()
    assert "min_value: 5.0, max_value: 50.0" in found.text


ABOVE = ASKING.replace(
    "  - {name: ask,", "  - {name: refunds, tool: pay, require_approval_above: 500}\n  - {name: ask,"
)


async def test_a_rule_that_asks_above_a_value_has_the_suggested_one_before_it(recording):
    record = recording(ABOVE)
    await record.call({"amount": 20}, tool="pay")
    approved = await record.call({"amount": 900}, "approve", tool="pay")
    found = await record.suggestion()
    assert found.text.index("suggested 1") < found.text.index("name: refunds")
    assert verdict(found.text, approved) == "allowed"
    more = ToolCall("c", "function", "pay", {"amount": 901}, value=901)
    assert verdict(found.text, more) == "requires_approval"


@pytest.mark.parametrize("limit", ["max_total_per_day: 5000", "max_per_day: 9", "cooldown_seconds: 0.001"])
async def test_no_suggested_rule_goes_around_a_limit_of_the_rule_that_asked(recording, limit):
    record = recording(ABOVE.replace("above: 500", f"above: 500, {limit}"))
    await record.call({"amount": 900}, "approve", tool="pay")
    found = await record.suggestion()
    assert found.rules == 0
    assert list(+found.left_out) == [
        "the rule that asks has limits, sums or hours, which a suggested rule would not have"
    ]


async def test_hosts_are_grouped_when_three_of_their_pages_were_fetched(recording):
    record = recording()
    for page in "abc":
        await record.call({"url": f"https://docs.python.org/{page}"}, "approve", tool="fetch")
    await record.call({"url": "https://example.com/a"}, "approve", tool="fetch")
    found = await record.suggestion()
    assert "https://docs.python.org/**" in found.diff
    assert "https://example.com/a" in found.diff
    assert "https://example.com/**" not in found.diff


async def test_of_shadow_mode_what_no_rule_decided_is_suggested(recording):
    record = recording(SHADOW)
    first = await record.call("git fetch")
    await record.call("git fetch")
    blocked = await record.call("rm x")
    found = await record.suggestion(least=2)
    assert found.rules == 1
    assert verdict(found.text, first) == "allowed"
    assert verdict(found.text, blocked) == "blocked"
    assert found.text.index("name: z") < found.text.index("suggested 1") < found.text.index("# the end")


@pytest.mark.parametrize("rules", ["", "rules: []\n"])
async def test_a_file_without_rules_gets_some(recording, rules):
    policy = f"version: 1\nmode: shadow\n{rules}"
    record = recording(policy)
    await record.call({"n": 1}, tool="get")
    found = await record.suggestion()
    assert verdict(found.text, ToolCall("c", "function", "get", {"n": 1})) == "allowed"
    assert verdict(found.text, ToolCall("c", "function", "get", {"n": 2})) == "blocked"


async def test_rules_in_one_line_are_not_taken_apart(recording):
    record = recording("version: 1\ndefault: require_approval\nrules: [{name: a, tool: x}]\n")
    await record.call({"n": 1}, "approve", tool="get")
    with pytest.raises(ConfigurationError, match=r"p.yaml:3: put each rule on a line of its own"):
        await record.suggestion()


@pytest.mark.parametrize("requirement", ["four_eyes: true", "quorum: {count: 2, group: security}"])
@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (["approve"], 0),
        (["approve", "approve"], 1),
        (["approve", "deny"], 0),
        (["edit", "approve"], 0),
        (["approve", "edit", "approve"], 0),
    ],
    ids=["waits", "approved", "denied", "edited first", "edited last"],
)
async def test_what_several_people_answer_counts_by_how_it_ended(recording, requirement, answers, expected):
    record = recording(ASKING.replace("effect: require_approval}", f"effect: require_approval, {requirement}}}"))
    call = ToolCall("c", "function", "Bash", {"command": "git push"})
    asked = (await record.plane.decide(call, CallContext(actor="key:a"))).approval
    for number, answer in enumerate(answers):
        person = {"person": f"k{number}", "user": f"u{number}", "groups": frozenset({"security"})}
        shown = (await record.plane.wait(asked.id, timeout=0)).ballot
        edited = {"command": "git push -n"} if answer == "edit" else None
        said = Resolution(
            asked.id, answer.replace("edit", "approve"), f"u{number}", edited=edited, shown=shown, **person
        )
        assert not isinstance(await record.plane.resolve(said), ResolutionRefused)
    await record.plane.decide(call, CallContext(actor="key:a"))
    found = await record.suggestion()
    assert found.rules == expected
    assert verdict(found.text, call) == ("allowed" if expected else "requires_approval")


async def test_an_edit_whose_answer_is_older_than_the_record_is_not_suggested(recording):
    record = recording()
    call = ToolCall("c", "function", "Bash", {"command": "git push"})
    asked = (await record.plane.decide(call, CallContext(actor="key:a"))).approval
    await record.plane.resolve(Resolution(asked.id, "approve", "ann", edited={"command": "git fetch"}))
    assert (await record.plane.decide(call, CallContext(actor="key:a"))).edited == {"command": "git fetch"}
    recorded = await record.plane.read(lambda connection: list(events.decisions(connection, since=0.0)))
    found = suggest(ASKING, "p.yaml", (), recorded, Answers(frozenset({asked.id}), frozenset()), least=1)
    assert found.rules == 0


@pytest.mark.parametrize(
    ("actor", "named"),
    [
        ("key:a", ["team: support"]),
        ("user:u", ["team: support"]),
        ("billing", ["key: hash-1", "team: support"]),
        ("team:support", ["key: hash-1", "team: support"]),
    ],
)
async def test_a_rule_names_the_team_and_the_key_that_the_actor_does_not(recording, actor, named):
    """The rules in their metadata were judged, too; another key of the same actor may have none that block."""
    record = recording()
    call = ToolCall("c", "function", "Bash", {"command": "git push"})
    who = CallContext(actor=actor, key="hash-1", team="support", caller_rules="")
    asked = (await record.plane.decide(call, who)).approval
    await record.plane.resolve(Resolution(asked.id, "approve", "ann"))
    found = await record.suggestion()
    assert [name for name in ("key: hash-1", "team: support") if name in found.diff] == named
    policy = build(parse_policy(found.text, "p.yaml"))
    others = [replace(who, team="sales"), *([replace(who, key="hash-2")] if "key: hash-1" in named else [])]
    said = [evaluate(policy, call, context, now=1.0).verdict for context in (who, *others)]
    assert said == ["allowed", *["requires_approval"] * len(others)]


async def test_a_user_and_a_team_of_one_name_are_two(recording):
    record = recording()
    call = ToolCall("c", "function", "Bash", {"command": "git push"})
    for who in (CallContext(actor="key:a", user="x"), CallContext(actor="key:a", team="x")):
        asked = (await record.plane.decide(call, who)).approval
        await record.plane.resolve(Resolution(asked.id, "approve", "ann"))
        await record.plane.decide(call, who)
    found = await record.suggestion()
    assert (found.rules, found.diff.count("user: x"), found.diff.count("team: x")) == (2, 1, 1)
