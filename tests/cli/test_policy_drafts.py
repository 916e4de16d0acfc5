"""`litellm-bighub policy schema` prints what editors read, and `suggest` a diff of the policy."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from litellm_bighub.cli.policy import app
from litellm_bighub.control_plane.decisions.embedded_decider import EmbeddedDecider
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.policy.authoring.policy_schema import cases_schema, policy_schema


@pytest.mark.parametrize(("options", "expected"), [([], policy_schema()), (["--cases"], cases_schema())])
def test_the_schema_is_printed(options, expected):
    ran = CliRunner().invoke(app, ["schema", *options])
    assert (ran.exit_code, json.loads(ran.stdout)) == (0, expected)


async def test_rules_are_suggested_out_of_the_record(tmp_path):
    policy = tmp_path / "p.yaml"
    policy.write_text("version: 1\nmode: shadow\n")
    url = f"sqlite:///{tmp_path / 'bighub.db'}"
    decider = EmbeddedDecider.from_policy_file(policy, database_url=url)
    for _ in range(2):
        await decider.decide(ToolCall("c", "function", "get", {"id": 1}), CallContext())
    await decider.decide(ToolCall("c", "function", "get_all", {"token": "x" * 30}), CallContext())
    await decider.aclose()

    ran = CliRunner().invoke(app, ["suggest", str(policy), "--database-url", url])
    assert ran.exit_code == 0, ran.output
    assert ran.stdout.startswith("--- p.yaml\n+++ p.yaml\n")
    assert "suggested rules: 1; different calls of the record that they are for: 1" in ran.stderr
    assert "left out: 1 (something is hidden in its arguments)" in ran.stderr
    told = json.loads(CliRunner().invoke(app, ["suggest", str(policy), "--database-url", url, "--json"]).stdout)
    assert (told["rules"], told["diff"]) == (1, ran.stdout)
