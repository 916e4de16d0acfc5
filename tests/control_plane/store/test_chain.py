"""An event's digest is the same when it is written and when somebody checks it."""

from __future__ import annotations

from hypothesis import given, strategies as st

from litellm_bighub.control_plane.store.chain import AuditEvent, check, digest, link

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(
    body=st.dictionaries(st.text(), VALUES, max_size=4),
    names=st.tuples(*[st.text()] * 5),
    time=st.floats(0, 2e9) | st.integers(0, 2**31),
)
def test_what_is_written_is_what_is_checked(body, names, time):
    first = link(AuditEvent(time, names[0], names[1], body, actor=names[2], domain=names[3], tool=names[4]), 1, "")
    second = link(AuditEvent(time, "x", names[1], body), 2, first["digest"])
    assert (first["digest"], second["digest"]) == (digest(first), digest(second))
    assert check([first, second], seq=0, previous="") == (2, second["digest"])
