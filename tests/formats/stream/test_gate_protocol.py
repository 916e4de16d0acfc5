"""What is put in the place of a withheld call."""

from __future__ import annotations

import pytest

from litellm_bighub.formats.stream.gate_protocol import Withhold, unchanged


@pytest.mark.parametrize(
    ("withheld", "vanishes"),
    [
        (Withhold("blocked"), False),
        (Withhold("", item_id="msg_1"), False),
        (Withhold("", approval_id="apr_1"), False),
        (Withhold(""), True),
    ],
)
def test_without_notice_and_ids_nothing_stands_there(withheld, vanishes):
    assert withheld.vanishes is vanishes


def test_an_event_leaves_as_it_is():
    event = {"type": "x"}
    assert unchanged(event) is event
