"""`litellm-bighub init`: from nothing to a config, a policy and a file of keys, checked by the doctor."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path
from typing import Annotated

import typer

from litellm_bighub.cli import starter_files
from litellm_bighub.cli.doctor import doctor
from litellm_bighub.cli.options import fail
from litellm_bighub.cli.starter_files import ApprovalChoice, DeciderChoice, Pack, StarterChoices

_MODEL: re.Pattern[str] = re.compile(r"[a-z][a-z0-9_-]*/[^\s]+")
_UNQUOTABLE: re.Pattern[str] = re.compile(r"[\s'\"\\]")
"""What shells, systemd and Docker read differently in a file of variables."""
_SQLITE = "sqlite"
_POSTGRES = ("postgresql://", "postgres://", "postgresql+psycopg://")


def init(
    folder: Annotated[Path, typer.Option(help="where the files are written")] = Path(),
    model: Annotated[str, typer.Option(help="the upstream model, as LiteLLM names it: provider/model")] = "",
    api_base: Annotated[str, typer.Option(help="where the model answers, if not at its provider's address")] = "",
    database: Annotated[
        str, typer.Option(help="sqlite for bighub.db in the folder, the path of a file, or postgresql://…")
    ] = "",
    decider: Annotated[
        DeciderChoice | None, typer.Option(help="who decides: the policy file, or the hosted BIGHUB")
    ] = None,
    policy_pack: Annotated[
        Pack | None, typer.Option(help="calls that no rule names: ask a person, or strict: block them")
    ] = None,
    on_approval: Annotated[
        ApprovalChoice | None, typer.Option(help="what becomes of a call that needs a person (see the settings)")
    ] = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="ask nothing: the defaults for what no option says")] = False,
    force: Annotated[bool, typer.Option("--force", help="replace the files, the one with the keys too")] = False,
) -> None:
    """Write a config, a starting policy and a file of keys, and run the doctor on them.

    A config that is there already stays as it is: the policy is written beside it, and the lines to add are printed.

    The provider's key is asked for without being shown, and never taken from an option: options stand in the history of
    the shell. The exit code is 1 if the doctor finds something that looks on and is off.
    """
    taken = [name for name in _names() if (folder / name).exists() or (folder / name).is_symlink()]
    adds = taken == [starter_files.CONFIG] and not force and not _is_ours(folder / starter_files.CONFIG)
    if taken and not force and not adds:
        fail(f"{', '.join(taken)} in {folder.absolute()}: there already; --force replaces them")
    ask = not yes
    asks_model = ask and not adds
    model = _model(model or (_asked("The upstream model, provider/model", "openai/gpt-4.1") if asks_model else ""))
    database_url = _database(database or (_asked("Database: sqlite, or postgresql://…", _SQLITE) if ask else ""))
    decider = decider or DeciderChoice(_chosen("Who decides", DeciderChoice) if ask else DeciderChoice.EMBEDDED)
    if policy_pack is None:
        asks = ask and decider is DeciderChoice.EMBEDDED
        policy_pack = Pack(_chosen("Calls that no rule names: ask a person, or block them", Pack) if asks else Pack.ASK)
    on_approval = on_approval or ApprovalChoice(
        _chosen("A call that needs a person", ApprovalChoice) if ask else ApprovalChoice.WAIT,
    )
    setup = StarterChoices(model, api_base, database_url, decider, on_approval, policy_pack)
    if adds:
        _add(folder, setup)
        return
    api_key = ""
    if ask:
        prompt = f"{setup.key_variable}, not shown (Enter to fill it in later)"
        api_key = _asked(prompt, "", hidden=True)
        if _UNQUOTABLE.search(api_key):
            fail(f"{setup.key_variable}: a key has no spaces, quotes or backslashes")
    _write(folder, setup, api_key)
    _examine(folder)


def _names() -> tuple[str, ...]:
    return (starter_files.CONFIG, starter_files.POLICY, starter_files.KEYS)


def _is_ours(config: Path) -> bool:
    return "litellm_bighub." in config.read_text(encoding="utf-8", errors="replace")


def _asked(question: str, default: str, *, hidden: bool = False) -> str:
    """The answer, or one line that says how to do without: in a pipeline no one answers."""
    try:
        return str(typer.prompt(question, default=default, hide_input=hidden, show_default=not hidden))
    except typer.Abort as error:
        if not isinstance(error.__context__, EOFError):  # Ctrl-C
            raise
        typer.echo(err=True)
        return fail(
            "init: no answer; --yes asks nothing and takes the defaults, and each question has an option (--help)"
        )


def _chosen(question: str, values: type[DeciderChoice | Pack | ApprovalChoice]) -> str:
    known = [each.value for each in values]
    while (answer := _asked(f"{question} ({', '.join(known)})", known[0])) not in known:
        typer.echo(f"one of {', '.join(known)}, please", err=True)
    return answer


def _model(given: str) -> str:
    model = given or "openai/gpt-4.1"
    if _MODEL.fullmatch(model) is None:
        fail(f"--model {model}: write provider/model, as in openai/gpt-4.1 or anthropic/claude-sonnet-5")
    return model


def _database(given: str) -> str:
    """The URL; empty for `bighub.db` beside the policy."""
    if given in {"", _SQLITE}:
        return ""
    if _UNQUOTABLE.search(given):
        fail("--database: has spaces, quotes or backslashes; a URL writes them as %20 and the like")
    if given.startswith(_POSTGRES):
        _check_driver()
        return given
    if "://" not in given:
        return f"sqlite:///{Path(given).absolute()}"
    if given.startswith("sqlite:///"):
        return given
    scheme = given.split("://", 1)[0]
    return fail(f"--database {scheme}://…: sqlite, the path of a file, or postgresql://…")


def _check_driver() -> None:
    from importlib.util import find_spec  # noqa: PLC0415 - used here alone

    if find_spec("psycopg") is None:
        fail("--database: PostgreSQL needs a driver: pip install 'litellm-bighub[postgres]'")


def _write(folder: Path, setup: StarterChoices, api_key: str) -> None:
    files = [(starter_files.CONFIG, starter_files.config(setup), 0o644)]
    files += _policy_files(setup)
    master_key = f"sk-{secrets.token_urlsafe(32)}"
    files.append((starter_files.KEYS, starter_files.keys(setup, master_key, api_key), 0o600))
    _write_all(folder, files)


def _policy_files(setup: StarterChoices) -> list[tuple[str, str, int]]:
    """The policy, and its schema, which editors find by the policy's first line."""
    if setup.decider is not DeciderChoice.EMBEDDED:
        return []
    return [
        (starter_files.POLICY, starter_files.policy(setup.pack), 0o644),
        (starter_files.SCHEMA, starter_files.schema(), 0o644),
    ]


def _add(folder: Path, setup: StarterChoices) -> None:
    """Write what a proxy's own config lacks, and say what to add to it."""
    files = _policy_files(setup)
    if variables := starter_files.variables(setup):
        files.append((starter_files.KEYS, variables, 0o600))
    _write_all(folder, files)
    typer.echo(f"\nAdd to {folder / starter_files.CONFIG}, which stays as it is:\n\n{starter_files.guardrails(setup)}")
    typer.echo(_next(folder, loads_keys=bool(variables)))


def _write_all(folder: Path, files: list[tuple[str, str, int]]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text, mode in files:
            path = folder / name
            path.unlink(missing_ok=True)  # a link's target is left alone, and wider permissions are not inherited
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
                file.write(text)
            typer.echo(f"wrote {path}")
    except OSError as error:
        fail(f"{folder.absolute()}: cannot be written: {error.strerror}")


def _examine(folder: Path) -> None:
    """Run the doctor with the keys that were written, then say how to go on."""
    for line in (folder / starter_files.KEYS).read_text(encoding="utf-8").splitlines():
        name, _, value = line.removeprefix("# ").partition("=")
        if line.startswith("#"):
            os.environ.setdefault(name, "not-filled-in-yet")
        else:
            os.environ[name] = value.strip("'")
    unhealthy: typer.Exit | None = None
    try:
        doctor(folder / starter_files.CONFIG)
    except typer.Exit as error:
        unhealthy = error
    typer.echo(_next(folder))
    if unhealthy is not None:
        raise unhealthy


def _next(folder: Path, *, loads_keys: bool = True) -> str:
    keys = (f"set -a; . ./{starter_files.KEYS}; set +a", "the keys; keep this file out of version control")
    steps = [
        *([keys] if loads_keys else []),
        ("litellm-bighub doctor --prove", "sends canaries on every road"),
        (f"litellm --config {starter_files.CONFIG}", "the gateway, on port 4000"),
        ("litellm-bighub serve", "the inbox, in a second shell with the same keys"),
    ]
    go = [] if folder == Path() else [f"  cd {folder}"]
    return "\n".join(["\nNext:", *go, *(f"  {command:<40}  # {says}" for command, says in steps)])
