"""Labels come from every pattern that fits a tool; what is unknown has all of them."""

from __future__ import annotations

import pytest

from litellm_bighub.domain.conversation.history import UNKNOWN_TOOL
from litellm_bighub.policy.history.label import Labels

LABELS = Labels({"fetch_*": ["untrusted"], "fetch_mail": ["secret", "mail"], "plain": []})


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        ("", set()),
        ("plain\nother", set()),
        ("fetch_page", {"untrusted"}),
        ("fetch_mail\nother", {"untrusted", "secret", "mail"}),
        (UNKNOWN_TOOL, {"untrusted", "secret", "mail"}),
        (":secret", {"secret"}),
    ],
)
def test_labels_of_what_came_back(outputs, expected):
    assert LABELS.of(outputs) == expected


def test_all_labels_are_known():
    assert LABELS.all == {"untrusted", "secret", "mail"}
