"""`litellm-bighub policy schema`: what helps people to write a policy."""

from __future__ import annotations

from typing import Annotated

import typer

from litellm_bighub.cli.options import echo_json
from litellm_bighub.policy.authoring.policy_schema import cases_schema, policy_schema

Cases = Annotated[bool, typer.Option("--cases", help="of a file of cases for `policy test`")]


def schema(cases: Cases = False) -> None:  # noqa: FBT002 - a flag of the command line
    """Print the JSON Schema of a policy file, for editors.

    `litellm-bighub policy schema > bighub_policy.schema.json`, and as the first line of the policy
    `# yaml-language-server: $schema=bighub_policy.schema.json`.
    """
    echo_json(cases_schema() if cases else policy_schema())
