"""The schema for editors takes what the reader takes, and refuses a key that there is none of."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml

from litellm_bighub.policy.authoring.policy_schema import cases_schema, policy_schema
from litellm_bighub.policy.case_file import CasesText
from litellm_bighub.policy.policy_text import PolicyText, RuleText

ROOT = Path(__file__).parents[3]
POLICIES = sorted(
    [
        ROOT / "bighub_policy.yaml",
        *(ROOT / "deploy").glob("**/bighub_policy.yaml"),
        *(ROOT / "examples").glob("**/bighub_policy.yaml"),
        *(ROOT / "litellm_bighub" / "policy" / "packs").glob("*.yaml"),
    ]
)


class AsEditorsRead(yaml.SafeLoader):
    """Times are texts in JSON."""


AsEditorsRead.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if not tag.endswith("timestamp")]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def problems(text: str, schema=None) -> list[str]:
    checker = jsonschema.Draft202012Validator(schema or policy_schema())
    return [error.message for error in checker.iter_errors(yaml.load(text, AsEditorsRead))]


def test_it_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(policy_schema())
    jsonschema.Draft202012Validator.check_schema(cases_schema())
    assert policy_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_policy_of_the_repository_fits(path):
    assert problems(path.read_text()) == []


@pytest.mark.parametrize(
    "text",
    [
        "version: 1\nrules: [{name: a, tool: [x, y], read: ./a, write: [./b], url: 'https://a', sql: select}]",
        "version: 1\nrules: [{name: a, command: ls}]",
        "version: 1\ntools: {a: {visible_to: group:x}, b: {visible_to: [group:x, user:y]}}",
        "version: 1\ntools: {a: {visible_to: {iban: group:x, 'card.*': [group:x, user:y]}}}",
        "version: 1\nrules: [{name: a, command: [ls, cat]}]",
        "version: 1\nrules: [{name: a, command: {allow: ls, block: [rm]}}]",
        "version: 1\nrules: [{name: a, expires_at: 2026-12-01T10:00:00Z, require_approval_above: 5}]",
        "version: 1\nrules: [{name: a, examples: {allow: [ls, {tool: x}], block: rm}}]",
        "version: 1\ninclude: mail",
        "version: 1\ntools: {pay: {value: amount, show: 'pay {amount}', fail_mode: open}}",
    ],
)
def test_the_forms_that_people_write_fit(text):
    PolicyText.model_validate(yaml.safe_load(text))
    assert problems(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "version: 2",
        "rules: []",
        "version: 1\nrule: []",
        "version: 1\ndefault: deny",
        "version: 1\ninclude: nothing",
        "version: 1\nrules: [{tool: x}]",
        "version: 1\nrules: [{name: a, max_value: '5'}]",
        "version: 1\nrules: [{name: a, max_per_day: 1.5}]",
        "version: 1\nrules: [{name: a, command: {}}]",
        "version: 1\nrules: [{name: a, command: {deny: rm}}]",
        "version: 1\nrules: [{name: a, command: 5}]",
        "version: 1\nrules: [{name: a, examples: {allow: [{tol: x}]}}]",
        "version: 1\ntools: {pay: {valu: amount}}",
        "version: 1\ntools: {pay: {visible_to: payments}}",
        "version: 1\ntools: {pay: {visible_to: {iban: []}}}",
    ],
)
def test_what_the_reader_refuses_for_its_form_does_not_fit(text):
    with pytest.raises(ValueError, match="validation error"):
        PolicyText.model_validate(yaml.safe_load(text))
    assert problems(text)


@pytest.mark.parametrize("field", sorted(RuleText.model_fields))
def test_every_field_of_a_rule_says_what_it_is_and_a_slip_of_it_does_not_fit(field):
    assert policy_schema()["$defs"]["RuleText"]["properties"][field]["description"]
    assert problems(f"version: 1\nrules: [{{name: a, {field}_: x}}]")


def test_files_of_cases_have_a_schema_of_their_own():
    text = "cases: [{name: a, calls: [{command: ls, answer: allow, after_seconds: 5}]}]"
    CasesText.model_validate(yaml.safe_load(text))
    assert problems(text, cases_schema()) == []
    assert problems("cases: [{name: a, calls: [{command: ls}]}]", cases_schema())
