"""An earlier call is there, surely or possibly, or it is not; what nobody knows is possible."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from litellm_bighub.domain.conversation.fact import FollowedCall, digest_of, of_call, text_of, with_facts
from litellm_bighub.policy.history.earlier_call import EarlierCall

PLAIN = EarlierCall(("verify*",))
SAME = EarlierCall(("verify*",), {"customer_id": "customer"})
LATELY = EarlierCall(("verify*",), within_seconds=60)
CALLERS = EarlierCall(("verify*",), within_seconds=60, of="caller")
NOW = 1000.0


def facts(*signs: str, time: float = NOW, tool: str = "verify", **arguments) -> str:
    of = of_call(tool, arguments, [FollowedCall((tool,), ("customer_id",)), FollowedCall((tool,), ("other",))])
    return text_of({sign + fact: time for sign in signs for fact in of} | {"@m": NOW})


def of_all(*signs: str, **made) -> str:
    """Facts of whoever looked for all calls of the key and user."""
    return with_facts(facts(*signs, **made), {"^": 0.0})


@pytest.mark.parametrize(
    ("earlier", "history", "asked", "returned", "released"),
    [
        (PLAIN, "", {}, "maybe", "maybe"),
        (PLAIN, "no facts", {}, "maybe", "maybe"),
        (PLAIN, ";", {}, "no", "no"),
        (PLAIN, facts("<"), {}, "yes", "yes"),
        (PLAIN, facts(">"), {}, "no", "yes"),
        (PLAIN, facts("?>"), {}, "no", "maybe"),
        (PLAIN, facts("<", tool="lookup"), {}, "no", "no"),
        (PLAIN, text_of({"?<\t": NOW}), {}, "maybe", "maybe"),
        (PLAIN, text_of({"<\t": NOW}), {}, "maybe", "maybe"),
        (PLAIN, facts("^<"), {}, "no", "no"),
        (CALLERS, facts("^<"), {}, "yes", "yes"),
        (CALLERS, facts("<"), {}, "maybe", "maybe"),
        (CALLERS, facts("^<", tool="lookup"), {}, "maybe", "maybe"),
        (CALLERS, facts("^<", time=NOW - 61), {}, "maybe", "maybe"),
        (CALLERS, of_all("^<"), {}, "yes", "yes"),
        (CALLERS, of_all("^>"), {}, "no", "yes"),
        (CALLERS, of_all("<"), {}, "no", "no"),
        (CALLERS, of_all("?<"), {}, "maybe", "maybe"),
        (CALLERS, of_all("^<", tool="lookup"), {}, "no", "no"),
        (CALLERS, of_all("^<", time=NOW - 61), {}, "no", "no"),
        (PLAIN, of_all("^<"), {}, "no", "no"),
        (LATELY, facts("<", time=NOW - 60), {}, "yes", "yes"),
        (LATELY, facts("<", time=NOW - 61), {}, "no", "no"),
        (SAME, facts("<", customer_id="a"), {"customer": "a"}, "yes", "yes"),
        (SAME, facts("?<", customer_id="a"), {"customer": "a"}, "maybe", "maybe"),
        (SAME, facts("<", customer_id="a"), {"customer": "b"}, "no", "no"),
        (SAME, facts("<", customer_id="a"), {}, "maybe", "maybe"),
        (SAME, facts("<"), {"customer": "b"}, "maybe", "maybe"),
        (SAME, text_of({"?<verify": NOW, "?<verify *": NOW}), {"customer": "b"}, "maybe", "maybe"),
        (SAME, text_of({"<verify": NOW}), {"customer": "b"}, "maybe", "maybe"),
        (SAME, text_of({"<verify": NOW, "<verify customer_id *": NOW}), {"customer": "b"}, "maybe", "maybe"),
    ],
)
def test_what_a_history_says(earlier, history, asked, returned, released):
    assert earlier.returned(history, asked, NOW) == returned
    assert earlier.released(history, asked, NOW) == released


def test_what_is_to_be_remembered_and_how_it_is_shown():
    both = EarlierCall(("verify", "check"), {"b": "x", "a": "y"}, 60.0, "caller")
    assert both.followed == FollowedCall(("verify", "check"), ("a", "b"))
    assert both.shown == (
        "verify | check, a = this call's y, b = this call's x, within 60 seconds, by the same key and user"
    )
    assert PLAIN.shown == "verify*"
    assert hash(both) == hash(EarlierCall(("verify", "check"), {"b": "x", "a": "y"}, 60.0, "caller"))


SIGNED = st.sampled_from([f"{sign}{kind}" for sign in ("", "?", "^") for kind in "<>"])
CALLED = st.sampled_from(["verify", "verify customer_id *", "lookup", "\t", f"verify customer_id {digest_of(['a'])}"])


@pytest.mark.parametrize("earlier", [PLAIN, SAME, LATELY, CALLERS])
@given(facts=st.dictionaries(st.builds(str.__add__, SIGNED, CALLED), st.sampled_from([NOW - 61, NOW - 60, NOW])))
def test_what_a_text_leaves_out_changes_no_answer(earlier, facts):
    whole = ";".join(["", *(f"{fact};{time!r}" for fact, time in facts.items()), ""])
    for ask in (earlier.returned, earlier.released):
        assert ask(text_of(facts), {"customer": "a"}, NOW) == ask(whole, {"customer": "a"}, NOW)
