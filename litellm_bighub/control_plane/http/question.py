"""The fields of a question over HTTP, laid out as the arguments of a call: bound, shown and seen by rules.

The fields are those of the context, of `metadata` (which an older generation of clients sends) and of the question
itself where the contract has none of that name. The layout loses none, and two questions that differ have different
arguments:

- The call's own arguments are known (`arguments`): they are the call's, and all other fields stand under `bighub`.
- Otherwise the fields are the arguments, with the question's `value` and `target` among them; these stand under
  `bighub` where the context has fields of those names.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from litellm_bighub.control_plane.approvals.edited_call import GATEWAY
from litellm_bighub.control_plane.decisions.value_extraction import EXTRA_FIELDS, QUESTION_FIELDS
from litellm_bighub.domain.arguments import read_arguments
from litellm_bighub.domain.conversation.fact import MOST_CHARACTERS
from litellm_bighub.domain.payload import JsonMapping, JsonObject
from litellm_bighub.policy.callers.caller_rules import MOST_CHARACTERS as MOST_OF_RULES

UNBOUND: Final = frozenset(
    {
        *("objective", "model_selection", "session_id", "trajectory_id"),
        *("connection_mode", "require_live_connection", "connection_id"),
    }
)
"""What BIGHUB's own SDK and its adapter add to a context. Every other field of a question is kept."""

IDENTITY: Final = ("end_user", "user", "team", "key")
"""Who asks at a gateway: bound."""
RUN: Final = (
    *("path", "surface", "model", "trace_id", "response_id", "conversation", "call_id"),
    *("key_alias", "outputs", "history", "caller_rules"),
)
"""In which run, and what may change about the caller: not bound."""
_MOST_CHARACTERS: Final = 2000
_LONG: Final = {"outputs": 100_000, "history": MOST_CHARACTERS, "caller_rules": MOST_OF_RULES}
_QUESTION_FIELDS: Final = ("value", "target")


@dataclass(frozen=True, slots=True)
class QuestionFields:
    """The fields of a question.

    Attributes:
        arguments: of the call.
        gateway: a gateway's fields about its run.
    """

    arguments: JsonObject
    gateway: Mapping[str, str]


def read(
    *,
    value: float | None,
    target: str | None,
    context: JsonMapping,
    metadata: JsonMapping,
    others: JsonMapping,
) -> QuestionFields:
    """Lay a question's fields out.

    Args:
        value: the question's own.
        target: the question's own.
        context: of today's generation.
        metadata: of the older one.
        others: fields of the question that the contract does not have.

    Raises:
        ValueError: they contradict each other, or cannot be read. The message holds names alone.
    """
    own = {"value": value, "target": target}
    fields = _merged(_bound_fields(metadata), _bound_fields(context), others)
    if EXTRA_FIELDS in fields:
        raise ValueError(f"`{EXTRA_FIELDS}` is a name that the control plane itself uses")
    gateway: Mapping[str, str] = {}
    if GATEWAY in fields:
        gateway = _gateway(fields[GATEWAY])
        fields[GATEWAY] = {name: gateway[name] for name in IDENTITY if gateway.get(name)}
    arguments = _arguments(fields)
    if arguments is not None:
        return QuestionFields({**arguments, EXTRA_FIELDS: {**_extra_fields(fields), **own}}, gateway)
    present = [name for name in _QUESTION_FIELDS if name in fields]
    if not present:
        return QuestionFields({**fields, **own}, gateway)
    for name in present:
        if own[name] is not None and own[name] != fields[name]:
            raise ValueError(f"the context has another `{name}` than the question itself")
    return QuestionFields({**fields, EXTRA_FIELDS: {QUESTION_FIELDS: own}}, gateway)


def _bound_fields(context: JsonMapping) -> JsonObject:
    return {name: value for name, value in context.items() if name not in UNBOUND}


def _merged(*sources: JsonMapping) -> JsonObject:
    merged: JsonObject = {}
    for source in sources:
        for name, value in source.items():
            if name in merged and _canonical(merged[name]) != _canonical(value):
                raise ValueError(f"`{name[:100]}` is told twice, and not the same")
            merged[name] = value
    return merged


def _canonical(value: object) -> str:
    try:
        return json.dumps(value, sort_keys=True)
    except (RecursionError, ValueError) as error:
        raise ValueError("the context is nested too deeply") from error


def _gateway(given: object) -> Mapping[str, str]:
    names = (*RUN, *IDENTITY)
    if not isinstance(given, dict) or not set(given) <= set(names):
        raise ValueError(f"`{GATEWAY}` has the fields {', '.join(names)}, and no other")
    if not all(
        isinstance(value, str) and _is_storable(value, _LONG.get(name, _MOST_CHARACTERS))
        for name, value in given.items()
    ):
        raise ValueError(f"the fields of `{GATEWAY}` are texts of at most {_MOST_CHARACTERS} characters")
    return given


def _is_storable(text: str, most: int) -> bool:
    """Refuses half of a surrogate pair, which could be stored and then not be shown."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return len(text) <= most and "\0" not in text


def _arguments(fields: JsonMapping) -> JsonMapping | None:
    """The call's own arguments, as an object or as the text of one; `None` if the question has none."""
    given = fields.get("arguments")
    if isinstance(given, str) and given.lstrip().startswith("{"):
        given = read_arguments(given)
    if not isinstance(given, Mapping):
        return None
    if EXTRA_FIELDS in given:
        raise ValueError(f"an argument has the name `{EXTRA_FIELDS}`, which the control plane itself uses")
    if any(name in fields for name in _QUESTION_FIELDS):
        raise ValueError("beside `arguments`, `value` and `target` are fields of the question itself")
    return given


def _extra_fields(fields: JsonMapping) -> JsonObject:
    """The other fields. Arguments that came as a text are kept as its digest."""
    extra = {name: value for name, value in fields.items() if name != "arguments"}
    if isinstance(text := fields["arguments"], str):
        extra["arguments"] = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    return extra
