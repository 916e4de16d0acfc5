"""`litellm-bighub serve` as a person starts it, with Slack."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from litellm_bighub.control_plane.channels.slack_app.signed_requests import PATH
from litellm_bighub.control_plane.decisions.embedded_decider import DATABASE
from litellm_bighub.control_plane.people import users
from litellm_bighub.control_plane.people.oidc.provider_user import provider_user_id
from litellm_bighub.control_plane.people.users import User
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.database import sqlite_url
from litellm_bighub.testing import SlackServer

COMMAND = Path(sys.executable).with_name("litellm-bighub")
POLICY = "version: 1\nrules: [{name: all, tool: '*', effect: require_approval}]\n"
PREFIX = "LITELLM_BIGHUB_SERVE_SLACK__"
SECONDS = 100
ISSUER = "https://id.example.com"


@pytest.fixture
def policy(tmp_path):
    path = tmp_path / "bighub_policy.yaml"
    path.write_text(POLICY)
    (tmp_path / "bighub_serve.yaml").write_text("public_url: https://b.org\nslack: {channel: C0APPROVALS}\n")
    return path


@pytest.fixture
def slack():
    with SlackServer() as server:
        yield server


@pytest.fixture
def start(policy, slack, monkeypatch):
    """Starts `serve` on a free port; ends every one that still runs."""
    given = {"BOT_TOKEN": slack.bot_token, "APP_TOKEN": slack.app_token, "API_URL": slack.api_url}
    for name, value in given.items():
        monkeypatch.setenv(PREFIX + name, value)
    command = [COMMAND, "serve", "--policy", policy, "--port", "0"]
    with ExitStack() as running:
        yield lambda: running.enter_context(_started(command))


@contextmanager
def _started(command):
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def listening(process):
    """What `serve` has printed until it listened."""
    printed = ""
    while "The inbox:" not in printed:
        line = process.stdout.readline()
        assert line, printed
        printed += line
    return printed


def cli(policy, *words):
    command = [COMMAND, *words, "--policy", policy]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True).stdout


def ask(policy, number=0):
    """Another process decides on a call, as a gateway would."""
    asked = f"from tests.control_plane.channels.slack_app.asking import ask; ask({str(policy)!r}, {number})"
    subprocess.run([sys.executable, "-c", asked], timeout=SECONDS, check=True)


def test_a_call_of_a_gateway_is_answered_in_slack(policy, slack, start):
    printed = listening(start())
    assert "Slack: on as bighub of Acme in C0APPROVALS, answers by socket mode\n" in printed
    cli(policy, "users", "add", "ann", "--slack", "U0ANN")
    slack.wait_until(lambda server: server.connections)
    ask(policy)
    slack.wait_until(lambda server: server.messages)
    [message] = slack.messages
    assert slack.press(message, "Approve", account="U0ANN")
    slack.wait_until(lambda _: "Approved by ann" in message.words)


def test_signed_requests_are_answered_by_the_process_and_forged_ones_are_not(policy, slack, start, monkeypatch):
    monkeypatch.delenv(f"{PREFIX}APP_TOKEN")
    monkeypatch.setenv(f"{PREFIX}SIGNING_SECRET", slack.signing_secret)
    printed = listening(start())
    assert "answers by signed requests\n" in printed
    slack.interactions_url = re.search(r"served on (http://\S+)", printed)[1] + PATH
    cli(policy, "users", "add", "ann", "--slack", "U0ANN")
    ask(policy)
    slack.wait_until(lambda server: server.messages)
    [message] = slack.messages
    press = slack.pressed(message, "Approve", account="U0ANN")
    forged = [slack.signed(press, secret="another"), slack.signed(press, age=600)]
    body, headers = slack.signed(press)
    forged.append((body.replace("U0ANN", "U0BOB"), headers))
    answers = [httpx.post(slack.interactions_url, content=body, headers=headers) for body, headers in forged]
    assert [answer.status_code for answer in answers] == [401, 401, 401]
    assert slack.press(message, "Approve", account="U0NOBODY")
    slack.wait_until(lambda server: ["nobody's here" in whisper.text for whisper in server.whispers] == [True])
    assert "Approved" not in message.words
    assert slack.press(message, "Approve", account="U0ANN")
    slack.wait_until(lambda _: "Approved by ann" in message.words)


def test_the_settings_name_a_person_of_the_provider_in_slack_too(policy, slack, start):
    policy.write_text(POLICY.replace("require_approval}", "require_approval, approvers: 'user:kim'}"))
    with (policy.parent / "bighub_serve.yaml").open("a") as settings:
        settings.write(f"oidc: {{issuer: {ISSUER}, client_id: b, roles: {{all: [approver]}}, users: {{kim: '4711'}}}}")
    process = start()
    listening(process)
    kim = User(provider_user_id(ISSUER, "4711"), "zoe", "", frozenset({"approver"}), frozenset(), "", 0)
    kim = replace(kim, slack="U0KIM", login_at=time.time())
    with closing(ControlPlane.open(sqlite_url(policy.parent / DATABASE), policy)) as plane:
        asyncio.run(plane.write(lambda transaction: users.insert(transaction.connection, kim)))
    slack.wait_until(lambda server: server.connections)
    ask(policy)
    slack.wait_until(lambda server: server.messages)
    [message] = slack.messages
    assert slack.press(message, "Approve", account="U0KIM")
    slack.wait_until(lambda _: "Approved by zoe" in message.words)


def test_two_that_serve_tell_once_and_both_hear(policy, slack, start):
    for process in (start(), start()):
        listening(process)
    cli(policy, "users", "add", "ann", "--slack", "U0ANN")
    slack.wait_until(lambda server: server.connections == 2)
    for number in range(4):
        ask(policy, number)
    slack.wait_until(lambda server: len(server.messages) == 4)
    for message in list(slack.messages):
        assert slack.press(message, "Deny", account="U0ANN")
    slack.wait_until(lambda server: all("Denied by ann" in message.words for message in server.messages))
    assert (len(slack.messages), slack.asked.count("chat.postMessage")) == (4, 4)


def test_nothing_is_lost_when_serve_is_killed_and_slack_is_away(policy, slack, start):
    first = start()
    listening(first)
    slack.wait_until(lambda server: server.connections)
    slack.is_down = True
    ask(policy)
    slack.wait_until(lambda server: "chat.postMessage" in server.asked)
    first.kill()
    first.wait()
    second = start()
    assert "it does not answer now and is tried again" in listening(second)
    slack.is_down = False
    slack.wait_until(lambda server: server.messages, 2 * SECONDS)  # it may have been killed while it held a claim
    assert len(slack.messages) == 1


def test_a_wrong_token_stops_the_start_with_one_line(slack, start, monkeypatch):
    monkeypatch.setenv(f"{PREFIX}BOT_TOKEN", "xoxb-wrong")
    process = start()
    printed, _ = process.communicate(timeout=SECONDS)
    assert process.returncode != 0
    [said] = [line for line in printed.splitlines() if "slack" in line]
    assert re.search(r"serve\.slack\.bot_token: is refused by Slack: invalid_auth", said)
    assert ("Traceback" in printed, "xoxb-wrong" in printed) == (False, False)
