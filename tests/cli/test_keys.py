"""`litellm-bighub keys`: what a person on the server does with keys, and what the keys open then."""

from __future__ import annotations

import asyncio
import time

import pytest
from typer.testing import CliRunner

from litellm_bighub.cli.app import app
from litellm_bighub.control_plane.people import users
from litellm_bighub.control_plane.people.roles import SCOPES
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.database import sqlite_url
from litellm_bighub.control_plane.store.tables import keys


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LITELLM_BIGHUB_DATABASE_URL", raising=False)
    (tmp_path / "bighub_policy.yaml").write_text("version: 1\n")

    def command(*arguments: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, ["keys", *arguments])
        assert done.exit_code == code, done.output
        return done.stdout if code == 0 else done.output

    return command


@pytest.fixture
def added(run):
    """Adds a key and gives its secret."""
    return lambda name, *scopes: run(
        "create", name, *(word for scope in scopes for word in ("--scope", scope))
    ).split()[-1]


def stored(tmp_path, secret):
    plane = ControlPlane.open(sqlite_url(tmp_path / "bighub.db"), tmp_path / "bighub_policy.yaml")
    try:
        return asyncio.run(plane.read(lambda connection: keys.find(connection, secret)))
    finally:
        plane.close()


def test_a_list_names_keys_by_their_first_characters_and_shows_no_secret(run, added):
    ann, robot = added("ann", "approvals:resolve", "audit:read"), added("robot", "actions:validate")

    printed = run("list")

    assert printed.splitlines() == [
        f"{ann[:10]}…  ann: approvals:resolve audit:read",
        f"{robot[:10]}…  robot: actions:validate",
    ]
    assert ann not in printed


def test_a_users_key_is_the_same_person_as_the_user_and_so_is_the_one_that_replaces_it(run, tmp_path):
    add = ["users", "add", "kim", "--role", "approver"]
    made = CliRunner().invoke(app, add, input="a long password\na long password\n")
    assert made.exit_code == 0, made.output
    plane = ControlPlane.open(sqlite_url(tmp_path / "bighub.db"), tmp_path / "bighub_policy.yaml")
    kim = asyncio.run(plane.read(lambda connection: users.named(connection, "kim")))
    plane.close()

    secret = run("create", "script", "--scope", "approvals:resolve", "--user", "Kim").split()[-1]
    assert stored(tmp_path, secret).lineage == kim.person.id
    new = run("rotate", secret[:10]).splitlines()[0].split()[-1]
    assert stored(tmp_path, new).lineage == kim.person.id
    assert "there is no user kom" in run("create", "s", "--scope", "approvals:resolve", "--user", "kom", code=1)


def test_a_rotated_key_has_the_place_of_the_old_one_which_ends(run, added, tmp_path):
    old = added("ann", "approvals:resolve")

    new = run("rotate", old[:10]).splitlines()[0].split()[-1]

    before, after = stored(tmp_path, old), stored(tmp_path, new)
    assert not before.valid_at(time.time())
    assert after.valid_at(time.time())
    assert (after.name, after.scopes, after.lineage) == (before.name, before.scopes, before.lineage)
    assert run("list").count("ann") == 1


def test_with_grace_both_are_valid_until_it_is_over(run, added, tmp_path):
    old = added("ann", "approvals:resolve")

    printed = run("rotate", f"{old[:10]}…", "--grace", "24h")

    before, after = stored(tmp_path, old), stored(tmp_path, printed.splitlines()[0].split()[-1])
    day = time.time() + 86400
    assert before.valid_at(day - 60)
    assert not before.valid_at(day + 1)
    assert after.valid_at(day + 1)
    assert "is valid for 24h" in printed
    assert ", ends " in run("list").splitlines()[0]


def test_whoever_rotates_an_ending_key_again_gains_no_time(run, added, tmp_path):
    old = added("ann", "approvals:resolve")
    run("rotate", old[:10], "--grace", "1h")

    again = run("rotate", old[:10], "--grace", "7d").splitlines()[0].split()[-1]

    for secret in (old, again):
        assert not stored(tmp_path, secret).valid_at(time.time() + 3601)


def test_a_revoked_key_opens_nothing_and_the_audit_says_why(run, added, tmp_path):
    secret = added("ann", "approvals:resolve")

    run("revoke", secret[:10], "--reason", "lost laptop")

    assert not stored(tmp_path, secret).valid_at(time.time())
    assert "no valid key is listed as" in run("revoke", secret[:10], code=1)
    exported = CliRunner().invoke(app, ["audit", "export"]).stdout
    assert "lost laptop" in exported
    assert secret not in exported


def test_a_grace_without_end_is_refused(run, added, tmp_path):
    secret = added("ann", "approvals:resolve")

    assert "at most 7d" in run("rotate", secret[:10], "--grace", "5w", code=1)
    assert stored(tmp_path, secret).valid_at(time.time() + 10**9)


def test_the_help_lists_every_scope(run):
    printed = run("create", "--help")
    assert [line.split()[0] for line in printed.partition("Scopes:")[2].splitlines() if line.strip()] == list(SCOPES)


def test_the_name_of_older_releases_goes_on_working_unlisted(run, tmp_path):
    secret = run("add", "ann", "--scope", "audit:read").split()[-1]
    assert stored(tmp_path, secret).scopes == {"audit:read"}
    assert "  add " not in run("--help")


def test_a_users_key_holds_no_scope_that_no_role_of_theirs_has(run):
    add = ["users", "add", "kim", "--role", "viewer"]
    made = CliRunner().invoke(app, add, input="a long password\na long password\n")
    assert made.exit_code == 0, made.output

    said = run("create", "script", "--scope", "approvals:resolve", "--scope", "inbox:read", "--user", "kim", code=1)
    assert "no role of kim has approvals:resolve" in said
    assert run("list") == ""
