"""The files that `litellm-bighub init` writes: config, policy and keys, as texts."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from enum import Enum
from typing import Final

CONFIG: Final = "proxy_config.yaml"
POLICY: Final = "bighub_policy.yaml"
SCHEMA: Final = "bighub_policy.schema.json"
KEYS: Final = "bighub.env"
DATABASE_VARIABLE: Final = "LITELLM_BIGHUB_DATABASE_URL"
HOSTED_VARIABLE: Final = "BIGHUB_API_KEY"


class ApprovalChoice(str, Enum):
    """What happens to a call that needs a person: the setting `on_approval`."""

    WAIT = "wait"
    REPLACE = "replace"
    ERROR = "error"
    REQUEST = "request"


class DeciderChoice(str, Enum):
    """Who decides."""

    EMBEDDED = "embedded"
    BIGHUB = "bighub"


class Pack(str, Enum):
    """What a starting policy does with a call that no rule names."""

    ASK = "ask"
    STRICT = "strict"


@dataclass(frozen=True, slots=True)
class StarterChoices:
    """What the operator chose.

    Attributes:
        model: as LiteLLM names it, `provider/model`.
        api_base: where the model answers; empty for the provider's own address.
        database_url: of a PostgreSQL or of another SQLite file; empty for `bighub.db` beside the policy.
        decider: who decides.
        on_approval: what happens to a call that needs a person.
        pack: the starting policy.
    """

    model: str
    api_base: str
    database_url: str
    decider: DeciderChoice
    on_approval: ApprovalChoice
    pack: Pack

    @property
    def model_name(self) -> str:
        """What clients ask for."""
        return self.model.split("/", 1)[1]

    @property
    def key_variable(self) -> str:
        """The variable of the provider's key, as LiteLLM itself names it for most."""
        provider = self.model.split("/", 1)[0]
        return f"{provider.upper().replace('-', '_')}_API_KEY"


def guardrails(setup: StarterChoices) -> str:
    """The guardrails, as a section of the proxy's config."""
    ours = [f"      decider: {setup.decider.value}"]
    if setup.decider is DeciderChoice.EMBEDDED:
        ours.append(f"      policy: {POLICY}")
    else:
        ours.append(f"      service: {{api_key: os.environ/{HOSTED_VARIABLE}}}")
    if setup.database_url:
        ours.append(f"      database_url: os.environ/{DATABASE_VARIABLE}")
    ours.append(f"      on_approval: {setup.on_approval.value}  # wait | replace | error | request")
    settings = "\n".join(ours)
    return f"""\
guardrails:
  # Texts: any guardrail of LiteLLM checks them. This one masks what looks like a secret.
  - guardrail_name: secrets
    litellm_params:
      guardrail: litellm_content_filter
      mode: [pre_call, post_call]
      default_on: false  # the next one runs it
      patterns:
        - {{pattern_type: prebuilt, pattern_name: aws_access_key, action: MASK}}

  # Runs it over every text of requests, answers and streams.
  - guardrail_name: texts
    litellm_params:
      guardrail: litellm_bighub.TextGuardrail
      mode: [pre_call, post_call, pre_mcp_call, post_mcp_call]
      default_on: true
      apply: [secrets]

  # Tool calls: each is decided on before a byte of it leaves.
  - guardrail_name: bighub
    litellm_params:
      guardrail: litellm_bighub.BighubGuardrail
      mode: [pre_call, post_call, pre_mcp_call, post_mcp_call]
      default_on: true
{settings}
"""


def config(setup: StarterChoices) -> str:
    """The proxy's config."""
    api_base = f"      api_base: {_quoted(setup.api_base)}\n" if setup.api_base else ""
    return f"""\
# Written by `litellm-bighub init`. Keys stand in {KEYS}; load it before you start the proxy.
model_list:
  - model_name: {_quoted(setup.model_name)}
    litellm_params:
      model: {_quoted(setup.model)}
{api_base}      api_key: os.environ/{setup.key_variable}

{guardrails(setup)}
litellm_settings:
  callbacks: [prometheus]  # /metrics shows decisions, latencies and waiting approvals
  telemetry: false

general_settings:
  master_key: os.environ/LITELLM_MASTER_KEY
"""


_DEFAULTS: Final = {
    Pack.ASK: ("require_approval", "a call that fits none waits for a person"),
    Pack.STRICT: ("block", "a call that fits none is blocked"),
}


def policy(pack: Pack) -> str:
    """A policy to start from."""
    default, meaning = _DEFAULTS[pack]
    return f"""\
# yaml-language-server: $schema={SCHEMA}
# Which tool calls may run. The first rule that fits decides; {meaning}.
# Try a call: litellm-bighub policy explain {POLICY} --tool get_order --arguments '{{"id": 1}}'
version: 1
default: {default}  # block | require_approval | allow

# Where the amount and the object of a call stand in its arguments (JMESPath):
# tools:
#   refund_payment: {{value: amount, target: order_id}}

rules:
  # What only reads may run. Remove the lines that do not fit the names of your tools.
  - {{name: get, tool: "get_*", effect: allow}}
  - {{name: list, tool: "list_*", effect: allow}}
  - {{name: lookup, tool: "lookup_*", effect: allow}}
  - {{name: search, tool: "search_*", effect: allow}}

  # A person decides on every command of a shell.
  - {{name: shell, type: shell, effect: require_approval}}

  # Nobody deletes by a model's wish.
  - {{name: delete, tool: "delete_*", effect: block}}

  # Refunds up to 500 run, a person decides on larger ones, and beyond 10000 nobody can:
  # - name: refunds
  #   tool: refund_payment
  #   require_approval_above: 500
  #   max_value: 10000
"""


def schema() -> str:
    """The policy's schema, for editors."""
    from litellm_bighub.policy.authoring.policy_schema import policy_schema  # noqa: PLC0415 - slow to import

    return json.dumps(policy_schema(), indent=1) + "\n"


def keys(setup: StarterChoices, master_key: str, api_key: str) -> str:
    """The keys, as lines that a shell, systemd and Compose read alike."""
    provider = (
        f"{setup.key_variable}={shlex.quote(api_key)}" if api_key else f"# {setup.key_variable}=the provider's key"
    )
    return f"LITELLM_MASTER_KEY={master_key}\n{provider}\n{variables(setup)}"


def variables(setup: StarterChoices) -> str:
    """What the guardrails take out of the environment; empty if nothing."""
    lines: list[str] = []
    if setup.decider is DeciderChoice.BIGHUB:
        lines.append(f"# {HOSTED_VARIABLE}=the key of the hosted BIGHUB\n")
    if setup.database_url:
        lines.append(f"{DATABASE_VARIABLE}={shlex.quote(setup.database_url)}\n")
    return "".join(lines)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
