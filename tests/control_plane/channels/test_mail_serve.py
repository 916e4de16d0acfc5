"""Mail from `litellm-bighub serve` as people start it: a call that waits arrives, and wrong settings stop the start."""

from __future__ import annotations

import asyncio
import re
import subprocess

import httpx
import pytest

from litellm_bighub.control_plane.people.accounts import add_user
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.database import sqlite_url
from litellm_bighub.domain.call import CallContext, ToolCall
from tests.control_plane.channels import mail_server
from tests.control_plane.channels.mail_server import LOGIN, certificate
from tests.control_plane.inbox.conftest import PASSWORD, STORED
from tests.control_plane.test_serve import COMMAND, serving

VARIABLE = "LITELLM_BIGHUB_SERVE_SMTP__PASSWORD"
POLICY = "version: 1\nrules: [{name: all, tool: '*', effect: require_approval, approvers: ['group:finance']}]\n"


@pytest.fixture
def policy(tmp_path):
    path = tmp_path / "bighub_policy.yaml"
    path.write_text(POLICY)
    return path


@pytest.fixture
def configured(policy, monkeypatch):
    def write(port):
        (policy.parent / "bighub_serve.yaml").write_text(
            "public_url: https://bighub.example.com\n"
            f"smtp: {{host: 127.0.0.1, port: {port}, username: {LOGIN[0]}, sender: bighub@example.com,"
            f" ca_file: {certificate(policy.parent)}}}\n"
        )

    monkeypatch.setenv(VARIABLE, LOGIN[1])
    return write


def test_a_call_that_waits_arrives_and_its_link_leads_to_it_after_a_login(policy, configured, monkeypatch):
    approval = asyncio.run(asked(policy))
    with mail_server.serving(policy.parent) as server:
        configured(server.port)
    command = [COMMAND, "serve", "--policy", policy, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:  # the mail server is away, which stops no start
            assert any("does not answer" in process.stdout.readline() for _ in range(3))
            with mail_server.serving(policy.parent, port=server.port, known=server):
                assert server.arrived.wait(60)
        finally:
            process.terminate()
            process.wait(30)
    path = re.search(r"https://bighub\.example\.com(/inbox/approvals/\S+)", server.got[0].get_content())[1]
    assert path == f"/inbox/approvals/{approval}"
    (policy.parent / "bighub_serve.yaml").unlink()
    monkeypatch.delenv(VARIABLE)
    with serving(policy) as (url, _), httpx.Client(base_url=url, follow_redirects=True, timeout=60) as client:
        assert client.get(path).url.path == "/inbox/login"
        form = {"user": "ann", "password": PASSWORD, "next": path}
        assert client.post("/inbox/login", data=form).url.path == path


async def asked(policy):
    """Adds an approver, and asks for the approval of a call; gives its id."""
    plane = ControlPlane.open(sqlite_url(policy.parent / "bighub.db"), policy)
    try:
        of_finance = {"roles": frozenset({"approver"}), "groups": frozenset({"finance"})}
        await add_user(plane, "ann", STORED, **of_finance, email="ann@example.com", by="test")
        outcome = await plane.decide(ToolCall("c", "function", "refund", {"amount": 900}), CallContext("agent", "shop"))
    finally:
        plane.close()
    return outcome.approval.id


def test_a_login_that_is_refused_stops_the_start_with_one_line(policy, configured, monkeypatch):
    monkeypatch.setenv(VARIABLE, "a wrong one")
    with mail_server.serving(policy.parent) as server:
        configured(server.port)
        command = [COMMAND, "serve", "--policy", policy, "--port", "0"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last == f"serve.smtp.username: 127.0.0.1:{server.port} refuses the login (535)"
    assert "a wrong one" not in done.stdout + done.stderr
