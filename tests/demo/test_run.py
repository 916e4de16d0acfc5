"""The promises of the demo, kept by the real proxy."""

from __future__ import annotations

import openai
import pytest

from litellm_bighub.demo.exchange import DemoClient
from litellm_bighub.demo.run import Broken, check_promises, proxy_config

pytestmark = pytest.mark.proxy


def test_every_promise_is_kept(proxy, upstream):
    with openai.OpenAI(base_url=proxy.openai_url, api_key=proxy.master_key, max_retries=0) as client:
        results = list(check_promises(DemoClient(client, upstream), proxy_config().parent / "bighub_policy.yaml"))

    broken = [
        (promise.title, mode, outcome.problem)
        for promise, outcomes in results
        for mode, outcome in outcomes.items()
        if isinstance(outcome, Broken)
    ]
    assert broken == []


def test_a_proxy_that_fails_is_a_broken_promise(proxy, upstream):
    with openai.OpenAI(base_url=proxy.openai_url, api_key="sk-wrong", max_retries=0) as client:
        (_, outcomes), *_ = check_promises(DemoClient(client, upstream), proxy_config().parent / "bighub_policy.yaml")

    assert all("AuthenticationError" in outcome.problem or "40" in outcome.problem for outcome in outcomes.values())
