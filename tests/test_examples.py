"""The projects of `examples/`: all run, through the real proxy started from their own files.

`make clients` runs the graph of LangGraph and the real Claude Code; here a client sends what Claude Code sends.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import anthropic
import httpx
import pytest
import yaml

from litellm_bighub.policy.policy_file import load_policy
from litellm_bighub.testing import function_call, leash, running_proxy, text
from tests.control_plane import postgres

EXAMPLES = Path(__file__).parent.parent / "examples"
NAMES = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())
SMALL = function_call("refund_payment", {"order_id": "A-17", "amount": 20})
LARGE = function_call("refund_payment", {"order_id": "B-18", "amount": 20000})


@contextmanager
def gateway(name, folder, upstream, warm, **more):
    """The example's own files, and its gateway before a scripted provider."""
    shutil.copytree(EXAMPLES / name, folder, dirs_exist_ok=True)
    provider = {"OPENAI_API_KEY": "sk-x", "ANTHROPIC_API_KEY": "sk-x"}
    provider |= {"OPENAI_API_BASE": upstream.base_url, "ANTHROPIC_API_BASE": upstream.base_url.removesuffix("/v1")}
    keys = {**provider, "LITELLM_MASTER_KEY": "sk-made-up", **more}
    with running_proxy(folder / "proxy_config.yaml", env=keys, python=warm) as proxy:
        yield proxy


def run(folder, proxy, *arguments, python=sys.executable):
    environment = {**os.environ, "GATEWAY_URL": proxy.openai_url, "LITELLM_MASTER_KEY": proxy.master_key}
    ran = subprocess.run(
        [python, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_complete_and_says_how_to_start_it(name):
    readme = (EXAMPLES / name / "README.md").read_text()
    files = {path.name for path in (EXAMPLES / name).iterdir()}

    assert {"README.md", "proxy_config.yaml", "bighub_policy.yaml"} <= files
    assert set(re.findall(r"\b(\w+\.py)\b", readme)) == {each for each in files if each.endswith(".py")}
    assert load_policy(EXAMPLES / name / "bighub_policy.yaml").rules
    for variable in re.findall(r"os\.environ/(\w+)", (EXAMPLES / name / "proxy_config.yaml").read_text()):
        assert variable in readme
    assert yaml.safe_load((EXAMPLES / name / "proxy_config.yaml").read_text())["guardrails"]


@pytest.mark.proxy
def test_the_proxy(tmp_path, upstream, warm):
    large = function_call("refund_payment", {"order_id": "A-17", "amount": 900})
    upstream.script("20 euros", [SMALL])
    upstream.script("900 euros", [large])
    with gateway("proxy", tmp_path, upstream, warm) as proxy:
        small, held = run(tmp_path, proxy, "ask.py", "20"), run(tmp_path, proxy, "ask.py", "900")

    assert "run: refund_payment" in small
    assert "run:" not in held
    assert "needs the approval of a person" in held


@pytest.mark.proxy
def test_an_agent_of_the_openai_agents_sdk(tmp_path, upstream, warm):
    upstream.script(lambda request: "20 euros" in request.raw, [SMALL, LARGE], [text("Half of it is done.")])
    with gateway("openai-agents", tmp_path, upstream, warm) as proxy:
        printed = run(tmp_path, proxy, "agent.py")

    assert printed.splitlines() == ["refunded: A-17 20.0", "Half of it is done."]


@pytest.fixture
def database():
    found = postgres.binaries()
    if found is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    with postgres.cluster(found) as socket:
        yield f"postgresql://postgres@/postgres?host={socket}"


@contextmanager
def inbox(folder, database):
    """`litellm-bighub serve` in the example's folder, as a client that is logged in with the key it printed."""
    command = [sys.executable, "-I", leash.__file__, Path(sys.executable).parent / "litellm-bighub"]
    environment = {**os.environ, "LITELLM_BIGHUB_DATABASE_URL": database}
    with subprocess.Popen(
        [*command, "serve", "--port", "0"],
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as serve:
        try:
            printed, url = "", None
            while url is None:
                line = serve.stdout.readline()
                assert line, printed
                printed += line
                url = re.search(r"The inbox: (http://[^/]+)/", line)
            key = re.search(r"shown this once: (\S+)", printed)[1]
            with httpx.Client(base_url=url[1], headers={"X-API-Key": key}, timeout=60) as client:
                yield client
        finally:
            serve.stdin.close()
            serve.wait(30)


def waiting(client):
    """The approval that waits, once one does."""
    for _ in range(600):
        if items := client.get("/approvals", params={"status_filter": "pending"}).raise_for_status().json():
            return items[0]
        time.sleep(0.1)
    raise AssertionError("nothing waits in the inbox")


@pytest.mark.postgres
@pytest.mark.proxy
def test_the_proxy_with_postgresql_and_the_inbox(tmp_path, upstream, warm, database):
    """The call waits until a person has approved it, and is printed then."""
    upstream.script("900 euros", [function_call("refund_payment", {"order_id": "A-17", "amount": 900})])
    with (
        gateway("proxy-postgres-inbox", tmp_path, upstream, warm, LITELLM_BIGHUB_DATABASE_URL=database) as proxy,
        inbox(tmp_path, database) as client,
        ThreadPoolExecutor() as pool,
    ):
        asked = pool.submit(run, tmp_path, proxy, "ask.py", "900")
        approval = waiting(client)
        still_waits = not asked.done()
        answer = {"resolution": "approved"}
        client.post(f"/approvals/{approval['request_id']}/resolve", json=answer).raise_for_status()
        printed = asked.result(60)

    assert still_waits
    assert 'run: refund_payment {"order_id": "A-17", "amount": 900}' in printed
    assert not (tmp_path / "bighub.db").exists()


@pytest.mark.proxy
@pytest.mark.parametrize(
    ("command", "runs"), [("git status", True), ("rm -r build", False), ("ls && rm -r build", False)], ids=str
)
def test_claude_codes_policy(coding_agents_gateway, upstream, command, runs):
    """What Claude Code sends: a streamed Messages request with its tools, whose answer asks for a command."""
    call = function_call("Bash", {"command": command, "description": "does it"})
    upstream.script(lambda request: command in request.raw, [text("I will."), call], [text("I will not.")])
    tool = {"name": "Bash", "input_schema": {"type": "object", "properties": {"command": {"type": "string"}}}}
    proxy = coding_agents_gateway
    with anthropic.Anthropic(base_url=proxy.base_url, auth_token=proxy.master_key, api_key=None) as client:
        asked = [{"role": "user", "content": command}]
        with client.messages.stream(model="claude-sonnet-5", max_tokens=99, tools=[tool], messages=asked) as stream:
            answer = stream.get_final_message()

    commands = [block.input["command"] for block in answer.content if block.type == "tool_use"]
    assert commands == ([command] if runs else [])
    assert answer.stop_reason == ("tool_use" if runs else "end_turn")
    assert ("I will not." in "".join(b.text for b in answer.content if b.type == "text")) is not runs


@pytest.fixture(scope="module")
def coding_agents_gateway(tmp_path_factory, _upstream, warm):
    with gateway("claude-code", tmp_path_factory.mktemp("claude"), _upstream, warm) as proxy:
        yield proxy
