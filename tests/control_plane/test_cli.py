"""The commands for policy and audit."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from litellm_bighub.cli import audit as cli_audit, policy as cli_policy
from litellm_bighub.control_plane.decisions.embedded_decider import EmbeddedDecider
from litellm_bighub.control_plane.store.chain import AuditEvent
from litellm_bighub.control_plane.store.database import open_database
from litellm_bighub.control_plane.store.writer import Writer
from litellm_bighub.domain.call import FOR_PEOPLE, LEDGERS, CallContext, ToolCall
from litellm_bighub.policy.policy_text import RuleText

POLICY = """\
version: 1
tools: {refund: {value: amount}}
rules:
  - {name: shells, type: shell, effect: block}
  - {name: refunds, tool: refund, max_value: 1000}
"""


@pytest.fixture
def run():
    def run_(app, *arguments):
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run_


@pytest.fixture
async def recorded(policy_file, database_url):
    """A database with three decisions: two allowed, one blocked."""
    decider = EmbeddedDecider.from_policy_file(policy_file(POLICY), database_url=database_url)
    for amount in (10, 900, 2000):
        call = ToolCall("c", "function", "refund", {"amount": amount, "note": "=x\x1b[31m"}, value=amount)
        await decider.decide(call, CallContext(actor="\x1b[31m=bot"))
    await decider.aclose()
    return database_url


def test_check_says_what_is_there(run, policy_file):
    result = run(cli_policy.app, "check", policy_file(POLICY))
    assert result.exit_code == 0
    assert "bighub_policy.yaml: 2 rules, default block" in result.output


def test_check_reads_rules_of_a_key_beside_the_policy(run, policy_file, tmp_path):
    (tmp_path / "key.json").write_text(
        '{"metadata": {"bighub": [{"name": "no refunds", "tool": "refund", "effect": "block"}]}}'
    )
    (tmp_path / "wrong.json").write_text('[\n{"name": "refunds", "effect": "allow"}]')
    read = run(cli_policy.app, "check", policy_file(POLICY), "--caller-rules", tmp_path / "key.json")
    (tmp_path / "blind.json").write_text('[{"name": "no rm", "command": "rm *", "effect": "block"}]')
    blind = run(cli_policy.app, "check", policy_file(POLICY), "--caller-rules", tmp_path / "blind.json")
    refused = run(cli_policy.app, "check", policy_file(POLICY), "--caller-rules", tmp_path / "wrong.json")

    assert (read.exit_code, "key.json: 1 rules of a key or team" in read.output) == (0, True)
    assert "warning" not in read.output
    assert (
        blind.exit_code,
        "warning: blind.json:1: rule `no rm`: `tools` of the policy do not say" in blind.output,
    ) == (
        0,
        True,
    )
    assert (refused.exit_code, "wrong.json:2: [0]: a rule of a key or team allows nothing" in refused.output) == (
        1,
        True,
    )


def test_explain_tells_of_rules_of_a_key(run, policy_file, tmp_path, recorded):
    (tmp_path / "key.json").write_text('[{"name": "no refunds", "tool": "refund", "effect": "block"}]')
    beside = (policy_file(POLICY), "--caller-rules", tmp_path / "key.json")
    typed = run(cli_policy.app, "explain", *beside, "--tool", "refund", "--arguments", '{"amount": 5}')
    with open_database(recorded).connect() as connection:
        decision = (
            connection.execute(text("SELECT subject FROM events WHERE type = 'decision_event.created'"))
            .scalars()
            .first()
        )
    again = run(cli_policy.app, "explain", *beside, "--decision", decision, "--database-url", recorded)

    for result in (typed, again):
        assert "refunds: decides" in result.output
        assert "key/no refunds: decides" in result.output
        assert "blocked: the rule blocks this call (key/no refunds)" in result.output


def test_check_names_the_line_of_a_mistake(run, policy_file):
    result = run(cli_policy.app, "check", policy_file(POLICY.replace("max_value", "max_valu")))
    assert result.exit_code == 1
    assert "bighub_policy.yaml:5: rules[1].max_valu" in result.output
    assert "did you mean max_value?" in result.output


def test_explain_names_the_rule_and_those_before(run, policy_file):
    arguments = ("--tool", "refund", "--arguments", '{"amount": 2000}')
    result = run(cli_policy.app, "explain", policy_file(POLICY), *arguments)
    assert "shells: passed over: type does not match" in result.output
    assert "blocked: the value is above 1000 (refunds)" in result.output
    printed = json.loads(run(cli_policy.app, "explain", policy_file(POLICY), *arguments, "--json").output)
    assert (printed["verdict"], printed["rule"], printed["blocked_by"]) == ("blocked", "refunds", "max_value")


SUMS = """
version: 1
tools: {refund: {value: amount, currency: currency}}
rules:
  - {name: refunds, tool: refund, max_total_per_day: 1000, total_by: [actor, currency], require_approval_above: 500}
"""


async def test_explain_says_what_sums_have_left(run, policy_file, database_url):
    path = policy_file(SUMS)
    decider = EmbeddedDecider.from_policy_file(path, database_url=database_url)
    for amount in (100.25, 550):
        arguments = {"amount": amount, "currency": "EUR"}
        await decider.decide(ToolCall("c", "function", "refund", arguments, value=amount), CallContext(actor="bot"))
    await decider.aclose()
    asked = ("explain", path, "--tool", "refund", "--actor", "bot", "--database-url", database_url, "--arguments")

    euros = run(cli_policy.app, *asked, '{"amount": 20, "currency": "EUR"}')
    dollars = run(cli_policy.app, *asked, '{"amount": 20, "currency": "USD"}', "--json")

    assert "refunds, this day: EUR 100.25 used, 550 reserved, 349.75 of 1000 left" in euros.output
    [total] = json.loads(dollars.stdout)["totals"]
    assert (total["currency"], total["used"], total["left"]) == ("USD", "0", "1000")


def test_diff_names_what_was_added_removed_changed_and_moved(run, tmp_path):
    before, after = tmp_path / "a.yaml", tmp_path / "b.yaml"
    before.write_text("version: 1\nrules: [{name: a}, {name: b}, {name: c, max_value: 5}]\n")
    after.write_text("version: 1\ndefault: allow\nrules: [{name: c, max_value: 6}, {name: a}, {name: d}]\n")
    printed = run(cli_policy.app, "diff", before, after).output.splitlines()
    assert "removed b" in printed
    assert "added d" in printed
    assert "changed c (max_value: 5.0 -> 6.0)" in printed
    assert "changed default (default: 'block' -> 'allow')" in printed
    assert "moved c" in printed
    assert run(cli_policy.app, "diff", before, before).output == "the policies are the same\n"


TOLD_OTHERWISE = {*LEDGERS, *FOR_PEOPLE, "outputs", "history", "caller_rules"}
"""What no rule sees, what came back or was called before (`--taint`, `--earlier`), and what stands in a file."""


@pytest.mark.parametrize("name", [each.name for each in fields(CallContext) if each.name not in TOLD_OTHERWISE])
def test_explain_takes_whatever_there_is_to_say_of_the_caller(run, policy_file, name):
    """A field that is added to the context needs an option; where rules can name it, the option decides."""
    option = f"--{name.replace('_', '-')}"
    pattern = f"{name}: theirs, " if name in RuleText.model_fields else ""
    written = policy_file(f"version: 1\ntrusted_end_user: true\nrules:\n  - {{{pattern}name: r}}\n")
    result = run(cli_policy.app, "explain", written, "--tool", "refund", option, "theirs")
    assert "allowed: the rule allows this call (r)" in result.output
    if pattern:
        another = run(cli_policy.app, "explain", written, "--tool", "refund", option, "another")
        assert f"r: passed over: {name} does not match (the rule has theirs, the call another)" in another.output


def test_explain_finds_the_file_and_shows_what_a_condition_compares(run, policy_file, monkeypatch):
    path = policy_file(
        "version: 1\nrules:\n"
        "  - {name: mails, tool: send_mail}\n"
        "  - {name: large, tool: refund, when: 'amount > `500` && currency == `\"EUR\"`'}\n"
        "  - {name: odd, tool: refund, when: 'amount > limit'}\n"
    )
    monkeypatch.chdir(path.parent)
    result = run(cli_policy.app, "explain", "--tool", "refund", "--arguments", '{"amount": 600, "currency": "CHF"}')
    assert result.output.splitlines() == [
        "  mails: passed over: tool does not match (the rule has send_mail, the call refund)",
        "  large: passed over: when does not match",
        "      amount > 500: 600 > 500 is true",
        '      currency == "EUR": "CHF" == "EUR" is false',
        "  odd: decides",
        "      amount > limit: 600 > null has no answer",
        "blocked: the condition of the rule cannot be decided: it compares something that is no number (odd)",
    ]


async def test_tools_that_nobody_called_are_named_with_what_is_close(run, recorded, policy_file):
    written = "version: 1\ntools: {refnd: {value: amount}}\nrules: [{name: a, tool: refnud}, {name: b, tool: 'ref*'}]\n"
    checked = run(cli_policy.app, "check", policy_file(written), "--database-url", recorded)
    explained = run(cli_policy.app, "explain", policy_file(written), "--database-url", recorded, "--tool", "refuns")
    assert checked.exit_code == 0
    assert [
        line for line in checked.stderr.splitlines() if line.startswith("warning: ") and "the gateway" not in line
    ] == [
        "warning: rule `a`: no recorded call is of refnud; did you mean refund?",
        "warning: tools.refnd: no recorded call is of it; did you mean refund?",
    ]
    assert "warning: no recorded call is of refuns; did you mean refund?" in explained.stderr


def test_a_policy_is_checked_where_the_database_is_not(run, policy_file, tmp_path):
    result = run(cli_policy.app, "check", policy_file(POLICY), "--database-url", f"sqlite:///{tmp_path}/none.db")
    assert (result.exit_code, "recorded calls are not looked at" in result.stderr) == (0, True)


async def test_replay_shows_what_would_be_decided_instead(run, recorded, tmp_path):
    stricter = tmp_path / "stricter.yaml"
    stricter.write_text(POLICY.replace("max_value: 1000", "max_value: 1000, require_approval_above: 100"))
    arguments = ("replay", stricter, "--database-url", recorded, "--since", "1h")
    printed = json.loads(run(cli_policy.app, *arguments, "--json").stdout)
    assert printed["summary"] == {"allowed -> allowed": 1, "allowed -> requires_approval": 1, "blocked -> blocked": 1}
    assert [one["after_rule"] for one in printed["changed"]] == ["refunds"]
    table = run(cli_policy.app, *arguments).output
    assert "requires_approval" in table
    assert "\x1b[31m" not in table


async def test_verify_and_its_memory(run, recorded):
    result = run(cli_audit.app, "verify", "--database-url", recorded)
    assert "4 events, the chain holds" in result.output
    kept = result.output.strip().rpartition(" ")[2]
    assert run(cli_audit.app, "verify", "--database-url", recorded, "--expect", kept).exit_code == 0
    other = run(cli_audit.app, "verify", "--database-url", recorded, "--expect", f"2:{'beef' * 16}")
    assert (other.exit_code, "written anew" in other.output) == (1, True)


async def test_verify_follows_the_events_since_an_earlier_one_alone(run, recorded):
    first = run(cli_audit.app, "verify", "--database-url", recorded).output.strip().rpartition(" ")[2]
    engine = open_database(recorded)
    writer = Writer(engine, on_commit=lambda: None, on_rollback=lambda: None)
    writer.submit(lambda transaction: transaction.append(AuditEvent(1.0, "test", "s", {}))).result()
    writer.close()
    engine.dispose()

    result = run(cli_audit.app, "verify", "--database-url", recorded, "--since", first)
    foreign = run(cli_audit.app, "verify", "--database-url", recorded, "--since", f"2:{'beef' * 16}")
    both = run(cli_audit.app, "verify", "--database-url", recorded, "--since", first, "--expect", first)

    assert "1 event (5 to 5), the chain holds" in result.output
    assert (foreign.exit_code, "written anew" in foreign.output) == (1, True)
    assert (both.exit_code, "give one of them" in both.output) == (1, True)


@pytest.mark.parametrize(
    ("expect", "said"),
    [
        pytest.param(f"9:{'0' * 64}", "event 9 is not there", id="later"),
        pytest.param(f"{2**63}:{'0' * 64}", f"event {2**63} is not there", id="beyond-the-column"),
        pytest.param(f"{10**25}:{'0' * 64}", f"event {10**25} is not there", id="huge"),
        pytest.param("²:" + "0" * 64, "NUMBER:DIGEST", id="superscript"),
        pytest.param("-1:" + "0" * 64, "NUMBER:DIGEST", id="negative"),
        pytest.param("2", "NUMBER:DIGEST", id="no-digest"),
        pytest.param("2:beef", "NUMBER:DIGEST", id="short"),
        pytest.param("", "NUMBER:DIGEST", id="empty"),
    ],
)
async def test_what_cannot_be_expected_is_said_in_one_line(run, recorded, expect, said):
    result = run(cli_audit.app, "verify", "--database-url", recorded, "--expect", expect)
    assert (result.exit_code, isinstance(result.exception, SystemExit)) == (1, True)
    assert said in result.output
    assert len([line for line in result.stderr.splitlines() if not line.startswith(PLACE)]) == 1


PLACE = ("The database: ", "warning: the gateway of ")
"""What commands say on standard error of where they look, before what they find."""

LOOKING = [
    pytest.param(cli_audit.app, ("verify",), id="verify"),
    pytest.param(cli_audit.app, ("export",), id="export"),
    pytest.param(cli_audit.app, ("retain", "--keep", "0s"), id="retain"),
    pytest.param(cli_policy.app, ("versions",), id="versions"),
]


@pytest.mark.parametrize(("app", "command"), LOOKING)
def test_a_missing_database_is_an_error_and_is_not_made(run, tmp_path, app, command):
    """A mistyped name had zero events, and the chain held."""
    missing = tmp_path / "bigub.db"
    result = run(app, *command, "--database-url", f"sqlite:///{missing}")
    assert (result.exit_code, result.output) == (1, f"database_url: {missing} does not exist\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("app", "command"), LOOKING)
@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"", "holds no control plane of litellm-bighub", id="empty"),
        pytest.param(b"not a database, but long enough to be taken for one" * 40, "cannot be opened", id="text"),
    ],
)
def test_what_is_no_control_plane_is_an_error_and_is_left_as_it_is(run, tmp_path, app, command, content, said):
    other = tmp_path / "other.db"
    other.write_bytes(content)
    result = run(app, *command, "--database-url", f"sqlite:///{other}")
    assert (result.exit_code, isinstance(result.exception, SystemExit)) == (1, True)
    assert said in result.output
    assert other.read_bytes() == content


async def test_export_is_whole_and_starts_no_formula(run, recorded, tmp_path):
    lines = run(cli_audit.app, "export", "--database-url", recorded).stdout.splitlines()
    assert [json.loads(line)["seq"] for line in lines] == [1, 2, 3, 4]
    output = tmp_path / "audit.csv"
    assert run(cli_audit.app, "export", "--database-url", recorded, "--format", "csv", "-o", output).exit_code == 0
    assert len(output.read_text().splitlines()) == 5


async def test_what_is_left_after_retention_still_verifies(run, recorded):
    assert run(cli_audit.app, "retain", "--keep", "0s", "--database-url", recorded).stdout == "4 events removed\n"
    result = run(cli_audit.app, "verify", "--database-url", recorded)
    assert "1 event (5 to 5), the chain holds" in result.output


@pytest.mark.parametrize("step", [400 * 86_400, -400 * 86_400], ids=["ahead", "behind"])
@pytest.mark.parametrize("answer", ["n\n", "", "y\n", "--yes"])
async def test_what_a_step_of_the_clock_explains_is_removed_only_if_somebody_says_so(run, recorded, step, answer):
    """As if the clock had made a step since the last event: by now that one seems to be of another year."""
    engine = open_database(recorded)
    with engine.connect() as connection:
        connection.execute(text(f"UPDATE events SET time = time - ({step})"))
    engine.dispose()
    keep = "30d" if step > 0 else "0s"
    asked = ["retain", "--keep", keep, "--database-url", recorded]
    result = CliRunner().invoke(cli_audit.app, [*asked, *["--yes"] * (answer == "--yes")], input=answer)
    removed = answer in {"y\n", "--yes"} and step > 0
    assert ("4 events removed" in result.output) == removed
    assert ("the newest event is of" in result.output) == (answer != "--yes" and step > 0)


def test_check_warns_of_actors_that_are_no_key_and_no_user(run, policy_file):
    result = run(cli_policy.app, "check", policy_file(POLICY + "  - {name: old, actor: billing-*, effect: block}\n"))
    assert result.exit_code == 0
    assert "warning: bighub_policy.yaml:6: rule `old`: " in result.stderr


async def test_versions_are_listed_with_what_changed_and_shown_whole(run, recorded, tmp_path):
    changed = tmp_path / "changed.yaml"
    changed.write_text(POLICY.replace("1000", "2000") + "default: allow\n")
    decider = EmbeddedDecider.from_policy_file(changed, database_url=recorded)
    call = ToolCall("c", "function", "refund", {"amount": 1}, value=1)
    newest = (await decider.decide(call, CallContext())).basis.policy_version
    await decider.aclose()
    lines = run(cli_policy.app, "versions", "--database-url", recorded).stdout.splitlines()
    assert lines[0].startswith(f"{newest}  first used ")
    assert "  changed refunds (max_value: 1000.0 -> 2000.0)" in lines
    assert "  changed default (default: 'block' -> 'allow')" in lines
    shown = run(cli_policy.app, "versions", newest, "--database-url", recorded).output
    assert "max_value: 2000.0" in shown
    printed = json.loads(run(cli_policy.app, "versions", "--json", "--database-url", recorded).stdout)
    assert [one["text"]["rules"][1]["max_value"] for one in printed] == [2000, 1000]
    unknown = run(cli_policy.app, "versions", "beef", "--database-url", recorded)
    assert (unknown.exit_code, "no version beef" in unknown.output) == (1, True)


EXAMPLES = """\
    examples:
      block: [{tool: refund, arguments: {amount: 1001}}]
      allow: [{tool: refund, arguments: {amount: 1}}]
"""
CASES = "cases:\n- {name: one, calls: [{tool: refund, arguments: {amount: 7}, answer: %s}]}\n"


def with_examples(text):
    return text.replace(
        "  - {name: refunds, tool: refund, max_value: 1000}\n",
        f"  - name: refunds\n    tool: refund\n    max_value: 1000\n{EXAMPLES}",
    )


def test_test_runs_examples_and_cases_and_names_rules_that_none_reaches(run, policy_file, tmp_path):
    cases = tmp_path / "cases.yaml"
    cases.write_text(CASES % "allow")
    path = policy_file(with_examples(POLICY))
    result = run(cli_policy.app, "test", path, cases)
    assert result.exit_code == 0
    assert "3 calls, 0 of them wrong" in result.output
    assert "no example reaches the rule `shells`" in result.output
    printed = json.loads(run(cli_policy.app, "test", path, cases, "--json").output)
    assert printed["reached"] == {"shells": 0, "refunds": 3}
    assert printed["not_reached"] == ["shells"]


def test_test_names_each_wrong_call_with_its_line(run, policy_file, tmp_path):
    cases = tmp_path / "cases.yaml"
    cases.write_text(CASES % "block")
    path = policy_file(with_examples(POLICY).replace("amount: 1}", "amount: 1002}"))
    result = run(cli_policy.app, "test", path, cases)
    assert result.exit_code == 1
    assert "bighub_policy.yaml:10: example of refunds: it is to be allowed and is blocked" in result.output
    assert "cases.yaml:2: case one: it is to be blocked and is allowed" in result.output
    failed = json.loads(run(cli_policy.app, "test", path, cases, "--json").output)["failed"]
    assert [one["where"] for one in failed] == ["bighub_policy.yaml:10", "cases.yaml:2"]
    assert run(cli_policy.app, "check", path).exit_code == 1


async def test_explain_takes_a_recorded_decision(run, recorded, policy_file):
    engine = open_database(recorded)
    with engine.connect() as connection:
        found = connection.execute(text("select subject from events where type = 'decision_event.created'"))
        decisions = [row[0] for row in found]
    engine.dispose()
    stricter = policy_file(POLICY.replace("1000", "500"))
    options = ("--database-url", recorded)
    first, second, _ = [run(cli_policy.app, "explain", stricter, "--decision", one, *options) for one in decisions]
    assert "refunds: decides" in first.output
    assert first.output.splitlines()[-1].startswith("allowed")
    assert second.output.splitlines()[-1].startswith("blocked")
    printed = run(cli_policy.app, "explain", stricter, "--decision", decisions[0], *options, "--json")
    assert '"verdict": "allowed"' in printed.output
    assert "no decision nowhere" in run(cli_policy.app, "explain", stricter, "--decision", "nowhere", *options).output
    assert "either --tool" in run(cli_policy.app, "explain", stricter).output


def test_explain_says_what_came_before(run, policy_file):
    written = policy_file("version: 1\nrules:\n  - {name: r, tool: pay, after: {tool: verify, same: {who: id}}}\n")
    options = ("explain", written, "--tool", "pay", "--arguments", '{"who": "ann"}')
    assert (
        "r: passed over: after does not match (the rule has verify, id = this call's who, the call calls of none)"
        in (run(cli_policy.app, *options).output)
    )
    verified = ("--earlier", '{"tool": "verify", "arguments": {"id": "ann"}, "seconds_ago": 5}')
    assert "allowed" in run(cli_policy.app, *options, *verified).output.splitlines()[-1]
    unclear = run(cli_policy.app, *options, "--earlier", "verify").output
    assert "r: may decide: nobody knows whether the earlier calls were made; the strictest answer counts" in unclear
    assert unclear.splitlines()[-1].startswith("blocked")
    assert "--earlier: Extra inputs" in run(cli_policy.app, *options, "--earlier", '{"tool": "v", "x": 1}').output
