"""Of a provider's headers clients and loggers get limits, times, numbers and ids; all others may hold a text."""

from __future__ import annotations

import pytest

from litellm_bighub.gateway.routes.provider_headers import passes, passing_headers


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-ratelimit-remaining-requests", "59"),
        ("X-RateLimit-Reset-Tokens", "6m0.5s"),
        ("anthropic-ratelimit-tokens-reset", "2026-11-27T18:00:00Z"),
        ("llm_provider-retry-after", "12"),
        ("retry-after-ms", "12.5"),
        ("llm_provider-openai-processing-ms", "813"),
        ("llm_provider-x-request-id", "req_011CSHo"),
        ("x_ratelimit_limit_requests", 7),
        ("x-ratelimit-limit-requests", None),
    ],
)
def test_it_passes(name, value):
    assert passes(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-ratelimit-remaining-requests", "AKIAIOSFODNN7EXAMPLE"),
        ("llm_provider-x-request-id", "mail bob@example.com"),
        ("llm_provider-x-note", "1"),
        ("retry-after", "later"),
        ("x-litellm-note", "1"),
        ("llm_provider-date", "bob"),
    ],
)
def test_it_does_not_pass(name, value):
    assert not passes(name, value)


def test_numbers_that_litellm_wrote_beside_them_pass():
    given = {"x-litellm-attempted-retries": 0, "x-litellm-note": "a text", "x-note": 1, "retry-after": "3"}
    assert passing_headers(given) == {"x-litellm-attempted-retries": 0, "retry-after": "3"}
