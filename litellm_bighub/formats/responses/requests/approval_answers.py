"""Answers to our requests for approval, in a request: found, and written so that every provider can read them.

A provider knows nothing of a request that we made. The pair becomes two messages in the same places. The first has the
id by which the call is found that it stands for, also where the client refers to our request or sends the answer alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from typing_extensions import assert_never

from litellm_bighub.domain.ids import APPROVAL
from litellm_bighub.domain.payload import JsonObject, Payload
from litellm_bighub.formats.payload.copies import text
from litellm_bighub.formats.payload.fields import get
from litellm_bighub.formats.requests.approval_answers import SERVER_LABEL, ApprovalAnswer, Effect
from litellm_bighub.formats.requests.results import APPROVAL_PREFIX
from litellm_bighub.formats.responses.approval_request import TYPE
from litellm_bighub.formats.responses.item_kinds import is_reference
from litellm_bighub.wording import ENGLISH, Wording

RESPONSE = "mcp_approval_response"
_PROVIDERS = "mcpr_"
"""How providers' own ids of such requests begin."""


def find_answers(items: Sequence[object]) -> list[ApprovalAnswer]:
    """The answers to our requests, one for each approval."""
    answers: dict[str, ApprovalAnswer] = {}
    for item in items:
        if _is_answer(item):
            approval_id = text(item, "approval_request_id")
            known = answers.get(approval_id)
            approve = get(item, "approve") is True and (known is None or known.approve)
            answers[approval_id] = ApprovalAnswer(approval_id, approve)
    return list(answers.values())


def readable(items: Sequence[object], effects: Mapping[str, Effect], wording: Wording = ENGLISH) -> list[Payload]:
    """The items with messages in the places of our requests and of the answers to them; all others as they are.

    Args:
        items: a request's input.
        effects: what each answer did, by its approval's id.
        wording: what the messages say.
    """
    answered = {answer.approval_id for answer in find_answers(items)}
    shown = {text(item, "id") for item in items if is_reference(item) or _is_request(item)}
    told: list[Payload] = []
    for item in items:
        if is_reference(item) and (text(item, "id") in answered or text(item, "id").startswith(APPROVAL)):
            told.append(_reference(text(item, "id")))
        elif _is_request(item):
            told.append(_asked(item, wording))
        elif _is_answer(item):
            approval_id = text(item, "approval_request_id")
            if approval_id not in shown:
                shown.add(approval_id)
                told.append(_reference(approval_id))
            said = _said(approval_id, effects.get(approval_id, "ignored"), wording)
            told.append({"role": "user", "content": said})
        else:
            told.append(item)
    return told


def _reference(approval_id: str) -> JsonObject:
    return {"type": "item_reference", "id": f"{APPROVAL_PREFIX}{approval_id}"}


def _asked(item: object, wording: Wording) -> JsonObject:
    asked = {"tool": text(item, "name"), "arguments": text(item, "arguments"), "approval_id": text(item, "id")}
    own = f"{APPROVAL_PREFIX}{text(item, 'id')}"
    return {"id": own, "role": "assistant", "content": wording.approval_asked.format(**asked)}


def _said(approval_id: str, effect: Effect, wording: Wording) -> str:
    match effect:
        case "approved":
            said = wording.approval_approved
        case "denied":
            said = wording.approval_denied
        case "void":
            said = wording.approval_void
        case "ignored":
            said = wording.approval_ignored
        case _:
            assert_never(effect)
    return said.format(approval_id=approval_id)


def _is_request(item: object) -> bool:
    return text(item, "type") == TYPE and text(item, "server_label") == SERVER_LABEL


def _is_answer(item: object) -> bool:
    return text(item, "type") == RESPONSE and not text(item, "approval_request_id").startswith(_PROVIDERS)
