"""`/approvals`: what waits for a person, and a person's answer."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from typing_extensions import Self, assert_never

from litellm_bighub.control_plane.approvals.resolution import Resolution, ResolutionRefused, said_by
from litellm_bighub.control_plane.http.auth import Asker, Plane, Reader, Resolver, Waiting
from litellm_bighub.control_plane.http.errors import WordedError, existing, problem
from litellm_bighub.control_plane.http.json_values import iso, readable
from litellm_bighub.control_plane.people.votes import voters
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.tables import approvals
from litellm_bighub.control_plane.store.tables.approvals import OPEN, Approval, State
from litellm_bighub.control_plane.store.tables.keys import Key
from litellm_bighub.control_plane.store.transaction import Transaction
from litellm_bighub.domain.call import Arguments
from litellm_bighub.domain.call_background import CallBackground, Speaker, Utterance, as_text, cleaned
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.policy.approvers import Requirement

router = APIRouter(prefix="/approvals")

STATUS: dict[int, tuple[str, ...]] = {
    404: ("unknown",),
    410: ("expired",),
    422: ("blocked",),
    403: ("same_person", "not_approver", "own_call", "no_allowance"),
}

_FOR_AGENTS: Final = (
    *("request_id", "validation_id", "rule_id", "action", "actor", "domain", "value", "target", "status"),
    *("created_at", "expires_at", "four_eyes"),
)
"""What the contract's lists hold, and that the approval is one of ours."""
_STATE: Final = (
    *("request_id", "validation_id", "action", "actor", "domain", "status", "told_agent"),
    *("created_at", "expires_at", "resolved_at"),
)
"""What whoever waits hears of an approval: nothing of people, or of arguments."""
_ANSWERED: Final = ("approved", "denied", "consumed")
"""The agent hears what people tell it once enough of them have answered, and no more when the time is over."""
_MOST: Final = 10_000
LONGEST_WAIT: Final = 60
"""Seconds of one request. Proxies cut longer ones."""


class ApprovalAnswerBody(BaseModel):
    """A person's answer. Denied and rejected mean the same; a changed action comes with approval.

    `ballot` is the approval's, as it was read: what has been edited since is not answered. Without it the answer is to
    the call as it was asked about, and one that somebody has edited cannot be approved.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    resolution: Literal["approved", "denied", "rejected"]
    comment: str | None = Field(default=None, max_length=5000)
    tell_agent: str | None = Field(default=None, max_length=5000)
    ballot: str | None = Field(default=None, min_length=1, max_length=500)
    edited_arguments: JsonObject | None = None
    better_action: Any = None
    modified_action: Any = None
    review_decision: Literal["modified"] | None = None


class UtteranceBody(BaseModel):
    """One step of a conversation, as `Utterance` has it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    speaker: Speaker
    text: str = Field(max_length=20_000)
    tool: str = Field(default="", max_length=200)
    end: str = Field(default="", max_length=20_000)
    left_out: int = Field(default=0, ge=0, le=10**9)
    skipped: int = Field(default=0, ge=0, le=10**9)


class BackgroundBody(BaseModel):
    """Why a call was made: what was said, the oldest first, and what the request says of the tool."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    said: list[UtteranceBody] = Field(default=[], max_length=100)
    description: str = Field(default="", max_length=20_000)
    schema_: JsonObject = Field(default={}, alias="schema")

    def background(self) -> CallBackground:
        """The same as a value."""
        said = tuple(Utterance(**each.model_dump()) for each in self.said)
        return CallBackground(said, self.description, self.schema_)


class _Modified(BaseModel):
    """What a person makes of an action."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    action: str | None = None
    arguments: JsonObject | None = None
    value: float | None = None
    target: str | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.arguments is None and not {"value", "target"} & self.model_fields_set:
            raise ValueError("it changes nothing")
        return self


@router.get("")
async def listed(
    plane: Plane,
    caller: Waiting,
    status: Literal["pending", "approved", "denied", "rejected", "expired", "consumed", "all"] = "pending",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[JsonObject]:
    """Approvals, the newest first. An agent's key sees what waits of its own actor, and no more."""
    if caller.is_agent:
        if status != "pending":
            raise problem(403, "missing_scope", sentence="api_pending_only")
        return await _pending_of_caller(plane, caller, limit)
    state: State | None
    match status:
        case "all":
            state = None
        case "rejected":
            state = "denied"
        case "pending" | "approved" | "denied" | "expired" | "consumed":
            state = status
        case _:
            assert_never(status)
    found = await plane.read(
        lambda connection: approvals.listed(connection, now=plane.clock(), state=state, limit=limit)
    )
    return [shown(approval, plane.clock()) for approval in found]


async def _pending_of_caller(plane: ControlPlane, caller: Key, limit: int) -> list[JsonObject]:
    found = await plane.read(
        lambda connection: approvals.listed(connection, now=plane.clock(), state="pending", limit=_MOST)
    )
    own = [approval for approval in found if caller.speaks_for(approval.actor)]
    return [{name: shown(approval, plane.clock())[name] for name in _FOR_AGENTS} for approval in own[:limit]]


@router.get("/{request_id}/state")
async def state(
    request_id: str,
    plane: Plane,
    caller: Waiting,
    wait_seconds: Annotated[float, Query(ge=0, le=LONGEST_WAIT)] = 0,
) -> JsonObject:
    """What has become of an approval. With `wait_seconds` the answer comes once it is over, or after that time.

    An agent's key hears of approvals of its own actor alone. Whoever waits for hours asks again, also after a restart.
    """
    known = await _own(plane, request_id, caller)
    approval = existing(await plane.wait(known.id, timeout=wait_seconds), "approval", request_id)
    now = plane.clock()
    found = shown(approval, now)
    is_over = approval.state_at(now) not in OPEN
    return {**{name: found[name] for name in _STATE}, "edited": approval.edited is not None, "is_over": is_over}


async def _own(plane: ControlPlane, request_id: str, caller: Key) -> Approval:
    """An approval that the caller may know of; to others there is none."""
    approval = await _get(plane, request_id)
    return existing(approval if caller.speaks_for(approval.actor) else None, "approval", request_id)


@router.post("/{request_id}/context")
async def tell_context(request_id: str, body: BackgroundBody, plane: Plane, caller: Asker) -> JsonObject:
    """Take in why the call was made, for the people who are asked: once, while it waits, with the key that asked.

    A key that was rotated and the new one are the same here. For any other key there is no such approval, and so it is
    for all keys where none has asked: the call of an embedded gateway, or of a release before this one.

    It is what others have written. Nothing is decided by it, and it is gone once the call can no longer run. Nothing is
    kept of it if the question came with something that had to be hidden: the context might tell it.
    """
    found = await _own(plane, request_id, caller)
    approval = existing(found if found.asked_by == caller.holder else None, "approval", request_id)
    kept = await asyncio.to_thread(lambda: as_text(cleaned(body.background(), plane.redact)))
    job = partial(_tell_context, approval_id=approval.id, background=kept)
    return {"request_id": approval.id, "kept": bool(kept) and await plane.write(job)}


def _tell_context(transaction: Transaction, approval_id: str, background: str) -> bool:
    return approvals.tell_background(transaction.connection, approval_id, background)


@router.get("/{request_id}")
async def get(request_id: str, plane: Plane, _: Reader) -> JsonObject:
    """One approval."""
    return shown(await _get(plane, request_id), plane.clock())


@router.post("/{request_id}/resolve")
async def resolve(request_id: str, body: ApprovalAnswerBody, plane: Plane, caller: Resolver) -> JsonObject:
    """Carry out a person's answer. Of several answers the first counts; later ones are refused (410 or 422)."""
    edited = await _edited_arguments(plane, request_id, body)
    said = said_by(caller.person, request_id, "approve" if body.resolution == "approved" else "deny")
    answered = replace(said, comment=body.comment or "", told=body.tell_agent or "")
    resolution = replace(answered, edited=edited, shown=body.ballot or "")
    approval = await resolved_approval(plane, resolution)
    return {**shown(approval, plane.clock()), "resolution": body.resolution}


async def resolved_approval(plane: ControlPlane, resolution: Resolution) -> Approval:
    """The approval after an accepted answer.

    Raises:
        HTTPException: it was not accepted.
    """
    result = await plane.resolve(resolution)
    match result:
        case Approval() as approval:
            return approval
        case ResolutionRefused(code) as refused:
            # Not 409: the SDK repeats that in vain.
            status = next((status for status, codes in STATUS.items() if code in codes), 422)
            raise WordedError(status, code, refused.name, refused.values)
        case _:
            assert_never(result)


def shown(approval: Approval, now: float) -> JsonObject:
    """An approval as the contract shows it."""
    state = approval.state_at(now)
    return {
        "request_id": approval.id,
        "validation_id": approval.decision_id,
        "rule_id": approval.rule_id,
        "action": approval.tool,
        "type": approval.type,
        "actor": approval.actor,
        "asked_by": approval.asked_by or None,
        "domain": approval.domain,
        "value": approval.value,
        "target": approval.target,
        "arguments": approval.arguments,
        "edited_arguments": approval.edited,
        "edited_value": approval.edited_value,
        "edited_currency": approval.edited_currency or None,
        "edited_target": None if approval.edited is None else approval.edited_target,
        "reason": approval.reason,
        "status": state,
        "four_eyes": approval.four_eyes,
        "first_by": approval.first_by,
        "requirements": [_requirement(each, approval) for each in approval.requirements],
        "resolved_by": approval.resolved_by,
        "comment": approval.comment,
        "told_agent": (approval.told or None) if state in _ANSWERED else None,
        "policy_version": approval.policy_version,
        "digest": approval.digest,
        "edited_digest": approval.edited_digest,
        "ballot": approval.ballot,
        "created_at": iso(approval.created_at),
        "expires_at": iso(approval.expires_at),
        "resolved_at": iso(approval.resolved_at),
    }


def _requirement(requirement: Requirement, approval: Approval) -> JsonObject:
    """Who must approve, and who has."""
    after = requirement.escalates_after
    return {
        "by": list(requirement.by),
        "count": requirement.count,
        "approved_by": [vote.name for vote in voters(requirement, approval.counting, approval.created_at)],
        "escalates_at": None if after is None else iso(approval.created_at + after),
        "escalates_to": list(requirement.escalates_to),
    }


async def _edited_arguments(plane: ControlPlane, approval_id: str, body: ApprovalAnswerBody) -> Arguments | None:
    """The arguments in place of the shown ones: whole, or the fields that a modified action changes."""
    if body.edited_arguments is not None:
        return readable(body.edited_arguments)
    modified: object = body.better_action if body.modified_action is None else body.modified_action
    if modified is None:
        if body.review_decision == "modified":
            raise problem(422, "no_modification")
        return None
    try:
        action = _Modified.model_validate(modified, strict=True)
    except ValidationError as error:
        raise problem(422, "no_arguments") from error
    approval = await _get(plane, approval_id)
    if body.ballot not in {None, approval.ballot}:
        raise problem(422, "changed", sentence="api_refused_changed")
    if action.action not in {None, approval.tool}:
        raise problem(422, "another_action")
    if action.arguments is not None:
        return readable(action.arguments)
    fields = action.model_dump(include={"value", "target"} & action.model_fields_set)
    return readable({**(approval.arguments if approval.edited is None else approval.edited), **fields})


async def _get(plane: ControlPlane, approval_id: str) -> Approval:
    return existing(
        await plane.read(lambda connection: approvals.get(connection, approval_id)), "approval", approval_id
    )
