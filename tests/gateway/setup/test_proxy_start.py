"""A config that is wrong stops the proxy's start, and the log names the key."""

from __future__ import annotations

import pytest
import yaml

from litellm_bighub.testing import ProxyStartError, running_proxy

pytestmark = pytest.mark.proxy

MODEL = {
    "model_name": "gpt-4.1",
    "litellm_params": {"model": "openai/gpt-4.1", "api_base": "http://127.0.0.1:9/v1", "api_key": "sk-x"},
}


def test_a_typo_stops_the_start(tmp_path):
    """Which other configs are wrong, tests/gateway/setup/test_configuration.py tells without a proxy."""
    ours = {"guardrail": "litellm_bighub.BighubGuardrail", "mode": ["pre_call", "post_call"], "on_blok": "error"}
    config = {
        "model_list": [MODEL],
        "guardrails": [{"guardrail_name": "bighub", "litellm_params": ours}],
        "litellm_settings": {"telemetry": False},
    }
    (tmp_path / "proxy_config.yaml").write_text(yaml.safe_dump(config))

    with pytest.raises(ProxyStartError) as stopped, running_proxy(tmp_path / "proxy_config.yaml"):
        pytest.fail("it started without its guardrail")
    log = str(stopped.value)
    [line] = [line for line in log.splitlines() if "on_blok" in line]
    assert line.strip() == "ERROR:    litellm_bighub: bighub.on_blok: is no setting; did you mean on_block?"
    assert "Traceback" not in log


def test_a_policy_that_shows_hidden_values_without_a_key_stops_the_start(tmp_path):
    """The gateway seals them, so it needs the key."""
    ours = {"guardrail": "litellm_bighub.BighubGuardrail", "mode": ["pre_call", "post_call"]}
    config = {
        "model_list": [MODEL],
        "guardrails": [{"guardrail_name": "bighub", "litellm_params": ours}],
        "litellm_settings": {"telemetry": False},
    }
    (tmp_path / "proxy_config.yaml").write_text(yaml.safe_dump(config))
    (tmp_path / "bighub_policy.yaml").write_text("version: 1\ntools: {pay: {visible_to: group:payments}}\n")

    with pytest.raises(ProxyStartError) as stopped, running_proxy(tmp_path / "proxy_config.yaml"):
        pytest.fail("it started without a key")
    log = str(stopped.value)
    [line] = [line for line in log.splitlines() if "visible_to" in line]
    assert line.strip() == (
        "ERROR:    litellm_bighub: tools.pay.visible_to: needs a key in the environment variable "
        "LITELLM_BIGHUB_SEALING_KEYS, which is not set; make one with `openssl rand -base64 32`"
    )
    assert "Traceback" not in log
