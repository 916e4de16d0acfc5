"""What a caller of the real proxy sees when a payload or a guardrail's answer cannot be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from litellm_bighub.testing import running_proxy

pytestmark = pytest.mark.proxy

GUARDRAIL = '''
import litellm_bighub
from litellm.integrations.custom_guardrail import CustomGuardrail

litellm_bighub.install()


class Short(CustomGuardrail):
    """Answers one text too few, if it was asked to."""

    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
        if "be short" in inputs["texts"]:
            return {"texts": inputs["texts"][1:]}
        return inputs
'''
CONFIG = {
    "model_list": [
        {
            "model_name": "gpt-4.1",
            "litellm_params": {
                "model": "openai/gpt-4.1", "api_base": "os.environ/UPSTREAM_BASE_URL", "api_key": "sk-x",
            },
        }
    ],
    "guardrails": [
        {
            "guardrail_name": "short",
            "litellm_params": {"guardrail": "short_guardrail.Short", "mode": "pre_call", "default_on": True},
        }
    ],
    "litellm_settings": {"telemetry": False},
}  # fmt: skip


@pytest.fixture(scope="module")
def guarded(_upstream, tmp_path_factory, warm):
    """A proxy with a guardrail that can be made to answer badly."""
    folder: Path = tmp_path_factory.mktemp("proxy")
    (folder / "short_guardrail.py").write_text(GUARDRAIL)
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    with running_proxy(folder / "config.yaml", env={"UPSTREAM_BASE_URL": _upstream.base_url}, python=warm) as proxy:
        yield proxy


def ask(proxy: Any, value: Any) -> httpx.Response:
    return httpx.post(
        f"{proxy.openai_url}/responses",
        headers={"Authorization": f"Bearer {proxy.master_key}"},
        json={"model": "gpt-4.1", "input": value},
        trust_env=False,
        timeout=60,
    )


def test_a_request_that_cannot_be_read(guarded, upstream):
    """A 400 that names the place, not what stood there; the model is not asked."""
    content = [{"type": "input_text", "text": "secret"}, {"type": "input_text", "text": 4711}]
    answer = ask(guarded, [{"role": "user", "content": content}])
    assert (answer.status_code, answer.json()["error"]["message"]) == (
        400,
        "input[0].content[1].text: is a int, not a text",
    )
    assert upstream.requests == []


def test_an_answer_of_a_guardrail_that_cannot_be_used(guarded, upstream):
    """A 500 that names the guardrail; the model is not asked."""
    answer = ask(guarded, ["be short", "secret"])
    assert answer.status_code == 500
    assert "guardrail short: answered 2 texts with 1" in answer.json()["error"]["message"]
    assert "secret" not in answer.text
    assert upstream.requests == []


def test_any_other_request_passes(guarded, upstream):
    assert ask(guarded, "the greeting").status_code == 200
    assert [request.prompt for request in upstream.requests] == ["the greeting"]
