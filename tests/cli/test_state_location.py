"""Commands find the gateway's database by its config, say which one they use, and warn of another or an empty one."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.database import sqlite_url

COMMAND = Path(sys.executable).parent / "litellm-bighub"
POLICY = "version: 1\ndefault: allow\n"


def _config(folder: Path, *guardrails: str) -> Path:
    """A config with a guardrail of ours for each text of settings, beside one of LiteLLM's."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bighub_policy.yaml").write_text(POLICY)
    ours = "".join(
        f"- guardrail_name: bighub-{number}\n"
        f"  litellm_params: {{guardrail: litellm_bighub.BighubGuardrail, mode: [pre_call, post_call], {settings}}}\n"
        for number, settings in enumerate(guardrails)
    )
    path = folder / "proxy_config.yaml"
    path.write_text(
        "guardrails:\n"
        "- guardrail_name: masks\n"
        "  litellm_params: {guardrail: litellm_content_filter, mode: pre_call}\n" + ours
    )
    return path


def _made(path: Path) -> Path:
    policy = path.parent / "bighub_policy.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    policy.write_text(POLICY)
    ControlPlane.open(sqlite_url(path), policy).close()
    return path


def _run(folder: Path, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    known = {name: value for name, value in os.environ.items() if not name.startswith("LITELLM_BIGHUB_")}
    return subprocess.run(
        [COMMAND, *map(str, arguments)],
        cwd=folder,
        env={**known, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_database_is_the_one_that_the_config_names(tmp_path):
    state = _made(tmp_path / "state" / "gateway.db")
    config = _config(tmp_path / "gateway", f"database_url: 'sqlite:///{state}'")

    asked = _run(tmp_path, "audit", "verify", "--config", config)
    beside = _run(config.parent, "audit", "verify")

    for ran in (asked, beside):
        assert ran.returncode == 0, ran.stderr
        assert f"The database: {state} (as " in ran.stderr
        assert "The database" not in ran.stdout  # what is exported stays clean


def test_a_variable_in_the_config_is_read_as_the_gateway_reads_it(tmp_path):
    state = _made(tmp_path / "gateway.db")
    config = _config(tmp_path / "gateway", "database_url: 'os.environ/STATE'")

    assert _run(tmp_path, "audit", "verify", "--config", config, STATE=f"sqlite:///{state}").returncode == 0
    ran = _run(tmp_path, "audit", "verify", "--config", config)
    assert (ran.returncode, ran.stderr) == (
        1,
        "bighub-0.database_url: names the environment variable STATE, which is not set\n",
    )


def test_without_a_database_in_the_config_it_is_the_one_beside_its_policy(tmp_path):
    config = _config(tmp_path / "gateway", "")
    state = _made(tmp_path / "gateway" / "bighub.db")

    ran = _run(tmp_path, "policy", "replay", config.parent / "bighub_policy.yaml", "--config", config)

    assert ran.returncode == 0, ran.stderr
    assert f"The database: {state}" in ran.stderr


def test_another_database_than_the_gateways_is_warned_of(tmp_path):
    config = _config(tmp_path / "gateway", f"database_url: 'sqlite:///{tmp_path}/theirs.db'")
    mine = _made(tmp_path / "mine.db")

    ran = _run(config.parent, "audit", "verify", "--database-url", f"sqlite:///{mine}")

    assert f"warning: the gateway of proxy_config.yaml keeps its state in {tmp_path}/theirs.db" in ran.stderr
    assert f"The database: {mine} (as the command or its environment has it)" in ran.stderr


def test_the_same_database_in_another_spelling_is_not(tmp_path):
    mine = _made(tmp_path / "gateway" / "mine.db")
    config = _config(tmp_path / "gateway", f"database_url: 'sqlite:///{mine}'")

    ran = _run(config.parent, "audit", "verify", "--database-url", "sqlite:///mine.db")

    assert "warning" not in ran.stderr


def test_an_empty_database_is_told_before_it_is_made(tmp_path):
    config = _config(tmp_path / "gateway", "")
    arguments = ("keys", "add", "bob", "--scope", "approvals:resolve", "--config", config)

    first, second = _run(tmp_path, *arguments), _run(tmp_path, *arguments)

    assert "It is new, and made now, as on a first start; if a gateway runs already" in first.stderr
    assert "warning" not in first.stderr
    assert "It is new" not in second.stderr
    with sqlite3.connect(tmp_path / "gateway" / "bighub.db") as database:
        assert database.execute("select count(*) from api_keys").fetchone() == (2,)


@pytest.mark.parametrize(
    ("guardrails", "says"),
    [
        ([], "no guardrail of it keeps its state in a database of its own"),
        (["decider: bighub"], "no guardrail of it keeps its state in a database of its own"),
        (["decider: me"], "bighub-0.decider"),
        (
            ["database_url: 'sqlite:///0.db'", "database_url: 'sqlite:///1.db'"],
            "names 2 databases: say which one with --database-url",
        ),
    ],
)
def test_a_config_that_names_no_one_database_ends_with_one_line(tmp_path, guardrails, says):
    config = _config(tmp_path, *guardrails)

    ran = _run(tmp_path, "audit", "verify", "--config", config)

    assert ran.returncode == 1
    assert says in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_a_config_beside_that_cannot_be_read_ends_with_one_line(tmp_path):
    """No empty database is made where the shell lacks the variable that names the gateway's."""
    _config(tmp_path, "database_url: os.environ/NOBODY_SET_THIS")

    ran = _run(tmp_path, "keys", "list")

    assert ran.returncode == 1
    assert "NOBODY_SET_THIS, which is not set; proxy_config.yaml says where the state is: load " in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
    assert not (tmp_path / "bighub.db").exists()


@pytest.mark.parametrize("command", [["check"], ["explain", "bighub_policy.yaml", "--tool", "get"]])
def test_a_policy_is_checked_and_explained_without_the_environment_of_the_gateway(tmp_path, command):
    _config(tmp_path, "database_url: os.environ/NOBODY_SET_THIS")

    ran = _run(tmp_path, "policy", *command)

    assert ran.returncode == 0
    assert "warning: recorded calls are not looked at: " in ran.stderr
    assert "NOBODY_SET_THIS, which is not set" in ran.stderr


def test_a_config_beside_that_cannot_be_read_is_warned_of_where_the_database_is_named(tmp_path):
    state = _made(tmp_path / "other.db")
    (tmp_path / "proxy_config.yaml").write_text("[]")

    ran = _run(tmp_path, "audit", "verify", "--database-url", f"sqlite:///{state}")

    assert ran.returncode == 0, ran.stderr
    assert f"The database: {state} (as the command" in ran.stderr
    assert "warning: proxy_config.yaml cannot be read, so that the database may be another one" in ran.stderr
