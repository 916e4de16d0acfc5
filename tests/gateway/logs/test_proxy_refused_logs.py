"""What loggers get of a call that was refused where no guardrail for texts is in the config: no argument."""

from __future__ import annotations

import json
import shutil

import pytest
import yaml

from litellm_bighub.testing import function_call, running_proxy
from tests.gateway.logs import recorder
from tests.gateway.masking_gateway import MODES, POLICY, ROUTES, WITHHELD, MaskingGateway

pytestmark = pytest.mark.proxy


@pytest.fixture(scope="module")
def refusing(_upstream, tmp_path_factory, warm):
    folder = tmp_path_factory.mktemp("refusing")
    shutil.copy(recorder.__file__, folder)
    openai = {"model": "openai/gpt-4.1", "api_base": _upstream.base_url, "api_key": "sk-x"}
    claude = {**openai, "model": "anthropic/claude-sonnet-4-5", "api_base": _upstream.base_url.removesuffix("/v1")}
    ours = {"guardrail": "litellm_bighub.BighubGuardrail", "mode": MODES, "default_on": True, "on_block": "error"}
    config = {
        "model_list": [
            {"model_name": name, "litellm_params": params} for name, params in (("gpt", openai), ("claude", claude))
        ],
        "guardrails": [{"guardrail_name": "calls", "litellm_params": {**ours, "policy": str(folder / "policy.yaml")}}],
        "litellm_settings": {"telemetry": False, "callbacks": ["recorder.recorder"]},
        "general_settings": {"store_prompts_in_spend_logs": True},
        "router_settings": {"num_retries": 0, "allowed_fails": 1000},
    }
    (folder / "policy.yaml").write_text(POLICY)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    env = {"UPSTREAM_BASE_URL": _upstream.base_url, "SEEN_FOLDER": str(folder), "PYTHONPATH": str(folder)}
    with running_proxy(folder / "config.yaml", env=env, python=warm) as proxy:
        yield MaskingGateway(proxy, folder / "logged.jsonl")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("path", "model"), [route for route in ROUTES if route[0] != "/v1/completions"])
def test_nothing_of_a_refused_call_is_logged(refusing, upstream, path, model, stream):
    upstream.script(lambda _: True, [function_call("wipe", {"path": WITHHELD})])
    answer = refusing.ask(path, model, "go", stream=stream)
    assert len(upstream.requests) == 1
    assert "wipe" in answer.text
    assert WITHHELD not in answer.text
    assert WITHHELD not in json.dumps(refusing.all_logged())
