"""The doctor's tables."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from litellm_bighub.doctor.canary import SECRETS
from litellm_bighub.doctor.examination import Examination
from litellm_bighub.doctor.findings import Level
from litellm_bighub.doctor.proof import ProbeRow, Proof, Verdict
from litellm_bighub.doctor.proxy_config import GuardrailEntry, GuardrailKind
from litellm_bighub.doctor.text_coverage import other_roads
from litellm_bighub.gateway.routes.route_table import RouteCoverage

_LEVELS = {Level.FINE: "green", Level.NOTE: "dim", Level.WARNING: "yellow", Level.OFF: "bold red"}
_VERDICTS = {
    Verdict.GOVERNED: "green",
    Verdict.REFUSED: "green",
    Verdict.LEAKS: "bold red",
    Verdict.UNPROVEN: "yellow",
    Verdict.NOT_COVERED: "dim",
    Verdict.NO_CALLS: "dim",
}
_ROUTES = {
    GuardrailKind.CALLS: "tool calls of /v1/responses, /v1/chat/completions, /v1/messages",
    GuardrailKind.TEXTS: "texts of /v1/responses, /v1/chat/completions, /v1/messages, streams too",
    GuardrailKind.OTHER: "what LiteLLM hands it",
    GuardrailKind.UNKNOWN: "",
}


def print_examination(examination: Examination, console: Console) -> None:
    """What is on, and what there is to say of it."""
    table = _table("guardrail", "what it is", "on", "mode", "for")
    for guardrail in examination.guardrails:
        entry = guardrail.entry
        mode = ", ".join(sorted(entry.events))
        table.add_row(Text(entry.name), guardrail.kind.value, _on(entry), mode, _ROUTES[guardrail.kind])
    console.print(table)
    roads = _table("answers of", "tool calls decided by", "texts handed to")
    for cover in examination.covers:
        decided = Verdict.NO_CALLS.value if cover.calls is None else ", ".join(cover.calls) or "nobody"
        roads.add_row(cover.route, Text(decided), Text(", ".join(cover.texts) or "nobody"))
    for route, name in examination.opened:
        roads.add_row(Text(route), Text(f"{RouteCoverage.OPEN.value}: nobody, as {name} has it", style="yellow"), "")
    for road in other_roads():
        roads.add_row(road, Text("decided on or refused: doctor --prove tries each and says which", style="dim"), "")
    console.print(roads)
    findings = _table("", "about", "finding")
    for finding in examination.findings:
        style = _LEVELS[finding.level]
        findings.add_row(Text(finding.level.value, style=style), Text(finding.about), Text(finding.says))
    console.print(findings)
    if examination.healthy:
        console.print("What looks on is on.")
    else:
        console.print(Text("Something looks on and is off; see the lines with OFF.", style="bold red"))


def print_proof(proof: Proof, console: Console) -> None:
    """The roads, and what became of the canaries on them."""
    table = _table("route", "", "tool call", "secret")
    for row in proof.rows:
        table.add_row(row.probe.route, row.probe.mode, _call(row), _styled(row.secret))
    console.print(table)
    console.print(_secrets(proof))
    if proof.missed:
        says = f"No guardrail of this config catches {', '.join(proof.missed)} in a whole answer."
        console.print(Text(says, style="bold red"))
    if proof.leaks:
        console.print(Text(f"{proof.leaks} of {len(proof.rows)} roads LEAK.", style="bold red"))
    elif not proof.governs:
        console.print(Text("Nothing leaked, but no road was seen to be governed: nothing is proven.", style="bold red"))
    else:
        console.print(f"No byte of a canary came through on {len(proof.rows)} roads.")


def _secrets(proof: Proof) -> str:
    if not proof.caught:
        none = f"secret: no text guardrail here catches any of the canaries ({', '.join(SECRETS)}), so none was sent."
        return none if proof.missed else f"{none} Name a text that yours catches: --canary TEXT"
    return f"secret: {', '.join(proof.caught)}, which a guardrail of this config catches in a whole answer."


def _call(row: ProbeRow) -> Text:
    shown = _styled(row.call)
    return shown.append(f" ({row.detail})") if row.call is Verdict.REFUSED and row.detail else shown


def _styled(verdict: Verdict) -> Text:
    return Text(verdict.value, style=_VERDICTS[verdict])


def _on(entry: GuardrailEntry) -> str:
    return "always" if entry.default_on else "if named"


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
