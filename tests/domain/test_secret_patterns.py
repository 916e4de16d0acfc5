"""Secrets in a text are replaced, and what only looks like one stays."""

from __future__ import annotations

import pytest

from litellm_bighub.domain.secret_patterns import REDACTED, REDACTED_CARD, redact_secrets

KEY_BLOCK = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        pytest.param(f"a {KEY_BLOCK} b", f"a {REDACTED} b", id="private key"),
        pytest.param("a -----BEGIN PRIVATE KEY-----\nMIIE", f"a {REDACTED}", id="private key without an end"),
        pytest.param("use sk-" + "a" * 20 + ".", f"use {REDACTED}.", id="OpenAI"),
        pytest.param("bhk_abcdef", REDACTED, id="BIGHUB"),
        pytest.param("AKIA" + "A" * 16, REDACTED, id="AWS"),
        pytest.param("ghp_" + "a" * 20, REDACTED, id="GitHub"),
        pytest.param("glpat-" + "a" * 16, REDACTED, id="GitLab"),
        pytest.param("xoxb-" + "1" * 10, REDACTED, id="Slack"),
        pytest.param("sk_live_" + "a" * 10, REDACTED, id="Stripe"),
        pytest.param("AIza" + "a" * 30, REDACTED, id="Google"),
        pytest.param(f"eyJ{'a' * 8}.{'b' * 8}.c", REDACTED, id="JWT"),
        pytest.param("Authorization: Bearer " + "a" * 16, f"Authorization: Bearer {REDACTED}", id="bearer"),
        pytest.param("https://me:secret@host/x", f"https://{REDACTED}@host/x", id="URL"),
        pytest.param('"password": "hunter2"', f'"password": "{REDACTED}"', id="assigned"),
        pytest.param("--token abc", f"--token {REDACTED}", id="option"),
        pytest.param("card 4111 1111 1111 1111.", f"card {REDACTED_CARD}.", id="card"),
        pytest.param("4111111111111111, 378282246310005", f"{REDACTED_CARD}, {REDACTED_CARD}", id="two cards"),
        pytest.param("4111111111111112", "4111111111111112", id="number without a card's check digit"),
        pytest.param(
            "4111 1111 1111 1112 4111 1111 1111 1111", f"4111 1111 1111 1112 {REDACTED_CARD}", id="card behind"
        ),
        pytest.param("sk-short", "sk-short", id="no key"),
        pytest.param("the token ring", "the token ring", id="a word"),
        pytest.param("", "", id="empty"),
    ],
)
def test_secrets_go(text, redacted):
    assert redact_secrets(text) == redacted
