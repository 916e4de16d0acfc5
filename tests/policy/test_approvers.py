"""Who must approve: what a rule's fields come to, and who counts for it when."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from litellm_bighub.policy.approvers import (
    ANYONE,
    EscalationText,
    QuorumText,
    Requirement,
    VisibleTo,
    all_of,
    requirements_of,
    viewers_of,
)

LATER = EscalationText(after_seconds=60, to=["group:leads"])


@pytest.mark.parametrize(
    ("approvers", "quorum", "escalation", "four_eyes", "expected"),
    [
        pytest.param([], None, None, False, [ANYONE], id="nothing"),
        pytest.param([], None, None, True, [Requirement(count=2)], id="four eyes"),
        pytest.param(["group:a"], None, None, False, [Requirement(("group:a",))], id="approvers"),
        pytest.param(["group:a"], None, None, True, [Requirement(("group:a",), 2)], id="two approvers"),
        pytest.param([], (2, "s"), None, False, [Requirement(("group:s",), 2)], id="quorum"),
        pytest.param(
            ["group:a"],
            (3, "s"),
            LATER,
            False,
            [
                Requirement(("group:s",), 3, 60, ("group:leads",)),
                Requirement(("group:a",), 1, 60, ("group:leads",)),
            ],
            id="both, which escalate",
        ),
        pytest.param(
            [],
            (2, "s"),
            LATER,
            True,
            [Requirement(("group:s",), 2, 60, ("group:leads",)), Requirement(count=2)],
            id="a quorum, and two people whoever they are",
        ),
    ],
)
def test_the_fields_of_a_rule_come_to_requirements(approvers, quorum, escalation, four_eyes, expected):
    text = None if quorum is None else QuorumText(count=quorum[0], group=quorum[1])
    assert requirements_of(approvers, text, escalation, four_eyes=four_eyes) == tuple(expected)


ANN = Requirement(("group:a", "user:zoe"), 1, 60, ("group:leads",))


@pytest.mark.parametrize(
    ("requirement", "name", "groups", "waited", "counts"),
    [
        (ANYONE, "", [], 0, True),
        (ANN, "kim", ["a"], 0, True),
        (ANN, "zoe", [], 0, True),
        (ANN, "kim", ["b"], 0, False),
        (ANN, "", ["leads"], 59.9, False),
        (ANN, "", ["leads"], 60, True),
        (ANN, "kim", ["a"], 60, True),
        (Requirement(("group:a",)), "a", [], 0, False),
    ],
)
def test_somebody_counts_by_name_or_group_and_others_after_a_time(requirement, name, groups, waited, counts):
    assert requirement.counts(name, groups, waited) is counts


def test_several_rules_ask_for_all_of_it_once():
    two = Requirement(count=2)
    assert all_of([ANYONE, two, ANYONE, two, ANN]) == (two, ANN)
    assert all_of([ANYONE, ANYONE]) == (ANYONE,)


@pytest.mark.parametrize(
    "fields",
    [{"count": 0, "group": "s"}, {"count": 2, "group": "S"}, {"count": 2}, {"count": True, "group": "s"}],
)
def test_a_quorum_that_cannot_be_is_refused(fields):
    with pytest.raises(ValidationError):
        QuorumText.model_validate(fields)


@pytest.mark.parametrize("to", [[], ["leads"], ["group:"], ["user:A"], "group:leads"])
def test_an_escalation_names_groups_or_users(to):
    with pytest.raises(ValidationError):
        EscalationText.model_validate({"after_seconds": 1, "to": to})


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("group:payments", {"*": ["group:payments"]}),
        (["group:payments", "user:ann"], {"*": ["group:payments", "user:ann"]}),
        ({"iban": "group:payments"}, {"iban": ["group:payments"]}),
        ({"iban": ["user:ann"], "card.*": "group:it"}, {"iban": ["user:ann"], "card.*": ["group:it"]}),
    ],
)
def test_who_may_look_is_written_for_all_or_by_place(written, read):
    assert TypeAdapter(VisibleTo).validate_python(written) == read
    assert TypeAdapter(VisibleTo).validate_python(read) == read


@pytest.mark.parametrize(
    "written", [[], {}, "payments", {"a": []}, {"a..b": "user:x"}, {".a": "user:x"}, {"": "user:x"}, 5]
)
def test_what_names_nobody_or_no_place_is_refused(written):
    with pytest.raises(ValidationError):
        TypeAdapter(VisibleTo).validate_python(written)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["iban"], ("group:payments",)),
        (["iban", "number"], ("group:payments",)),
        (["payee", "iban"], ("group:leads",)),
        (["payee", "address", "street"], ("user:ann",)),
        (["payee"], ()),
        (["note"], ()),
        (["IBAN"], ()),
        ([], ()),
    ],
)
def test_the_first_place_that_fits_says_who_may_look(names, expected):
    """A place stands for what is below it; what is above it is another one."""
    visible_to = {"iban": ["group:payments"], "payee.ib*": ["group:leads"], "payee.*": ["user:ann"]}
    assert viewers_of(visible_to, names) == expected
