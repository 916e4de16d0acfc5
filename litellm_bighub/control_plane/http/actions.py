"""`/actions`: evaluate, batch, dry run, verify and status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, get_args

from fastapi import APIRouter, Header
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator
from typing_extensions import Self

from litellm_bighub.control_plane.approvals.edited_call import HTTP_SURFACE
from litellm_bighub.control_plane.decisions import repeated_questions as repeated
from litellm_bighub.control_plane.decisions.recorded_decision import decision_hash
from litellm_bighub.control_plane.decisions.value_extraction import EXTRA_FIELDS
from litellm_bighub.control_plane.http.answers import answer
from litellm_bighub.control_plane.http.auth import Anybody, Asker, Plane, require_actor, require_gateway
from litellm_bighub.control_plane.http.errors import not_found
from litellm_bighub.control_plane.http.json_values import iso, readable
from litellm_bighub.control_plane.http.question import QuestionFields, read
from litellm_bighub.control_plane.http.sdk_extras import live_sessions
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.clock import now_in
from litellm_bighub.control_plane.store.tables import events
from litellm_bighub.control_plane.store.tables.keys import Key
from litellm_bighub.control_plane.store.transaction import Transaction
from litellm_bighub.domain.call import CallContext, CallType, ToolCall, restored_context
from litellm_bighub.domain.payload import JsonMapping, JsonObject

router = APIRouter(prefix="/actions")

STORABLE: Final = r"^[^\x00]*$"
"""PostgreSQL's text holds no NUL, and both databases answer alike."""
_CALL_TYPES: Final[dict[str, CallType]] = {name: name for name in get_args(CallType)}


class Action(BaseModel):
    """A question, in either generation: `metadata` until 0.2, `context` since. Other fields are read like theirs."""

    model_config = ConfigDict(extra="allow", frozen=True)

    action: str = Field(min_length=1, max_length=500, pattern=STORABLE)
    actor: str = Field(default="AI_AGENT", min_length=1, max_length=500, pattern=STORABLE)
    domain: str = Field(default="custom", min_length=1, max_length=200, pattern=STORABLE)
    value: float | None = Field(default=None, allow_inf_nan=False, strict=True)
    target: str | None = Field(default=None, max_length=2000, pattern=STORABLE)
    context: JsonObject = Field(default_factory=dict)
    metadata: JsonObject = Field(default_factory=dict)
    dry_run: bool = False

    @field_validator("actor", "domain", "context", "metadata", mode="before")
    @classmethod
    def _null_is_nothing(cls, given: object, info: ValidationInfo) -> object:
        """The SDK's brain sends `domain: null`."""
        if given is not None or info.field_name is None:
            return given
        return cls.model_fields[info.field_name].get_default(call_default_factory=True)

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        self.question_fields()
        return self

    @property
    def session(self) -> JsonObject:
        """The context, of whichever generation."""
        return {**self.metadata, **self.context}

    def question_fields(self) -> QuestionFields:
        """The question's fields beyond those of the contract.

        Raises:
            ValueError: as `question.read` has it.
        """
        return read(
            value=self.value,
            target=self.target,
            context=self.context,
            metadata=self.metadata,
            others=self.model_extra or {},
        )

    def question(self) -> tuple[ToolCall, CallContext]:
        """The call, and who asks.

        Raises:
            UnreadableArguments: the context has no canonical form.
        """
        fields = self.question_fields()
        gateway = fields.gateway
        call = ToolCall(
            id=gateway.get("call_id", ""),
            type=_call_type(fields.arguments),
            name=self.action,
            arguments=readable(fields.arguments),
            path=gateway.get("path", ""),
            value=self.value,
            target=self.target or "",
        )
        return call, restored_context(self.actor, self.domain, {**gateway, "surface": HTTP_SURFACE})


def _call_type(arguments: JsonMapping) -> CallType:
    """Without a type the call is a function; an unknown type stays unknown."""
    extra = arguments.get(EXTRA_FIELDS)
    stated = (extra if isinstance(extra, Mapping) and "value" in extra else arguments).get("call_type")
    return "function" if stated is None else _CALL_TYPES.get(str(stated), "unknown")


class ActionBatch(BaseModel):
    """Several questions."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    actions: list[Action] = Field(max_length=100)
    actor: str | None = None
    domain: str | None = None


IdempotencyKey = Annotated[str | None, Header(max_length=300)]


@router.post("/evaluate")
@router.post("/submit")
@router.post("/submit/v2")
async def evaluate(body: Action, plane: Plane, caller: Asker, idempotency_key: IdempotencyKey = None) -> JsonObject:
    """Decide on one action; with an Idempotency-Key it is counted once, however often it is asked."""
    return await _decide(plane, caller, body, idempotency_key)


@router.post("/submit/dry-run")
async def dry_run(body: Action, plane: Plane, caller: Asker) -> JsonObject:
    """Decide, and change and record nothing."""
    return await _decide(plane, caller, body.model_copy(update={"dry_run": True}), None)


@router.post("/evaluate/batch")
async def batch(body: ActionBatch, plane: Plane, caller: Asker) -> list[JsonObject]:
    """Decide on several actions, in their order."""
    shared = {name: value for name, value in (("actor", body.actor), ("domain", body.domain)) if value is not None}
    actions = [
        action.model_copy(update={name: value for name, value in shared.items() if name not in action.model_fields_set})
        for action in body.actions
    ]
    for action in actions:
        require_actor(caller, action.actor)
    return [await _decide(plane, caller, action, None) for action in actions]


@router.get("/validations/{validation_id}/verify")
async def verify(validation_id: str, plane: Plane, caller: Anybody) -> JsonObject:
    """Compare a decision's hash with what is recorded of it."""
    event = await plane.read(lambda connection: events.decision(connection, validation_id))
    if event is None or not caller.speaks_for(event["actor"]):
        raise not_found("validation", validation_id)
    body = event["body"]
    computed = decision_hash(event["subject"], event["verdict"], body["policy_version"], event["time"])
    valid = computed == body["validation_hash"]
    return {
        "valid": valid,
        "validation_id": validation_id,
        "validation_hash": body["validation_hash"],
        "computed_hash": computed,
        "validated_at": iso(event["time"]),
        "allowed": event["verdict"] == "allowed",
        "result": event["verdict"],
        "message": "the record is as it was written" if valid else "the record was changed",
    }


@router.get("/status")
async def status(plane: Plane, caller: Anybody) -> JsonObject:
    """Whether decisions can be had, and under which policy. A gateway's key also learns how to follow conversations."""
    snapshot = await plane.snapshot()
    followed = snapshot.text.followed
    history = {"history": None if followed is None else followed.as_dict()} if caller.vouches else {}
    return {
        **history,
        "status": "operational",
        "policy_version": snapshot.policy.version,
        "mode": snapshot.text.mode,
        "rules": len(snapshot.policy.rules),
        "kill_switch_active": bool(snapshot.switches),
    }


async def _decide(plane: ControlPlane, caller: Key, body: Action, key: str | None) -> JsonObject:
    require_actor(caller, body.actor)
    call, context = body.question()
    if any((context.key, context.key_alias, context.user, context.team, context.history, context.caller_rules)):
        require_gateway(caller)
    await live_sessions.check(plane, caller, body.actor, body.session)
    if key is None or body.dry_run:
        return answer(
            await plane.decide(call, context, dry_run=body.dry_run, asked_by=caller.holder), dry_run=body.dry_run
        )
    readable(body.session)  # with what is not bound: it is compared as well
    question = plane.question(call, context, asked_by=caller.holder)

    def job(transaction: Transaction) -> JsonObject:
        return repeated.decide(
            transaction,
            plane.deciding,
            question,
            now_in(transaction, plane.clock),
            name=f"{caller.holder} evaluate {key}",
            request=body.model_dump(mode="json"),
            answer=lambda outcome: answer(outcome, dry_run=False),
        )

    return await plane.write(job)
