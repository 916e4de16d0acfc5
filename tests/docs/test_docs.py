"""What the documentation shows works: its code runs, its files can be read, its commands and messages exist."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
import yaml

import litellm_bighub
from litellm_bighub.control_plane.http import webhooks
from litellm_bighub.policy.case_file import CasesText
from litellm_bighub.policy.policy_file import parse_policy
from litellm_bighub.policy.policy_text import RuleText
from litellm_bighub.settings import (
    GuardrailSettings,
    SealingSettings,
    ServeSettings,
    ServiceSettings,
    TextGuardrailSettings,
)
from litellm_bighub.testing import function_call, text
from litellm_bighub.wording import Wording
from tests.docs.blocks import ROOT, SHELLS, blocks_of

DOCS = ROOT / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if "reference" not in path.parts)
LITELLMS = {"guardrail", "mode", "default_on"}
GUARDRAILS = {
    "litellm_bighub.BighubGuardrail": GuardrailSettings,
    "litellm_bighub.TextGuardrail": TextGuardrailSettings,
}
MADE = {"settings", "policy", "metrics", "events", "cli", "http", "python"}
"""The pages that each build makes from the code."""


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def _in_guide(block):
    """Whether tests/test_readme.py runs it, with the model and the files that it needs."""
    return "guide" in block.page.parts


def of(*languages):
    return pytest.mark.parametrize("block", [each for each in BLOCKS if each.language in languages], ids=str)


def test_every_block_is_of_a_kind_that_is_checked_here():
    kinds = {block.language for block in BLOCKS}

    assert kinds <= {"python", "text", "yaml", "json", "toml", "{toctree}"} | SHELLS


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language == "json"], ids=str)
def test_every_block_of_json_is_json(block):
    json.loads(block.code)


# Python


@pytest.fixture
def in_a_users_folder(tmp_path, monkeypatch, upstream):
    """A working directory, and a model that asks for refunds behind OpenAI's environment variables."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_BASE_URL", upstream.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-no-key-is-needed")
    return upstream


SHOWS = {
    "run_with_approval": (900, ["Refunded."]),
    "await acompletion": (20, ["Refunding."]),
}
"""What a block prints, by a piece of it, where the model first asks for a refund of so much."""


@pytest.mark.parametrize(
    "block", [each for each in BLOCKS if each.language == "python" and not _in_guide(each)], ids=str
)
def test_python_runs(block, in_a_users_folder, capsys):
    amount, prints = next((shown for piece, shown in SHOWS.items() if piece in block.code), (0, None))
    policies = [each.code for each in BLOCKS if each.page == block.page and "rules:" in each.code]
    (Path.cwd() / "bighub_policy.yaml").write_text(policies[0] if policies else "version: 1\ndefault: allow\n")
    refund = function_call("refund_payment", {"order_id": "A-17", "amount": amount})
    in_a_users_folder.script("gpt-4.1", [text("Refunding."), refund], [text("Refunded.")])

    exec(compile(block.code, str(block), "exec"), {"__name__": "docs", "ask_somebody": lambda data: True})

    printed = capsys.readouterr().out.splitlines()
    assert printed == (prints if prints is not None else printed)


# Files


@of("yaml")
def test_yaml_can_be_read_by_what_it_is_for(block, monkeypatch):
    content = yaml.safe_load(block.code)

    if "version" in content:
        assert parse_policy(block.code, str(block)).rules
    elif "cases" in content:
        assert CasesText.model_validate(content).cases
    elif "guardrails" in content:
        for each in content["guardrails"]:
            _settings(each["litellm_params"])
    elif "slack" in content:
        content["slack"] |= {"bot_token": "xoxb", "app_token": "xapp"}  # of the environment
        assert ServeSettings(**content).slack
    elif content.keys() <= ServeSettings.model_fields.keys():
        if "smtp" in content:
            monkeypatch.setenv("LITELLM_BIGHUB_SERVE_SMTP__PASSWORD", "of the environment")
        assert ServeSettings(**content).model_fields_set == content.keys()
    else:
        assert set(content) == {"litellm_params"}
        _settings(content["litellm_params"])


def _settings(params):
    model = GUARDRAILS.get(params["guardrail"])
    if model is not None:
        model(**{key: value for key, value in params.items() if key not in LITELLMS})


@of("toml")
def test_toml_can_be_read(block):
    tomllib = pytest.importorskip("tomllib")

    assert tomllib.loads(block.code)


# Words of the code


OTHERS_FIELDS = {"redact"}
"""What is a setting and also a field of the HTTP API, where it has another type."""
SETTINGS = (GuardrailSettings, TextGuardrailSettings, SealingSettings, ServeSettings, ServiceSettings)


def test_troubleshooting_quotes_messages_that_exist():
    source = _texts_of_the_code()
    quoted = [
        re.sub(r"\[\w+\]", "", row[1] or row[2])
        for row in re.finditer(r"^\| (?:``(.+?)``|`(.+?)`) \|", (DOCS / "troubleshooting.md").read_text(), re.MULTILINE)
    ]
    unknown = [message for message in quoted if not all(piece.strip(" .") in source for piece in message.split("…"))]

    assert len(quoted) > 50
    assert unknown == []


def _texts_of_the_code():
    """The package's source, with texts in one piece that are written in several."""
    source = "\n".join(path.read_text() for path in (ROOT / "litellm_bighub").rglob("*.py"))
    return re.sub(r"""["']\s*\n\s*f?["']""", "", source)


def test_every_sentence_for_a_withheld_call_is_explained():
    page = (DOCS / "troubleshooting.md").read_text()
    sentences = {name: getattr(Wording(), name) for name in Wording.__dataclass_fields__ if name.startswith("blocked_")}

    told = re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)
    assert [name for name, text_ in sentences.items() if not any(each in text_ for each in told)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_settings_are_named_as_they_are(page):
    """`name: value` in a page's text is a setting with a value that it takes."""
    for name, value in re.findall(r"`(\w+): (\w+)`", page.read_text()):
        for model in SETTINGS:
            if name in model.model_fields and name not in OTHERS_FIELDS:
                model.__pydantic_validator__.validate_assignment(model.model_construct(), name, value)


# Links


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_links_inside_of_the_repository_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)", re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)):
        if "://" in target:
            continue
        path = (page.parent / target).resolve()
        assert path.exists() or (path.parent == DOCS / "reference" and path.stem in MADE), target


def test_every_page_stands_in_the_table_of_contents():
    listed = set(re.findall(r"^([\w/-]+)$", "".join(b.code for b in BLOCKS if b.language == "{toctree}"), re.MULTILINE))
    pages = {str(page.relative_to(DOCS).with_suffix("")) for page in PAGES} - {"index"}

    assert listed == pages | {f"reference/{name}" for name in MADE}


# The reference


@pytest.fixture(scope="module")
def reference():
    sys.path.insert(0, str(DOCS))
    try:
        import reference_pages  # noqa: PLC0415 - it lies in docs/, beside what Sphinx reads
    finally:
        sys.path.remove(str(DOCS))
    return reference_pages.pages()


def test_the_reference_is_made_whole(reference):
    assert set(reference) == MADE
    for model in SETTINGS:
        assert all(f"\n| `{name}` |" in reference["settings"] for name in model.model_fields)
    assert all(f"\n| `{name}` |" in reference["policy"] for name in RuleText.model_fields)
    assert all(f"### `litellm_bighub.{name}`\n" in reference["python"] for name in litellm_bighub.__all__)
    assert all(f"\n- `{name}`" in reference["events"] for name in webhooks.EVENTS)
    assert "`litellm_bighub_decisions_total` | counter | `tool`, `verdict`, `enforced` |" in reference["metrics"]
    assert "## litellm-bighub policy explain\n" in reference["cli"]


def test_the_reference_says_which_scope_an_operation_needs(reference):
    rows = dict(re.findall(r"^\| `(\w+ /\S+)` \| ([^|]+) \|", reference["http"], re.MULTILINE))

    assert rows["POST /actions/evaluate"] == "`actions:validate`"
    assert rows["POST /approvals/{request_id}/resolve"] == "`approvals:resolve`"
    assert rows["GET /actions/status"] == "any key"
    assert "no key" not in rows.values()
