"""Where a gateway keeps its state, found as the gateway itself finds it: by its config."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from litellm_bighub.cli.options import fail
from litellm_bighub.errors import ConfigurationError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from litellm_bighub.control_plane.plane import ControlPlane
    from litellm_bighub.settings import GuardrailSettings

# What imports SQLAlchemy or pydantic is imported where it is used: `--help` needs none of it.

ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        exists=True,
        dir_okay=False,
        help="the proxy's config, which names policy and database; proxy_config.yaml if there is one",
    ),
]
PolicyOption = Annotated[Path | None, typer.Option("--policy", help="the policy file, in place of the config's")]
CONFIG: Final = "proxy_config.yaml"
_POLICY: Final = Path("bighub_policy.yaml")
_READ: Final = ("decider", "policy", "database_url", "redact", "redact_keys", "wording")
"""The settings of a guardrail that say where its state is, and how it is shown."""


@dataclass(frozen=True, slots=True)
class StateLocation:
    """Where a gateway keeps its state.

    Attributes:
        policy: the policy file.
        url: the database's.
        settings: those of the config's guardrail, its paths from where the command runs; `None` without a config.
        source: what named the database, for people.
        warnings: what may be another place than the one that was meant.
    """

    policy: Path
    url: str
    settings: GuardrailSettings | None
    source: str
    warnings: tuple[str, ...] = ()

    def tell(self) -> None:
        """Print which database is used, on standard error: what is exported goes to standard output."""
        typer.echo(f"The database: {shown(self.url)} ({self.source})", err=True)
        for line in self.warnings:
            typer.echo(f"warning: {line}", err=True)

    def tell_if_new(self) -> None:
        """Say that the command is about to make an empty database."""
        from litellm_bighub.control_plane.store.database import open_existing  # noqa: PLC0415

        try:
            open_existing(self.url).dispose()
        except ConfigurationError:
            typer.echo(
                "It is new, and made now, as on a first start; if a gateway runs already, it uses another one: "
                "--config finds the gateway's",
                err=True,
            )


def locate(config: Path | None, policy: Path | None = None, database_url: str = "") -> StateLocation:
    """Find the state of a gateway.

    Args:
        config: the proxy's config; without one, `proxy_config.yaml` beside the policy, or else in the working folder.
        policy: in place of the config's.
        database_url: in place of the config's; empty if it is not given.

    Raises:
        ConfigurationError: the config cannot be read, and nothing else names the database.
    """
    warnings: list[str] = []
    named = None
    beside = (policy.parent if policy is not None else Path()) / CONFIG
    if config is not None:
        named = _of_config(config)
        if named is None:
            fail(f"{config}: no guardrail of it keeps its state in a database of its own")
    elif beside.is_file():
        config = beside
        try:
            named = _of_config(beside)
        except ConfigurationError as error:
            if not database_url:
                hint = f"{beside.name} says where the state is: load the gateway's environment, or --database-url"
                raise ConfigurationError(error.key, f"{error.problem}; {hint}") from error
            warnings.append(f"{beside.name} cannot be read, so that the database may be another one ({error})")
    used = policy or (named.policy if named else _POLICY)
    in_config = named and _database(named)
    if not database_url and in_config:
        return StateLocation(used, in_config, named, f"as {config} has it", tuple(warnings))
    url = database_url or _beside(used)
    source = "as the command or its environment has it" if database_url else f"beside {used.name}"
    if in_config and shown(in_config) != shown(url):
        warnings.append(f"the gateway of {config} keeps its state in {shown(in_config)}")
    return StateLocation(used, url, named, source, tuple(warnings))


@contextmanager
def database(location: StateLocation) -> Generator[Engine]:
    """The database, opened for a command that makes none: a mistyped name would look like an empty audit.

    Raises:
        ConfigurationError: there is no such database.
    """
    from litellm_bighub.control_plane.store.database import open_existing  # noqa: PLC0415

    engine = open_existing(location.url)
    location.tell()
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def control_plane(config: Path | None, policy: Path | None, database_url: str) -> Generator[ControlPlane]:
    """The control plane, opened for a command that changes it.

    Raises:
        ConfigurationError: policy or database cannot be used.
    """
    from litellm_bighub.control_plane.plane import ControlPlane  # noqa: PLC0415

    location = locate(config, policy, database_url)
    location.tell()
    location.tell_if_new()
    plane = ControlPlane.open(location.url, location.policy)
    try:
        yield plane
    finally:
        plane.close()


def shown(url: str) -> str:
    """A database's URL for people: without its password, a file with its whole path. One database has one of it."""
    from sqlalchemy import make_url  # noqa: PLC0415
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

    try:
        read = make_url(url)
    except ArgumentError:
        return "a URL that cannot be read"
    if read.get_backend_name() == "sqlite" and read.database:
        return str(Path(read.database).absolute())
    return read.set(query={}).render_as_string(hide_password=True)


def _of_config(config: Path) -> GuardrailSettings | None:
    """What the config's guardrails say, their paths made to begin where the command runs.

    Raises:
        ConfigurationError: it is no config, or its guardrails keep their states in different places.
    """
    found = list(_guardrails(config))
    places = {shown(_database(each)) for each in found}
    if len(places) > 1:
        raise ConfigurationError(config.name, f"names {len(places)} databases: say which one with --database-url")
    return found[0] if found else None


def _guardrails(config: Path) -> Iterator[GuardrailSettings]:
    from pydantic import ValidationError  # noqa: PLC0415

    from litellm_bighub.doctor.proxy_config import read_config  # noqa: PLC0415
    from litellm_bighub.settings import GuardrailSettings, resolved  # noqa: PLC0415

    for entry in read_config(config).guardrails:
        if not _decides(entry.guardrail, entry.params.keys()):
            continue
        given = {key: resolved(f"{entry.name}.{key}", entry.params[key]) for key in _READ if key in entry.params}
        try:
            settings = GuardrailSettings(**given)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            raise ConfigurationError(".".join([entry.name, *map(str, first["loc"])]), first["msg"]) from error
        if settings.decider == "embedded":
            wording = settings.wording
            paths = {"policy": config.parent / settings.policy}
            if isinstance(wording, Path):
                paths["wording"] = config.parent / wording
            yield settings.model_copy(update=paths)


def _decides(guardrail: str, keys: Collection[str]) -> bool:
    """Whether an entry is a guardrail of ours for tool calls, or a subclass of one that says where its state is."""
    if guardrail == "litellm_bighub.BighubGuardrail":
        return True
    return "." in guardrail and any(name in keys for name in ("policy", "database_url", "decider"))


def _database(settings: GuardrailSettings) -> str:
    given = settings.database_url
    return given.get_secret_value() if given is not None else _beside(settings.policy)


def _beside(policy: Path) -> str:
    from litellm_bighub.control_plane.decisions.embedded_decider import DATABASE  # noqa: PLC0415
    from litellm_bighub.control_plane.store.database import sqlite_url  # noqa: PLC0415

    return sqlite_url(policy.parent / DATABASE)
