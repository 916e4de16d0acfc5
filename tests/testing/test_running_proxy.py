"""The real proxy starts, answers and goes, and says why when it cannot start."""

from __future__ import annotations

import socket
import subprocess

import httpx
import openai
import pytest

from litellm_bighub.testing import ProxyStartError, running_proxy

pytestmark = pytest.mark.proxy

MODEL = {
    "model_name": "gpt-4.1",
    "litellm_params": {"model": "openai/gpt-4.1", "api_base": "os.environ/UPSTREAM_BASE_URL", "api_key": "sk-x"},
}
CONFIG = {"model_list": [MODEL], "litellm_settings": {"telemetry": False}}


def _commands() -> str:
    """The command lines of all processes."""
    return subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True).stdout


def test_the_official_client_talks_through_it(proxy, upstream):
    with openai.OpenAI(base_url=proxy.openai_url, api_key=proxy.master_key, max_retries=0) as client:
        answer = client.responses.create(model="gpt-4.1", input="the greeting").output_text

    assert answer == "echo: the greeting"
    assert [request.prompt for request in upstream.requests] == ["the greeting"]


def test_nobody_gets_in_without_the_key(proxy):
    answer = httpx.get(f"{proxy.openai_url}/models", headers={"Authorization": "Bearer sk-other"}, trust_env=False)

    assert answer.is_client_error
    assert proxy.master_key not in repr(proxy)


def test_workers_all_end_with_the_context_and_the_start_is_told(upstream):
    heard = []
    with running_proxy(
        CONFIG, env={"UPSTREAM_BASE_URL": upstream.base_url}, on_progress=heard.append, num_workers=2
    ) as proxy:
        assert "Uvicorn running" in proxy.log
        port = int(proxy.base_url.rsplit(":", 1)[1])
        assert f"--port {port}" in _commands()

    assert heard == sorted(heard)
    assert heard
    assert f"--port {port}" not in _commands()
    assert not proxy.log_path.exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_a_start_that_takes_too_long_is_ended():
    with pytest.raises(ProxyStartError, match="not ready after 0 s"), running_proxy(CONFIG, timeout_seconds=0.1):
        pytest.fail("it started")


@pytest.mark.parametrize(
    ("general", "env", "key"),
    [
        pytest.param({"master_key": "sk-own-4711"}, {}, "sk-own-4711", id="in the config"),
        pytest.param({"master_key": "os.environ/OWN_KEY"}, {"OWN_KEY": "sk-env-4711"}, "sk-env-4711", id="a variable"),
    ],
)
def test_the_configs_own_master_key_is_the_key(general, env, key):
    config = {"model_list": [], "general_settings": general, "litellm_settings": {"telemetry": False}}
    with running_proxy(config, env=env) as proxy:
        assert proxy.master_key == key
