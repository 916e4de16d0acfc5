"""Calls as people write them beside rules, as examples, or in a file of cases."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from litellm_bighub.domain.call import CallType
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.policy.parts.call_parts import LabelNames

MAX_EXAMPLES = 2000


class CallerText(BaseModel):
    """Who asks for a call."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    actor: str = Field(default="AI_AGENT", description="key:…, user:… or a plain name")
    domain: str = Field(default="custom", description="the business domain")
    user: str = Field(default="", description="the authenticated user's id")
    team: str = Field(default="", description="the authenticated team")
    key: str = Field(default="", description="the hash of the authenticated key")
    key_alias: str = Field(default="", description="what the authenticated key is called")
    end_user: str = Field(default="", description="the user that the request names")
    model: str = Field(default="", description="the model that asks for the call")
    surface: str = Field(default="", description="the route or adapter, as in /v1/responses")


class EarlierText(BaseModel):
    """A call that was made before. A text is its tool."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tool: str = Field(min_length=1, description="the tool's name")
    arguments: JsonObject = Field(default_factory=dict, description="the call's arguments")
    seconds_ago: float = Field(default=0, ge=0, description="how long before the call")
    result: bool = Field(default=True, description="whether its result came back; without, it was only released")


def _as_earlier(value: object) -> object:
    return {"tool": value} if isinstance(value, str) else value


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str | dict) else value


EarlierCalls: TypeAlias = Annotated[
    list[Annotated[EarlierText, BeforeValidator(_as_earlier)]],
    BeforeValidator(_as_list),
    Field(max_length=MAX_EXAMPLES),
]


class CallText(BaseModel):
    """A call: a command alone, or a tool with its arguments."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    command: str | None = Field(default=None, description="a text for a shell, in place of arguments")
    tool: str | None = Field(default=None, min_length=1, description="the tool's name; for a command the rule's shell")
    type: CallType = Field(default="function", description="the call's type")
    arguments: JsonObject = Field(default_factory=dict, description="the call's arguments")
    caller: CallerText = Field(default_factory=CallerText, description="who asks")
    taint: LabelNames | None = Field(default=None, description="labels of results that came back before the call")
    history: EarlierCalls = Field(default_factory=list, description="calls that were made before in the conversation")
    at: AwareDatetime | None = Field(
        default=None, description="when it is asked for; an example without it is judged apart from hours and expiry"
    )


def _as_command(value: object) -> object:
    return {"command": value} if isinstance(value, str) else value


Calls: TypeAlias = Annotated[
    list[Annotated[CallText, BeforeValidator(_as_command)]], BeforeValidator(_as_list), Field(max_length=MAX_EXAMPLES)
]


class ExamplesText(BaseModel):
    """Calls with the answer that the whole policy has to give. A text is a command."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    block: Calls = Field(default_factory=list, description="these are blocked")
    require_approval: Calls = Field(default_factory=list, description="these need a person")
    allow: Calls = Field(default_factory=list, description="these are allowed")
