"""Nothing of a call's context is lost where it is stored; a field that is added to it is stored as well."""

from __future__ import annotations

from dataclasses import fields, replace

from hypothesis import given, strategies as st

from litellm_bighub.domain.call import CallContext
from litellm_bighub.domain.stored_context import COLUMNS, FOR_PEOPLE, LEDGERS, STORED, restored_context, stored_context


@given(st.builds(CallContext, **{each.name: st.text() for each in fields(CallContext)}))
def test_a_stored_context_comes_back_whole(context):
    again = restored_context(context.actor, context.domain, stored_context(context))
    assert again == replace(context, **dict.fromkeys(LEDGERS, ""))


def test_every_field_has_a_column_or_is_stored():
    assert {*COLUMNS, *LEDGERS, *FOR_PEOPLE, *STORED} == {each.name for each in fields(CallContext)}
    assert stored_context(CallContext()).keys() == set(STORED)


def test_what_an_older_release_did_not_store_is_empty():
    assert restored_context("a", "d", {"user": "ann", "reason": "another field"}) == CallContext("a", "d", user="ann")
