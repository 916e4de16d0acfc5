"""The command `litellm-bighub`.

Each command lives in a module of this package and has one line in `COMMANDS`. Only the module of the command that was
asked for is imported, since what some commands need takes longer to import than the others take to run.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Final, cast

import typer

from litellm_bighub.errors import BighubError


@dataclass(frozen=True)
class CommandEntry:
    """A command as `litellm-bighub --help` lists it."""

    help: str
    """One line."""
    is_group: bool = False
    """Its module holds an `app` of further commands, not a function of the command's name."""


COMMANDS: Final = {
    "init": CommandEntry("Write config, policy and keys of a governed proxy."),
    "demo": CommandEntry("Start the real proxy beside a scripted model and show it."),
    "doctor": CommandEntry("Explain what of a proxy's setup is on and prove it."),
    "serve": CommandEntry("Serve the control plane over HTTP, with the inbox."),
    "policy": CommandEntry("Check, test, explain, compare and replay policies.", is_group=True),
    "audit": CommandEntry("Verify, export and shorten the audit.", is_group=True),
    "users": CommandEntry("Add, list, change and disable people who log in.", is_group=True),
    "keys": CommandEntry("Make, list, rotate and revoke keys of people and agents.", is_group=True),
}


def _version(asked: bool) -> None:  # noqa: FBT001 - typer hands the flag's value over
    if asked:
        from importlib.metadata import version  # noqa: PLC0415 - takes a while, and other commands need it not

        typer.echo(f"litellm-bighub {version('litellm-bighub')}")
        raise typer.Exit


def main(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Makes a LiteLLM gateway safe for agents: sees every text, decides on every tool call."""
    del version  # its callback has ended the command


def command_line(*imported: str) -> typer.Typer:
    """The command line with these commands; of the others it knows name and help alone."""
    app = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_show_locals=False,
        rich_markup_mode=None,  # its frames around the help take longer to import than all else
    )
    app.callback()(main)
    for name, command in COMMANDS.items():
        module = import_module(f"litellm_bighub.cli.{name}") if name in imported else None
        if module is None:
            app.command(name, help=command.help)(_not_imported)
        elif command.is_group:
            app.add_typer(cast("typer.Typer", module.app), name=name, short_help=command.help)
        else:
            app.command(name, short_help=command.help)(cast("Callable[..., None]", getattr(module, name)))
    return app


def _not_imported() -> None:
    raise AssertionError("a command runs only where its module was imported")


def __getattr__(name: str) -> typer.Typer:
    """`app` is the whole command line, for documentation and tests."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return command_line(*COMMANDS)


def run() -> None:
    """Run the command line. Prints our own errors in one message; other errors keep their traceback."""
    asked = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    try:
        command_line(*({asked} & COMMANDS.keys()))()
    except BighubError as error:
        sys.exit(f"litellm-bighub: {error}")
