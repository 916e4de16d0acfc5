"""`litellm-bighub users`: people with their own login, added and changed on the server itself."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Annotated, Final

import typer

from litellm_bighub.cli.options import DatabaseUrl, errors_in_one_line, fail
from litellm_bighub.cli.state_location import ConfigFile, PolicyOption, control_plane

if TYPE_CHECKING:
    from litellm_bighub.control_plane.people.roles import Role
    from litellm_bighub.control_plane.people.users import User
    from litellm_bighub.control_plane.plane import ControlPlane

_BY: Final = "the server"
Name = Annotated[str, typer.Argument(metavar="NAME", help="what they log in with")]
RoleOption = Annotated[
    list[str] | None,
    typer.Option("--role", help="viewer, approver, operator or auditor; say it again for more"),
]
GroupOption = Annotated[list[str] | None, typer.Option("--group", help="a group of theirs; say it again for more")]
Email = Annotated[str | None, typer.Option(help="where mail tells them of calls that wait; empty for nowhere")]
LiteLLMUser = Annotated[
    str | None,
    typer.Option("--litellm-user", help="the id of the LiteLLM user that they are; they never approve its calls"),
]
SlackAccount = Annotated[
    str | None,
    typer.Option("--slack", help="the id of their account in Slack, as in U024BE7LH; they answer there with it"),
]
FromInput = Annotated[
    bool, typer.Option("--password-stdin", help="read the password from the input, in place of a random one")
]
app = typer.Typer(no_args_is_help=True, help="Add, list, change and disable people who log in; end their sessions.")


@app.callback()
def main() -> None:
    """Add, list, change and disable people who log in; end their sessions."""


@app.command()
def add(
    name: Name,
    role: RoleOption = None,
    group: GroupOption = None,
    litellm_user: LiteLLMUser = None,
    email: Email = None,
    slack: SlackAccount = None,
    password_stdin: FromInput = False,  # noqa: FBT002 - a flag
    config: ConfigFile = None,
    policy: PolicyOption = None,
    database_url: DatabaseUrl = "",
) -> None:
    """Add somebody and print their password, this once. They change it in the inbox, on the page of people."""
    from litellm_bighub.control_plane.people import passwords, users  # noqa: PLC0415 - slow to import
    from litellm_bighub.control_plane.people.accounts import add_user  # noqa: PLC0415

    known = users.user_name(name)
    if known is None:
        fail(f"{name!r} is no name: letters, digits and . _ @ + -, at most 100")
    roles, groups = _roles(role or ["approver"]), _groups(group or ())
    address, account = _address(email), _slack_account(slack or "")
    password = _typed() if password_stdin else passwords.random_password()
    with errors_in_one_line(), control_plane(config, policy, database_url) as plane:
        made = asyncio.run(
            add_user(
                plane,
                known,
                passwords.hashed(password),
                roles=roles,
                groups=groups,
                litellm_user=litellm_user or "",
                email=address or "",
                slack=account,
                by=_BY,
            )
        )
    if made is None:
        fail(f"there is a user {known}{f' or one with the Slack account {account}' if account else ''} already")
    typer.echo(f"{known} can log in" if password_stdin else f"The password of {known}, shown this once: {password}")


@app.command(name="list")
def list_(config: ConfigFile = None, policy: PolicyOption = None, database_url: DatabaseUrl = "") -> None:
    """List everybody: roles, groups, LiteLLM user, and who cannot log in."""
    from litellm_bighub.control_plane.people import users  # noqa: PLC0415 - slow to import

    with errors_in_one_line(), control_plane(config, policy, database_url) as plane:
        for user in asyncio.run(plane.read(users.everybody)):
            typer.echo(_line(user))


@app.command()
def groups(
    name: Name,
    add: Annotated[list[str] | None, typer.Option(help="a group that they join; say it again for more")] = None,
    remove: Annotated[list[str] | None, typer.Option(help="a group that they leave; say it again for more")] = None,
    config: ConfigFile = None,
    policy: PolicyOption = None,
    database_url: DatabaseUrl = "",
) -> None:
    """Put somebody into groups, or take them out. It counts at once, also for those who are logged in."""
    joined, left = _groups(add or ()), _groups(remove or ())
    with errors_in_one_line(), control_plane(config, policy, database_url) as plane:
        typer.echo(_line(_changed(plane, name, lambda user: replace(user, groups=user.groups - left | joined))))


@app.command(name="set")
def set_(
    name: Name,
    role: RoleOption = None,
    litellm_user: LiteLLMUser = None,
    email: Email = None,
    reset_totp: Annotated[  # noqa: FBT002 - a flag
        bool, typer.Option("--reset-totp", help="take their second factor away: the app is lost")
    ] = False,
    slack: SlackAccount = None,
    config: ConfigFile = None,
    policy: PolicyOption = None,
    database_url: DatabaseUrl = "",
) -> None:
    """Give somebody these roles, another LiteLLM user, address or Slack account, or no second factor any more."""
    from litellm_bighub.control_plane.people.second_factor import without_totp  # noqa: PLC0415 - slow to import

    roles, address = _roles(role) if role else None, _address(email)
    account = None if slack is None else _slack_account(slack)

    def changed(user: User) -> User:
        return replace(
            without_totp(user) if reset_totp else user,
            roles=user.roles if roles is None else roles,
            litellm_user=user.litellm_user if litellm_user is None else litellm_user,
            email=user.email if address is None else address,
            slack=user.slack if account is None else account,
        )

    with errors_in_one_line(), control_plane(config, policy, database_url) as plane:
        typer.echo(_line(_changed(plane, name, changed)))


@app.command()
def password(
    name: Name,
    password_stdin: FromInput = False,  # noqa: FBT002 - a flag
    config: ConfigFile = None,
    policy: PolicyOption = None,
    database_url: DatabaseUrl = "",
) -> None:
    """Give somebody a new password and print it, this once. They are logged out everywhere."""
    from litellm_bighub.control_plane.people import passwords  # noqa: PLC0415 - slow to import

    new = _typed() if password_stdin else passwords.random_password()
    stored = passwords.hashed(new)
    with errors_in_one_line(), control_plane(config, policy, database_url) as plane:
        user = _changed(plane, name, lambda user: user if user.of_provider else replace(user, password=stored))
    if user.of_provider:
        fail(f"{user.name} logs in at the identity provider, and has no password here")
    said = (
        f"{user.name} has a new password" if password_stdin else f"The password of {user.name}, shown this once: {new}"
    )
    typer.echo(said)


@app.command()
def disable(name: Name, config: ConfigFile = None, policy: PolicyOption = None, database_url: DatabaseUrl = "") -> None:
    """Let somebody no longer in. Their sessions end at once."""
    from litellm_bighub.control_plane.people.accounts import disabled  # noqa: PLC0415 - slow to import

    with errors_in_one_line(), control_plane(config, policy, database_url) as plane:
        typer.echo(_line(_changed(plane, name, disabled(plane.clock()))))


@app.command()
def enable(name: Name, config: ConfigFile = None, policy: PolicyOption = None, database_url: DatabaseUrl = "") -> None:
    """Let somebody in again."""
    from litellm_bighub.control_plane.people.accounts import disabled  # noqa: PLC0415 - slow to import

    with errors_in_one_line(), control_plane(config, policy, database_url) as plane:
        typer.echo(_line(_changed(plane, name, disabled(None))))


@app.command()
def sessions(
    end: Annotated[str, typer.Option(metavar="SESSION", help="end this one, by its id")] = "",
    config: ConfigFile = None,
    policy: PolicyOption = None,
    database_url: DatabaseUrl = "",
) -> None:
    """List who is logged in, with a password or a key, or end a session."""
    from litellm_bighub.control_plane.people.accounts import end_login  # noqa: PLC0415 - slow to import
    from litellm_bighub.control_plane.store.tables import logins  # noqa: PLC0415

    with errors_in_one_line(), control_plane(config, policy, database_url) as plane:
        now = plane.clock()
        known = asyncio.run(plane.read(lambda connection: logins.listed(connection, now)))
        if not end:
            for one in known:
                using = "a key" if one.key_id else "an identity provider" if one.of_provider else "a password"
                typer.echo(
                    f"{one.id}  {one.name}: with {using} from {one.address or '?'}, until {_utc(one.expires_at)}"
                )
            return
        session = next((one for one in known if one.id == end), None)
        if session is None:
            fail(f"there is no session {end}; `litellm-bighub users sessions` lists them")
        asyncio.run(plane.write(lambda transaction: end_login(transaction, session, by=_BY, reason="revoked", now=now)))
    typer.echo(f"The session {end} of {session.name} is over")


def _changed(plane: ControlPlane, name: str, change: Callable[[User], User]) -> User:
    from litellm_bighub.control_plane.people import users  # noqa: PLC0415 - slow to import
    from litellm_bighub.control_plane.people.accounts import change_user  # noqa: PLC0415

    found = asyncio.run(plane.read(lambda connection: users.named(connection, users.user_name(name) or "")))
    user = None if found is None else asyncio.run(change_user(plane, found.id, change, by=_BY))
    if user is None and found is not None:
        fail("another user has this Slack account; `litellm-bighub users list` lists them")
    if user is None:
        fail(f"there is no user {name}; `litellm-bighub users list` lists them")
    return user


def _roles(words: list[str]) -> frozenset[Role]:
    from litellm_bighub.control_plane.people.roles import ROLES, known_roles  # noqa: PLC0415 - slow to import

    if unknown := set(words) - ROLES.keys():
        fail(f"there is no role {', '.join(sorted(unknown))}; there are {', '.join(ROLES)}")
    return known_roles(words)


def _address(text: str | None) -> str | None:
    from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415 - slow to import

    from litellm_bighub.settings import MailAddress  # noqa: PLC0415

    if not text:
        return text
    try:
        return TypeAdapter[str](MailAddress).validate_python(text)
    except ValidationError:
        fail(f"{text!r} is no mail address")


def _groups(words: list[str] | tuple[()]) -> frozenset[str]:
    from litellm_bighub.control_plane.people.users import group_name  # noqa: PLC0415 - slow to import

    if unreadable := [word for word in words if group_name(word) is None]:
        fail(f"{unreadable[0]!r} is no group: small letters, digits and . _ -, at most 100")
    return frozenset(words)


def _slack_account(word: str) -> str:
    from litellm_bighub.control_plane.people.users import slack_account  # noqa: PLC0415 - slow to import

    if word and slack_account(word) is None:
        fail(f"{word!r} is no account in Slack: an id such as U024BE7LH, which a profile's menu copies")
    return word


def _typed() -> str:
    from litellm_bighub.control_plane.people.passwords import LONGEST, SHORTEST  # noqa: PLC0415 - slow to import

    typed = sys.stdin.readline().rstrip("\r\n")
    if not SHORTEST <= len(typed) <= LONGEST:
        fail(f"a password has {SHORTEST} to {LONGEST} characters")
    return typed


def _line(user: User) -> str:
    parts = [
        f"{user.name}: {', '.join(sorted(user.roles)) or 'no role'}",
        f"groups {', '.join(sorted(user.groups))}" if user.groups else "no group",
        f"LiteLLM user {user.litellm_user}" if user.litellm_user else "LiteLLM user unknown",
    ]
    if user.email:
        parts.append(f"mail to {user.email}")
    if user.has_totp:
        parts.append("second factor")
    if user.slack:
        parts.append(f"Slack account {user.slack}")
    if user.disabled_at is not None:
        parts.append(f"disabled since {_utc(user.disabled_at)}")
    return "; ".join(parts)


def _utc(moment: float) -> str:
    return datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
