"""LiteLLM's own parameters for guardrails: each one of the installed release has a class, and acts by it."""

from __future__ import annotations

import inspect
import logging

import litellm
import pytest
from litellm.types.guardrails import LitellmParams

import litellm_bighub
from litellm_bighub.errors import ConfigurationError
from litellm_bighub.gateway.setup.litellm_parameters import (
    MEANINGLESS,
    REFUSED,
    WORKING,
    check_parameters,
    known_parameters,
)
from litellm_bighub.settings import GuardrailSettings, TextGuardrailSettings
from tests.gateway.guardrails_of_ours import BOTH, POLICY, built, registered

pytestmark = pytest.mark.filterwarnings("ignore:Items? .* on TypedDict class .* the `ReadOnly` qualifier")

CLASSES = {"working": WORKING, "meaningless": MEANINGLESS, **{each.because: each.names for each in REFUSED}}
NAMES_THAT_ARE_LITELLMS_TOO: dict[str, str] = {}
"""Settings of ours that are called as a parameter of LiteLLM's is, each with the reason. There is none."""

STREAM_SCOPES = [
    "non_streaming",
    "streaming",
    {"post_call": "non_streaming"},
    {"pre_call": "both", "post_call": "streaming"},
]
has_stream_scope = pytest.mark.skipif("stream_scope" not in LitellmParams.model_fields, reason="this LiteLLM has none")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "bighub_policy.yaml").write_text(POLICY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(litellm, "callbacks", [])
    yield tmp_path
    litellm_bighub.uninstall()


def other_than_default(name):
    """A value of the parameter's that nobody would write who wanted what LiteLLM hands over anyway."""
    harmless = [None, *next((each.harmless for each in REFUSED if name in each.names), ())]
    field = LitellmParams.model_fields.get(name)
    if field is not None and not field.is_required():
        harmless.append(field.get_default(call_default_factory=True))
    return next(value for value in (True, "x", 7) if value not in harmless)


def test_every_parameter_of_this_litellm_is_classified():
    unclassified = known_parameters() - frozenset().union(*CLASSES.values())

    assert not unclassified, "say in gateway/setup/litellm_parameters.py what each of them means to ours"


def test_no_parameter_has_two_meanings():
    names = [name for each in CLASSES.values() for name in each]

    assert sorted(set(names)) == sorted(names)


def test_our_own_names_are_none_of_litellms():
    arguments = {name for kind in BOTH for name in inspect.signature(kind.__init__).parameters} - WORKING - {"self"}
    ours = {*GuardrailSettings.model_fields, *TextGuardrailSettings.model_fields, *arguments}

    assert ours & known_parameters() == set(NAMES_THAT_ARE_LITELLMS_TOO)


@pytest.mark.parametrize("kind", BOTH)
def test_litellms_defaults_are_taken(folder, kind, caplog):
    registered(kind, folder)

    assert not [record for record in caplog.records if record.name.startswith("litellm_bighub")]


@pytest.mark.parametrize("name", sorted(known_parameters() & frozenset().union(*(each.names for each in REFUSED))))
@pytest.mark.parametrize("kind", BOTH)
def test_what_takes_something_away_stops_the_start(folder, kind, name):
    with pytest.raises(ConfigurationError) as wrong:
        built(kind, **{name: other_than_default(name)})

    assert wrong.value.key == f"ours.{name}"
    assert "\n" not in str(wrong.value)


@pytest.mark.parametrize("name", sorted(known_parameters() & MEANINGLESS))
def test_what_has_no_meaning_is_told_of(name, caplog):
    check_parameters("ours", {name: "of-another-vendor"})

    assert [record.getMessage() for record in caplog.records] == [f"guardrail ours: without meaning for it: {name}"]


IN_A_CONFIG = {
    "unreachable_fallback": "fail_open",
    "timeout": 3,
    "patterns": [{"pattern_type": "prebuilt", "pattern_name": "email", "action": "MASK"}],
    "skip_system_message_in_guardrail": True,
    "only_scan_new_messages": True,
    "run_in_parallel": True,
    "scan_raw_request": True,
    "default_action": "allow",
    "on_flagged_action": "block",
    "block_on_error": False,
    "rules": [{"id": "a", "tool_name": "x", "decision": "allow"}],
    "supported_event_hooks": ["during_call"],
}


@pytest.mark.parametrize("name", IN_A_CONFIG)
@pytest.mark.parametrize("kind", BOTH)
def test_litellms_registry_cannot_build_it(folder, kind, name):
    with pytest.raises(ConfigurationError, match=rf"^ours\.{name}: "):
        registered(kind, folder, **{name: IN_A_CONFIG[name]})


@has_stream_scope
@pytest.mark.parametrize("scope", STREAM_SCOPES, ids=str)
@pytest.mark.parametrize("kind", BOTH)
def test_a_stream_scope_stops_the_start(folder, kind, scope):
    """LiteLLM hands it over when the guardrail has been built."""
    with pytest.raises(ConfigurationError, match=r"^ours\.stream_scope: must be both"):
        registered(kind, folder, stream_scope=scope)
    assert litellm.callbacks == []


@has_stream_scope
@pytest.mark.parametrize("scope", ["both", {"post_call": "both"}, None], ids=str)
@pytest.mark.parametrize("kind", BOTH)
def test_a_stream_scope_of_everything_is_taken(folder, kind, scope):
    assert registered(kind, folder, stream_scope=scope).guardrail_name == "ours"


HARMLESS = [
    ("run_in_parallel", False),
    ("skip_system_message_in_guardrail", False),
    ("mask_response_content", False),
    ("patterns", []),
    ("unreachable_fallback", "fail_closed"),
    ("block_on_violation", True),
    ("timeout", None),
]


@pytest.mark.parametrize(("name", "value"), HARMLESS)
def test_what_changes_nothing_is_taken(folder, name, value):
    assert built(BOTH[0], **{name: value}).guardrail_name == "ours"


@pytest.mark.parametrize(("name", "value"), [("block_on_violation", False), ("block_on_error", False), ("timeout", 0)])
def test_off_is_not_harmless_where_it_opens_something(folder, name, value):
    with pytest.raises(ConfigurationError, match=name):
        built(BOTH[0], **{name: value})


@pytest.mark.parametrize("value", [True, False, 0, "", "x", [], {}], ids=repr)
def test_what_a_future_litellm_adds_is_refused(value):
    with pytest.raises(ConfigurationError, match=r"ours\.brand_new: is a parameter of this LiteLLM"):
        check_parameters("ours", {"brand_new": value})


def test_what_a_future_litellm_hands_over_by_default_is_taken(monkeypatch, caplog):
    """None here; other defaults are read from LiteLLM's model."""
    check_parameters("ours", {"brand_new": None, "unreachable_fallback": "fail_closed"})

    assert not caplog.records


@pytest.mark.parametrize("name", ["kwargs", "stream_scope_arg", "validation_error"])
def test_what_only_stands_in_litellms_code_is_no_parameter(folder, name):
    with pytest.raises(ConfigurationError, match=rf"^ours\.{name}: is no setting"):
        registered(BOTH[0], folder, **{name: 1})


def test_secrets_of_other_vendors_are_not_told(caplog):
    with caplog.at_level(logging.DEBUG):
        check_parameters("ours", {"akto_api_key": "canary-key"})

    assert "canary-key" not in caplog.text
