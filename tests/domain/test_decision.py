"""Each decision has BIGHUB's word for it."""

from __future__ import annotations

import pytest

from litellm_bighub.domain.decision import Allow, Block, RequireApproval, verdict


@pytest.mark.parametrize(
    ("decision", "word"),
    [
        (Allow(), "allowed"),
        (Allow(shadowed=Block("no")), "allowed"),
        (Block("no"), "blocked"),
        (RequireApproval("a person", "req_1"), "requires_approval"),
    ],
)
def test_a_decision_has_its_verdict(decision, word):
    assert verdict(decision) == word
