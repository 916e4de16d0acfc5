"""`litellm-bighub audit`: verify, export and shorten the audit."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from litellm_bighub.cli.options import (
    DatabaseUrl,
    errors_in_one_line,
    fail,
    span,
)
from litellm_bighub.cli.state_location import ConfigFile, database, locate

# `audit_export` is imported where it is used: SQLAlchemy is slow to import, and `--help` needs none of it.

_KEPT: Final = re.compile(r"(?P<number>[0-9]{1,30}):(?P<digest>[0-9a-f]{64}|)")

app = typer.Typer(help="Verify, export and shorten the audit.", no_args_is_help=True)


@app.command()
def verify(
    config: ConfigFile = None,
    database_url: DatabaseUrl = "",
    expect: Annotated[str | None, typer.Option(help="NUMBER:DIGEST that an earlier verify printed")] = None,
    since: Annotated[
        str | None, typer.Option(help="like --expect, and follow only the events after it: quick in a long audit")
    ] = None,
) -> None:
    """Follow the chain of events and find any change, removal or truncation.

    Whoever could write the database could also write a whole new chain; keep what this prints elsewhere, and give it
    to `--expect` the next time.
    """
    from litellm_bighub.control_plane.audit import audit_export  # noqa: PLC0415

    if expect is not None and since is not None:
        fail("--since says what --expect says, and more: give one of them")
    begin = None if since is None else _expected(since, "--since")
    kept = None if expect is None else _expected(expect, "--expect")
    with errors_in_one_line(), database(locate(config, None, database_url)) as engine:
        if begin is not None and (problem := audit_export.event_mismatch(engine, *begin)) is not None:
            fail(problem)
        result = audit_export.verified_chain(engine, begin)
        if isinstance(result, str):
            fail(result)
        if kept is not None and (problem := audit_export.event_mismatch(engine, *kept)) is not None:
            fail(problem)
    first = result.seq - result.count + 1
    numbers = f" ({first} to {result.seq})" if first > 1 and result.count else ""
    events = "1 event" if result.count == 1 else f"{result.count} events"
    typer.echo(f"{events}{numbers}, the chain holds; keep this: {result.seq}:{result.digest}")


@app.command()
def export(
    config: ConfigFile = None,
    database_url: DatabaseUrl = "",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="a file; without it, standard output")] = None,
    format_: Annotated[Literal["jsonl", "csv"], typer.Option("--format", help="jsonl or csv")] = "jsonl",
) -> None:
    """Write every event, oldest first. JSON Lines hold all that `verify` digests."""
    from litellm_bighub.control_plane.audit import audit_export  # noqa: PLC0415

    with errors_in_one_line(), database(locate(config, None, database_url)) as engine:
        if output is None:
            audit_export.export(engine, sys.stdout, format_)
        else:
            with output.open("w", encoding="utf-8", newline="") as file:
                audit_export.export(engine, file, format_)


@app.command()
def retain(
    keep: Annotated[str, typer.Option(help="remove what is older, as in 90d")],
    config: ConfigFile = None,
    database_url: DatabaseUrl = "",
    yes: Annotated[bool, typer.Option("--yes", help="do not ask, also where the clock may be wrong")] = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Remove old events. The chain stays verifiable from there on.

    Asks before it removes what a step of the clock would explain.
    """
    from litellm_bighub.control_plane.audit import audit_export  # noqa: PLC0415

    with errors_in_one_line(), database(locate(config, None, database_url)) as engine:
        if not yes and (doubt := audit_export.clock_doubt(engine, span(keep))) is not None:
            typer.confirm(f"{doubt}. Remove nevertheless what is older than {keep}?", abort=True)
        removed = audit_export.retain(engine, span(keep))
    typer.echo(f"{removed} events removed")


def _expected(mark: str, option: str) -> tuple[int, str]:
    found = _KEPT.fullmatch(mark)
    if found is None:
        fail(f"{option} has the form NUMBER:DIGEST, as an earlier verify printed it")
    return int(found["number"]), found["digest"]
