"""Items of an input that stand for items which the provider has kept."""

from __future__ import annotations

import pytest

from litellm_bighub.formats.responses.item_reference import is_reference


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"type": "item_reference", "id": "rs_1"}, True),
        ({"id": "rs_1"}, True),
        ({"type": None, "id": "rs_1"}, True),
        ({"id": "msg_1", "role": "user", "content": "hi"}, False),
        ({"type": "reasoning", "id": "rs_1"}, False),
        ({"role": "user", "content": "hi"}, False),
        ("a bare text", False),
    ],
)
def test_an_item_that_only_names_another(item, expected):
    assert is_reference(item) is expected
