"""Every setting once: its name, default, bounds and environment variable.

A setting of the guardrail is a key under `litellm_params` in the proxy's config, or an argument of `BighubGuardrail`.
Where neither names it, the environment variable `LITELLM_BIGHUB_<NAME>` does, nested ones as in
`LITELLM_BIGHUB_SERVICE__API_KEY`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from litellm_bighub.domain.actor import given
from litellm_bighub.domain.call_background import BackgroundExtent
from litellm_bighub.domain.payload import JsonMapping, Payload
from litellm_bighub.errors import ConfigurationError

FailMode = Literal["closed", "open"]
OnBlock = Literal["replace", "error", "continue"]
OnApproval = Literal["replace", "error", "wait", "request"]
Reveal = Literal["nothing", "reason"]
SendArguments = Literal["redacted", "full", "digest"]
TextCalls = Literal["auto", "each", "batch"]
OnUnapprovedResult = Literal["record", "refuse"]
Hold = Literal["sentence", "window", "whole"]
Ungoverned = Literal["refuse", "allow"]
TeamName = Annotated[str, Field(min_length=1)]
_ENVIRONMENT: Final = "os.environ/"
SERVE_PREFIX: Final = "LITELLM_BIGHUB_SERVE_"


def _mapping_or_path(given: object) -> object:
    if isinstance(given, Mapping | str | Path):
        return cast("object", given)
    raise ValueError("is neither a mapping of sentences by name nor the path of a YAML file")


class ToolSettings(BaseModel):
    """What the plugin knows of one tool, under `tools: {<name or pattern>: …}`. The first pattern that fits counts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: str | None = Field(default=None, description="JMESPath over the arguments: the amount at stake, a number")
    target: str | None = Field(
        default=None, description="JMESPath over the arguments: what is acted upon, a string or number"
    )
    action: str | None = Field(default=None, description="the name BIGHUB is told, in place of the tool's own")
    domain: str | None = Field(default=None, description="the business domain, in place of the guardrail's")
    fail_mode: FailMode | None = Field(default=None, description="in place of the guardrail's")


class ServiceSettings(BaseModel):
    """The hosted BIGHUB, used by `decider: bighub`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str = Field(default="https://api.bighub.io", description="where BIGHUB answers")
    api_key: SecretStr | None = Field(default=None, description="sent as X-API-Key")
    deadline_seconds: float = Field(default=2.0, gt=0, le=120, description="for all attempts at one decision together")
    attempts: int = Field(default=3, ge=1, le=10, description="how often a decision is asked for within the deadline")
    breaker_failures: int = Field(
        default=5, ge=0, le=1000, description="unreachable that often in a row opens it; 0: never"
    )
    breaker_reset_seconds: float = Field(
        default=30.0, gt=0, le=3600, description="after which one call probes it again"
    )
    send_arguments: SendArguments = Field(default="redacted", description="what BIGHUB is told of a call's arguments")


ActorSource: TypeAlias = Annotated[str, Field(pattern=r"^(key|user|team|claim:[^\s:=*?\[\]]+)$")]
"""What names an actor: the alias of a key, the id of a user, a team, or a claim of an authenticated token."""
ACTOR_SOURCES: Final = ("key", "user")


class GuardrailSettings(BaseSettings):
    """What a `BighubGuardrail` is configured with."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix="LITELLM_BIGHUB_", env_nested_delimiter="__"
    )

    decider: Literal["embedded", "bighub"] = Field(default="embedded", description="who decides")
    policy: Path = Field(
        default=Path("bighub_policy.yaml"), description="the embedded decider's policy, beside the config"
    )
    database_url: SecretStr | None = Field(
        default=None, description="where decisions and decided calls are kept; bighub.db beside the policy if not given"
    )
    remember_days: float = Field(
        default=30, gt=0, le=3650, description="how long decided calls are remembered for the requests that follow"
    )
    service: ServiceSettings = Field(default=ServiceSettings(), description="the hosted BIGHUB")
    actor: Annotated[str, AfterValidator(given)] = Field(
        default="AI_AGENT", min_length=1, description="who acts where authentication names nobody"
    )
    actor_from: Annotated[list[ActorSource], Field(min_length=1)] = Field(
        default_factory=lambda: [*ACTOR_SOURCES],
        description="what names the actor: key, user, team or claim:NAME, the first that authentication knows",
    )
    domain: str = Field(default="custom", min_length=1, description="the business domain of the calls")
    context: BackgroundExtent = Field(
        default="last_turn", description="how much of the conversation people are shown who approve a call"
    )
    tools: dict[str, ToolSettings] = Field(default_factory=dict, description="value, target and more, by tool")
    fail_mode: FailMode = Field(default="closed", description="what happens when the decider could not be reached")
    decision_deadline_seconds: float = Field(
        default=10.0,
        ge=0.1,
        le=120,
        description="how long a decision, and each use of the database, may take; waiting for a person not counted",
    )
    shutdown_grace_seconds: float = Field(
        default=5.0, ge=0, le=3600, description="how long calls wait on for a person once the process is told to stop"
    )
    on_block: OnBlock = Field(
        default="replace", description="a notice in the call's place, an error, or (in the proxy) the model is told"
    )
    continue_rounds: int = Field(default=3, ge=1, le=20, description="how often `continue` asks the model anew")
    on_approval: OnApproval = Field(
        default="replace", description="a notice, an error, wait for the person, or let the client show the request"
    )
    approval_wait_seconds: float = Field(default=60.0, gt=0, le=3600, description="how long `wait` waits for a person")
    keep_alive_seconds: float = Field(
        default=10.0,
        ge=0.05,
        le=300,
        description="while a decision is pending, the stream sends a keep-alive event at this interval",
    )
    client_approvals: bool = Field(default=False, description="whether an mcp_approval_response of the caller counts")
    on_unapproved_result: OnUnapprovedResult = Field(
        default="record", description="record results of calls that were withheld or never made, or refuse the request"
    )
    reveal: Reveal = Field(
        default="nothing", description="whether the notice tells the model and the caller the reason"
    )
    wording: Annotated[JsonMapping | Path, BeforeValidator(_mapping_or_path)] = Field(
        default_factory=dict,
        description="sentences for models and callers in place of ours, by name; or the path of a YAML file with them",
    )
    ungoverned_routes: Ungoverned = Field(
        default="refuse", description="what becomes of routes where LiteLLM has no hook that could hold a call back"
    )
    open_routes: list[str] = Field(
        default_factory=list, description='single routes that are not refused, as in "POST /my/route" or "* /my/{*}"'
    )
    may_opt_out: list[TeamName] = Field(
        default_factory=list, description="teams, by alias or id, whose keys may opt out of it; others cannot"
    )
    allow_unsupported_litellm: bool = Field(
        default=False, description="whether it starts with a release of LiteLLM that is not supported"
    )
    audit_file: Path | None = Field(default=None, description="JSON Lines file to which every decision is appended")
    guardrail_spans: bool = Field(default=False, description="an OpenTelemetry span over the decisions on each answer")
    redact: list[str] = Field(default_factory=list, description="regular expressions of more secrets to redact")
    redact_keys: list[str] = Field(default_factory=list, description="names of more keys whose values are secret")


class TextGuardrailSettings(BaseSettings):
    """What a `TextGuardrail` is configured with."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, env_prefix="LITELLM_BIGHUB_TEXT_")

    apply: list[str] = Field(default=[], description="names of the guardrails that check, one after the other")
    hold: Hold = Field(default="window", description="how much of a streamed text is held back until it was checked")
    window_size: int = Field(default=256, ge=2, le=1_000_000, description="check when so many characters wait")
    window_overlap: int = Field(default=128, ge=1, le=999_999, description="the longest secret that is surely found")
    join_parts: bool = Field(
        default=True,
        description="whether the parts of a message are checked once more joined, for a secret that is split",
    )
    ignore_invisible: bool = Field(
        default=True, description="whether texts with invisible characters are checked once more without them"
    )
    unchecked_routes: Ungoverned = Field(
        default="refuse", description="what becomes of routes whose texts no guardrail is handed"
    )
    open_routes: list[str] = Field(
        default_factory=list, description="routes that are not refused although no text is checked there"
    )
    wording: Annotated[JsonMapping | Path, BeforeValidator(_mapping_or_path)] = Field(
        default_factory=dict,
        description="sentences for callers in place of ours, by name; or the path of a YAML file with them",
    )
    may_opt_out: list[TeamName] = Field(
        default_factory=list, description="teams, by alias or id, whose keys may opt out of it; others cannot"
    )
    allow_unsupported_litellm: bool = Field(
        default=False, description="whether it starts with a release of LiteLLM that is not supported"
    )

    @model_validator(mode="after")
    def _window_holds_its_overlap(self) -> TextGuardrailSettings:
        if self.window_overlap >= self.window_size:
            raise ValueError("window_overlap must be smaller than window_size")
        return self


class OidcSettings(BaseModel):
    """How people log in at an identity provider, under `oidc` of `bighub_serve.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str = Field(
        pattern=r"^(https://[^/\s?#@]+|http://(localhost|127\.0\.0\.1)(:\d+)?)(/[^\s?#]*)?$",
        description="the provider's address, letter by letter as its tokens name it; https, except on this machine",
    )
    client_id: str = Field(min_length=1, description="the name that the provider knows this server by")
    client_secret: SecretStr | None = Field(
        default=None, min_length=1, description="from the environment alone; none for a public client"
    )
    scopes: list[Annotated[str, Field(pattern=r"^[!#-\[\]-~]+$")]] = Field(
        default_factory=lambda: ["openid", "profile", "email"], description="what is asked for; openid among them"
    )
    name_claim: str = Field(
        default="preferred_username", min_length=1, description="the claim that somebody's name is taken from"
    )
    groups_claim: str = Field(default="groups", min_length=1, description="the claim that lists somebody's groups")
    litellm_user_claim: str | None = Field(
        default=None, min_length=1, description="the claim with the id of the LiteLLM user that somebody is"
    )
    groups: dict[str, Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,99}$")]] = Field(
        default_factory=dict, description="a group here, by the provider's group"
    )
    users: dict[
        Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._@+-]{0,99}$")], Annotated[str, Field(min_length=1)]
    ] = Field(default_factory=dict, description="the provider's subject (`sub`), by the name that rules have for them")
    roles: dict[str, list[Literal["viewer", "approver", "operator", "auditor"]]] = Field(
        min_length=1, description="roles here, by the provider's group; who gets none is refused"
    )
    clock_skew_seconds: float = Field(
        default=60, ge=0, le=600, description="by how much the provider's clock may differ from ours"
    )
    session_minutes: float | None = Field(
        default=None, gt=0, le=480, description="how long a login lasts; if not given, as long as its ID token"
    )
    roles_last_days: float = Field(
        default=7,
        gt=0,
        le=365,
        description="for how many days after a login its roles count in Slack, for mail and for keys of that person",
    )

    @model_validator(mode="after")
    def _asks_for_an_id_token(self) -> OidcSettings:
        if "openid" not in self.scopes:
            raise ValueError("scopes must name openid")
        return self

    @model_validator(mode="after")
    def _tells_users_apart(self) -> OidcSettings:
        if len(set(self.users.values())) < len(self.users):
            raise ValueError("users names a subject twice")
        return self


MailAddress: TypeAlias = Annotated[
    str, Field(max_length=254, pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$")
]


class SmtpSettings(BaseModel):
    """How mail tells of calls that wait, under `smtp` of `bighub_serve.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(min_length=1, pattern=r"^\S+$", description="the server that takes the mail")
    port: int = Field(default=587, ge=1, le=65535, description="465 is usual with tls")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="how the connection is encrypted; none is for a server on this machine alone"
    )
    ca_file: Path | None = Field(default=None, description="certificates to trust in place of the system's")
    username: str | None = Field(default=None, min_length=1, description="to log in with")
    password: SecretStr | None = Field(default=None, min_length=1, description="from the environment alone")
    sender: MailAddress = Field(description="the address that the mail is from")
    groups: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,99}$")], MailAddress] = Field(
        default_factory=dict, description="addresses of groups that rules name, beside those of users"
    )

    @model_validator(mode="after")
    def _keeps_its_secrets(self) -> SmtpSettings:
        if self.security == "none" and self.host not in {"localhost", "127.0.0.1", "::1"}:
            raise ValueError("security none is for a server on this machine alone")
        if (self.username is None) != (self.password is None):
            raise ValueError(f"username needs a password, and the other way round: {SERVE_PREFIX}SMTP__PASSWORD")
        return self


class SealingSettings(BaseSettings):
    """What gateways and `serve` seal with. It stands in the environment alone, never in a file."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, env_prefix="LITELLM_BIGHUB_")

    sealing_keys: SecretStr | None = Field(
        default=None,
        description="keys of 32 bytes in base64, a comma between two: the first seals, all open; for secrets of second "
        "factors, and for what people may look at while a call waits (visible_to)",
    )


SlackPlace: TypeAlias = Annotated[str, Field(pattern=r"^[CDG][A-Z0-9]{2,30}$")]
"""A channel of Slack by its id, which a rename does not change."""


class SlackSettings(BaseModel):
    """How people hear of calls that wait in Slack, and answer there, under `slack` of `bighub_serve.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    channel: SlackPlace = Field(description="the id of the channel that is told, as in C024BE91L; invite the app there")
    group_channels: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,99}$")], SlackPlace] = Field(
        default_factory=dict, description="the channel in its place for calls that a rule asks this group about"
    )
    bot_token: SecretStr = Field(
        min_length=1, description="the app's bot token (xoxb-…), from the environment alone; it needs chat:write"
    )
    app_token: SecretStr | None = Field(
        default=None,
        min_length=1,
        description="the app-level token (xapp-…) of socket mode, from the environment alone",
    )
    signing_secret: SecretStr | None = Field(
        default=None,
        min_length=1,
        description="the app's signing secret, from the environment alone: Slack sends answers to /slack/interactions",
    )
    api_url: str = Field(
        default="https://slack.com/api/",
        pattern=r"^(https://[^/\s?#@]+|http://(localhost|127\.0\.0\.1)(:\d+)?)/([^\s?#]*/)?$",
        description="where Slack answers; https, except on this machine",
    )

    @model_validator(mode="after")
    def _hears_in_one_way(self) -> SlackSettings:
        if (self.app_token is None) == (self.signing_secret is None):
            raise ValueError("needs app_token (socket mode) or signing_secret (signed requests), and not both")
        return self


class ServeSettings(BaseSettings):
    """What `litellm-bighub serve` is configured with, in `bighub_serve.yaml`. No gateway reads it."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, env_prefix=SERVE_PREFIX, env_nested_delimiter="__")

    host: str = Field(default="127.0.0.1", min_length=1, description="the address to listen on")
    port: int = Field(default=8765, ge=0, le=65535, description="the port to listen on, 0 for a free one")
    keep_days: float | None = Field(
        default=None, gt=0, le=36500, description="how long the audit is kept, in place of the policy's audit_keep_days"
    )
    trust_proxy: list[str] = Field(
        default_factory=list, description="addresses whose X-Forwarded-For and -Proto are believed"
    )
    public_url: str = Field(
        default="",
        pattern=r"^(https?://[^/\s]+)?$",
        description="where people reach it; with https their sessions are sent over TLS alone",
    )
    oidc: OidcSettings | None = Field(default=None, description="how people log in at an identity provider")
    require_totp: bool = Field(
        default=False, description="whether users with a password must enrol a second factor before anything else"
    )
    slack: SlackSettings | None = Field(default=None, description="where in Slack people hear of calls that wait")

    smtp: SmtpSettings | None = Field(default=None, description="the server by which mail tells of calls that wait")

    @model_validator(mode="after")
    def _provider_knows_the_way_back(self) -> ServeSettings:
        if self.oidc is not None and not self.public_url:
            raise ValueError("oidc needs public_url: the provider sends people back there")
        if self.smtp is not None and not self.public_url:
            raise ValueError("smtp needs public_url: the link of each mail leads there")
        return self

    @model_validator(mode="after")
    def _messages_know_the_inbox(self) -> ServeSettings:
        if self.slack is not None and not self.public_url:
            raise ValueError("slack needs public_url: its messages link to the inbox")
        return self


def resolved(key: str, value: Payload) -> Payload:
    """A value of a config with `os.environ/NAME` replaced, as LiteLLM does it for its own settings.

    Args:
        key: names the value in errors.
        value: also a mapping of such values.

    Raises:
        ConfigurationError: it names a variable that is not set.
    """
    if isinstance(value, Mapping):
        return {name: resolved(f"{key}.{name}", child) for name, child in cast("JsonMapping", value).items()}
    if not isinstance(value, str) or not value.startswith(_ENVIRONMENT):
        return value
    variable = value.removeprefix(_ENVIRONMENT)
    if variable not in os.environ:
        raise ConfigurationError(key, f"names the environment variable {variable}, which is not set")
    return os.environ[variable]
