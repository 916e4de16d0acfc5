"""The policy as people write it, in the file or by API; converted at once into `rule.Rule` and `rule.Policy`."""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Final, Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import rfc8785
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    ValidationInfo,
    field_validator,
    model_validator,
)
from typing_extensions import Self

from litellm_bighub.domain.conversation.history import FreshHistory
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.policy.approvers import ApproverName, EscalationText, QuorumText, requirements_of
from litellm_bighub.policy.argument_condition import Condition, refuse_slips
from litellm_bighub.policy.example_text import ExamplesText
from litellm_bighub.policy.history.earlier_call_text import EarlierCallText
from litellm_bighub.policy.history.label import Labels
from litellm_bighub.policy.parts.call_parts import CallParts, LabelNames, ToolParts, listed
from litellm_bighub.policy.parts.command_pattern import CommandPattern
from litellm_bighub.policy.parts.part import PartPattern
from litellm_bighub.policy.parts.path_use import PathPattern
from litellm_bighub.policy.parts.recipient import RecipientPattern
from litellm_bighub.policy.parts.sql_statement import SqlPattern
from litellm_bighub.policy.parts.url_use import UrlPattern
from litellm_bighub.policy.rule import (
    MOST_DIGITS,
    Effect,
    Hours,
    Period,
    Policy,
    Rule,
    Status,
    TotalBy,
    exact,
)
from litellm_bighub.policy.rule_pattern import ActorPattern, AnyOf, Pattern

MAX_APPROVAL_TTL = 30 * 24 * 3600
AS_STORED: Final[Mapping[str, object]] = {"stored": True}
"""The context in which rules are read that were once accepted: what is newly refused would stop a gateway there."""

Amount = Annotated[float, Strict(), Field(allow_inf_nan=False, ge=-1e15, le=1e15)]


def _as_written(number: float) -> float:
    if exact(number) is None:
        raise ValueError(f"a sum is compared digit by digit; write at most {MOST_DIGITS} digits")
    return number


TotalAmount = Annotated[float, Strict(), Field(allow_inf_nan=False, ge=0), AfterValidator(_as_written)]
Count = Annotated[int, Strict(), Field(ge=0, le=10**9)]
MOST_IN_CONVERSATION = 10_000
Hour = Annotated[int, Strict(), Field(ge=0, le=24)]
Glob = Annotated[str, Field(min_length=1, max_length=200)]
Globs: TypeAlias = Glob | Annotated[list[Glob], Field(min_length=1, max_length=200)]


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _command_pattern(text: str) -> str:
    CommandPattern.compile(text)
    return text


def _path_pattern(text: str) -> str:
    PathPattern("read", text)
    return text


def _url_pattern(text: str) -> str:
    UrlPattern(text)
    return text


def _sql_pattern(text: str) -> str:
    SqlPattern(text)
    return text


def _recipient_pattern(text: str) -> str:
    RecipientPattern(text)
    return text


Text = Annotated[str, Field(min_length=1, max_length=1000)]
CommandText = Annotated[Text, AfterValidator(_command_pattern)]
PathText = Annotated[Text, AfterValidator(_path_pattern)]
Commands = Annotated[list[CommandText], BeforeValidator(_as_list), Field(max_length=1000)]
Paths = Annotated[list[PathText], BeforeValidator(_as_list), Field(min_length=1, max_length=1000)]

Urls = Annotated[
    list[Annotated[Text, AfterValidator(_url_pattern)]],
    BeforeValidator(_as_list),
    Field(min_length=1, max_length=1000),
]
Statements = Annotated[
    list[Annotated[Text, AfterValidator(_sql_pattern)]],
    BeforeValidator(_as_list),
    Field(min_length=1, max_length=1000),
]
Recipients = Annotated[
    list[Annotated[Text, AfterValidator(_recipient_pattern)]],
    BeforeValidator(_as_list),
    Field(min_length=1, max_length=1000),
]


class CommandsText(BaseModel):
    """Patterns of commands: those that the rule is for, or those that each effect is for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    patterns: Commands = Field(default_factory=list, description="the rule's effect is for these")
    block: Commands = Field(default_factory=list, description="blocked")
    require_approval: Commands = Field(default_factory=list, description="these need a person")
    allow: Commands = Field(default_factory=list, description="allowed")

    @model_validator(mode="before")
    @classmethod
    def _plain_form(cls, value: object) -> object:
        return {"patterns": value} if isinstance(value, str | list) else value

    @model_validator(mode="after")
    def _has_some(self) -> Self:
        if not (self.patterns or self.by_effect):
            raise ValueError("it names no command")
        if self.patterns and self.by_effect:
            raise ValueError("it is either a list, or lists for block, require_approval and allow")
        return self

    @property
    def by_effect(self) -> tuple[tuple[Effect, list[str]], ...]:
        """The lists for each effect, the strictest first."""
        lists: tuple[tuple[Effect, list[str]], ...] = (
            ("block", self.block),
            ("require_approval", self.require_approval),
            ("allow", self.allow),
        )
        return tuple((effect, patterns) for effect, patterns in lists if patterns)


class RuleText(BaseModel):
    """A rule's fields: BIGHUB's, and patterns and a condition that say which calls it is for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=200, description="names the rule; unique in the policy")
    description: str = Field(default="", max_length=2000, description="for people")
    tool: Globs = Field(default="*", description="pattern of the tool's name, or a list of them")
    type: Glob = Field(default="*", description="pattern of the call's type, as in shell or function")
    actor: Glob = Field(default="*", description="pattern of who asks: key:…, user:… or a plain name")
    domain: Glob = Field(default="*", description="pattern of the business domain")
    user: Globs = Field(default="*", description="pattern of the authenticated user's id, or a list of them")
    team: Globs = Field(default="*", description="pattern of the authenticated team's alias or else its id")
    key: Globs = Field(default="*", description="pattern of the alias or the hash of the key that asks")
    model: Globs = Field(default="*", description="pattern of the model that asks for the call")
    surface: Globs = Field(default="*", description="pattern of the route or adapter, as in /v1/responses")
    end_user: Globs = Field(
        default="*", description="pattern of the user that the request names; allows only with `trusted_end_user`"
    )
    taint: LabelNames | None = Field(
        default=None,
        description="a label that results of this conversation have, or a list of which one has to be there",
    )
    after: EarlierCallText | None = Field(
        default=None, description="an earlier call of the conversation whose result has to have come back"
    )
    not_after: EarlierCallText | None = Field(
        default=None, description="an earlier call of the conversation that must not have been released"
    )
    when: str | None = Field(
        default=None, max_length=4000, description="JMESPath condition over the arguments and caller('team')"
    )
    command: CommandsText | None = Field(
        default=None, description="patterns of commands, or lists of them for block, require_approval and allow"
    )
    read: Paths | None = Field(default=None, description="patterns of paths that are read")
    write: Paths | None = Field(default=None, description="patterns of paths that are written")
    url: Urls | None = Field(default=None, description="patterns of addresses that are fetched")
    sql: Statements | None = Field(default=None, description="patterns of statements of SQL")
    recipient: Recipients | None = Field(default=None, description="patterns of addresses of mail")
    effect: Effect = Field(default="allow", description="allow, block or require_approval")
    min_value: Amount | None = Field(default=None, description="less than this is blocked")
    max_value: Amount | None = Field(default=None, description="more than this is blocked")
    require_approval_above: Amount | None = Field(default=None, description="more than this needs a person")
    max_per_day: Count | None = Field(default=None, description="calls allowed in a calendar day")
    max_per_hour: Count | None = Field(default=None, description="calls allowed in a clock hour")
    max_per_conversation: Annotated[int, Strict(), Field(ge=0, le=MOST_IN_CONVERSATION)] | None = Field(
        default=None, description="calls allowed in a conversation"
    )
    cooldown_seconds: Annotated[float, Strict(), Field(ge=0, le=366 * 86400)] | None = Field(
        default=None, description="time that must lie between two allowed calls"
    )
    max_total_per_hour: TotalAmount | None = Field(default=None, description="sum of values allowed in a clock hour")
    max_total_per_day: TotalAmount | None = Field(default=None, description="sum of values allowed in a calendar day")
    max_total_per_week: TotalAmount | None = Field(default=None, description="sum of values allowed from Monday on")
    max_total_per_month: TotalAmount | None = Field(default=None, description="sum of values allowed in a month")
    total_by: Annotated[list[TotalBy], BeforeValidator(_as_list), Field(max_length=5)] = Field(
        default_factory=list,
        description="whose sums: actor, user, team or key, and currency; without it one sum for all callers",
    )
    totals_of: str = Field(
        default="", max_length=300, description="id of the rule to whose sums it adds, as a temporary allowance does"
    )
    allowed_hours_start: Hour | None = Field(default=None, description="first hour of the day in which calls may run")
    allowed_hours_end: Hour | None = Field(default=None, description="hour of the day at which they no longer may")
    time_zone: str = Field(default="UTC", description="IANA name of the zone for hours and limits")
    status: Status = Field(default="active", description="a paused rule is passed over")
    expires_at: AwareDatetime | None = Field(default=None, description="from then on the rule is passed over")
    approval_ttl_seconds: Annotated[int, Strict(), Field(ge=1, le=MAX_APPROVAL_TTL)] = Field(
        default=900, description="how long a person has to answer"
    )
    four_eyes: Annotated[bool, Strict()] = Field(default=False, description="two different people must approve")
    approvers: Annotated[list[ApproverName], BeforeValidator(_as_list), Field(max_length=50)] = Field(
        default_factory=list, description="who may approve: group:… or user:…, or a list of them"
    )
    quorum: QuorumText | None = Field(default=None, description="how many people of which group must approve")
    escalation: EscalationText | None = Field(
        default=None, description="who may approve as well after a time: `after_seconds` and `to`"
    )
    priority: Annotated[int, Strict(), Field(ge=-1000, le=1000)] = Field(
        default=0, description="rules of higher priority are tried first; otherwise their order counts"
    )
    tags: list[str] = Field(default_factory=list, description="for people")
    metadata: JsonObject = Field(default_factory=dict, description="for people and programs; decides nothing")
    examples: ExamplesText | None = Field(
        default=None, description="calls for each answer, checked when the file is read; a wrong one stops the start"
    )

    @field_validator("when")
    @classmethod
    def _compiles(cls, text: str | None, info: ValidationInfo) -> str | None:
        if text is not None:
            Condition.compile(text)
            if info.context is not AS_STORED:
                refuse_slips(text)
        return text

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("no such time zone; use a name such as Europe/Berlin") from error
        return name

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        bounds = (self.min_value, self.require_approval_above, self.max_value)
        given = [bound for bound in bounds if bound is not None]
        if given != sorted(given):
            raise ValueError("min_value, require_approval_above and max_value must not decrease in this order")
        if self.taint is not None and "allow" in self.effects:
            raise ValueError("a rule with `taint` blocks or asks: whoever brings a result back can put a label on")
        if self.effect == "block" and (given or self.max_totals):
            raise ValueError("a rule with `effect: block` blocks every value; drop the bounds, or the effect")
        self._totals_make_sense()
        self._approvers_make_sense()
        if self.command is not None and self.command.by_effect:
            if "effect" in self.model_fields_set:
                raise ValueError("`command` says what is blocked and allowed; drop `effect`, or make `command` a list")
            if self.has_parts_beside_commands:
                raise ValueError(
                    "`command` says what is blocked and allowed; give other patterns of parts a rule of their own"
                )
        if self.allowed_hours_start is not None and self.allowed_hours_start % 24 == (self.allowed_hours_end or 0) % 24:
            raise ValueError("allowed_hours_start and allowed_hours_end are the same hour; drop both to allow all day")
        return self

    def _totals_make_sense(self) -> None:
        totals = self.max_totals
        if (self.total_by or self.totals_of) and not totals:
            raise ValueError(
                "total_by and totals_of say whose sums are limited; add a max_total_per_hour, _day, _week or _month"
            )
        if len(set(self.total_by)) != len(self.total_by):
            raise ValueError("total_by names something twice")
        if totals and self.min_value is not None and self.min_value < 0:
            raise ValueError("a value below 0 would free what others have used; drop min_value, or the sums")
        if list(totals.values()) != sorted(totals.values()):
            raise ValueError(
                "max_total_per_hour, max_total_per_day, max_total_per_week and max_total_per_month must not decrease in"
                " this order"
            )

    def _approvers_make_sense(self) -> None:
        names = bool(self.approvers or self.quorum)
        if names and "require_approval" not in self.effects and self.require_approval_above is None:
            raise ValueError(
                "approvers and quorum are for a rule that asks; add `effect: require_approval`, or a bound"
            )
        if self.escalation is None:
            return
        if not names:
            raise ValueError("escalation needs approvers or a quorum: without them anybody may answer at once")
        if self.escalation.after_seconds >= self.approval_ttl_seconds:
            raise ValueError("escalation comes too late: the approval has expired; raise approval_ttl_seconds")

    @property
    def max_totals(self) -> Mapping[Period, Decimal]:
        """How much the values may sum up to, the shortest window first."""
        limits: tuple[tuple[Period, float | None], ...] = (
            ("hour", self.max_total_per_hour),
            ("day", self.max_total_per_day),
            ("week", self.max_total_per_week),
            ("month", self.max_total_per_month),
        )
        totals: dict[Period, Decimal] = {}
        for period, limit in limits:
            if limit is not None and (written := exact(limit)) is not None:
                totals[period] = written
        return totals

    @property
    def has_parts_beside_commands(self) -> bool:
        """Whether it has patterns of parts that are no commands."""
        return bool(self.read or self.write or self.url or self.sql or self.recipient)

    @property
    def tools(self) -> list[str]:
        """The patterns of its tools."""
        return [self.tool] if isinstance(self.tool, str) else self.tool

    @property
    def taints(self) -> list[str]:
        """The labels that it is for."""
        return listed(self.taint)

    @property
    def allows_by_claim(self) -> bool:
        """Whether it may allow a call for what the request says of its user, which nobody has authenticated."""
        asked = frozenset[str]() if self.when is None else Condition.compile(self.when).caller_names
        return "allow" in self.effects and (self.end_user != "*" or "end_user" in asked)

    @property
    def effects(self) -> tuple[Effect, ...]:
        """What it may answer, apart from bounds, limits and hours."""
        lists = self.command.by_effect if self.command else ()
        return tuple(effect for effect, _ in lists) or (self.effect,)

    def rules(self, rule_id: str | None = None, *, workspace: str = "") -> tuple[Rule, ...]:
        """The rule as it is evaluated: one, or one for each of `command`'s effects, which count together."""
        rule = self._rule(rule_id or self.name)
        commands = self.command or CommandsText.model_construct()
        if commands.by_effect:
            return tuple(
                replace(rule, effect=effect, parts=tuple(CommandPattern.compile(text) for text in patterns))
                for effect, patterns in commands.by_effect
            )
        parts: list[PartPattern] = [CommandPattern.compile(text) for text in commands.patterns]
        parts += [PathPattern("read", text, workspace) for text in self.read or ()]
        parts += [PathPattern("write", text, workspace) for text in self.write or ()]
        parts += [UrlPattern(text) for text in self.url or ()]
        parts += [SqlPattern(text) for text in self.sql or ()]
        parts += [RecipientPattern(text) for text in self.recipient or ()]
        return (replace(rule, parts=tuple(parts)),)

    def _rule(self, rule_id: str) -> Rule:
        hours = None
        if self.allowed_hours_start is not None or self.allowed_hours_end is not None:
            hours = Hours(
                self.allowed_hours_start or 0, 24 if self.allowed_hours_end is None else self.allowed_hours_end
            )
        return Rule(
            id=rule_id,
            name=self.name,
            tool=_pattern(self.tool),
            type=Pattern(self.type),
            actor=ActorPattern(self.actor),
            domain=Pattern(self.domain),
            user=_pattern(self.user),
            team=_pattern(self.team),
            key=_pattern(self.key),
            model=_pattern(self.model),
            surface=_pattern(self.surface),
            end_user=_pattern(self.end_user),
            taint=frozenset(listed(self.taint)),
            after=None if self.after is None else self.after.value,
            not_after=None if self.not_after is None else self.not_after.value,
            when=None if self.when is None else Condition.compile(self.when),
            effect=self.effect,
            min_value=self.min_value,
            max_value=self.max_value,
            require_approval_above=self.require_approval_above,
            max_per_day=self.max_per_day,
            max_per_hour=self.max_per_hour,
            max_per_conversation=self.max_per_conversation,
            cooldown_seconds=self.cooldown_seconds,
            hours=hours,
            zone=ZoneInfo(self.time_zone),
            status=self.status,
            expires_at=None if self.expires_at is None else self.expires_at.timestamp(),
            approval_ttl_seconds=self.approval_ttl_seconds,
            four_eyes=self.four_eyes,
            requirements=requirements_of(self.approvers, self.quorum, self.escalation, four_eyes=self.four_eyes),
            priority=self.priority,
            max_totals=self.max_totals,
            total_by=tuple(self.total_by),
            totals_of=self.totals_of,
        )


PackName: TypeAlias = Literal["coding-agent", "payments", "mail"]


class HistoryText(BaseModel):
    """What holds for turns that nothing ties to earlier ones."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fresh: Literal["window", "clean"] = Field(
        default="window", description="window: what the same key and user got back lately; clean: nothing"
    )
    window_seconds: Annotated[float, Strict(), Field(gt=0, le=30 * 86400)] = Field(
        default=3600, description="how lately that is"
    )

    @property
    def seconds(self) -> float:
        """How lately things happened that count for turns that nothing ties to earlier ones."""
        return self.window_seconds if self.fresh == "window" else 0.0


class PolicyText(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = Field(description="of the format")
    default: Effect = Field(default="block", description="what holds where no rule matches")
    mode: Literal["enforce", "shadow"] = Field(default="enforce", description="shadow: decide, record, and let pass")
    audit_keep_days: Annotated[float, Strict(), Field(gt=0, le=36_500)] | None = Field(
        default=None,
        description="the audit, and what else tells of calls, is removed when it is older; never if not given",
    )
    denial_holds_seconds: Annotated[int, Strict(), Field(ge=0, le=MAX_APPROVAL_TTL)] = Field(
        default=900,
        description="how long a person's denial answers the same call of the same caller and conversation; 0: never",
    )
    workspace: str | None = Field(
        default=None, min_length=1, max_length=1000, description="the folder that agents work in, an absolute path"
    )
    history: HistoryText = Field(
        default_factory=HistoryText, description="what holds for turns that nothing ties to earlier ones"
    )
    trusted_end_user: Annotated[bool, Strict()] = Field(
        default=False, description="rules may allow calls by `end_user`: whoever asks the gateway is trusted to name it"
    )
    include: Annotated[list[PackName], BeforeValidator(_as_list)] = Field(
        default_factory=list, description="packs whose rules come behind the file's own"
    )
    tools: dict[str, ToolParts] = Field(default_factory=dict, description="value, target and parts, by tool")
    rules: list[RuleText] = Field(default_factory=list, description="tried in order; the first match decides")

    @cached_property
    def followed(self) -> FreshHistory | None:
        """How conversations are to be followed; `None` where no rule of the file asks for it."""
        asked = [one.value for rule in self.rules for one in (rule.after, rule.not_after) if one is not None]
        if asked or any(rule.max_per_conversation is not None for rule in self.rules):
            calls = tuple(dict.fromkeys(one.followed for one in asked))
            compared = tuple(dict.fromkeys(one.compared for one in asked if one.same))
            of_caller = any(one.of == "caller" for one in asked)
            return FreshHistory(self.history.seconds, calls, of_caller=of_caller, compared=compared)
        return FreshHistory(self.history.seconds) if any(tool.output for tool in self.tools.values()) else None

    @field_validator("include")
    @classmethod
    def _is_there_once(cls, names: list[PackName]) -> list[PackName]:
        if len(set(names)) != len(names):
            raise ValueError("a pack is there twice")
        return names

    @field_validator("workspace")
    @classmethod
    def _is_absolute(cls, path: str | None) -> str | None:
        if path is not None and (
            not path.startswith("/") or posixpath.normpath(path) != path.rstrip("/") or path == "/"
        ):
            raise ValueError("the workspace is an absolute path such as /repo, without `..`")
        return path


ALLOWANCE = "allow_"
"""How the ids of temporary allowances begin."""
AddedRules: TypeAlias = tuple[tuple[str, RuleText], ...]
"""Rules that live in the database, each with its id."""


def build(text: PolicyText, added: AddedRules = ()) -> Policy:
    """The policy as it is evaluated: the file's rules, then those added by API, higher priorities first."""
    workspace = "" if text.workspace is None else posixpath.normpath(text.workspace)
    rules = [rule for one in text.rules for rule in _trusted(one, one.rules(workspace=workspace), text)]
    rules += [rule for rule_id, one in added for rule in _trusted(one, one.rules(rule_id, workspace=workspace), text)]
    return Policy(
        version=hashlib.sha256(canonical_text(text, added).encode()).hexdigest()[:12],
        default=text.default,
        rules=tuple(sorted(rules, key=lambda rule: -rule.priority)),
        tools=text.tools,
        parts=CallParts(text.tools, workspace),
        has_parts=any(rule.parts for rule in rules),
        labels=Labels({name: listed(tool.output) for name, tool in text.tools.items()}),
    )


def _trusted(one: RuleText, rules: tuple[Rule, ...], text: PolicyText) -> tuple[Rule, ...]:
    """The rules; one that was added by API, and would allow what the file no longer lets it allow, blocks."""
    if text.trusted_end_user or not one.allows_by_claim:
        return rules
    return tuple(replace(rule, effect="block") if rule.effect == "allow" else rule for rule in rules)


def _pattern(text: Globs) -> Pattern:
    return Pattern(text) if isinstance(text, str) else AnyOf(text)


_NOT_OF_THE_VERSION: Final[Mapping[str, bool | Mapping[str, Mapping[str, bool]]]] = {
    "audit_keep_days": True,
    "denial_holds_seconds": True,
    "rules": {"__all__": {"examples": True}},
    "tools": {"__all__": {"show": True}},
}


def canonical_text(text: PolicyText, added: AddedRules = ()) -> str:
    """The content in one line of JSON: what the version is the digest of, and what `read_canonical_text` reads.

    Without temporary allowances: one for one tool must not void what waits for an answer on others. Nor must a change
    of how long the audit is kept or a denial holds, of examples, or of how a call is shown.
    """
    content: JsonObject = {
        "file": text.model_dump(mode="json", exclude_defaults=True, exclude=_NOT_OF_THE_VERSION),
        "added": [
            [rule_id, rule.model_dump(mode="json", exclude_defaults=True, exclude={"examples"})]
            for rule_id, rule in added
            if not rule_id.startswith(ALLOWANCE)
        ],
    }
    return rfc8785.dumps(content).decode()


def read_canonical_text(body: str) -> tuple[PolicyText, AddedRules]:
    """The opposite of `canonical_text`."""
    content = json.loads(body)
    text = PolicyText.model_validate_json(json.dumps(content["file"]), context=AS_STORED)
    added = tuple(
        (rule_id, RuleText.model_validate_json(json.dumps(rule), context=AS_STORED))
        for rule_id, rule in content["added"]
    )
    return text, added
