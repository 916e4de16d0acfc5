"""`litellm-bighub doctor`, by its exit code."""

from __future__ import annotations

import pytest
import yaml
from typer.testing import CliRunner

from litellm_bighub.cli.app import app

POLICY = "version: 1\ndefault: block\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["--canary", "Falcon"], "needs --prove"), (["--prove", "--canary", " a "], "at least 4 characters")],
    ids=["without a proof", "short"],
)
def test_a_canary_that_would_prove_nothing_is_refused(tmp_path, arguments, says):
    (tmp_path / "proxy_config.yaml").write_text("guardrails: []\n")

    result = CliRunner().invoke(app, ["doctor", "--config", str(tmp_path / "proxy_config.yaml"), *arguments])

    assert result.exit_code == 2
    assert says in result.stderr


@pytest.mark.parametrize(("default_on", "code", "told"), [(True, 0, "is on"), (False, 1, "OFF")], ids=["on", "off"])
def test_a_setup_that_looks_on_and_is_off_ends_with_1(tmp_path, default_on, code, told):
    ours = {"guardrail": "litellm_bighub.BighubGuardrail", "mode": ["pre_call", "post_call"], "default_on": default_on}
    config = {"guardrails": [{"guardrail_name": "bighub", "litellm_params": ours}]}
    (tmp_path / "bighub_policy.yaml").write_text(POLICY)
    (tmp_path / "proxy_config.yaml").write_text(yaml.safe_dump(config))

    result = CliRunner().invoke(app, ["doctor", "--config", str(tmp_path / "proxy_config.yaml")])

    assert result.exit_code == code
    assert told in result.stdout
