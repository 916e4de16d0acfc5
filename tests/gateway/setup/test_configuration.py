"""What can be wrong in a config, and that each of it stops the start with the key that is wrong."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from litellm.llms import load_guardrail_translation_mappings
from litellm.types.guardrails import LitellmParams
from litellm.types.utils import CallTypes

import litellm_bighub
from litellm_bighub import BighubGuardrail, OpenAIResponsesHandler
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Allow, Block
from litellm_bighub.errors import ConfigurationError
from litellm_bighub.gateway.setup.configuration import build_tool_decisions
from litellm_bighub.settings import GuardrailSettings
from litellm_bighub.testing import ScriptedDecider

pytestmark = pytest.mark.filterwarnings("ignore:Items? .* on TypedDict class .* the `ReadOnly` qualifier")

POLICY = "version: 1\ntools: {lookup: {value: n}}\nrules:\n  - {name: lookups, tool: lookup, effect: allow}\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "bighub_policy.yaml").write_text(POLICY)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    litellm_bighub.uninstall()


def as_litellm_does(**params) -> BighubGuardrail:
    """With all of LiteLLM's own parameters, as its registry builds a guardrail of a config."""
    defaults = LitellmParams(guardrail="litellm_bighub.BighubGuardrail", mode=["pre_call", "post_call"])
    others = defaults.model_dump(exclude={"guardrail", "mode", "default_on"}, exclude_none=True)
    given = {"guardrail_name": "bighub", "event_hook": ["pre_call", "post_call"], "default_on": True, **params}
    return BighubGuardrail(**{**others, **given})


def test_the_defaults_of_litellm_are_accepted(folder):
    assert as_litellm_does().settings.on_block == "replace"


@pytest.mark.parametrize(
    ("params", "key", "problem"),
    [
        pytest.param({"on_blok": "error"}, "bighub.on_blok", "did you mean on_block?", id="typo"),
        pytest.param({"nonsense": 1}, "bighub.nonsense", "is no setting", id="unknown key"),
        pytest.param(
            {"on_block": "explode"}, "bighub.on_block", "'replace', 'error' or 'continue'", id="unknown value"
        ),
        pytest.param({"fail_mode": True}, "bighub.fail_mode", "'closed' or 'open'", id="YAML 1.1's `on`"),
        pytest.param({"policy": "other.yaml"}, "other.yaml", "", id="missing policy"),
        pytest.param({"policy": "bad.yaml"}, "bad.yaml:3", "", id="bad policy"),
        pytest.param({"decider": "bighub"}, "service.api_key", "is missing", id="missing key"),
        pytest.param(
            {"decider": "bighub", "service": {"api_key": "os.environ/NOT_SET"}},
            "bighub.service.api_key",
            "NOT_SET, which is not set",
            id="missing variable",
        ),
        pytest.param({"service": {"deadline": 1}}, "bighub.service.deadline", "", id="nested typo"),
        pytest.param({"service": {"deadline_seconds": 0}}, "bighub.service.deadline_seconds", "", id="bounds"),
        pytest.param({"tools": {"pay": {"value": "a["}}}, "tools.pay.value", "is no JMESPath", id="expression"),
        pytest.param({"tools": {"lookup": {"value": "id"}}}, "tools.lookup.value", "both say it", id="a contradiction"),
        pytest.param({"redact": ["("]}, "redact[0]", "is no regular expression", id="pattern"),
        pytest.param({"on_decision": "no.such.function"}, "bighub.on_decision", "", id="hook module"),
        pytest.param({"on_decision": "os.path"}, "bighub.on_decision", "is no function", id="hook is no function"),
        pytest.param({"on_decision": "plain"}, "bighub.on_decision", "", id="hook without module"),
        pytest.param({"on_decision": "broken_hook.keep"}, "bighub.on_decision", "", id="hook module that raises"),
        pytest.param({"audit_file": "no/such/folder/a.jsonl"}, "audit_file", "cannot be written", id="audit file"),
        pytest.param({"event_hook": "pre_call"}, "bighub.mode", "post_call", id="mode without answers"),
        pytest.param(
            {"event_hook": ["pre_call", "during_call"]}, "bighub.mode", "post_call", id="modes without answers"
        ),
        pytest.param({"event_hook": "logging_only"}, "bighub.mode", "post_call", id="logging only"),
        pytest.param({"event_hook": "post_call"}, "bighub.mode", "lacks pre_call", id="mode without requests"),
        pytest.param({"event_hook": ["post_call"]}, "bighub.mode", "lacks pre_call", id="modes without requests"),
        pytest.param({"scan_raw_request": True}, "bighub.scan_raw_request", "must be off", id="raw requests"),
        pytest.param({"on_unapproved_result": "no"}, "bighub.on_unapproved_result", "'record'", id="results"),
        pytest.param(
            {"on_approval": "wait", "decider_instance": ScriptedDecider()},
            "bighub.on_approval",
            "cannot tell",
            id="cannot wait",
        ),
        pytest.param(
            {"client_approvals": True, "decider_instance": ScriptedDecider()},
            "bighub.client_approvals",
            "",
            id="no consent",
        ),
        pytest.param({"on_approval": "request", "event_hook": "post_call"}, "bighub.mode", "pre_call", id="unheard"),
        pytest.param({"approval_wait_seconds": 0}, "bighub.approval_wait_seconds", "", id="no time to wait"),
        pytest.param({"continue_rounds": 0}, "bighub.continue_rounds", "", id="no round"),
        pytest.param({"event_hook": ["pre_call", "pre_mcp_call"]}, "bighub.mode", "lacks post_call", id="MCP and half"),
        pytest.param({"event_hook": "post_mcp_call"}, "bighub.mode", "lacks pre_call", id="MCP when it is too late"),
        pytest.param({"ungoverned_routes": "open"}, "bighub.ungoverned_routes", "'refuse' or 'allow'", id="routes"),
        pytest.param({"run_in_parallel": True}, "bighub.run_in_parallel", "", id="parallel"),
    ],
)
def test_what_is_wrong_stops_the_start(folder, monkeypatch, params, key, problem):
    (folder / "bad.yaml").write_text("version: 1\nrules:\n  - {name: a, efect: allow}\n")
    (folder / "broken_hook.py").write_text("raise ValueError('boom')\n")
    monkeypatch.syspath_prepend(str(folder))
    with pytest.raises(ConfigurationError) as wrong:
        as_litellm_does(**params)

    assert isinstance(wrong.value, RuntimeError)  # LiteLLM would start without a guardrail that raises anything else
    assert wrong.value.key.endswith(key)
    assert problem in str(wrong.value)
    assert "\n" not in str(wrong.value)


@pytest.mark.parametrize(
    "mode",
    [["pre_call", "post_call"], ["post_call", "pre_call", "logging_only", "pre_mcp_call"], "pre_mcp_call", None],
    ids=str,
)
def test_modes_that_govern_models_or_mcp(folder, mode):
    assert as_litellm_does(event_hook=mode).event_hook == mode


def test_variables_are_resolved(folder, monkeypatch):
    monkeypatch.setenv("KEY_OF_BIGHUB", "bhk_secret_key")
    guardrail = as_litellm_does(decider="bighub", service={"api_key": "os.environ/KEY_OF_BIGHUB"})

    assert guardrail.settings.service.api_key.get_secret_value() == "bhk_secret_key"
    assert "bhk_secret_key" not in repr(vars(guardrail))


@pytest.mark.format("responses")
def test_the_handler_registers_on_its_own(folder):
    litellm_bighub.uninstall()
    as_litellm_does()
    mapping = load_guardrail_translation_mappings()

    assert mapping[CallTypes.responses] is mapping[CallTypes.aresponses] is OpenAIResponsesHandler


def test_a_subclass_has_every_hook_that_litellm_looks_for_in_the_leaf_class():
    class Mine(BighubGuardrail):
        pass

    class Twice(Mine):
        pass

    for hook in ("async_pre_call_hook", "async_post_call_streaming_iterator_hook", "async_post_call_success_hook"):
        assert hook in vars(Mine)
        assert hook in vars(Twice)
        assert getattr(Twice, hook) is getattr(BighubGuardrail, hook)


async def test_a_decider_of_ones_own_needs_no_policy(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    decider = ScriptedDecider()
    guardrail = BighubGuardrail(decider_instance=decider)
    await guardrail.tool_decisions.decide([ToolCall("c", "function", "pay")], CallContext())

    assert guardrail.guardrail_name == "BighubGuardrail"
    assert len(decider.asked) == 1
    litellm_bighub.uninstall()


async def test_more_keys_are_secret_where_the_settings_say_so(tmp_path):
    settings = GuardrailSettings(redact_keys=["order"], audit_file=tmp_path / "audit.jsonl")
    decisions = build_tool_decisions(settings, decider=ScriptedDecider())
    await decisions.decide([ToolCall("c", "function", "pay", {"order": 1, "password": "x", "n": 2})], CallContext())
    await decisions.aclose()
    [event] = (tmp_path / "audit.jsonl").read_text().splitlines()
    assert json.loads(event)["arguments"] == {"order": "[redacted]", "password": "[redacted]", "n": 2}


@pytest.mark.parametrize(
    ("mode", "default_on", "refused"),
    [
        pytest.param(["pre_call", "post_call"], True, True, id="the same twice"),
        pytest.param(["pre_call", "post_call"], False, False, id="the second by request"),
        pytest.param("pre_mcp_call", True, False, id="the second for MCP alone"),
        pytest.param(None, True, True, id="the second on every event"),
    ],
)
def test_each_call_is_decided_on_once(folder, monkeypatch, mode, default_on, refused):
    monkeypatch.setattr("litellm.callbacks", [as_litellm_does()])
    second = {"guardrail_name": "again", "event_hook": mode, "default_on": default_on}

    if not refused:
        assert as_litellm_does(**second).guardrail_name == "again"
        return
    with pytest.raises(ConfigurationError, match=r"again\.default_on: bighub is on by default too"):
        as_litellm_does(**second)


def test_a_guardrail_may_be_built_anew(folder, monkeypatch):
    monkeypatch.setattr("litellm.callbacks", [as_litellm_does()])

    assert as_litellm_does().guardrail_name == "bighub"


async def test_the_guardrails_tools_and_the_policys_are_merged_by_field(folder):
    (folder / "bighub_policy.yaml").write_text(
        "version: 1\ntools: {'pay_*': {value: amount}}\nrules: [{name: small, domain: billing, max_value: 5}]\n"
    )
    decisions = build_tool_decisions(GuardrailSettings(tools={"*": {"domain": "billing"}}))
    try:
        call = ToolCall("c", "function", "pay_bill", {"amount": 4})
        [decision] = await decisions.decide([call], CallContext())
        assert isinstance(decision, Allow)
        [decision] = await decisions.decide([replace(call, arguments={"amount": 6})], CallContext())
        assert isinstance(decision, Block)
    finally:
        await decisions.aclose()
