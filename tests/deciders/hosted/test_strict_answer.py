"""BIGHUB's answers of both generations, read as strictly as they can be."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from litellm_bighub.deciders.hosted.objections import FLAGS, MODES, VERDICTS, Weight
from litellm_bighub.deciders.hosted.strict_answer import read_decision
from litellm_bighub.domain.decision import Allow, Basis, Block, RequireApproval
from litellm_bighub.errors import DecisionUnreadable

YES = {"allowed": True}
ASKED = {"allowed": False, "result": "requires_approval"}
STRICTNESS = (Allow, RequireApproval, Block)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({**YES, "told_agent": "once"}, Allow(told="once")),
        ({**YES, "told_agent": ["once"]}, Allow()),
        (
            {"allowed": False, "result": "blocked", "blocked_by": "denied", "told_agent": "no"},
            Block("result is blocked", Basis(blocked_by="denied"), "denied", told="no"),
        ),
        ({**ASKED, "told_agent": "once"}, RequireApproval("result is requires_approval", "")),
    ],
    ids=["approved", "no text", "denied", "it waits"],
)
def test_what_a_person_tells_the_agent_is_read(body, expected):
    assert read_decision(body) == expected


def with_packet(**signal) -> dict[str, object]:
    return {**YES, "decision_packet": {"signal": signal}}


@pytest.mark.lesson("an active catastrophic ceiling runs", row="catastrophic ceiling")
@pytest.mark.lesson("`should_not_run` runs", row="should_not_run")
@pytest.mark.lesson("an enforced block runs when its mode is written in capitals", row="ENFORCED blocked")
@pytest.mark.lesson("an unknown recommendation runs", row="unknown recommendation")
@pytest.mark.lesson("`proceed_with_caution` runs under an active kill switch", row="kill switch with caution")
@pytest.mark.lesson('the text "false" runs as `allowed`', row="allowed is the text false")
@pytest.mark.lesson("`allowed: true` runs beside `result: blocked`", row="allowed, result blocked")
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        # the decision table of the published adapters
        pytest.param(YES, Allow, id="allowed"),
        pytest.param({**YES, "result": "allowed", "recommendation": None, "reason": ""}, Allow, id="nulls are absent"),
        pytest.param({"allowed": "false"}, Block, id="allowed is the text false"),
        pytest.param({"allowed": "true"}, Block, id="allowed is the text true"),
        pytest.param({"allowed": 1}, Block, id="allowed is 1"),
        pytest.param({"allowed": [True]}, Block, id="allowed is a list"),
        pytest.param({**YES, "result": "blocked"}, Block, id="allowed, result blocked"),
        pytest.param({**YES, "result": "denied"}, Block, id="allowed, result denied"),
        pytest.param({**YES, "result": "requires_approval"}, RequireApproval, id="allowed, result requires_approval"),
        pytest.param({**YES, "result": "limited"}, RequireApproval, id="allowed, limited"),
        pytest.param({**YES, "result": "ALLOWED"}, Block, id="result in the wrong case"),
        pytest.param({**YES, "result": ["allowed"]}, Block, id="result is a list"),
        pytest.param({"allowed": False}, Block, id="not allowed"),
        pytest.param({"allowed": False, "result": "blocked"}, Block, id="blocked"),
        pytest.param(ASKED, RequireApproval, id="requires_approval"),
        pytest.param({"allowed": False, "requires_approval": True}, RequireApproval, id="the flag alone"),
        pytest.param({"result": "allowed"}, Block, id="allowed is not said"),
        pytest.param({"allowed": None}, Block, id="allowed is null"),
        pytest.param({"result": "requires_approval"}, RequireApproval, id="approval, allowed is not said"),
        pytest.param(
            {**YES, "enforcement_mode": "enforced", "enforced_verdict": "allowed"}, Allow, id="enforced allowed"
        ),
        pytest.param(
            {**YES, "enforcement_mode": "enforced", "enforced_verdict": "proceed"}, Allow, id="enforced proceed"
        ),
        pytest.param(
            {"allowed": False, "enforcement_mode": "enforced", "enforced_verdict": "requires_approval"},
            RequireApproval,
            id="enforced requires_approval",
        ),
        pytest.param(
            {**YES, "enforcement_mode": "enforced", "enforced_verdict": "blocked"}, Block, id="enforced blocked"
        ),
        pytest.param({**YES, "enforcement_mode": "enforced", "enforced_verdict": "x"}, Block, id="enforced unknown"),
        pytest.param({**YES, "enforcement_mode": "enforced"}, Block, id="enforced without verdict"),
        pytest.param({**YES, "enforcement_mode": "review", "recommendation": "proceed"}, Allow, id="review proceed"),
        *[
            pytest.param({**YES, "enforcement_mode": "review", "recommendation": word}, expected, id=f"review {word}")
            for word, expected in [
                ("proceed_with_caution", RequireApproval),
                ("review_recommended", RequireApproval),
                ("do_not_proceed", Block),
                ("other", Block),
                (None, RequireApproval),
            ]
        ],
        pytest.param({**YES, "enforcement_mode": "advisory"}, Allow, id="advisory"),
        pytest.param(
            {**YES, "enforcement_mode": "advisory", "recommendation": "do_not_proceed"}, Block, id="advisory no"
        ),
        pytest.param({**YES, "recommendation": "do_not_proceed"}, Block, id="do_not_proceed"),
        pytest.param({**YES, "recommendation": "review_recommended"}, RequireApproval, id="review_recommended"),
        pytest.param(
            {**YES, "recommendation": "review_recommended", "human_review": True},
            RequireApproval,
            id="review_recommended with human_review",
        ),
        pytest.param({**YES, "recommendation": "proceed_with_caution"}, Allow, id="proceed_with_caution"),
        *[
            pytest.param({**YES, "recommendation": word}, Block, id=f"recommendation {word}")
            for word in ("block", "deny", "DO_NOT_PROCEED")
        ],
        pytest.param({**YES, "recommendation": "escalate_v9"}, Block, id="unknown recommendation"),
        *[
            pytest.param(
                {"allowed": False, "result": "blocked", "recommendation": word}, Block, id=f"blocked but {word}"
            )
            for word in ("proceed", "proceed_with_caution", "block", "deny", "future")
        ],
        # contradictions that were seen to run
        pytest.param(
            {"allowed": False, "blocked_by": "kill_switch", "recommendation": "proceed_with_caution"},
            Block,
            id="kill switch with caution",
        ),
        pytest.param(
            {**YES, "enforcement_mode": "ENFORCED", "enforced_verdict": "blocked"}, Block, id="ENFORCED blocked"
        ),
        pytest.param({**YES, "enforcement_mode": "ENFORCED"}, Block, id="ENFORCED"),
        pytest.param({**YES, "enforcement_mode": "enforce"}, Block, id="enforce"),
        pytest.param({**YES, "enforced_verdict": "blocked"}, Block, id="enforced_verdict without mode"),
        pytest.param({**YES, "should_not_run": True}, Block, id="should_not_run"),
        pytest.param({**YES, "should_not_run": "false"}, Block, id="should_not_run is a text"),
        pytest.param({**YES, "can_run": False}, Block, id="can_run false"),
        pytest.param({**ASKED, "can_run": False}, RequireApproval, id="cannot run before a person approves"),
        pytest.param({**YES, "catastrophic_ceiling": {"active": True}}, Block, id="catastrophic ceiling"),
        pytest.param({**ASKED, "catastrophic_ceiling": {"active": True}}, Block, id="catastrophic ceiling asks nobody"),
        pytest.param({**YES, "catastrophic_ceiling": {"active": "yes"}}, Block, id="catastrophic ceiling is a text"),
        pytest.param({**YES, "catastrophic_ceiling": True}, Block, id="catastrophic ceiling is a flag"),
        pytest.param({**YES, "catastrophic_ceiling": {"active": False}}, Allow, id="ceiling not reached"),
        pytest.param({**YES, "blocked_by": "max_value"}, Block, id="allowed, blocked_by"),
        pytest.param(
            {**ASKED, "blocked_by": "require_approval_above"}, RequireApproval, id="approval, blocked_by a rule"
        ),
        pytest.param({**ASKED, "blocked_by": "kill_switch"}, Block, id="approval, blocked_by the kill switch"),
        pytest.param({**YES, "kill_switch": True}, Block, id="kill switch flag"),
        pytest.param(
            {**YES, "kill_switch": {"is_active": True, "active_switches": []}}, Block, id="kill switch object"
        ),
        pytest.param(
            {**YES, "kill_switch": {"active_switches": ["a"], "is_active": False}}, Block, id="one switch active"
        ),
        pytest.param({**YES, "kill_switch": {"is_active": False, "active_switches": []}}, Allow, id="kill switch off"),
        pytest.param({**YES, "kill_switch_active": True}, Block, id="kill_switch_active"),
        pytest.param({**YES, "active_switches": ["global"]}, Block, id="active_switches"),
        pytest.param({**YES, "needs_more_context": True}, Block, id="needs_more_context"),
        pytest.param({**YES, "request_type": "clarification_needed"}, Block, id="clarification_needed"),
        pytest.param({**YES, "needs_review": True}, RequireApproval, id="needs_review"),
        pytest.param({**YES, "human_review": True}, RequireApproval, id="human_review"),
        pytest.param({**YES, "human_review": "yes"}, Block, id="human_review is a text"),
        pytest.param({"allowed": False, "human_review": True}, Block, id="not allowed, human_review alone"),
        pytest.param({**YES, "requires_approval": True}, RequireApproval, id="allowed, requires_approval"),
        pytest.param({**YES, "requires_approval": "false"}, Block, id="requires_approval is a text"),
        pytest.param({**YES, "mode": "LIMITED"}, RequireApproval, id="LIMITED"),
        pytest.param({**YES, "mode": "CONDITIONAL"}, RequireApproval, id="CONDITIONAL"),
        pytest.param({**YES, "execution_mode": "autonomous"}, Allow, id="autonomous"),
        pytest.param({**YES, "execution_mode": "shadow"}, Allow, id="shadow"),
        pytest.param({**YES, "execution_mode": "review"}, RequireApproval, id="mode review"),
        pytest.param({**YES, "execution_mode": "blocked"}, Block, id="mode blocked"),
        pytest.param({**YES, "execution_mode": "needs_context"}, Block, id="mode needs_context"),
        pytest.param({**YES, "execution_mode": "dry_run"}, Block, id="mode dry_run"),
        pytest.param({**YES, "dry_run": True}, Block, id="dry_run"),
        pytest.param({**YES, "mode": "yolo"}, Block, id="unknown mode"),
        pytest.param({**YES, "verdict_override": "blocked"}, Block, id="verdict_override"),
        pytest.param(with_packet(recommendation="do_not_proceed"), Block, id="packet says no"),
        pytest.param(with_packet(recommendation="proceed"), Allow, id="packet says proceed"),
        pytest.param(
            {**YES, "model_selection": {"review_required": True}}, RequireApproval, id="model selection review"
        ),
        pytest.param(
            {**YES, "proposed_action": "rm", "responsible_action_space": {"forbidden": ["rm"]}}, Block, id="forbidden"
        ),
        # what advises does not decide
        pytest.param({**YES, "risk_score": 1.0, "recommendation_confidence": "low"}, Allow, id="risk advises"),
        pytest.param({**YES, "warnings": ["x"], "better_action": "y", "usage": {}}, Allow, id="warnings advise"),
    ],
)
def test_the_strictest_reading_wins(body, expected):
    assert type(read_decision(body)) is expected


@pytest.mark.parametrize("body", [{}, [], None, [{"allowed": True}], "allowed", True, 1])
def test_what_is_no_object_is_unreadable(body):
    with pytest.raises(DecisionUnreadable):
        read_decision(body)


@pytest.mark.parametrize(
    ("body", "reason", "cause"),
    [
        pytest.param(
            {**YES, "recommendation": "nuke"},
            "recommendation is 'nuke', which is not known",
            "unreadable",
            id="unknown",
        ),
        pytest.param({"allowed": "false"}, "allowed is 'false', not true or false", "unreadable", id="wrong type"),
        pytest.param(
            {"allowed": False, "result": "blocked", "reason": "too much"},
            "result is blocked: too much",
            "policy",
            id="reason given",
        ),
        pytest.param({"allowed": False}, "allowed is false", "policy", id="no reason given"),
        pytest.param({"result": "allowed"}, "allowed is not said", "unreadable", id="nothing said"),
        pytest.param(
            {"allowed": False, "mode": "odd"},
            "mode is 'odd', which is not known",
            "policy",
            id="a no beside the unknown",
        ),
        pytest.param(
            {**YES, "mode": "x" * 500}, "mode is '" + "x" * 59 + ", which is not known", "unreadable", id="long value"
        ),
    ],
)
def test_a_block_names_field_and_value_and_its_cause(body, reason, cause):
    assert read_decision(body) == Block(reason, cause=cause)


@pytest.mark.parametrize(
    ("ids", "approval_id"),
    [
        ({"request_id": "req_1", "validation_id": "val_1"}, "req_1"),
        ({"validation_id": "val_1"}, "val_1"),
        ({}, ""),
        ({"request_id": 5}, ""),
    ],
)
def test_an_approval_carries_the_id_that_names_it(ids, approval_id):
    decision = read_decision({**ASKED, **ids})
    assert isinstance(decision, RequireApproval)
    assert decision.approval_id == approval_id


def test_what_the_decision_rests_on():
    body = {"allowed": False, "request_id": "req_1", "blocked_by": "max_value", "rule_id": "r-1", "risk_score": 0.9}
    decision = read_decision(body)
    assert decision.basis == Basis(decision_id="req_1", blocked_by="max_value", rule="r-1", risk=0.9)


@pytest.mark.parametrize("risk", ["0.5", True, float("nan"), float("inf"), 10**400, -1, None])
def test_a_risk_that_is_no_share_is_unknown(risk):
    assert read_decision({**YES, "risk_score": risk}).basis.risk is None


values = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.lists(st.text(max_size=3), max_size=2)
)
words = st.sampled_from(sorted({*MODES, *(word for table in VERDICTS.values() for word in table)}))
fields = st.sampled_from(
    [*VERDICTS, *FLAGS, "allowed", "mode", "execution_mode", "blocked_by", "kill_switch", "catastrophic_ceiling"]
)  # fmt: skip
bodies = st.dictionaries(fields | st.text(max_size=5), values | words | st.dictionaries(fields, values, max_size=2))
noes = [
    *[(field, word) for field, table in VERDICTS.items() for word, weight in table.items() if weight is Weight.NO],
    *[(field, word) for field in ("mode", "execution_mode") for word, weight in MODES.items() if weight is Weight.NO],
    *[(field, objecting) for field, (objecting, weight) in FLAGS.items() if weight in (Weight.NO, Weight.NOT_YET)],
    *[("blocked_by", "kill_switch"), ("blocked_by", "rule"), ("kill_switch", True), ("active_switches", ["a"])],
    *[("catastrophic_ceiling", {"active": True}), ("allowed", False), ("result", "no such word"), ("mode", 7)],
]


@pytest.mark.lesson("an objection beside a permission is overlooked, whichever it is")
@given(bodies, st.sampled_from(noes))
def test_another_no_never_loosens_a_decision(body, no):
    field, value = no
    if not body or field in body:
        return
    before, after = read_decision(body), read_decision({**body, field: value})
    assert STRICTNESS.index(type(after)) >= STRICTNESS.index(type(before))


@pytest.mark.lesson("an objection beside a permission is overlooked, whichever it is")
@pytest.mark.parametrize(("field", "value"), noes, ids=str)
def test_each_no_alone_withholds_an_allowed_call(field, value):
    assert isinstance(read_decision({**YES, field: value}), Block)


@given(bodies)
def test_nothing_is_allowed_unless_allowed_is_true(body):
    if not body:
        return
    decision = read_decision(body)
    if isinstance(decision, Allow):
        assert body["allowed"] is True


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        pytest.param("2026-01-02T03:04:05Z", 1767323045.0, id="ISO 8601"),
        pytest.param("2026-01-02T04:04:05+01:00", 1767323045.0, id="with an offset"),
        pytest.param(1767323045, 1767323045.0, id="POSIX seconds"),
        pytest.param("2026-01-02T03:04:05", None, id="of no zone"),
        pytest.param("soon", None, id="unreadable"),
        pytest.param(float("inf"), None, id="infinite"),
        pytest.param(True, None, id="true"),
        pytest.param(None, None, id="null"),
    ],
)
def test_the_expiry_of_an_approval_is_read(told, expected):
    decision = read_decision({**ASKED, "expires_at": told})
    assert isinstance(decision, RequireApproval)
    assert decision.expires_at == expected


@pytest.mark.parametrize("edited", [{"amount": 5}, {}, "less", [1], 5, True])
def test_who_approved_other_arguments_has_not_approved_the_call(edited):
    assert isinstance(read_decision({**YES, "edited_arguments": edited}), Block)


def test_arguments_that_nobody_edited_object_to_nothing():
    assert isinstance(read_decision({**YES, "edited_arguments": None}), Allow)
