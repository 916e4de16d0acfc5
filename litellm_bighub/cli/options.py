"""Options that several commands share."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from litellm_bighub.errors import BighubError

if TYPE_CHECKING:
    from litellm_bighub.domain.call import Arguments

PolicyFile = Annotated[Path, typer.Argument(help="the policy file")]
DatabaseUrl = Annotated[
    str,
    typer.Option(
        "--database-url",
        envvar="LITELLM_BIGHUB_DATABASE_URL",
        help="where the state lives: sqlite:///bighub.db or postgresql://…",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON for programs")]
_SPAN = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


@contextmanager
def errors_in_one_line() -> Generator[None]:
    """Say what is wrong in one line, and end with 1."""
    try:
        yield
    except BighubError as error:
        fail(str(error))


def fail(message: str) -> NoReturn:
    """End with a message."""
    typer.echo(message, err=True)
    raise typer.Exit(1)


def span(text: str) -> float:
    """Seconds of a span such as `24h` or `7d`."""
    match = _SPAN.fullmatch(text)
    if match is None:
        raise typer.BadParameter(f"{text!r} is no span: a number with s, m, h, d or w, as in 24h")
    return float(match[1]) * _SECONDS[match[2]]


def arguments(text: str) -> Arguments:
    """A call's arguments, given as JSON."""
    from litellm_bighub.domain.arguments import UnreadableArguments, read_arguments  # noqa: PLC0415 - slow to import

    try:
        return read_arguments(text)
    except UnreadableArguments as error:
        raise typer.BadParameter(str(error)) from error


def echo_json(value: object) -> None:
    """Print for programs."""
    typer.echo(json.dumps(value, indent=2, default=str))
