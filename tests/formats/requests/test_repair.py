"""A request is left as it is where nothing has to be put right."""

from __future__ import annotations

import pytest

from litellm_bighub.domain.decided_call import DecidedCall
from litellm_bighub.formats.requests.repair import RequestRepair
from litellm_bighub.formats.requests.turns import FoundTurn, LostCalls

CALL = DecidedCall("r", "c1", "function", "pay", "blocked", False, "ada", 1.0)


@pytest.mark.parametrize(
    ("repair", "needed"),
    [
        (RequestRepair(), False),
        (RequestRepair(with_calls=True), False),
        (RequestRepair(owed=[CALL]), True),
        (RequestRepair(owed_after={"input[0]": [CALL]}), True),
        (RequestRepair(notices={"msg_1": CALL}), True),
        (RequestRepair(approved={"c1": CALL}), True),
        (RequestRepair(behind={"input[0]": CALL}), True),
        (RequestRepair(lost=[LostCalls(FoundTurn("d", 0, 1), [CALL])]), True),
        (RequestRepair(denied={"c1"}), True),
    ],
)
def test_whether_there_is_something_to_put_right(repair, needed):
    assert bool(repair) is needed
