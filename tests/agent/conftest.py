"""Both agents before the scripted provider."""

from __future__ import annotations

import os

import pytest

from tests.agent.harness import Driver

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # LiteLLM would fetch its price list at import


@pytest.fixture(params=["sync", "async"])
def driver(request, upstream):
    """A sync agent's driver, then an async one's."""
    driver = Driver(request.param, upstream.base_url)
    yield driver
    driver.close()


@pytest.fixture
def model(upstream):
    """Say what the model answers, turn by turn; the last answer stays."""

    def script(*answers):
        upstream.script(lambda _: True, *answers)
        return upstream

    return script
