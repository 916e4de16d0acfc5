"""Recipients are plain addresses; whatever else is written there is not understood, and may still be blocked."""

from __future__ import annotations

from email.utils import getaddresses

import pytest
from hypothesis import given, strategies as st

from litellm_bighub.policy.parts.part import WHOLE_CALL
from litellm_bighub.policy.parts.recipient import MAX_LENGTH, Recipient, RecipientPattern, read_recipients


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("bob@example.com", ["bob@example.com"]),
        ("Bob Example <bob@EXAMPLE.com>", ["bob@example.com"]),
        ('"Example, Bob" <bob@example.com>', ["bob@example.com"]),
        ("<bob@example.com>", ["bob@example.com"]),
        ("a@example.com, b@example.org; c@x.de", ["a@example.com", "b@example.org", "c@x.de"]),
        ("a@bücher.de", ["a@xn--bcher-kva.de"]),
    ],
)
def test_addresses_of_a_text(text, shown):
    assert [part.shown for part in read_recipients(text)] == shown


@pytest.mark.parametrize(
    "text",
    [
        *("", "bob", "@example.com", "bob@", "bob@localhost", "bob@[127.0.0.1]", "bob@127.0.0.1", "a@b@example.com"),
        *('"a b"@example.com', "bob@example.com\nBcc: eve@evil.com", "a@example.com (x)", "a@example.com,", ".a@b.c"),
        *("a.@b.c", "a..b@c.d", "eve@evil.com <bob@example.com>", "bob@exa mple.com", "é@example.com", "a\0b@c.de"),
        *("Group: a@example.com;", "a@example.com <b@c.de> x", "<<a@b.c>>", "a@b.c\r", '"x\\" <a@b.c>" <d@e.f>'),
    ],
)
def test_what_is_no_plain_address_is_not_understood(text):
    assert [part.kind for part in read_recipients(text) if not part.restricts_only] == ["unknown"]


def test_a_text_that_is_too_long_is_not_understood():
    assert [part.kind for part in read_recipients("a@b.c," * MAX_LENGTH)] == ["unknown"]


def test_addresses_in_a_text_that_is_not_understood_can_be_blocked():
    guessed = [part for part in read_recipients("x (eve@evil.com) y@..") if isinstance(part, Recipient)]
    assert [RecipientPattern("*@evil.com").fits(part, allows=False) for part in guessed] == [True, False]
    assert not any(RecipientPattern("*@evil.com").fits(part, allows=True) for part in guessed)


@pytest.mark.parametrize(
    ("pattern", "address", "allowed", "blocked"),
    [
        ("*@example.com", "bob@example.com", True, True),
        ("*@example.com", "bob@evil-example.com", False, False),
        ("*@example.com", "bob@sub.example.com", False, False),
        ("*@*.example.com", "bob@sub.example.com", True, True),
        ("bob@example.com", "BOB@example.com", False, True),
        ("bob@example.com", "bob+x@example.com", False, True),
        ("ops-*@example.com", "ops-1@example.com", True, True),
        ("*@strasse.de", "a@straße.de", False, True),
        ("a@BÜCHER.de", "a@xn--bcher-kva.de", True, True),
    ],
)
def test_allowing_needs_all_and_blocking_one(pattern, address, allowed, blocked):
    [part] = read_recipients(address)
    fits = RecipientPattern(pattern).fits
    assert (fits(part, allows=True), fits(part, allows=False)) == (allowed, blocked)
    assert not fits(WHOLE_CALL, allows=False)


@pytest.mark.parametrize("pattern", ["bob", "@x.de", "a@", "a b@x.de", "a@b@c", "a@straße.de", ""])
def test_what_is_no_pattern_is_refused(pattern):
    with pytest.raises(ValueError, match=r"pattern|clear domain"):
        RecipientPattern(pattern)


@given(
    st.text('ab@.<>,;:"\\() \n+%!é', max_size=25)
    | st.lists(
        st.sampled_from(["a@example.com", "eve@evil.com", ",", "<", ">", '"', " ", "(", ")", "\n", ";", ":", "Bob"]),
        max_size=7,
    ).map("".join)
)
def test_no_program_sends_elsewhere(text):
    parts = read_recipients(text)
    if any(not isinstance(part, Recipient) for part in parts):
        return
    known = {part.shown for part in parts}
    by_commas = [address for _, address in getaddresses([text.replace(";", ",")]) if address]
    assert {address.rpartition("@")[0] + "@" + address.rpartition("@")[2].lower() for address in by_commas} <= known
