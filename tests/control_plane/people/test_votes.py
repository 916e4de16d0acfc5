"""Votes and requirements come back as they were stored."""

from __future__ import annotations

from litellm_bighub.control_plane.people.votes import (
    Vote,
    ballot_digest,
    read_requirements,
    read_votes,
    requirements_text,
    unmet,
    votes_text,
)
from litellm_bighub.policy.approvers import ANYONE, Requirement

KIM = Vote("user_1", "kim", "kim", ("finance", "leads"), 5.5, "d1")


def test_what_is_stored_comes_back():
    asked = (ANYONE, Requirement(("group:a",), 3, 60, ("user:b",)))
    assert read_requirements(requirements_text(asked)) == asked
    assert read_votes(votes_text([KIM])) == (KIM,)
    assert read_votes("") == ()


def test_a_vote_of_an_older_release_is_told_by_its_name():
    old = Vote("", "kim", "", (), 0.0, "d1")
    assert (old.is_by("key_9", "kim"), old.is_by("key_9", "lee")) == (True, False)
    assert (KIM.is_by("user_1", "another"), KIM.is_by("user_2", "kim")) == (True, False)


def test_other_arguments_are_another_ballot():
    digests = {ballot_digest(call, arguments) for call in ("a", "b") for arguments in ({"n": 1}, {"n": 2})}
    assert len(digests) == 4


def test_who_had_yet_to_be_asked_when_they_approved_does_not_count_later():
    escalates = Requirement(("group:a",), 1, 60, ("group:leads",))
    assert unmet([escalates], [KIM], asked_at=0.0) == [escalates]
    assert unmet([escalates], [KIM], asked_at=-60.0) == []
