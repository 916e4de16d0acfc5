"""`litellm-bighub keys`: keys that are made on the server itself, one for each person or agent."""

from __future__ import annotations

import asyncio
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Annotated, Final

import typer

from litellm_bighub.cli.options import DatabaseUrl, errors_in_one_line, fail, span
from litellm_bighub.cli.state_location import ConfigFile, PolicyOption, control_plane
from litellm_bighub.control_plane.people.roles import MEANINGS

if TYPE_CHECKING:
    from litellm_bighub.control_plane.people.roles import Scope
    from litellm_bighub.control_plane.plane import ControlPlane
    from litellm_bighub.control_plane.store.tables.keys import Key

MAX_GRACE: Final = 7 * 86400
"""For how many seconds an old key may stay valid after its replacement is made."""

SCOPE_LINES: Final = "\b\nScopes:\n" + "\n".join(f"  {scope:18} {meaning}" for scope, meaning in MEANINGS.items())
"""The end of a help; `\b` keeps its lines apart."""

PREFIX = Annotated[
    str, typer.Argument(metavar="KEY", help="the first characters of the key, all that `keys list` shows")
]
app = typer.Typer(no_args_is_help=True, help="Make, list, rotate and revoke keys of people and agents.")


@app.callback()
def main() -> None:
    """Make, list, rotate and revoke keys of people and agents."""


@app.command(epilog=SCOPE_LINES)
def create(
    name: Annotated[str, typer.Argument(help="of the person or agent, as the audit names them")],
    scope: Annotated[list[str], typer.Option(help="what the key may do, see below; say it again for more")],
    actor: Annotated[str, typer.Option(help="pattern of the actors that an agent's key speaks for")] = "",
    user: Annotated[str, typer.Option(help="whose key it is: with four eyes, both count as one person")] = "",
    config: ConfigFile = None,
    policy: PolicyOption = None,
    database_url: DatabaseUrl = "",
) -> None:
    """Make a key and print it, this once.

    With four eyes each such key is another person, unless it is a user's; one that is made over HTTP is its maker's.
    """
    from litellm_bighub.control_plane.http.api_keys import make_key  # noqa: PLC0415 - slow to import
    from litellm_bighub.control_plane.people.roles import AGENT, SCOPES  # noqa: PLC0415
    from litellm_bighub.control_plane.store.tables import keys  # noqa: PLC0415

    scopes: frozenset[Scope] = frozenset(known for known in SCOPES if known in scope)
    if unknown := {name for name in scope if name not in SCOPES}:
        fail(f"there is no scope {', '.join(sorted(unknown))}; there are {', '.join(SCOPES)}")
    if keys.mixes_scopes(scopes):
        fail("a key that asks for decisions (actions:validate) may hold no other scope")
    if actor and scopes != AGENT:
        fail("an actor is for a key that asks for decisions (actions:validate)")
    with errors_in_one_line(), control_plane(config, policy, database_url) as plane:
        lineage = _user_id(plane, user, scopes) if user else ""
        made = make_key(plane, name, scopes, by="the server", actor=actor or None, lineage=lineage)
        _, secret = asyncio.run(made)
    typer.echo(f"The key of {name}, shown this once: {secret}")


app.command(name="add", hidden=True, help="The same as create.", epilog=SCOPE_LINES)(create)


@app.command(name="list")
def list_(config: ConfigFile = None, policy: PolicyOption = None, database_url: DatabaseUrl = "") -> None:
    """List the keys that are not revoked: their first characters, names, scopes and ends."""
    with errors_in_one_line(), control_plane(config, policy, database_url) as plane:
        for key in _known(plane):
            ends = "" if key.expires_at is None else f", ends {_utc(key.expires_at)}"
            typer.echo(f"{key.prefix}…  {key.name}: {' '.join(sorted(key.scopes))}{ends}")


@app.command()
def rotate(
    prefix: PREFIX,
    grace: Annotated[str, typer.Option(help="how long the old key is valid beside the new one, as in 24h")] = "0s",
    config: ConfigFile = None,
    policy: PolicyOption = None,
    database_url: DatabaseUrl = "",
) -> None:
    """Make a key that takes another's place, with the same name, scopes and bounds, and print it, this once."""
    from litellm_bighub.control_plane.http.api_keys import rotate_key  # noqa: PLC0415 - slow to import

    seconds = span(grace)
    if seconds > MAX_GRACE:
        fail("--grace: at most 7d; who needs longer makes a second key")
    with errors_in_one_line(), control_plane(config, policy, database_url) as plane:
        key = _named(plane, prefix)
        rotated = asyncio.run(rotate_key(plane, key, by="the server", grace_seconds=seconds))
    if rotated is None:
        fail(f"the key {key.prefix}… was revoked in the meantime")
    made, secret = rotated
    typer.echo(f"The key of {made.name}, shown this once: {secret}")
    typer.echo(
        f"The old one, {key.prefix}…, is valid for {grace}" if seconds else f"The old one, {key.prefix}…, is revoked"
    )


@app.command()
def revoke(
    prefix: PREFIX,
    reason: Annotated[str, typer.Option(help="for the audit")] = "",
    config: ConfigFile = None,
    policy: PolicyOption = None,
    database_url: DatabaseUrl = "",
) -> None:
    """Make a key useless from now on."""
    from litellm_bighub.control_plane.http.api_keys import revoke_key  # noqa: PLC0415 - slow to import

    with errors_in_one_line(), control_plane(config, policy, database_url) as plane:
        key = _named(plane, prefix)
        if not asyncio.run(revoke_key(plane, key, by="the server", reason=reason)):
            fail(f"the key {key.prefix}… was revoked in the meantime")
    typer.echo(f"{key.prefix}… of {key.name} is revoked")


def _user_id(plane: ControlPlane, name: str, scopes: frozenset[Scope]) -> str:
    from litellm_bighub.control_plane.people import users  # noqa: PLC0415 - slow to import
    from litellm_bighub.control_plane.people.roles import ROLES, scopes_of  # noqa: PLC0415

    found = asyncio.run(plane.read(lambda c: users.named(c, users.user_name(name) or "")))
    if found is None:
        fail(f"there is no user {name}; `litellm-bighub users list` shows them")
    if missing := scopes & scopes_of(ROLES) - scopes_of(found.roles):
        fail(f"no role of {found.name} has {', '.join(sorted(missing))}, so a key of theirs cannot, either")
    return found.id


def _known(plane: ControlPlane) -> list[Key]:
    from litellm_bighub.control_plane.store.tables import keys  # noqa: PLC0415 - slow to import

    return [
        key for key in asyncio.run(plane.read(lambda c: keys.listed(c, revoked=False))) if key.valid_at(plane.clock())
    ]


def _named(plane: ControlPlane, prefix: str) -> Key:
    found = [key for key in _known(plane) if key.prefix == prefix.rstrip("…")]
    if not found:
        fail(f"no valid key is listed as {prefix}; `litellm-bighub keys list` shows the characters to type")
    if len(found) > 1:  # one in 10^7 pairs
        fail(f"{len(found)} keys begin with {prefix}; revoke them over HTTP, by id")
    return found[0]


def _utc(moment: float) -> str:
    return datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
