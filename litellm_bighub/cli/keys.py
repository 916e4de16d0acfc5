"""`litellm-bighub keys`: keys that are made on the server itself, each for a person or agent of its own."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from litellm_bighub.cli.options import DatabaseUrl, errors_in_one_line, fail
from litellm_bighub.cli.state_location import ConfigFile, locate

app = typer.Typer(no_args_is_help=True, help="Make keys for people and agents.")


@app.callback()
def main() -> None:
    """Make keys for people and agents."""


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="of the person or agent, as the audit names them")],
    scope: Annotated[list[str], typer.Option(help="what the key may do; say it again for more")],
    actor: Annotated[str, typer.Option(help="pattern of the actors that an agent's key speaks for")] = "",
    config: ConfigFile = None,
    policy: Annotated[Path | None, typer.Option(help="the policy file, in place of the config's")] = None,
    database_url: DatabaseUrl = "",
) -> None:
    """Make a key and print it, this once.

    With four eyes each such key is another person; a key that is made over HTTP is the person who made it.
    """
    from litellm_bighub.control_plane.http.api_keys import make_key  # noqa: PLC0415 - slow to import
    from litellm_bighub.control_plane.plane import ControlPlane  # noqa: PLC0415
    from litellm_bighub.control_plane.store.tables import keys  # noqa: PLC0415

    scopes: frozenset[keys.Scope] = frozenset(known for known in keys.SCOPES if known in scope)
    if unknown := {name for name in scope if name not in keys.SCOPES}:
        fail(f"there is no scope {', '.join(sorted(unknown))}; there are {', '.join(keys.SCOPES)}")
    if keys.mixes_scopes(scopes):
        fail("a key that asks for decisions (actions:validate) may hold no other scope")
    if actor and scopes != keys.AGENT:
        fail("an actor is for a key that asks for decisions (actions:validate)")
    with errors_in_one_line():
        location = locate(config, policy, database_url)
        location.tell()
        location.tell_if_new()
        plane = ControlPlane.open(location.url, location.policy)
        try:
            _, secret = asyncio.run(make_key(plane, name, scopes, by="the server", actor=actor or None))
        finally:
            plane.close()
    typer.echo(f"The key of {name}, shown this once: {secret}")
