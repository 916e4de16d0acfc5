"""`litellm-bighub policy`: check, test, explain, diff and replay a policy file, and help to write one."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias, cast, get_args

import typer
import yaml
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from litellm_bighub.cli import policy_cases, policy_drafts
from litellm_bighub.cli.options import (
    AsJson,
    DatabaseUrl,
    PolicyFile,
    arguments as read_arguments,
    echo_json,
    errors_in_one_line,
    fail,
    span,
)
from litellm_bighub.cli.state_location import ConfigFile, StateLocation, database, locate
from litellm_bighub.control_plane.decisions.replay import (
    Replayed,
    hides_arguments,
    recorded_call,
    replay as replay_policy,
    summary,
)
from litellm_bighub.domain.call import CallContext, CallType, ToolCall, restored_context
from litellm_bighub.domain.decision import Block
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.errors import ConfigurationError, did_you_mean
from litellm_bighub.policy.authoring.rule_mismatch import readings, sides
from litellm_bighub.policy.callers.caller_rules_file import load_caller_rules, undescribed_tools
from litellm_bighub.policy.difference import Difference, compare
from litellm_bighub.policy.evaluation import Explanation, explain as explain_policy
from litellm_bighub.policy.example_text import CallText
from litellm_bighub.policy.examples import context_of
from litellm_bighub.policy.policy_file import load_policy, load_text, misplaced_rules, unmarked_actors, unread_commands
from litellm_bighub.policy.policy_text import PolicyText, build
from litellm_bighub.policy.rule import Policy
from litellm_bighub.policy.rule_pattern import Pattern
from litellm_bighub.policy.tool_table import ToolTable

if TYPE_CHECKING:
    from litellm_bighub.control_plane.decisions.remaining_totals import RemainingTotal

app = typer.Typer(help="Check, test, explain, compare and replay policies.", no_args_is_help=True)
app.command("test")(policy_cases.run_cases)
app.command()(policy_drafts.schema)
app.command()(policy_drafts.suggest)
POLICY: Final = Path("bighub_policy.yaml")
CallerRulesFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(help="rules of a key or team: JSON or YAML, the list or what holds it as `metadata.bighub`"),
]


@app.command()
def check(
    policy: PolicyFile = POLICY,
    config: ConfigFile = None,
    database_url: DatabaseUrl = "",
    caller_rules: CallerRulesFile = None,
) -> None:
    """Say whether the file is a valid policy; the first mistake is named with its line.

    Where there is a database of decisions, tools that were never called are named, too.
    """
    with errors_in_one_line():
        checked = load_policy(policy)
        further = None if caller_rules is None else load_caller_rules(caller_rules, checked)[1]
        warnings = [*unmarked_actors(policy), *unread_commands(policy), *misplaced_rules(policy)]
        warnings += [] if caller_rules is None else undescribed_tools(caller_rules, checked)
        called = _called_tools(config, policy, database_url)
    if called:
        warnings += _uncalled(checked, called)
    typer.echo(f"{policy.name}: {len(checked.rules)} rules, default {checked.default}, version {checked.version}")
    if caller_rules is not None and further is not None:
        typer.echo(f"{caller_rules.name}: {len(further.texts)} rules of a key or team")
    for line in warnings:
        typer.echo(f"warning: {line}", err=True)


@app.command()
def explain(
    policy: PolicyFile = POLICY,
    tool: Annotated[str, typer.Option(help="the tool's name")] = "",
    decision: Annotated[
        str, typer.Option(help="the id of a recorded decision, in place of tool, arguments and caller")
    ] = "",
    arguments: Annotated[str, typer.Option(help="the call's arguments, as JSON")] = "{}",
    type_: Annotated[str, typer.Option("--type", help="the call's type")] = "function",
    actor: Annotated[str, typer.Option(help="who asks, as in key:billing-x or user:u-77")] = "AI_AGENT",
    domain: Annotated[str, typer.Option(help="the business domain")] = "custom",
    user: Annotated[str, typer.Option(help="the authenticated user's id")] = "",
    team: Annotated[str, typer.Option(help="the authenticated team's alias or id")] = "",
    key: Annotated[str, typer.Option(help="the hash of the authenticated key")] = "",
    key_alias: Annotated[str, typer.Option(help="what the authenticated key is called")] = "",
    taint: Annotated[list[str] | None, typer.Option(help="a label of results that came back; may be repeated")] = None,
    earlier: Annotated[
        list[str] | None,
        typer.Option(help="a tool whose result came back before, or JSON as in an example's history; may be repeated"),
    ] = None,
    end_user: Annotated[str, typer.Option(help="the user that the request names")] = "",
    surface: Annotated[str, typer.Option(help="the route or adapter, as in /v1/responses")] = "",
    model: Annotated[str, typer.Option(help="the model that asks for the call")] = "",
    conversation: Annotated[str, typer.Option(help="the id of the provider's conversation")] = "",
    response_id: Annotated[str, typer.Option(help="the id of the response that holds the call")] = "",
    trace_id: Annotated[str, typer.Option(help="the id of the request or run")] = "",
    value: Annotated[float | None, typer.Option(help="in place of the value out of the arguments")] = None,
    caller_rules: CallerRulesFile = None,
    config: ConfigFile = None,
    database_url: DatabaseUrl = "",
    json: AsJson = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Say which rule would decide on a call, and why the ones before it would not."""
    if type_ not in get_args(CallType):
        fail(f"--type: one of {', '.join(get_args(CallType))}")
    if bool(tool) == bool(decision):
        fail("say either --tool, or --decision with the id of a recorded one")
    if decision:
        with errors_in_one_line():
            loaded = load_policy(policy)
            call, context = _recorded(loaded, decision, locate(config, policy, database_url))
            if caller_rules is not None:
                context = replace(context, caller_rules=load_caller_rules(caller_rules, loaded)[0])
        _explain((config, policy, database_url), loaded, call, context, json=json)
        return
    with errors_in_one_line():
        text = load_text(policy)
        loaded = build(text)
        before = _before(text, earlier or (), taint or ())
        rules = "" if caller_rules is None else load_caller_rules(caller_rules, loaded)[0]
        call = ToolCall("", cast("CallType", type_), tool, read_arguments(arguments), value=value)
        measured = ToolTable(loaded.tools).find(tool).measure(call)
        called = _called_tools(config, policy, database_url)
    if called and tool not in called:
        hint = did_you_mean(tool, called)
        typer.echo(f"warning: no recorded call is of {_printable(tool)}{_printable(hint)}", err=True)
    if isinstance(measured, Block):
        fail(f"blocked before any rule: {measured.reason}")
    context = CallContext(
        actor=actor,
        domain=domain,
        user=user,
        team=team,
        key=key,
        surface=surface,
        model=model,
        conversation=conversation,
        response_id=response_id,
        trace_id=trace_id,
        key_alias=key_alias,
        end_user=end_user,
        outputs=before.outputs,
        history=before.history,
        caller_rules=rules,
    )
    _explain((config, policy, database_url), loaded, measured, context, json=json)


@app.command()
def diff(before: PolicyFile, after: PolicyFile, json: AsJson = False) -> None:  # noqa: FBT002 - a flag of the command line
    """Say what differs between two policies."""
    with errors_in_one_line():
        found = compare(load_text(before), load_text(after))
    if json:
        echo_json([asdict(difference) for difference in found])
        return
    for difference in found:
        typer.echo(_line(difference))
    if not found:
        typer.echo("the policies are the same")


@app.command()
def replay(
    policy: PolicyFile = POLICY,
    config: ConfigFile = None,
    database_url: DatabaseUrl = "",
    since: Annotated[str, typer.Option(help="how far back, as in 24h or 7d")] = "24h",
    json: AsJson = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Run recorded decisions against a policy and show what would have been decided instead. Nothing is changed."""
    from litellm_bighub.control_plane.store.tables import events, rules  # noqa: PLC0415 - slow to import

    with errors_in_one_line(), database(locate(config, None, database_url)) as engine, engine.connect() as connection:
        added = tuple((rule.id, rule.text) for rule in rules.everything(connection))
        recorded = events.decisions(connection, since=time.time() - span(since))
        replayed = replay_policy(build(load_text(policy), added), recorded)
    if json:
        changed = [asdict(one) for one in replayed if one.differs]
        echo_json({"decisions": len(replayed), "summary": summary(replayed), "changed": changed})
    else:
        _show_replayed(replayed)


@app.command()
def versions(
    version: Annotated[str, typer.Argument(help="show the whole text of this one")] = "",
    config: ConfigFile = None,
    database_url: DatabaseUrl = "",
    limit: Annotated[int, typer.Option(help="how many to list", min=1, max=1000)] = 20,
    json: AsJson = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """List the versions of the policy that decisions were made under, with what each changed; or show one whole."""
    from litellm_bighub.control_plane.decisions import policy_versions  # noqa: PLC0415 - slow to import

    with errors_in_one_line(), database(locate(config, None, database_url)) as engine, engine.connect() as connection:
        named = policy_versions.version(connection, version) if version else None
        found = [named] if named else [] if version else policy_versions.versions(connection, limit)
    if json:
        echo_json([{**asdict(one), "text": one.file, "added": dict(one.added_rules)} for one in found])
        return
    if not found:
        fail(f"there is no version {version}" if version else "no decision has been made yet")
    for one in found:
        used = datetime.fromtimestamp(one.first_used_at, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
        typer.echo(f"{one.version}  first used {used}, {len(one.text.rules) + len(one.added)} rules")
        for difference in one.changes or ():
            typer.echo(f"  {_printable(_line(difference))}")
    if version:
        typer.echo(yaml.safe_dump(found[0].file, sort_keys=False, allow_unicode=False), nl=False)
        for rule_id, rule in found[0].added_rules:
            typer.echo(f"# added by API: {rule_id}")
            typer.echo(yaml.safe_dump([rule], sort_keys=False, allow_unicode=False), nl=False)


def _recorded(policy: Policy, decision: str, location: StateLocation) -> tuple[ToolCall, CallContext]:
    """The call of a recorded decision and who asked for it, as far as the record shows them."""
    from litellm_bighub.control_plane.store.tables import events  # noqa: PLC0415 - slow to import

    with database(location) as engine, engine.connect() as connection:
        event = events.decision(connection, decision)
    if event is None:
        fail(f"there is no decision {decision}")
    if hides_arguments(event):
        typer.echo("warning: something in its arguments was hidden in the record", err=True)
    return recorded_call(policy, event), restored_context(event["actor"], event["domain"], event["body"])


def _before(text: PolicyText, earlier: Sequence[str], taint: Sequence[str]) -> CallContext:
    """What came back before a call.

    Raises:
        ConfigurationError: an earlier call cannot be read.
    """
    calls = [read_arguments(one) if one.lstrip().startswith("{") else one for one in earlier]
    try:
        call = CallText.model_validate({"tool": "tool", "history": calls, "taint": list(taint) or None})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ConfigurationError("--earlier", f"{first['msg']}: {'.'.join(map(str, first['loc'][2:]))}") from error
    return context_of(call, text, time.time())


_Where: TypeAlias = tuple[Path | None, Path, str]
"""What `locate` takes: config, policy, URL of the database."""


def _explain(where: _Where, policy: Policy, call: ToolCall, context: CallContext, *, json: bool) -> None:
    explained = explain_policy(policy, call, context, now=time.time())
    totals = _remaining_totals(where, policy, explained, call, context)
    if json:
        echo_json({**_as_json(explained, call, context), "totals": [_total_as_json(one) for one in totals]})
        return
    _show(explained, call, context)
    for one in totals:
        amounts = f"{one.used} used, {one.reserved} reserved, {one.left} of {one.limit} left"
        typer.echo(
            f"  {_printable(one.rule)}, this {one.period}: {' '.join((_printable(one.currency), amounts)).strip()}"
        )


def _total_as_json(total: RemainingTotal) -> JsonObject:
    """Amounts are texts, so that they stay exact."""
    return {name: str(value) for name, value in asdict(total).items()}


def _remaining_totals(
    where: _Where, policy: Policy, explained: Explanation, call: ToolCall, context: CallContext
) -> list[RemainingTotal]:
    """What the sums of the rules that decide leave; empty where they have none, or where there is no database."""
    decided = [one.rule for one in explained.parts] or [explained.judgement.rule]
    rules = {rule.id: rule for rule in decided if rule is not None and rule.max_totals}
    if not rules:
        return []
    from litellm_bighub.control_plane.decisions.remaining_totals import for_call  # noqa: PLC0415 - slow to import
    from litellm_bighub.control_plane.store.clock import clock_of  # noqa: PLC0415

    try:
        with database(locate(*where)) as engine, engine.connect() as connection:
            return for_call(connection, policy, list(rules.values()), call, context, clock_of(engine)())
    except ConfigurationError:  # `_called_tools` has warned of it
        return []


def _called_tools(config: Path | None, policy: Path, database_url: str) -> frozenset[str]:
    """The tools of recorded decisions; none where there is no database, of which a policy needs none."""
    from litellm_bighub.control_plane.store.tables import events  # noqa: PLC0415 - slow to import

    named = True
    try:
        where = locate(config, policy, database_url)
        named = config is not None or bool(database_url)
        with database(where) as engine, engine.connect() as connection:
            return frozenset(events.tools(connection))
    except ConfigurationError as error:
        if named:
            typer.echo(f"warning: recorded calls are not looked at: {error}", err=True)
        return frozenset()


def _uncalled(policy: Policy, called: frozenset[str]) -> Iterator[str]:
    """A line for each tool that a policy names and no recorded call has."""
    for rule in policy.rules:
        if rule.tool.text.strip("*") and not any(map(rule.tool.matches, called)):
            hint = did_you_mean(rule.tool.text, called)
            yield f"rule `{rule.name}`: no recorded call is of {rule.tool.text}{_printable(hint)}"
    for tool in policy.tools:
        if not any(map(Pattern(tool).matches, called)):
            yield f"tools.{tool}: no recorded call is of it{_printable(did_you_mean(tool, called))}"


def _show(explanation: Explanation, call: ToolCall, context: CallContext) -> None:
    for considered in explanation.considered:
        passed = "decides" if considered.mismatch is None else f"passed over: {considered.mismatch} does not match"
        if (both := sides(considered, call, context)) is not None:
            passed += f" (the rule has {both[0] or 'none'}, the call {_printable(both[1]) or 'none'})"
        elif any(one.unsure for one in explanation.parts if one.rule is considered.rule):
            passed = "may decide: nobody knows whether the earlier calls were made; the strictest answer counts"
        typer.echo(f"  {considered.rule.name}: {passed}")
        for line in readings(considered, explanation, call, context):
            typer.echo(f"      {_printable(line)}")
    for one in explanation.parts if len(explanation.parts) > 1 else ():
        effect = one.rule.effect if one.rule else "the default"
        answer = "no rule restricts it" if one.ignored else f"{one.rule.name}: {effect}" if one.rule else effect
        typer.echo(f"  {one.part.kind} {_printable(one.part.shown)} -> {answer}")
    judgement = explanation.judgement
    if judgement.blocked_by in {"min_value", "max_value", "require_approval_above"}:
        typer.echo(f"  the call's value is {call.value:g}")
    typer.echo(f"{judgement.verdict}: {judgement.reason}")


def _as_json(explanation: Explanation, call: ToolCall, context: CallContext) -> JsonObject:
    judgement = explanation.judgement
    return {
        "verdict": judgement.verdict,
        "reason": judgement.reason,
        "blocked_by": judgement.blocked_by,
        "rule": judgement.rule.name if judgement.rule else None,
        "policy_version": judgement.policy_version,
        "parts": [
            {
                "kind": one.part.kind,
                "part": one.part.shown,
                "rule": one.rule.name if one.rule else None,
                "ignored": one.ignored,
                "unsure": one.unsure,
            }
            for one in explanation.parts
        ],
        "considered": [
            {
                "rule": seen.rule.name,
                "mismatch": seen.mismatch,
                "sides": sides(seen, call, context),
                "readings": readings(seen, explanation, call, context),
            }
            for seen in explanation.considered
        ],
    }


def _line(difference: Difference) -> str:
    changes = ", ".join(f"{name}: {was!r} -> {now!r}" for name, (was, now) in difference.fields.items())
    return f"{difference.kind} {difference.what}" + (f" ({changes})" if changes else "")


def _show_replayed(replayed: list[Replayed]) -> None:
    console = Console()
    counts = Table("before", "after", "decisions", title=f"{len(replayed)} decisions")
    for change, number in sorted(summary(replayed).items()):
        before, after = change.split(" -> ")
        counts.add_row(before, after, str(number))
    console.print(counts)
    changed = [one for one in replayed if one.differs]
    if changed:
        details = Table("decision", "tool", "actor", "before", "after", "why", title="what would change (the last 50)")
        for one in changed[-50:]:
            cells = (one.decision_id, one.tool, one.actor, one.before, one.after, one.reason)
            details.add_row(*(escape(_printable(cell)) for cell in cells))
        console.print(details)


def _printable(text: str) -> str:
    """Names come from models and may hold terminal escapes."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
