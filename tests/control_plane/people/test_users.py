"""Which names there are, and what a user's roles come to."""

from __future__ import annotations

import pytest

from litellm_bighub.control_plane.people.roles import AGENT, ROLES, SCOPES, scopes_of
from litellm_bighub.control_plane.people.users import User, group_name, user_name


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("ann", "ann"),
        (" Ann@Example.com ", "ann@example.com"),
        ("", None),
        ("-ann", None),
        ("a b", None),
        ("\u0430nn", None),
        ("ann\n", "ann"),
        ("a" * 101, None),
    ],
)
def test_a_name_has_one_spelling(typed, name):
    assert user_name(typed) == name


@pytest.mark.parametrize("typed", ["", "Finance", "two words", "a:b", "x" * 101])
def test_some_texts_name_no_group(typed):
    assert group_name(typed) is None
    assert group_name("finance-eu_1.x") == "finance-eu_1.x"


def test_roles_add_up_and_no_role_asks_as_an_agent():
    assert scopes_of({"viewer", "auditor"}) == {"inbox:read", "audit:read"}
    assert not any(scopes & AGENT for scopes in ROLES.values())
    assert scopes_of(ROLES) == set(SCOPES) - AGENT - {"outcomes:write"}


def test_who_changes_rules_does_not_approve():
    assert [role for role, scopes in ROLES.items() if "approvals:resolve" in scopes] == ["approver"]


def test_a_user_is_shown_without_the_password():
    assert "secret" not in repr(User("u", "ann", "secret", frozenset(), frozenset(), "", 0))
