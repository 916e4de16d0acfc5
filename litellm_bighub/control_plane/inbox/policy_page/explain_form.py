"""A call as a person types it into the form that explains, and what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast, get_args

from litellm_bighub.control_plane.inbox.readable import readable_json
from litellm_bighub.domain.arguments import UnreadableArguments, read_arguments
from litellm_bighub.domain.call import CallContext, CallType, ToolCall, restored_context
from litellm_bighub.domain.conversation.history import LABEL, told
from litellm_bighub.policy.callers.caller_rules import MOST_CHARACTERS

KINDS: Final[tuple[str, ...]] = get_args(CallType)
CALLER: Final = ("domain", "user", "team", "key_alias", "key", "end_user", "model", "surface", "caller_rules")
"""What is asked of the caller beside the actor."""
_LONGEST: Final = 500


class ExplainRefused(Exception):  # noqa: N818 - names the state; answered with the page
    """The form names no call.

    Attributes:
        field: the one that is wrong.
        note: names the sentence of the wording.
        values: of that sentence.
    """

    def __init__(self, field: str, note: str, **values: object) -> None:
        self.field = field
        self.note = note
        self.values = values
        super().__init__(note)


@dataclass(frozen=True, slots=True)
class ExplainForm:
    """The form's fields by name, as they are printed again."""

    fields: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, "")


def form_of(call: ToolCall, context: CallContext) -> ExplainForm:
    """The form that names a call which is known."""
    labels = [name.removeprefix(LABEL) for name in context.outputs.split("\n") if name.startswith(LABEL)]
    fields = {"tool": call.name, "type": call.type, "arguments": readable_json(call.arguments)}
    fields |= {"actor": context.actor, "taint": ", ".join(labels)}
    return ExplainForm(fields | {name: getattr(context, name) for name in CALLER})


def asked_call(form: ExplainForm) -> tuple[ToolCall, CallContext]:
    """The call of a form and who would ask for it.

    Raises:
        ExplainRefused: it names no tool, an unknown kind, or arguments that cannot be read.
    """
    for name in ("tool", "actor", "taint", *CALLER):
        most = MOST_CHARACTERS if name == "caller_rules" else _LONGEST
        if len(form[name]) > most:
            raise ExplainRefused(name, "page_explain_too_long", name=name, most=most)
    if not form["tool"].strip():
        raise ExplainRefused("tool", "page_explain_no_tool")
    kind = form["type"] or "function"
    if kind not in KINDS:
        raise ExplainRefused("type", "page_explain_no_type", types=", ".join(KINDS))
    try:
        arguments = read_arguments(form["arguments"].strip() or "{}")
    except UnreadableArguments as error:
        raise _unreadable(form["arguments"], error) from error
    labels = (label.strip() for label in form["taint"].split(","))
    stored = {name: form[name].strip() for name in CALLER} | {"outputs": told(f"{LABEL}{one}" for one in labels if one)}
    nobody = CallContext()
    context = restored_context(form["actor"].strip() or nobody.actor, stored["domain"] or nobody.domain, stored)
    return ToolCall("", cast("CallType", kind), form["tool"].strip(), arguments), context


def _unreadable(text: str, error: UnreadableArguments) -> ExplainRefused:
    """Why arguments cannot be read, with the line and the column where that is known."""
    if not isinstance(error.__cause__, json.JSONDecodeError):
        return ExplainRefused("arguments", "page_explain_arguments", problem=error)
    at = len(text) - len(text.lstrip()) + error.__cause__.pos
    line = text.count("\n", 0, at) + 1
    column = at - text.rfind("\n", 0, at)
    problem = error.__cause__.msg
    return ExplainRefused("arguments", "page_explain_json", line=line, column=column, problem=problem)
