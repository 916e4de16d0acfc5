"""`litellm-bighub users`: what a person on the server does with people who log in."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from litellm_bighub.cli.app import app
from litellm_bighub.control_plane.people import users
from litellm_bighub.control_plane.people.accounts import change_user
from litellm_bighub.control_plane.people.passwords import Passwords
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.database import sqlite_url
from litellm_bighub.control_plane.store.tables import logins


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LITELLM_BIGHUB_DATABASE_URL", raising=False)
    (tmp_path / "bighub_policy.yaml").write_text("version: 1\n")

    def command(*arguments: str, code: int = 0, typed: str | None = None) -> str:
        done = CliRunner().invoke(app, ["users", *arguments], input=typed)
        assert done.exit_code == code, done.output
        return done.stdout if code == 0 else done.output

    return command


@pytest.fixture
def plane(tmp_path, run):
    plane = ControlPlane.open(sqlite_url(tmp_path / "bighub.db"), tmp_path / "bighub_policy.yaml")
    yield plane
    plane.close()


def stored(plane, name):
    return asyncio.run(plane.read(lambda connection: users.named(connection, name)))


def test_somebody_is_added_with_a_password_that_fits(run, plane):
    printed = run("add", "Ann", "--role", "approver", "--group", "finance", "--litellm-user", "ann@x")
    password = printed.split()[-1]

    assert run("list") == "ann: approver; groups finance; LiteLLM user ann@x\n"
    assert asyncio.run(Passwords().fits(password, stored(plane, "ann").password))
    assert password not in run("list")
    assert "there is a user ann already" in run("add", "ann", code=1)


def test_groups_roles_and_access_are_changed(run, plane):
    run("add", "ann", "--password-stdin", typed="correct horse battery\n")
    assert run("groups", "ann", "--add", "security", "--add", "finance") == (
        "ann: approver; groups finance, security; LiteLLM user unknown\n"
    )
    assert "groups security;" in run("groups", "ann", "--remove", "finance")
    assert run("set", "ann", "--role", "viewer", "--role", "auditor").startswith("ann: auditor, viewer;")
    assert "disabled since" in run("disable", "ann")
    assert "disabled" not in run("enable", "ann")
    before = stored(plane, "ann").password
    run("password", "ann")
    assert stored(plane, "ann").password != before


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        (("add", "a b"), "is no name"),
        (("add", "ann", "--role", "boss"), "there is no role boss; there are viewer, approver, operator, auditor"),
        (("add", "ann", "--group", "A B"), "is no group"),
        (("add", "ann", "--password-stdin"), "a password has 12 to 500 characters"),
        (("disable", "zoe"), "there is no user zoe"),
        (("sessions", "--end", "x"), "there is no session x"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(command, problem, run):
    assert problem in run(*command, code=1, typed="short\n")


def test_an_address_is_listed_changed_and_taken_away(run, plane):
    run("add", "ann", "--email", "ann@example.com")
    assert "; mail to ann@example.com" in run("list")
    assert "; mail to a.b+c@example.org" in run("set", "ann", "--email", "a.b+c@example.org")
    for wrong in ("ann", "ann@x\nBcc: eve@x", "Ann <ann@x>", "ann@x, eve@x", "@x", "ann@-"):
        assert "is no mail address" in run("set", "ann", "--email", wrong, code=1)
    assert stored(plane, "ann").email == "a.b+c@example.org"
    assert "mail" not in run("set", "ann", "--email", "")


def test_a_slack_account_is_one_users_alone(run, plane):
    run("add", "ann", "--slack", "U024BE7LH")
    assert run("list").endswith("; Slack account U024BE7LH\n")
    assert "there is a user bob or one with the Slack account U024BE7LH already" in run(
        "add", "bob", "--slack", "U024BE7LH", code=1
    )
    run("add", "bob")
    assert "another user has this Slack account" in run("set", "bob", "--slack", "U024BE7LH", code=1)
    for wrong in ("ann", "u024be7lh", "C024BE91L", "U024BE7LH U1", "@ann"):
        assert "is no account in Slack" in run("set", "bob", "--slack", wrong, code=1)
    assert stored(plane, "bob").slack == ""
    assert "Slack" not in run("set", "ann", "--slack", "")
    assert "Slack account U024BE7LH" in run("set", "bob", "--slack", "U024BE7LH")


def test_a_second_factor_is_listed_and_reset(run, plane):
    run("add", "ann")
    ann = stored(plane, "ann")
    sealed = replace(ann, totp_secret="v1.sealed", totp_step=5, recovery=frozenset({"a digest"}))
    asyncio.run(change_user(plane, ann.id, lambda _: sealed, by="test"))
    cookie = asyncio.run(plane.write(lambda transaction: logins.start(transaction.connection, sealed, plane.clock())))

    assert run("list").endswith("; second factor\n")
    assert "second factor" not in run("set", "ann", "--reset-totp")

    assert stored(plane, "ann") == ann
    assert asyncio.run(plane.read(lambda connection: logins.find(connection, cookie, plane.clock()))) is None


def test_sessions_are_listed_and_ended(run, plane):
    run("add", "ann")
    ann = stored(plane, "ann")

    def start(transaction):
        return logins.start(transaction.connection, ann, plane.clock(), address="10.0.0.1")

    cookie = asyncio.run(plane.write(start))
    (line,) = run("sessions").splitlines()
    assert "ann: with a password from 10.0.0.1, until" in line
    run("sessions", "--end", line.split()[0])
    assert run("sessions") == ""
    assert asyncio.run(plane.read(lambda connection: logins.find(connection, cookie, plane.clock()))) is None
