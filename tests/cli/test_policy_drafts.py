"""`litellm-bighub policy schema` prints what editors read, and `suggest` a diff of the policy."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from litellm_bighub.cli.keys import app as keys
from litellm_bighub.cli.policy import app
from litellm_bighub.control_plane.decisions.embedded_decider import EmbeddedDecider
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.policy.authoring.policy_schema import cases_schema, policy_schema
from tests.control_plane.test_serve import agents_key, client, key_in, serving


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


def test_what_two_people_approved_at_a_running_server_is_suggested(tmp_path):
    policy = tmp_path / "bighub_policy.yaml"
    policy.write_text("version: 1\nrules:\n  - {name: two, tool: deploy, effect: require_approval, four_eyes: true}\n")
    ask, made = {"action": "deploy", "actor": "a", "context": {"to": "staging"}}, f"sqlite:///{tmp_path / 'bighub.db'}"
    with serving(policy) as (url, printed), client(url, key_in(printed)) as ann:
        created = CliRunner().invoke(keys, ["create", "bob", "--scope", "approvals:resolve", "--policy", str(policy)])
        with client(url, agents_key(ann)) as agent, client(url, key_in(created.stdout)) as bob:
            waits = agent.post("/actions/evaluate", json=ask).json()["request_id"]
            for person, state in ((ann, "awaiting_second"), (bob, "approved")):
                said = person.post(f"/approvals/{waits}/resolve", json={"resolution": "approved"})
                assert said.json()["status"] == state
                suggested = CliRunner().invoke(app, ["suggest", str(policy), "--least", "1", "--database-url", made])
                assert ("suggested rules: 1" in suggested.stderr) is (state == "approved"), suggested.output
