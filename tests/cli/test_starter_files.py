"""What `init` writes is what gateway, policy and shell read."""

from __future__ import annotations

import itertools
import re
import subprocess
from typing import get_args

import pytest
import yaml
from hypothesis import given, settings, strategies as st

from litellm_bighub.cli import starter_files
from litellm_bighub.cli.starter_files import ApprovalChoice, DeciderChoice, Pack, StarterChoices
from litellm_bighub.policy.policy_file import parse_policy
from litellm_bighub.settings import GuardrailSettings, OnApproval, TextGuardrailSettings

LITELLMS = {"guardrail", "mode", "default_on"}
WORDS = st.from_regex(r"[!-~]{1,20}", fullmatch=True)


def _setup(
    model="openai/gpt-4.1", api_base="", database_url="", decider=DeciderChoice.EMBEDDED, approval=ApprovalChoice.WAIT
):
    return StarterChoices(model, api_base, database_url, decider, approval, Pack.ASK)


def _ours(text, class_name):
    (found,) = [
        entry["litellm_params"]
        for entry in yaml.safe_load(text)["guardrails"]
        if entry["litellm_params"]["guardrail"] == f"litellm_bighub.{class_name}"
    ]
    return {key: value for key, value in found.items() if key not in LITELLMS}


def test_every_way_to_treat_approvals_and_every_decider_can_be_chosen():
    deciders = GuardrailSettings.model_fields["decider"].annotation

    assert {each.value for each in ApprovalChoice} == set(get_args(OnApproval))
    assert {each.value for each in DeciderChoice} == set(get_args(deciders))


@pytest.mark.parametrize(
    ("decider", "approval", "database_url"),
    list(itertools.product(DeciderChoice, ApprovalChoice, ["", "postgresql://db/bighub"])),
)
def test_every_choice_makes_a_config_that_the_gateway_takes(decider, approval, database_url):
    written = starter_files.config(_setup(decider=decider, approval=approval, database_url=database_url))

    read = GuardrailSettings(**_ours(written, "BighubGuardrail"))

    TextGuardrailSettings(**_ours(written, "TextGuardrail"))
    assert (read.decider, read.on_approval) == (decider.value, approval.value)
    assert (read.database_url is not None) == bool(database_url)


@pytest.mark.parametrize(("pack", "default"), [(Pack.ASK, "require_approval"), (Pack.STRICT, "block")])
def test_a_starting_policy_can_be_read_with_all_its_examples(pack, default):
    text = starter_files.policy(pack)
    with_examples = re.sub(r"^( *)# (tools:|  refund_payment:|- name:|  \w+:)", r"\1\2", text, flags=re.MULTILINE)

    assert parse_policy(text, "p").default == default
    assert len(parse_policy(with_examples, "p").rules) == len(parse_policy(text, "p").rules) + 1


@given(provider=st.from_regex(r"[a-z][a-z0-9_-]{0,9}", fullmatch=True), model=WORDS, api_base=WORDS)
def test_what_was_chosen_stands_in_the_config_as_it_was_given(provider, model, api_base):
    read = yaml.safe_load(starter_files.config(_setup(f"{provider}/{model}", api_base)))

    (entry,) = read["model_list"]
    assert entry["model_name"] == model
    assert entry["litellm_params"]["model"] == f"{provider}/{model}"
    assert entry["litellm_params"]["api_base"] == api_base


@settings(max_examples=10)
@given(key=st.from_regex(r"[!-~]{1,20}", fullmatch=True).filter(lambda text: not set(text) & set("'\"\\")))
def test_a_shell_reads_the_keys_as_they_were_given(key):
    url = f"postgresql://u:{key}@db/bighub?sslmode=require&connect_timeout=3"
    written = starter_files.keys(_setup(database_url=url), "sk-m", key)
    script = f'set -a\n{written}\nprintf "%s\\n" "$LITELLM_MASTER_KEY" "$OPENAI_API_KEY" "$LITELLM_BIGHUB_DATABASE_URL"'

    read = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout

    assert read.splitlines() == ["sk-m", key, url]
