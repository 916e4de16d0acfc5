"""`litellm-bighub policy schema` and `suggest`: what helps people to write a policy."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Final

import typer

from litellm_bighub.cli.options import AsJson, DatabaseUrl, PolicyFile, echo_json, errors_in_one_line, span
from litellm_bighub.cli.state_location import ConfigFile, database, locate
from litellm_bighub.policy.authoring.policy_schema import cases_schema, policy_schema
from litellm_bighub.policy.policy_file import read_file

POLICY: Final = Path("bighub_policy.yaml")
Cases = Annotated[bool, typer.Option("--cases", help="of a file of cases for `policy test`")]


def schema(cases: Cases = False) -> None:  # noqa: FBT002 - a flag of the command line
    """Print the JSON Schema of a policy file, for editors.

    `litellm-bighub policy schema > bighub_policy.schema.json`, and as the first line of the policy
    `# yaml-language-server: $schema=bighub_policy.schema.json`.
    """
    echo_json(cases_schema() if cases else policy_schema())


def suggest(
    policy: PolicyFile = POLICY,
    config: ConfigFile = None,
    database_url: DatabaseUrl = "",
    since: Annotated[str, typer.Option(help="how far back, as in 24h or 7d")] = "7d",
    least: Annotated[int, typer.Option(help="how often calls alike must have been approved, or recorded", min=1)] = 2,
    json: AsJson = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Print the smallest rules that would have allowed what people approved, or what shadow mode recorded, as a diff.

    Nothing is changed: edit the diff, and apply it with `patch`. What a rule blocked, what a person denied or edited,
    and what is hidden in the record is never suggested.
    """
    from litellm_bighub.control_plane.decisions import policy_suggestion  # noqa: PLC0415 - slow to import
    from litellm_bighub.control_plane.store.tables import events, rules  # noqa: PLC0415 - slow to import

    with errors_in_one_line(), database(locate(config, None, database_url)) as engine, engine.connect() as connection:
        added = tuple((rule.id, rule.text) for rule in rules.everything(connection))
        begin = time.time() - span(since)
        found = policy_suggestion.suggest(
            read_file(policy),
            policy.name,
            added,
            list(events.decisions(connection, since=begin)),
            policy_suggestion.Answers.of(events.since_of_type(connection, "approval.resolved", begin)),
            least=least,
        )
    left_out = {why: number for why, number in found.left_out.items() if number}
    if json:
        echo_json({"diff": found.diff, "rules": found.rules, "calls": found.calls, "left_out": left_out})
        return
    typer.echo(found.diff, nl=False)
    typer.echo(
        f"suggested rules: {found.rules}; different calls of the record that they are for: {found.calls}", err=True
    )
    for why, number in left_out.items():
        typer.echo(f"left out: {number} ({why})", err=True)
