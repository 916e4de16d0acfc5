"""Which modes of a guardrail stop the start, and what is told of one that leaves a part unchecked or that is off."""

from __future__ import annotations

import itertools

import litellm
import pytest
from litellm.types.guardrails import GuardrailEventHooks, Mode

import litellm_bighub
from litellm_bighub import BighubGuardrail, TextGuardrail
from litellm_bighub.errors import ConfigurationError
from tests.gateway.guardrails_of_ours import BOTH, POLICY, built, registered

pytestmark = pytest.mark.filterwarnings("ignore:Items? .* on TypedDict class .* the `ReadOnly` qualifier")

EVENTS = [event.value for event in GuardrailEventHooks]
CHECKED = {"pre_call", "post_call", "pre_mcp_call", "post_mcp_call"}
MODES = [list(mode) for size in (1, 2, 3) for mode in itertools.combinations(EVENTS, size)]
TAGGED = [
    {"tags": {"a": "pre_call"}},
    {"tags": {}, "default": ["pre_call", "post_call"]},
    {"tags": {"a": ["pre_call", "post_call"]}, "default": ["pre_call", "post_call"]},
]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    (tmp_path / "bighub_policy.yaml").write_text(POLICY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(litellm, "callbacks", [])
    yield tmp_path
    litellm_bighub.uninstall()


def told(caplog):
    return [record.getMessage() for record in caplog.records if record.name.startswith("litellm_bighub")]


@pytest.mark.parametrize("mode", [*MODES, []], ids=",".join)
def test_texts_are_checked_or_the_start_stops(mode, caplog):
    if not CHECKED & set(mode):
        with pytest.raises(ConfigurationError, match=r"^ours\.mode: lacks pre_call and post_call, so no text"):
            built(TextGuardrail, event_hook=mode)
        return
    built(TextGuardrail, event_hook=mode)
    halves = [half for half in ({"pre_call", "post_call"}, {"pre_mcp_call", "post_mcp_call"}) if half & set(mode)]
    lacking = sorted(event for half in halves for event in half - set(mode))

    assert sorted(line.split("mode lacks ")[1].split(":")[0] for line in told(caplog)) == lacking


@pytest.mark.parametrize("mode", MODES, ids=",".join)
def test_calls_are_governed_whole_or_the_start_stops(mode):
    models, mcp = {"pre_call", "post_call"} & set(mode), "pre_mcp_call" in mode
    if len(models) == 2 or (mcp and not models):
        assert built(BighubGuardrail, event_hook=mode).event_hook == mode
        return
    with pytest.raises(ConfigurationError, match=r"^ours\.mode: lacks "):
        built(BighubGuardrail, event_hook=mode)


@pytest.mark.parametrize("mode", TAGGED, ids=str)
@pytest.mark.parametrize("kind", BOTH)
def test_tags_stop_the_start(folder, kind, mode):
    with pytest.raises(ConfigurationError, match=r"^ours\.mode: has tags, by which a request would choose"):
        registered(kind, folder, mode=mode)
    with pytest.raises(ConfigurationError, match=r"^ours\.mode: has tags"):
        built(kind, event_hook=Mode(**mode))


@pytest.mark.parametrize("mode", ["pre_cal", "", "PRE_CALL"], ids=repr)
@pytest.mark.parametrize("kind", BOTH)
def test_what_is_no_event_stops_the_start(kind, mode):
    with pytest.raises(ConfigurationError, match=rf"^ours\.mode: {mode} is no event"):
        built(kind, event_hook=["pre_call", "post_call", mode])


@pytest.mark.parametrize("default_on", [True, False, None])
@pytest.mark.parametrize("kind", BOTH)
def test_in_code_default_on_is_nobodys_duty(kind, default_on, caplog):
    """What the proxy's log says of it, tests/gateway/setup/test_proxy_opt_outs.py looks at."""
    built(kind, default_on=default_on)

    assert not told(caplog)
