"""The projects of `examples/`: all are complete; two run here, through the real proxy started from their own files."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from litellm_bighub.policy.policy_file import load_policy
from litellm_bighub.testing import function_call, running_proxy, text

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
