"""Who is told why a call was made, and that nobody's failure to hear it is one of the decision."""

from __future__ import annotations

import pytest

from litellm_bighub.deciders.hosted.background_message import GATE_VERSION, tell_background
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.call_background import CallBackground, Utterance
from litellm_bighub.domain.decision import Allow, Block, RequireApproval
from litellm_bighub.domain.redaction import Redactor

CALL = ToolCall("c", "function", "pay", {"password": "hunter22"})
OURS = {"gate_version": GATE_VERSION}
ASKED = RequireApproval("large", "apr_1")


def why(call):
    return CallBackground((Utterance("user", f"pay {call.arguments['password']} to A-1"),))


async def told(answer, decision, background=why):
    sent = []

    async def send(path, body):
        sent.append((path, body))

    await tell_background(send, answer, decision, CALL, CallContext(background=background), Redactor())
    return sent


async def test_our_own_control_plane_is_told_without_what_the_call_hides():
    ((path, body),) = await told(OURS, ASKED)
    assert path == "/approvals/apr_1/context"
    assert [each["text"] for each in body["said"]] == ["pay [redacted] to A-1"]


def unread(call):
    raise AssertionError("a conversation was read that nobody is told")


@pytest.mark.parametrize(
    ("answer", "decision", "background"),
    [
        pytest.param({}, ASKED, unread, id="the hosted BIGHUB"),
        pytest.param({"gate_version": "2026-05"}, ASKED, unread, id="another gate"),
        pytest.param([OURS], ASKED, unread, id="no object"),
        pytest.param(OURS, Allow(), unread, id="allowed"),
        pytest.param(OURS, Block("no"), unread, id="blocked"),
        pytest.param(OURS, RequireApproval("large", ""), unread, id="no approval"),
        pytest.param(OURS, RequireApproval("large", "../keys"), unread, id="no id"),
        pytest.param(OURS, ASKED, None, id="nobody knows why"),
        pytest.param(OURS, ASKED, lambda _: CallBackground(), id="there is nothing to tell"),
    ],
)
async def test_nobody_else_is_told(answer, decision, background):
    assert await told(answer, decision, background) == []


async def test_a_failure_to_tell_is_none_of_the_decision(caplog):
    async def send(path, body):
        raise ConnectionError(body)

    await tell_background(send, OURS, ASKED, CALL, CallContext(background=why), Redactor())
    assert "why a call was made: ConnectionError" in caplog.text
    assert "A-1" not in caplog.text
