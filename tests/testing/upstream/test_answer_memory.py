"""A strict upstream is as strict as OpenAI is documented to be, and no stricter."""

from __future__ import annotations

import pytest

from litellm_bighub.testing.upstream.answer_memory import AnswerMemory

REASONING = {"type": "reasoning", "id": "rs_1", "summary": []}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "done"}
BARE = {key: value for key, value in CALL.items() if key != "id"}


def memory(**request: object) -> AnswerMemory:
    kept = AnswerMemory()
    kept.keep("resp_1", {"input": "go", **request}, [REASONING, CALL])
    return kept


def refer(item_id: str, **more: str) -> dict[str, str]:
    return {"id": item_id, **more}


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        pytest.param([REASONING, CALL, OUTPUT], "", id="replayed"),
        pytest.param([REASONING, BARE, OUTPUT], "", id="a-call-without-its-id"),
        pytest.param(
            [REASONING, {**BARE, "call_id": "x"}, {**OUTPUT, "call_id": "x"}],
            "without its required following item",
            id="another-call",
        ),
        pytest.param([REASONING, CALL, CALL, OUTPUT], "Duplicate item found with id fc_1", id="an-item-twice"),
        pytest.param(
            [REASONING, CALL, refer("fc_1"), OUTPUT],
            "Duplicate item found with id fc_1",
            id="an-item-and-its-reference",
        ),
        pytest.param([CALL, OUTPUT], "without its required 'reasoning' item: 'rs_1'", id="without-its-reasoning"),
        pytest.param([BARE, OUTPUT], "", id="without-its-reasoning-and-its-id"),
        pytest.param([REASONING], "without its required following item", id="alone"),
        pytest.param(
            [refer("rs_1", type="item_reference"), refer("fc_1", type="item_reference"), OUTPUT], "", id="references"
        ),
        pytest.param([refer("rs_1"), refer("fc_1"), OUTPUT], "", id="references-without-a-type"),
        pytest.param([refer("rs_1", type="item_reference")], "required following item", id="a-reference-alone"),
        pytest.param([refer("fc_1", type="item_reference")], "No tool output found", id="a-call-without-output"),
        pytest.param([refer("fc_9", type="item_reference")], "'fc_9' not found", id="unknown"),
        pytest.param([{"type": "mcp_approval_response", "approve": True}], "", id="of-nothing"),
    ],
)
def test_what_a_strict_upstream_refuses(given, refused):
    assert refused in memory().refuses({"input": given})
    assert bool(memory().refuses({"input": given})) == bool(refused)


def test_what_was_not_stored_cannot_be_referred_to():
    assert "not found" in memory(store=False).refuses({"input": [refer("fc_1", type="item_reference")]})
