"""`litellm-bighub policy schema` prints what editors read."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from litellm_bighub.cli.policy import app
from litellm_bighub.policy.authoring.policy_schema import cases_schema, policy_schema


@pytest.mark.parametrize(("options", "expected"), [([], policy_schema()), (["--cases"], cases_schema())])
def test_the_schema_is_printed(options, expected):
    ran = CliRunner().invoke(app, ["schema", *options])
    assert (ran.exit_code, json.loads(ran.stdout)) == (0, expected)
