"""Rules of a key in a file, as they are tried before LiteLLM gets them."""

from __future__ import annotations

import json

import pytest

from litellm_bighub.errors import ConfigurationError
from litellm_bighub.policy.callers.caller_rules_file import load_caller_rules, undescribed_tools
from litellm_bighub.policy.policy_text import PolicyText, build

RULES = [{"name": "no rm", "command": ["rm *"], "effect": "block", "expires_at": "2030-01-01T00:00:00Z"}]
POLICY = build(PolicyText.model_validate({"version": 1, "tools": {"read_mail": {"output": "untrusted"}}}))


@pytest.mark.parametrize(
    "content",
    [RULES, {"bighub": RULES}, {"key_alias": "billing", "metadata": {"bighub": RULES, "tags": ["a"]}}],
    ids=["the list", "metadata", "a request's body"],
)
def test_a_list_is_found_in_what_holds_it(tmp_path, content):
    (tmp_path / "key.json").write_text(json.dumps(content))
    text, rules = load_caller_rules(tmp_path / "key.json", POLICY)

    assert list(rules.texts) == ["key/no rm"]
    assert json.loads(text)["key"][0]["expires_at"] == "2030-01-01T00:00:00Z"


def test_yaml_is_read_like_json(tmp_path):
    path = tmp_path / "rules.yaml"
    path.write_text("- {name: no rm, command: ['rm *'], effect: block, expires_at: 2030-01-01T00:00:00Z}\n")
    assert list(load_caller_rules(path, POLICY)[1].texts) == ["key/no rm"]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param(
            "- {name: a, effect: block}\n- name: b\n  effect: allow\n",
            "rules.yaml:2: [1]: a rule of a key or team allows nothing: say `effect: block` or"
            " `effect: require_approval`",
            id="allows",
        ),
        pytest.param(
            "metadata:\n  bighub:\n  - {name: a, effect: block}\n  - name: b\n    efect: block\n",
            "rules.yaml:5: [1].efect: Extra inputs are not permitted",
            id="deep inside",
        ),
        pytest.param(
            "- name: a\n  effect: block\n  taint: untrustd\n",
            "rules.yaml:3: [0].taint: no tool has `output: untrustd`; did you mean untrusted?",
            id="a label that no tool has",
        ),
        pytest.param("rules: []\n", "rules.yaml:1: Input should be a valid list", id="no list"),
        pytest.param(
            f"- {{name: a, effect: block, metadata: {{a: {'x' * 30_000}}}}}\n",
            "rules.yaml: they have more than 20000 characters",
            id="too long",
        ),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path, written, expected):
    (tmp_path / "rules.yaml").write_text(written)
    with pytest.raises(ConfigurationError) as refused:
        load_caller_rules(tmp_path / "rules.yaml", POLICY)
    assert str(refused.value) == expected


def test_a_label_of_the_policy_is_known(tmp_path):
    (tmp_path / "rules.yaml").write_text("- {name: a, effect: block, taint: untrusted}\n")
    assert load_caller_rules(tmp_path / "rules.yaml", POLICY)[1].rules[0].taint == {"untrusted"}


@pytest.mark.parametrize(
    ("tools", "rule", "expected"),
    [
        pytest.param({}, "tool: Bash", [("command", "Bash")], id="no tools"),
        pytest.param({"Bash": {"value": "amount"}}, "tool: Bash", [("command", "Bash")], id="no command"),
        pytest.param({"Bash": {"command": "x"}}, "tool: Bash", [], id="described"),
        pytest.param({"B*": {"command": "x"}}, "tool: [Bash, sh]", [("command", "sh")], id="one of two"),
        pytest.param({"Bash": {"command": "x"}}, "", [("command", "*")], id="for all tools"),
        pytest.param({"*": {"command": "x"}}, "", [], id="all are described"),
        pytest.param(
            {"Bash": {"command": "x"}}, "tool: Bash, url: 'https://x.test'", [("url", "Bash")], id="one of two fields"
        ),
        pytest.param({}, "type: shell", [], id="a type that everybody can read"),
    ],
)
def test_what_tools_do_not_describe_is_named_with_its_line(tmp_path, tools, rule, expected):
    (tmp_path / "rules.yaml").write_text(
        f"- {{name: a, effect: block, tool: x}}\n- {{name: no rm, effect: block, command: 'rm *', {rule}}}\n"
    )
    policy = build(PolicyText.model_validate({"version": 1, "tools": tools}))
    assert undescribed_tools(tmp_path / "rules.yaml", policy) == [
        f"rules.yaml:2: rule `no rm`: `tools` of the policy do not say where `{field}` stands in `{tool}`:"
        " it fits every such call that its other fields fit"
        for field, tool in expected
    ]
