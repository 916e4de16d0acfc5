"""Second factors with `litellm-bighub` as people start it: what cannot work, and the way from password to reset."""

from __future__ import annotations

import base64
import os
import subprocess
import time

import httpx
import pytest

from tests.control_plane.inbox.second_factor.authenticator import PAGE, enrolled
from tests.control_plane.test_serve import COMMAND, policy, serving

__all__ = ["policy"]
KEYS = "LITELLM_BIGHUB_SEALING_KEYS"
PASSWORD = "a password of kim"


@pytest.fixture
def users(policy):
    def users_(*arguments):
        command = [COMMAND, "users", *arguments, "--policy", policy]
        return subprocess.run(command, input=PASSWORD, capture_output=True, text=True, check=True).stdout

    return users_


def refused(policy):
    command = [COMMAND, "serve", "--policy", policy, "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    return done.stderr.strip().splitlines()[-1]


async def test_who_must_have_a_second_factor_enrols_first(policy, users, monkeypatch):
    (policy.parent / "bighub_serve.yaml").write_text("require_totp: true\n")
    assert refused(policy) == (f"serve.require_totp: needs a key in {KEYS}; make one with `openssl rand -base64 32`")
    monkeypatch.setenv(KEYS, base64.b64encode(os.urandom(32)).decode())
    users("add", "kim", "--password-stdin")
    with serving(policy) as (url, _):
        async with httpx.AsyncClient(base_url=url, follow_redirects=True, timeout=60) as client:
            page = await client.post("/inbox/login", data={"user": "kim", "password": PASSWORD})
            assert page.url.path == PAGE
            assert (await client.get("/inbox")).url.path == PAGE
            _, codes = await enrolled(client, time.time, PASSWORD)
            assert (await client.get("/inbox")).url.path == "/inbox"
            assert users("list").strip().endswith("second factor")
        async with httpx.AsyncClient(base_url=url, follow_redirects=True, timeout=60) as client:
            await client.post("/inbox/login", data={"user": "kim", "password": PASSWORD})
            assert (await client.get("/inbox")).url.path == "/inbox/login"
            assert (await client.post("/inbox/login/code", data={"code": codes[0]})).url.path == "/inbox"
            users("set", "kim", "--reset-totp")
            assert (await client.get("/inbox")).url.path == "/inbox/login"
            page = await client.post("/inbox/login", data={"user": "kim", "password": PASSWORD})
            assert page.url.path == PAGE
            await enrolled(client, time.time, PASSWORD)
    (policy.parent / "bighub_serve.yaml").write_text("port: 0\n")
    monkeypatch.delenv(KEYS)
    assert refused(policy) == f"{KEYS}: is not set, and has sealed the second factors of users"
