"""Which results are told of: a table of what the ledger knows and what the request shows."""

from __future__ import annotations

import pytest

from litellm_bighub.deciders.ledger.tool_results import ConversationThread, JudgedResult, judge
from litellm_bighub.domain.call import ToolCall
from litellm_bighub.domain.decided_call import DecidedCall
from litellm_bighub.domain.digest import arguments_digest
from litellm_bighub.formats.requests.results import FoundResult

WITHHELD, UNKNOWN = "withheld_call_result", "unknown_call_result"
HERE = ConversationThread(response_id="resp_here")
KEPT = ConversationThread(conversation="conv_1")
NOWHERE = ConversationThread()
OURS = {"output": "has not been run"}


def row(response_id="resp_here", *, released, tool="pay", amount=1, **more) -> DecidedCall:
    verdict = "allowed" if released else "blocked"
    digest = arguments_digest({"amount": amount})
    return DecidedCall(response_id, "call_1", "function", tool, verdict, released, "ada", 1.0, digest=digest, **more)


def result(tool=None, amount=1, item=None) -> FoundResult:
    call = None if tool is None else lambda: ToolCall("call_1", "function", tool, {"amount": amount})
    return FoundResult("call_1", "input[0]", item or {"output": "done"}, call, lambda _row, _wording: item is OURS)


def judged(found: FoundResult, known, thread, *, complete=True) -> JudgedResult:
    [judgement] = judge([found], known, thread, complete=complete)
    return judgement


OLD, NEW = row("resp_old", released=False), row("resp_new", released=True)


@pytest.mark.parametrize(
    ("found", "known", "thread", "expected"),
    [
        pytest.param(result(), [row(released=True)], HERE, None, id="released"),
        pytest.param(result(), [row(released=False)], HERE, WITHHELD, id="withheld"),
        pytest.param(result(), [], HERE, UNKNOWN, id="nobody made it"),
        pytest.param(result("pay"), [], HERE, None, id="it stands in the request"),
        pytest.param(result(), [row("resp_else", released=True)], HERE, UNKNOWN, id="released somewhere else"),
        pytest.param(result(), [row("resp_else", released=False)], HERE, WITHHELD, id="withheld somewhere else"),
        pytest.param(
            result(), [row("resp_else", released=False), row(released=True)], HERE, None, id="id used again, released"
        ),
        pytest.param(
            result(),
            [row("resp_else", released=True), row(released=False)],
            HERE,
            WITHHELD,
            id="id used again, withheld",
        ),
        pytest.param(result(), [row(released=True), row(released=False)], HERE, WITHHELD, id="one of two guardrails"),
        pytest.param(
            result(),
            [row(released=True, item_id="fc_1"), row(released=False, item_id="fc_2", amount=2)],
            HERE,
            None,
            id="the id of two calls, one of which was released",
        ),
        pytest.param(
            result(),
            [row("r1", released=False, conversation="conv_1"), row("r2", released=True, conversation="conv_1")],
            KEPT,
            None,
            id="approved and made again in the conversation",
        ),
        pytest.param(
            result(),
            [row("r1", released=True, conversation="conv_1"), row("r2", released=False, conversation="conv_1")],
            KEPT,
            WITHHELD,
            id="the newest of the conversation counts",
        ),
        pytest.param(result("pay"), [OLD], NOWHERE, WITHHELD, id="replayed, withheld"),
        pytest.param(result("pay"), [OLD, NEW], NOWHERE, None, id="replayed, approved and made again"),
        pytest.param(result("pay", 9), [OLD], NOWHERE, WITHHELD, id="replayed with other arguments"),
        pytest.param(
            result("pay", 9),
            [OLD, row("resp_new", released=True, amount=9)],
            NOWHERE,
            None,
            id="id used again, these arguments released",
        ),
        pytest.param(
            result("pay", 9),
            [row("resp_old", released=False, amount=9), NEW],
            NOWHERE,
            WITHHELD,
            id="id used again, these arguments withheld",
        ),
        pytest.param(result("lookup"), [OLD], NOWHERE, None, id="id used again by another tool"),
        pytest.param(result(), [NEW], NOWHERE, None, id="released, without its call"),
        pytest.param(result(), [], NOWHERE, UNKNOWN, id="of nothing at all"),
        pytest.param(result(item=OURS), [row(released=False)], HERE, None, id="our own output"),
    ],
)
def test_what_is_wrong_with_a_result(found, known, thread, expected):
    assert judged(found, known, thread).kind == expected


def test_a_call_that_may_be_hidden_is_not_called_unknown():
    assert judged(result(), [], NOWHERE, complete=False).kind is None


def test_unreadable_arguments_are_equal_to_none():
    torn = FoundResult("call_1", "input[0]", {}, lambda: ToolCall("call_1", "function", "pay", {}, "torn"))
    assert judged(torn, [OLD, NEW], NOWHERE).call == NEW
