"""What the README shows is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from litellm_bighub import testing
from litellm_bighub.control_plane.policy.file import parse_policy
from litellm_bighub.demo.promises import PROMISES
from litellm_bighub.settings import GuardrailSettings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
LITELLMS = {"guardrail", "mode", "default_on"}


def _blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_two_commands_come_first_and_exist():
    makefile = (ROOT / "Makefile").read_text()
    commands = re.findall(r"^make (\w+)", _blocks("sh")[0], re.MULTILINE)

    assert commands == ["demo", "test"]
    assert all(f"\n{command}:" in makefile for command in commands)


def test_the_demos_promises_are_those_that_it_keeps():
    table = re.findall(r"^\| ([^|]+) \|", README, re.MULTILINE)

    assert table[1:] == [promise.title for promise in PROMISES]


def test_the_policy_can_be_read():
    policy = next(block for block in _blocks("yaml") if "rules:" in block)

    assert parse_policy(policy, "README.md").rules


def test_the_guardrails_settings_exist():
    config = yaml.safe_load(next(block for block in _blocks("yaml") if "guardrails:" in block))
    settings = config["guardrails"][0]["litellm_params"]

    GuardrailSettings(**{key: value for key, value in settings.items() if key not in LITELLMS})


@pytest.mark.parametrize("block", _blocks("python"))
def test_what_python_imports_from_us_exists(block):
    compile(block, "README.md", "exec")
    (names,) = re.findall(r"from litellm_bighub.testing import (.+)", block)

    assert set(names.split(", ")) <= set(testing.__all__)


def test_all_public_names_of_testing_exist_and_are_sorted():
    assert sorted(testing.__all__) == testing.__all__
    assert all(hasattr(testing, name) for name in testing.__all__)
