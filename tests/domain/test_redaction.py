"""Redaction: nothing secret stays, nothing given is changed, and hostile texts cost no more than others."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given, strategies as st

from litellm_bighub.domain.redaction import Redactor, hidden_texts, hidden_values, holds_mask, place_of
from litellm_bighub.errors import ConfigurationError

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("use sk-abcdefghijklmnop1234 now", "use [redacted] now", id="openai"),
        pytest.param("sk-proj-abc_def-ghijklmnop1234", "[redacted]", id="openai project"),
        pytest.param("bhk_0123456789abcdef", "[redacted]", id="bighub 0.2"),
        pytest.param("key=bh_live_0123456789", "key=[redacted]", id="bighub 3"),
        pytest.param("AKIAIOSFODNN7EXAMPLE", "[redacted]", id="aws"),
        pytest.param("ghp_0123456789abcdefghij0123", "[redacted]", id="github"),
        pytest.param("github_pat_0123456789abcdefghij_01", "[redacted]", id="github fine-grained"),
        pytest.param("xoxb-0123456789-abc", "[redacted]", id="slack"),
        pytest.param(f"Cookie: {JWT};", "Cookie: [redacted];", id="jwt"),
        pytest.param("Authorization: Bearer abcdefghijklmnopqrst", "Authorization: Bearer [redacted]", id="bearer"),
        pytest.param("postgres://bob:hunter2@db/x", "postgres://[redacted]@db/x", id="password in a url"),
        pytest.param(f"a {PEM} b", "a [redacted] b", id="private key"),
        pytest.param("a -----BEGIN PRIVATE KEY-----\nMIIE", "a [redacted]", id="private key without end"),
        pytest.param("export API_KEY=abc123 && run", "export API_KEY=[redacted] && run", id="shell variable"),
        pytest.param("login --password hunter2 -v", "login --password [redacted] -v", id="shell option"),
        pytest.param('{"password": "hunter2", "a": 1}', '{"password": "[redacted]", "a": 1}', id="json in a text"),
        pytest.param("card 4111 1111 1111 1111.", "card [redacted:card].", id="visa"),
        pytest.param("5500-0000-0000-0004", "[redacted:card]", id="mastercard"),
        pytest.param("378282246310005", "[redacted:card]", id="amex"),
        pytest.param("3782 822463 10005", "[redacted:card]", id="amex in groups"),
        pytest.param("2024 4111 1111 1111 1111", "2024 [redacted:card]", id="card behind a number"),
        pytest.param("4111 1111 1111 1112", "4111 1111 1111 1112", id="fails the check"),
        pytest.param("1732220000000", "1732220000000", id="milliseconds"),
        pytest.param("bob@example.com", "bob@example.com", id="emails stay"),
        pytest.param("tokens_used: 512", "tokens_used: 512", id="counted tokens stay"),
        pytest.param("task-0123456789abcdefghij", "task-0123456789abcdefghij", id="ends in sk-"),
    ],
)
def test_secrets_in_texts(text, expected):
    redactor = Redactor()
    assert redactor.text(text) == expected
    assert redactor.text(expected) == expected


@pytest.mark.parametrize(
    "key",
    ["password", "Password", "db_password", "apiKey", "API-KEY", "x-api-key", "apikey", "access_token", "token",
     "secret", "clientSecret", "Authorization", "card", "card_number", "cvv", "ssn", "IBAN", "userSSN", "private key"],
)  # fmt: skip
def test_a_telling_key_hides_its_value(key):
    assert Redactor().redact({key: "x"}) == {key: "[redacted]"}
    assert Redactor().redact({"a": [{key: {"deep": 1}}]}) == {"a": [{key: "[redacted]"}]}
    assert Redactor().redact({key: 123}) == {key: "[redacted]"}


@pytest.mark.parametrize(
    "key", ["tokens_used", "max_tokens", "discard", "author", "keyboard", "pinned", "company", "secretary", "key"]
)
def test_a_key_that_only_looks_alike_hides_nothing(key):
    assert Redactor().redact({key: "x"}) == {key: "x"}


def test_flags_and_nulls_under_telling_keys_are_no_secrets():
    assert Redactor().redact({"password": None, "token": True}) == {"password": None, "token": True}


def test_values_of_all_types():
    arguments = {"a": 1, "b": 1.5, "c": None, "d": [True, "x"], "e": {"f": 4111111111111111}}
    assert Redactor().redact(arguments) == {**arguments, "e": {"f": "[redacted:card]"}}


def test_secrets_in_keys_and_their_values_are_kept_apart():
    arguments = {"sk-abcdefghijklmnop1234": 1, "sk-zyxwvutsrqponmlk4321": 2}
    assert Redactor().redact(arguments) == {"[redacted]": 1, "[redacted] 2": 2}


def test_patterns_and_key_names_of_the_operator():
    redactor = Redactor([r"CUST-\d+"], ["internal_id"])
    assert redactor.redact({"internalId": 7, "note": "of CUST-12"}) == {
        "internalId": "[redacted]",
        "note": "of [redacted]",
    }
    assert redactor.text("CUST-1 CUST-2") == "[redacted] [redacted]"


@pytest.mark.parametrize("pattern", ["(", "a*", ""])
def test_a_pattern_that_cannot_be_used_stops_the_start(pattern):
    with pytest.raises(ConfigurationError) as raised:
        Redactor(["fine", pattern])
    assert raised.value.key == "redact[1]"


def test_what_is_nested_too_deep_is_hidden():
    arguments = {"a": "secret matter"}
    for _ in range(5_000):
        arguments = {"a": arguments}
    assert "secret matter" not in str(Redactor().redact(arguments))


@pytest.mark.parametrize(
    "piece",
    [
        *("sk-", "eyJ", "-eyJ", "eyJaaaaaaaa.", "eyJaaaaaaaa.-", "1", "1 ", "4111 ", "4111-1111-1111-111", "ghp_a-"),
        *("://", "://a:", "bearer ", "password", "password=", "password '", "token : ", "\\", " ", "gh", "A"),
        *("-----BEGIN ", "-----BEGIN PRIVATE KEY-----"),
    ],
)
def test_a_long_hostile_text_ends(piece):
    """Quadratic time would make these 300,000 characters take hours, and the suite's own limit end it."""
    text = piece * (300_000 // len(piece))
    assert isinstance(Redactor().text(text), str)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)


@given(st.dictionaries(st.text(), json_values))
def test_arguments_are_never_changed(arguments):
    before = copy.deepcopy(arguments)
    redacted = Redactor(["a+"]).redact(arguments)
    assert arguments == before
    assert len(redacted) == len(arguments)


@given(st.text(), st.text(alphabet="abcdefghijKLMNOP0123456789", min_size=16, max_size=40), st.text())
def test_a_key_between_any_words_goes(before, key, after):
    assert f"sk-{key}" not in Redactor().text(f"{before} sk-{key} {after.replace(key, '')}")


@pytest.mark.parametrize(
    ("arguments", "hidden"),
    [
        pytest.param({"a": 1, "b": ["x"]}, [], id="nothing"),
        pytest.param({"pay": {"iban": "DE02"}, "to": "x"}, ["DE02"], id="under a telling key"),
        pytest.param({"card": {"number": 4111, "of": ["ann", None, True]}}, ["4111", "ann"], id="a whole object"),
        pytest.param({"all": [{"pin": 12}, {"pin": "34"}]}, ["12", "34"], id="in a list"),
        pytest.param({"note": "password=hunter2 and more"}, [], id="a text keeps its other words"),
        pytest.param({"number": 4111111111111111}, ["4111111111111111"], id="a number"),
    ],
)
def test_what_is_hidden_as_a_whole_is_known(arguments, hidden):
    assert sorted(hidden_texts(arguments, Redactor().redact(arguments))) == sorted(hidden)


def test_a_copy_of_another_shape_hides_everything_that_it_lost():
    """A redaction of the user's own may drop what it hides."""
    assert sorted(hidden_texts({"a": {"b": "x", "c": 1}, "d": ["y"]}, {"a": {"b": "x"}, "d": []})) == ["1", "x", "y"]


def test_hidden_values_are_told_with_their_places():
    """A key that is secret itself stands there as it is shown, and a name that a path could be is quoted."""
    arguments = {
        "iban": "DE89",
        "payees": [{"a.b": {"pin": 1}}, {"note": "password=hunter2 and more"}],
        "sk-abcdefghijklmnop1234": {"token": "x"},
        "secret": {"deep": [1]},
    }
    found = {place_of(one.path): one.original for one in hidden_values(arguments, Redactor().redact(arguments))}
    assert found == {
        "iban": "DE89",
        'payees[0]."a.b".pin': 1,
        "payees[1].note": "password=hunter2 and more",
        '"[redacted]".token': "x",
        "secret": {"deep": [1]},
    }


_PATHS = st.lists(st.one_of(st.text(), st.integers(0, 9)), min_size=1, max_size=4).filter(
    lambda path: isinstance(path[0], str)
)


@given(one=_PATHS, other=_PATHS)
def test_no_two_paths_are_written_alike(one, other):
    assert (place_of(tuple(one)) == place_of(tuple(other))) == (one == other)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("to [redacted]", True),
        ("[redacted:card]", True),
        ({"a": [1, {"[redacted]": None}]}, True),
        ([{"a": ["x", "[redacted]"]}], True),
        ({"a": [1, None, True, "redacted"]}, False),
        (None, False),
    ],
)
def test_a_mask_is_found_wherever_it_stands(value, expected):
    assert holds_mask(value) is expected
