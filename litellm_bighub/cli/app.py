"""The command `litellm-bighub`.

Each command lives in a module of this package and is added here; a group of commands is a `typer.Typer` of
its own, added with `app.add_typer(policy.app, name="policy")`.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from litellm_bighub.cli import audit as cli_audit, keys as cli_keys, policy as cli_policy, serve as cli_serve
from litellm_bighub.cli.demo import demo
from litellm_bighub.cli.doctor import doctor
from litellm_bighub.cli.init import init
from litellm_bighub.errors import BighubError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    rich_markup_mode=None,  # its frames around the help take longer to import than all else
)


def _version(asked: bool) -> None:  # noqa: FBT001 - typer hands the flag's value over
    if asked:
        from importlib.metadata import version  # noqa: PLC0415 - takes a while, and other commands need it not

        typer.echo(f"litellm-bighub {version('litellm-bighub')}")
        raise typer.Exit


@app.callback()
def main(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Makes a LiteLLM gateway safe for agents: sees every text, decides on every tool call."""
    del version  # its callback has ended the command


app.command()(init)
app.command()(demo)
app.command()(doctor)
app.command()(cli_serve.serve)
app.add_typer(cli_policy.app, name="policy")
app.add_typer(cli_audit.app, name="audit")
app.add_typer(cli_keys.app, name="keys")


def run() -> None:
    """Run the command line. An error of ours is told in one message; what is not ours keeps its traceback."""
    try:
        app()
    except BighubError as error:
        sys.exit(f"litellm-bighub: {error}")
