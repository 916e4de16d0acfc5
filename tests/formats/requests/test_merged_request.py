"""What LiteLLM lays over a request after its hooks have run: merged before anybody looks, or refused by its name."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given, strategies as st

from litellm_bighub.errors import PayloadError
from litellm_bighub.formats.registry import format_named, texts_of
from litellm_bighub.formats.requests.merged_request import CONVERSATIONS, check_conversation, merge

OTHER_FIELDS = st.sampled_from(
    ["conversation", "foo", "temperature", "tools", "extra_body", "seed", "text", "metadata"]
)
VALUES = st.recursive(
    st.text() | st.integers() | st.booleans(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


def laid_over(request):
    """The body as LiteLLM makes it of a request: openai's and its own merge are as shallow as this."""
    body = {key: value for key, value in request.items() if key != "extra_body"}
    return {**body, **(request.get("extra_body") or {})}


def refused(request, own="input", *, moves=True):
    with pytest.raises(PayloadError) as raised:
        merge(request, own, moves=moves)
    return raised.value.path


@pytest.mark.parametrize("own", ["input", "messages"])
@given(
    request=st.dictionaries(OTHER_FIELDS.filter(lambda key: key != "extra_body"), VALUES),
    extra=st.dictionaries(OTHER_FIELDS, VALUES),
    conversation=VALUES,
    stream=st.booleans(),
)
def test_the_provider_gets_the_same_body(own, request, extra, conversation, stream):
    """What carries the conversation stands where it is looked at, and nothing that the caller gave is written to."""
    data = {**request, own: "harmless", "extra_body": {**extra, own: conversation, "stream": stream}}
    before = copy.deepcopy(data)
    expected = laid_over(data)
    given_extra = data["extra_body"]
    merge(data, own, moves=True)
    assert laid_over(data) == expected
    assert (data[own], data["stream"]) == (conversation, stream)
    assert given_extra == before["extra_body"]
    assert {own, "stream"}.isdisjoint(data.get("extra_body", {}))


@pytest.mark.parametrize("field", sorted(CONVERSATIONS))
@pytest.mark.parametrize("own", ["input", "messages"])
def test_a_conversation_of_another_api(own, field):
    """LiteLLM may answer a request in another API than the caller's, and lays `extra_body` over that."""
    if field != own:
        assert refused({"model": "m", own: "hi", "extra_body": {field: "x"}}, own) == f"extra_body.{field}"
        with pytest.raises(PayloadError, match=field):
            check_conversation({own: "hi", field: "x"}, own)
    assert refused({"model": "m", own: "hi", "extra_body": {field: "x"}}, own, moves=False) == f"extra_body.{field}"


@pytest.mark.parametrize(
    ("extra", "path"),
    [
        pytest.param([["input", "x"]], "extra_body", id="pairs, of which Python makes a dict"),
        pytest.param('{"input": "x"}', "extra_body", id="a text"),
        pytest.param({"model": "other"}, "extra_body.model", id="another model than the one that was authorized"),
        pytest.param({"previous_response_id": "resp_1"}, "extra_body.previous_response_id", id="past LiteLLM's check"),
        pytest.param({"stream": "true"}, "extra_body.stream", id="a text for a truth"),
    ],
)
def test_what_nobody_could_decide_by(extra, path):
    assert refused({"model": "m", "input": "hi", "extra_body": extra}) == path


@pytest.mark.parametrize("extra", [None, {}, {"model": "m"}, {"foo": 1}])
def test_what_changes_nothing(extra):
    request = {"model": "m", "input": "hi", "extra_body": extra}
    merge(request, "input", moves=True)
    assert request == {"model": "m", "input": "hi", "extra_body": extra}


def test_a_stream_where_nothing_is_moved():
    assert refused({"messages": [], "extra_body": {"stream": True}}, "messages", moves=False) == "extra_body.stream"


@pytest.mark.parametrize("field", ["fallbacks", "context_window_fallbacks", "content_policy_fallbacks"])
@pytest.mark.parametrize(
    ("target", "path"),
    [
        pytest.param([{"model": "b", "input": "x"}], "[0].input", id="another input"),
        pytest.param([{"model": "b", "messages": [{"role": "user"}]}], "[0].messages", id="other messages"),
        pytest.param([{"input": ["x"]}], "[0].input", id="an input without a model"),
        pytest.param([{"model": "b", "tools": []}], "[0].tools", id="other tools"),
        pytest.param([{"model": "b", "extra_body": {}}], "[0].extra_body", id="what is merged"),
        pytest.param([{"model": "b", "foo": "x"}], "[0].foo", id="a text under any name"),
        pytest.param([{"a": [{"model": "b", "instructions": "x"}]}], "[0].a[0].instructions", id="in a table"),
        pytest.param(
            [{"model": "b", "fallbacks": [{"model": "c", "user": "x"}]}], "[0].fallbacks[0].user", id="nested"
        ),
    ],
)
def test_a_fallback_with_words_of_its_own(field, target, path):
    assert refused({"input": "hi", field: target}) == field + path
    assert (
        refused({"input": "hi", "router_settings_override": {field: target}})
        == f"router_settings_override.{field}{path}"
    )


@pytest.mark.parametrize(
    "fallbacks",
    [
        ["b"],
        [{"a": ["b", "c"]}],
        [{"model": "b", "temperature": 1, "max_tokens": None}],
        [{"model": "b", "api_base": "x"}],
        None,
        [],
    ],
)
def test_a_fallback_to_another_model(fallbacks):
    merge({"input": "hi", "fallbacks": fallbacks}, "input", moves=True)


def test_fallbacks_without_end():
    target: list = []
    for _ in range(100):
        target = [target]
    assert refused({"input": "hi", "fallbacks": target}).startswith("fallbacks[0]")


@pytest.mark.format("responses")
@pytest.mark.parametrize("field", ["extra_body", "extra_headers", "extra_query", "headers", "safety_identifier", "any"])
@given(before=st.lists(st.sampled_from(["a", 0, 1]), max_size=4))
def test_texts_that_are_sent_along(field, before):
    """Wherever a text stands in a field of which LiteLLM sends on what it does not know."""
    value: object = "secret"
    for step in before:
        value = {"a": value} if step == "a" else [*[1] * step, value]
    data = {"model": "m", "input": "hi", field: value}
    texts = texts_of(format_named("responses"))
    assert texts.lone_in_request(data) is None
    found = texts.in_request(data)
    assert found.texts[:2] == ["hi", "secret"]
    assert set(found.texts[2:]) <= {"a"}  # what a caller calls a field is a text of the caller's
    assert found.slots[1].path.startswith(field)


@pytest.mark.format("responses")
def test_what_no_provider_gets():
    data = {"model": "m", "input": "hi", "litellm_call_id": "an id"}
    texts = texts_of(format_named("responses"))
    assert texts.in_request(data, unsent={"litellm_call_id"}).texts == ["hi"]
    assert texts.lone_in_request(data, unsent={"litellm_call_id"}) is not None
