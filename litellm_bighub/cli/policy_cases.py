"""`litellm-bighub policy test`: a policy's examples and the cases of a file, with what each rule decides."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from litellm_bighub.cli.options import AsJson, PolicyFile, echo_json, errors_in_one_line
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.policy.case_file import check_cases
from litellm_bighub.policy.examples import Answer
from litellm_bighub.policy.policy_file import load_examples

CaseFiles = Annotated[list[Path] | None, typer.Argument(help="files of cases: calls in sequence, with time")]


@dataclass(frozen=True, slots=True)
class _Tried:
    """One call, from whichever file."""

    where: str
    of: str
    answer: Answer | None
    problem: str | None


def run_cases(policy: PolicyFile = Path("bighub_policy.yaml"), cases: CaseFiles = None, json: AsJson = False) -> None:  # noqa: FBT002 - a flag of the command line
    """Judge the policy's examples and the cases of files; name the rules that none of them reaches."""
    with errors_in_one_line():
        text, examples = load_examples(policy)
        tried = [
            _Tried(f"{policy.name}:{line}", f"example of {one.rule}", one.answer, one.problem) for line, one in examples
        ]
        for path in cases or ():
            tried += [
                _Tried(f"{path.name}:{one.line}", f"case {one.case}", one.answer, one.problem)
                for one in check_cases(text, path)
            ]
    answers = [one.answer for one in tried if one.answer is not None]
    reached = Counter(name for answer in answers for name in answer.reached)
    counts = {rule.name: reached[rule.name] for rule in text.rules}
    failed = [one for one in tried if one.problem is not None]
    if json:
        echo_json(_as_json(tried, counts))
    else:
        _show(tried, failed, counts)
    if failed:
        raise typer.Exit(1)


def _as_json(tried: list[_Tried], counts: dict[str, int]) -> JsonObject:
    return {
        "calls": len(tried),
        "failed": [
            {"where": one.where, "of": one.of, "problem": one.problem} for one in tried if one.problem is not None
        ],
        "reached": counts,
        "not_reached": [name for name, number in counts.items() if not number],
    }


def _show(tried: list[_Tried], failed: list[_Tried], counts: dict[str, int]) -> None:
    console = Console()
    table = Table("rule", "decides on", title=f"{len(tried)} calls, {len(failed)} of them wrong")
    for name, number in counts.items():
        table.add_row(escape(name), str(number) if number else "none of them")
    console.print(table)
    for one in failed:
        typer.echo(f"{one.where}: {one.of}: {one.problem}")
    for name in (name for name, number in counts.items() if not number):
        typer.echo(f"no example reaches the rule `{name}`")
