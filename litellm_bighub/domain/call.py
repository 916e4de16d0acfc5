"""A tool call and its context: what the model wants to be run, in one shape for all wire formats.

Rules match names by pattern, and whoever runs a call looks its tool up by name. A name that two of them may read
differently (a control character, a step of a path, a letter that looks like another) fits patterns that nobody meant
for it: `lookup_../danger` fits `lookup_*`. Only ASCII letters count, since no pattern tells a look-alike apart.

A context is stored with an approval or a decision. Who judges a stored call again restores its context here, so that
rules see everything that they saw the first time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from litellm_bighub.domain.digest import arguments_digest
from litellm_bighub.domain.payload import JsonMapping, JsonObject

if TYPE_CHECKING:
    from litellm_bighub.domain.call_background import CallBackground
    from litellm_bighub.domain.redaction import Redact


JSON: TypeAlias = "Mapping[str, JSON] | list[JSON] | str | int | float | bool | None"
Arguments: TypeAlias = Mapping[str, JSON]
_REDACTED: Final = "_redacted"
_OF_ARGUMENTS: Final = frozenset({_REDACTED, "digest"})

CallType: TypeAlias = Literal[
    "function",
    "custom",
    "shell",
    "local_shell",
    "apply_patch",
    "computer",
    "mcp",
    "web_search",
    "file_search",
    "code_interpreter",
    "image_generation",
    "tool_search",
    "program",
    "unknown",
]


@dataclass(frozen=True, slots=True)
class ReasoningMark:
    """By what a reasoning item is known again: the provider's id, or a digest of what clients keep without it."""

    id: str = ""
    digest: str = ""

    def __bool__(self) -> bool:
        return bool(self.id or self.digest)


@dataclass(frozen=True)  # without slots: what is made of the arguments is made once
class ToolCall:
    """One tool call, ready to be decided on.

    Attributes:
        id: the call's id on the wire (`call_id`, `tool_use.id`); empty where the format has none.
        type: what kind of machine it makes act.
        name: the tool's name; for calls without one (shell, computer) their type. A name that cannot be read makes the
            call `unreadable`, and stands here only as it may be shown.
        arguments: a JSON object. Formats whose payload is no object put it under one key: a custom tool's text under
            `input`, a shell's or computer's under `action`, a patch under `operation`. Empty when `unreadable` is set.
        unreadable: why the call cannot be decided on, or `None`. Such a call is withheld without asking anybody.
        path: where the call stands, as in `output[2]`; behind a blank, what tells two questions about it apart.
        value: the amount at stake, taken out of the arguments; `None` if the tool has none.
        target: what is acted upon, taken out of the arguments; empty if unknown.
        action: the name that BIGHUB is told in place of the tool's own; empty for the tool's own.
        item_id: the id of the item that holds it, in formats where calls are items; says nothing about what it does.
        reasoning: the reasoning right before it in its answer, in formats where that is an item.
    """

    id: str
    type: CallType
    name: str
    arguments: Arguments = field(default_factory=dict)
    unreadable: str | None = None
    path: str = ""
    value: float | None = None
    target: str = ""
    action: str = ""
    item_id: str = field(default="", compare=False)
    reasoning: ReasoningMark = field(default=ReasoningMark(), compare=False)

    def __post_init__(self) -> None:
        """Take a name that cannot be read for what it is, wherever the call was found."""
        if self.name and not is_readable(self.name):
            object.__setattr__(self, "name", shown(self.name))
            object.__setattr__(self, "arguments", {})
            object.__setattr__(self, "unreadable", UNREADABLE_NAME)

    @property
    def place(self) -> str:
        """Where the call stands in its answer, in whichever question."""
        return self.path.partition(" ")[0]

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) over the RFC 8785 form of the arguments; empty if they are unreadable."""
        return "" if self.unreadable is not None else arguments_digest(self.arguments)

    def redacted(self, redact: Redact) -> Mapping[str, JSON]:
        """The arguments without secrets. All who ask with the same function share one copy, and only read it."""
        kept: tuple[Redact, dict[str, JSON]] | None = vars(self).get(_REDACTED)
        if kept is None or kept[0] != redact:
            kept = (redact, redact(self.arguments))
            vars(self)[_REDACTED] = kept
        return kept[1]

    def measured(self, *, value: float | None, target: str, action: str) -> ToolCall:
        """The call with these; its arguments stay, and with them what was made of them."""
        call = replace(self, value=value, target=target, action=action)
        vars(call).update({name: kept for name, kept in vars(self).items() if name in _OF_ARGUMENTS})
        return call


@dataclass(frozen=True, slots=True)
class CallContext:
    """Who asks for a call, and in which conversation.

    Identity comes from the gateway's authentication (key, user, team), never from what a caller writes; `model` and
    `end_user` are a caller's words.

    Attributes:
        actor: the agent on whose behalf the call would run; rules and approvals are bound to it.
        domain: the business domain, as in `customer_transactions`.
        trace_id: correlates everything of one request or run.
        surface: the route or adapter the call came through, as in `/v1/responses`.
        model: the model that asked for it.
        response_id: the upstream's id of the response that holds the call.
        user: the authenticated end user, if there is one.
        team: the authenticated team, if there is one.
        conversation: the id of the provider's conversation that the response belongs to, if it has one.
        key: the hash of the authenticated key, if there is one. Unlike an alias, nobody can choose it.
        turn: the digest of the conversation that the response goes on from, a dot and an id of the request; empty if
            the request holds only a part of it.
        key_alias: what the authenticated key is called. Whoever makes keys chooses that.
        outputs: the tools whose results came back in its conversation, as `domain.conversation.history.told` has them.
        history: facts about the calls of its conversation, as `domain.conversation.fact` has them; empty where nobody
            knows them.
        end_user: the user that the request names. These are the caller's words, and nobody has authenticated them.
        caller_rules: the rules in the metadata of the authenticated key and its team, as `policy.callers` writes and
            reads them; empty if they have none.
        background: reads why a call of the answer was made, where somebody has to be told; no rule sees it.
        of_answer: whether the call stands in a model's answer, and so belongs into the ledger of decided calls.
    """

    actor: str = "AI_AGENT"
    domain: str = "custom"
    trace_id: str = ""
    surface: str = ""
    model: str = ""
    response_id: str = ""
    user: str = ""
    team: str = ""
    conversation: str = ""
    key: str = ""
    turn: str = ""
    key_alias: str = ""
    outputs: str = ""
    history: str = ""
    end_user: str = ""
    caller_rules: str = ""
    background: Callable[[ToolCall], CallBackground] | None = field(default=None, compare=False, repr=False)
    of_answer: bool = field(default=False, compare=False)


MAX_CHARACTERS: Final = 256
UNREADABLE_NAME: Final = "the tool's name cannot be read"

_SHOWN: Final = 64
_READABLE: Final = re.compile(r"[A-Za-z0-9_:-]+(?:[./][A-Za-z0-9_:-]+)*")
_STRANGE: Final = re.compile(r"[^A-Za-z0-9_:./-]")


def is_readable(name: str) -> bool:
    """Whether it consists of ASCII letters, digits and `_ - . : /`, without `..` or an empty segment.

    `.` and `/` part segments, as in `server.tool`. It has at most 256 characters.
    """
    return len(name) <= MAX_CHARACTERS and _READABLE.fullmatch(name) is not None


def shown(name: str) -> str:
    """The name for people and models. `?` takes the place of strange characters, so the name stays unreadable."""
    if is_readable(name):
        return name
    cut = name if len(name) <= MAX_CHARACTERS else f"{name[:_SHOWN]}?"
    return _STRANGE.sub("?", cut)


COLUMNS: Final = ("actor", "domain")
"""What a store keeps in columns of their own."""
LEDGERS: Final = ("turn", "of_answer")
"""What matters for the ledger alone; no rule sees it, and no approval is bound to it."""
FOR_PEOPLE: Final = ("background",)
"""What is stored with approvals alone, in a column of its own."""
STORED: Final = tuple(each.name for each in fields(CallContext) if each.name not in {*COLUMNS, *LEDGERS, *FOR_PEOPLE})
"""Everything else that a context says."""
_stored: Final = attrgetter(*STORED)


def stored_context(context: CallContext) -> dict[str, str]:
    """The fields that are stored together."""
    return dict(zip(STORED, _stored(context), strict=True))


def restored_context(actor: str, domain: str, stored: JsonMapping) -> CallContext:
    """The context out of its columns and its stored fields.

    Args:
        actor: out of its column.
        domain: out of its column.
        stored: may hold other fields, too; one that an older release did not store is empty.
    """
    told: JsonObject = {name: str(stored.get(name) or "") for name in STORED}
    return replace(CallContext(actor, domain), **told)
