"""`litellm-bighub audit`: verify, export and shorten the audit."""

from __future__ import annotations

import csv
import json
import sys
import time
from pathlib import Path
from typing import Annotated, Literal, TextIO

import typer
from sqlalchemy import Engine

from litellm_bighub.control_plane.cli_options import (
    DEFAULT_DATABASE,
    DatabaseUrl,
    database,
    fail,
    failing_plainly,
    span,
)
from litellm_bighub.control_plane.store import events
from litellm_bighub.control_plane.store.chain import Break
from litellm_bighub.control_plane.store.schema import events as table
from litellm_bighub.control_plane.store.writer import Writer

app = typer.Typer(help="Verify, export and shorten the audit.", no_args_is_help=True)


@app.command()
def verify(
    database_url: DatabaseUrl = DEFAULT_DATABASE,
    expect: Annotated[str | None, typer.Option(help="NUMBER:DIGEST that an earlier verify printed")] = None,
) -> None:
    """Follow the chain of events and find any change, removal or truncation.

    Whoever could write the database could also write a whole new chain; keep what this prints elsewhere, and give it
    to `--expect` the next time.
    """
    with failing_plainly(), database(database_url) as engine, engine.connect() as connection:
        result = events.verify(connection)
        if isinstance(result, Break):
            fail(f"the audit is broken at event {result.seq}: {result.problem}")
        if expect is not None:
            _compare(expect, events.digest_of(connection, _number(expect)))
    seq, digest = result
    typer.echo(f"{seq} events, the chain holds; keep this: {seq}:{digest}")


@app.command()
def export(
    database_url: DatabaseUrl = DEFAULT_DATABASE,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="a file; without it, standard output")] = None,
    format_: Annotated[Literal["jsonl", "csv"], typer.Option("--format", help="jsonl or csv")] = "jsonl",
) -> None:
    """Write every event, oldest first. JSON Lines hold all that `verify` digests."""
    with failing_plainly(), database(database_url) as engine:
        if output is None:
            _export(engine, sys.stdout, format_)
        else:
            with output.open("w", encoding="utf-8", newline="") as file:
                _export(engine, file, format_)


@app.command()
def retain(
    keep: Annotated[str, typer.Option(help="remove what is older, as in 90d")],
    database_url: DatabaseUrl = DEFAULT_DATABASE,
) -> None:
    """Remove old events. The chain stays verifiable from there on."""
    with failing_plainly(), database(database_url) as engine:
        now = time.time()
        before = now - span(keep)
        writer = Writer(engine, on_commit=lambda: None, on_rollback=lambda: None)
        try:
            removed = writer.submit(lambda transaction: events.retain(transaction, before=before, now=now)).result()
        finally:
            writer.close()
    typer.echo(f"{removed} events removed")


def _export(engine: Engine, file: TextIO, format_: Literal["jsonl", "csv"]) -> None:
    seq = 0
    rows = csv.writer(file)
    columns = [column.name for column in table.columns]
    if format_ == "csv":
        rows.writerow(columns)
    with engine.connect() as connection:
        while page := events.after(connection, seq):
            for event in page:
                if format_ == "jsonl":
                    file.write(json.dumps(event, separators=(",", ":")) + "\n")
                else:
                    rows.writerow([_cell(event[name]) for name in columns])
            seq = page[-1]["seq"]


def _cell(value: object) -> object:
    """A spreadsheet runs what begins like a formula."""
    text = json.dumps(value, separators=(",", ":")) if isinstance(value, dict) else value
    return f"'{text}" if isinstance(text, str) and text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _number(expect: str) -> int:
    number, _, _ = expect.partition(":")
    if not number.isdigit():
        fail("--expect has the form NUMBER:DIGEST")
    return int(number)


def _compare(expect: str, found: str | None) -> None:
    seq, _, digest = expect.partition(":")
    if int(seq) > 0 and found is None:
        fail(f"event {seq} is not there (any more)")
    if int(seq) > 0 and found != digest:
        fail(f"event {seq} is another one than it was: the chain was written anew")
