"""The real proxy when its database is busy or gone, and when it is told to stop."""

from __future__ import annotations

import json
import os
import select
import signal
import sqlite3
import stat
import time
from contextlib import closing
from pathlib import Path

import httpx
import pytest
import yaml

from litellm_bighub.testing import ProxyStartError, ScriptedUpstream, function_call, running_proxy, text
from litellm_bighub.wording import ENGLISH
from tests.gateway.conftest import MODEL, Gateway, _guardrail

pytestmark = pytest.mark.proxy

POLICY = """\
version: 1
rules:
  - {name: refunds, tool: refund, effect: require_approval}
  - {name: lookups, tool: look_up, effect: allow}
"""
GRACE = 3.0
LOOK_UP = [text("Looking."), function_call("look_up", {"order": 1}, call_id="call_1")]
REFUND = [text("Paying."), function_call("refund", {"amount": 700})]


@pytest.fixture(scope="module")
def _stops(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stops")
    (folder / "bighub_policy.yaml").write_text(POLICY)
    shared = {"decision_deadline_seconds": 2, "shutdown_grace_seconds": GRACE, "keep_alive_seconds": 0.2}
    config = {
        "model_list": [{"model_name": "gpt-4.1", "litellm_params": MODEL}],
        "guardrails": [
            _guardrail("closed", shared),
            _guardrail("open", {**shared, "fail_mode": "open"}),
            _guardrail("waiting", {**shared, "on_approval": "wait", "approval_wait_seconds": 120}),
        ],
        "litellm_settings": {"telemetry": False},
    }
    (folder / "proxy_config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    with (
        ScriptedUpstream() as upstream,
        running_proxy(folder / "proxy_config.yaml", env={"UPSTREAM_BASE_URL": upstream.base_url}) as proxy,
    ):
        yield Gateway(proxy, upstream, None, folder)


@pytest.fixture
def gateway(_stops):
    _stops.upstream.reset()
    return _stops


def ask(gateway, *guardrails, **more):
    with gateway.http() as http:
        return http.post("/v1/responses", json=gateway.body("go", *guardrails, **more))


def test_the_database_is_there_before_anybody_asks(gateway):
    assert stat.S_IMODE((gateway.folder / "bighub.db").stat().st_mode) == 0o600


@pytest.mark.parametrize(("guardrail", "told"), [("closed", ENGLISH.blocked("unreachable", "look_up")), ("open", None)])
def test_a_database_that_somebody_holds_is_given_up_in_time(gateway, guardrail, told):
    gateway.upstream.script("go", LOOK_UP)
    with closing(sqlite3.connect(gateway.folder / "bighub.db", isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        started = time.monotonic()
        answer = ask(gateway, guardrail)
        assert time.monotonic() - started < 15
        holder.execute("ROLLBACK")

    assert answer.status_code == 200
    call = answer.json()["output"][1]
    if told is None:
        assert (call["type"], call["name"]) == ("function_call", "look_up")
    else:
        assert call["content"][0]["text"] == told


def test_on_a_deleted_database_nothing_is_decided_and_no_result_is_taken(gateway):
    gateway.upstream.script("go", LOOK_UP)
    assert ask(gateway, "closed").json()["output"][1]["type"] == "function_call"
    path, kept = gateway.folder / "bighub.db", gateway.folder / "kept.db"
    os.link(path, kept)
    path.unlink()
    try:
        answer = ask(gateway, "closed")
        item = {"type": "function_call_output", "call_id": "call_1", "output": "done"}
        refused = ask(gateway, "closed", input=[item])
    finally:
        kept.rename(path)

    assert ENGLISH.blocked("unreachable", "look_up") in answer.json()["output"][1]["content"][0]["text"]
    assert refused.status_code == 503
    assert "deleted or replaced" in refused.text
    assert "was deleted or replaced: nothing is decided" in gateway.proxy.log
    assert ask(gateway, "closed").json()["output"][1]["type"] == "function_call"


async def test_a_stream_that_waits_ends_in_time_when_the_proxy_is_told_to_stop(gateway):
    """The last test: the proxy ends with it. It took as long as a person may take."""
    gateway.upstream.script("go", REFUND)
    headers = {"Authorization": f"Bearer {gateway.proxy.master_key}"}
    body = gateway.body("go", "waiting", stream=True)
    process, received = proxy_process(gateway.proxy.base_url), b""
    ending = os.pidfd_open(process)
    async with (
        httpx.AsyncClient(base_url=gateway.proxy.base_url, headers=headers, trust_env=False, timeout=60) as http,
        http.stream("POST", "/v1/responses", json=body) as answer,
    ):
        told_at = None
        async for part in answer.aiter_bytes():
            received += part
            if told_at is None and b"response.in_progress" in received.split(b"Paying.")[-1]:  # it waits, and says so
                told_at = time.monotonic()
                os.kill(process, signal.SIGTERM)
        ended = time.monotonic()
    assert told_at is not None
    assert ended - told_at < GRACE + 30  # on a busy machine, too; a person may take four times as long

    events = [json.loads(line[6:]) for line in received.decode().splitlines() if line.startswith("data: {")]
    assert events[-1]["type"] == "response.completed"
    notice = events[-1]["response"]["output"][1]["content"][0]["text"]
    assert notice.startswith('The tool call "refund" needs the approval of a person (approval apr_')
    ended, _, _ = select.select([ending], [], [], 60)
    os.close(ending)
    assert ended, "the proxy goes on"


def proxy_process(base_url: str) -> int:
    """The process that serves there."""
    port = base_url.rsplit(":", 1)[1].encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"litellm.proxy.proxy_cli" in words and port in words and not any(b"leash" in word for word in words):
            return int(folder.name)
    raise AssertionError("the proxy is not running")


def test_a_database_that_cannot_be_opened_stops_the_start(tmp_path, warm):
    (tmp_path / "bighub_policy.yaml").write_text(POLICY)
    ours = {"database_url": "postgresql://ann:s3cret-word@127.0.0.1:1/bighub", "decision_deadline_seconds": 2}
    config = {
        "model_list": [{"model_name": "gpt-4.1", "litellm_params": {**MODEL, "api_base": "http://127.0.0.1:9/v1"}}],
        "guardrails": [_guardrail("bighub", ours)],
        "litellm_settings": {"telemetry": False},
    }
    (tmp_path / "proxy_config.yaml").write_text(yaml.safe_dump(config))

    with pytest.raises(ProxyStartError) as stopped, running_proxy(tmp_path / "proxy_config.yaml", python=warm):
        pytest.fail("it started without a database")
    [line] = [line for line in str(stopped.value).splitlines() if "litellm_bighub: " in line]
    assert "database_url (postgresql://" in line
    assert "127.0.0.1:1/bighub): cannot be opened: " in line
    assert "s3cret-word" not in str(stopped.value)
