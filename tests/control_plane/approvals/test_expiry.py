"""An approval expires after its rule's time, counted from the question and then from the answer."""

from __future__ import annotations

from litellm_bighub.control_plane.approvals.expiry import DEFAULT_TTL, expires_at, ttl_of
from litellm_bighub.control_plane.approvals.resolution import Resolution
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.policy.rule import Rule

POLICY = "version: 1\nrules: [{name: r, effect: require_approval, approval_ttl_seconds: 60}]"


def test_the_time_is_the_rules_or_the_default():
    assert ttl_of(Rule("r", "r", approval_ttl_seconds=60)) == 60
    assert ttl_of(None) == DEFAULT_TTL
    assert expires_at(60, since=1000.0) == 1060.0


async def test_question_and_answer_each_have_the_whole_time(open_plane, clock):
    plane = open_plane(POLICY)
    asked = (await plane.decide(ToolCall("c", "function", "refund", {}), CallContext())).approval
    assert asked.expires_at == clock.now + 60
    clock.now += 59
    approved = await plane.resolve(Resolution(asked.id, "approve", "ann"))
    assert approved.expires_at == clock.now + 60
