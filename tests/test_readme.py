"""What README and the pages of the guide show is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from litellm.integrations.custom_guardrail import CustomGuardrail

import litellm_bighub
from litellm_bighub import testing
from litellm_bighub.demo.promises import PROMISES
from litellm_bighub.policy.policy_file import parse_policy
from litellm_bighub.settings import GuardrailSettings, ServiceSettings
from litellm_bighub.testing import function_call, text

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
GUIDE = "\n".join(page.read_text() for page in sorted((ROOT / "docs/guide").glob("*.md")))
LITELLMS = {"guardrail", "mode", "default_on"}


def _blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", f"{README}\n{GUIDE}", re.DOTALL)


def test_the_two_commands_come_first_and_exist():
    makefile = (ROOT / "Makefile").read_text()
    commands = re.findall(r"^make (\w+)", _blocks("sh")[0], re.MULTILINE)

    assert commands == ["demo", "test"]
    assert all(f"\n{command}:" in makefile for command in commands)


def test_the_demos_promises_are_those_that_it_keeps():
    table = GUIDE[GUIDE.index("| promise |") : GUIDE.index("Of each stream")]

    assert re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)[1:] == [promise.title for promise in PROMISES]


def test_the_policy_can_be_read():
    policy = next(block for block in _blocks("yaml") if "rules:" in block)

    assert parse_policy(policy, "README.md").rules


def test_the_guardrails_settings_exist():
    config = yaml.safe_load(next(block for block in _blocks("yaml") if "guardrails:" in block))
    settings = config["guardrails"][0]["litellm_params"]

    GuardrailSettings(**{key: value for key, value in settings.items() if key not in LITELLMS})


def _block(with_text):
    (block,) = [block for block in _blocks("python") if with_text in block]
    return compile(block, "README.md", "exec")


@pytest.fixture
def in_a_users_folder(tmp_path, monkeypatch, upstream):
    """A working directory with the README's policy, and a model behind OpenAI's environment variables."""
    (tmp_path / "bighub_policy.yaml").write_text(next(block for block in _blocks("yaml") if "rules:" in block))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_BASE_URL", upstream.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-no-key-is-needed")
    return upstream


@pytest.fixture
def uninstalled():
    yield
    litellm_bighub.uninstall()


@pytest.mark.format("responses")
def test_the_call_in_code_is_governed(in_a_users_folder, capsys):
    in_a_users_folder.script("customer", [text("Deleting 4711."), function_call("delete_customer", {"id": "4711"})])

    exec(_block("await aresponses("), {"__name__": "readme"})

    assert in_a_users_folder.requests[0].prompt == "Delete customer [hidden]"
    assert capsys.readouterr().out.splitlines() == [
        "message Deleting [hidden].",
        'message The tool call "delete_customer" was blocked by policy and has not been run.',
    ]


def test_the_agent_waits_for_a_person(in_a_users_folder, capsys):
    refund = function_call("refund_payment", {"order_id": "A-17", "amount": 900})
    in_a_users_folder.script("gpt-4.1", [refund], [text("A person has to approve that.")])

    exec(_block("GuardedOpenAI("), {"__name__": "readme"})

    assert capsys.readouterr().out.splitlines() == [
        "refund_payment approval_required",
        "A person has to approve that.",
    ]


@pytest.mark.format("responses")
def test_the_handler_is_registered_as_shown(uninstalled):
    exec(_block("get_guardrail_translation_mapping"), {})


@pytest.mark.format("responses")
async def test_the_subclass_does_what_its_docstring_says(uninstalled):
    names = {}
    exec(_block("class TrustsDevelopers"), names)
    seen = []

    class Recording(CustomGuardrail):
        async def apply_guardrail(self, text):
            seen.append(text)
            return text

    items = [{"role": "developer", "content": "ours"}, {"role": "user", "content": "theirs"}]
    await names["TrustsDevelopers"]().process_input_messages({"input": items}, Recording())

    assert seen == ["theirs"]


@pytest.mark.format("responses")
async def test_a_decider_of_ones_own_decides():
    names = {}
    exec(_block("class OfficeHours:"), names)
    guardrail = names["OfficeHoursGuardrail"](guardrail_name="office")
    call = {"type": "function_call", "call_id": "call_1", "name": "pay", "arguments": "{}"}
    response = {"id": "resp_1", "output": [call, {**call, "name": "lookup_order"}]}

    await guardrail.pipeline.answer(guardrail.request({}), response)

    assert [item["type"] for item in response["output"]] == ["message", "function_call"]


def test_what_python_imports_from_testing_exists():
    imports = re.findall(r"from litellm_bighub.testing import (.+)", "".join(_blocks("python")))

    assert len(imports) == 4
    assert {name for names in imports for name in names.split(", ")} <= set(testing.__all__)


def test_the_fakes_of_deciders_are_made_as_shown():
    names = {}

    exec(_block("ScriptedDecider("), names)

    assert names["decider"].answers == {"delete_customer": litellm_bighub.Block("not today")}
    assert set(names["service"]) <= set(ServiceSettings.model_fields)


def test_every_setting_is_told():
    told = set(re.findall(r"`(\w+)`", "".join(line for line in GUIDE.splitlines() if line.startswith("| `"))))

    assert set(GuardrailSettings.model_fields) - {"service"} <= told


def test_all_public_names_of_testing_exist_and_are_sorted():
    assert sorted(testing.__all__) == testing.__all__
    assert all(hasattr(testing, name) for name in testing.__all__)
