"""`/webhooks`: where events are sent."""

from __future__ import annotations

import secrets
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from pydantic import AnyHttpUrl, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from litellm_bighub.control_plane.channels import webhook_delivery as delivering
from litellm_bighub.control_plane.http.auth import Anybody, HookWriter, Plane
from litellm_bighub.control_plane.http.errors import existing, not_found, problem
from litellm_bighub.control_plane.http.json_values import iso
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.tables import webhooks as hooks
from litellm_bighub.control_plane.store.tables.webhooks import Delivery, Format, Webhook
from litellm_bighub.control_plane.store.transaction import Transaction
from litellm_bighub.domain.payload import JsonObject

router = APIRouter(prefix="/webhooks")

EVENTS: Final = (
    "api_key.changed",
    "api_key.created",
    "api_key.expires",
    "api_key.revoked",
    "approval.consumed",
    "approval.created",
    "approval.escalated",
    "approval.expired",
    "approval.resolved",
    "approval.value_shown",
    "audit.clock_doubted",
    "audit.retained",
    "decision_event.created",
    "guardrail.opted_out",
    "kill_switch.activated",
    "kill_switch.deactivated",
    "live.connected",
    "live.disconnected",
    "login.ended",
    "login.refused",
    "login.started",
    "outcome.reported",
    "policy.activated",
    "policy.refused",
    "rule.allowance",
    "rule.created",
    "rule.deleted",
    "rule.patch_applied",
    "rule.patch_previewed",
    "rule.paused",
    "rule.resumed",
    "rule.updated",
    "tool_result.unapproved",
    "totals.freed",
    "user.changed",
    "user.created",
)
"""What happens here. A test holds it against what the control plane writes into the audit."""
TEST_EVENT: Final = "signal.new"
"""What the SDK has a test deliver; no event of ours."""
Number = Annotated[int, Field(ge=0, lt=2**31)]


class WebhookFields(BaseModel):
    """What a webhook has, all optional for a change."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str | None = Field(default=None, max_length=2000)
    label: str | None = Field(default=None, max_length=200)
    events: list[str] | None = Field(default=None, max_length=50)
    timeout_seconds: float | None = Field(default=None, gt=0, le=60)
    max_retries: int | None = Field(default=None, ge=0, le=20)
    retry_delay_seconds: float | None = Field(default=None, ge=0, le=3600)
    is_active: bool | None = None
    format: Format | None = None
    inbox_url: str | None = Field(default=None, max_length=2000)

    @field_validator("events")
    @classmethod
    def _happen(cls, events: list[str] | None) -> list[str] | None:
        if not set(events or ()) <= set(EVENTS):
            raise ValueError("an event of this name never happens; GET /webhooks/events/list names those that do")
        return events

    @field_validator("url", "inbox_url")
    @classmethod
    def _is_http(cls, url: str | None, info: ValidationInfo) -> str | None:
        if url == "" and info.field_name == "inbox_url":
            return url
        if url is not None:
            try:
                AnyHttpUrl(url)
            except ValueError as error:
                raise ValueError("a webhook's URL begins with https:// or http:// and names a host") from error
        return url


class Test(BaseModel):
    """A test event."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    event_type: str = Field(default=TEST_EVENT, max_length=100)

    @field_validator("event_type")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if name not in {*EVENTS, TEST_EVENT}:
            raise ValueError("an event of this name never happens; GET /webhooks/events/list names those that do")
        return name


class Signature(BaseModel):
    """A signature to check."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    payload: str
    signature: str
    secret: str
    timestamp: int


@router.post("")
async def create(body: WebhookFields, request: Request, plane: Plane, _: HookWriter) -> JsonObject:
    """Add a webhook; its secret is shown in this answer only."""
    url = body.url
    if url is None:
        raise problem(422, "no_url")
    secret, now = f"whsec_{secrets.token_urlsafe(32)}", plane.clock()
    fields = _merged({"inbox_url": f"{request.base_url}inbox"}, body)

    def job(transaction: Transaction) -> Webhook:
        told = {**fields, "after": transaction.last_event}
        return hooks.insert(transaction.connection, url=url, secret=secret, body=told, now=now)

    return {**_shown(await plane.write(job)), "secret": secret}


@router.get("")
async def listed(plane: Plane, _: HookWriter, include_inactive: bool = False) -> JsonObject:  # noqa: FBT001, FBT002 - a query parameter
    """All webhooks."""
    found = await plane.read(lambda connection: hooks.listed(connection, inactive=include_inactive))
    return {"webhooks": [_shown(hook) for hook in found], "total": len(found)}


@router.get("/events/list")
async def event_types(_: Anybody) -> JsonObject:
    """Types of events that a webhook can receive."""
    return {"events": list(EVENTS)}


@router.post("/verify-signature")
async def verify_signature(body: Signature, plane: Plane, _: Anybody) -> JsonObject:
    """Check a signature. The SDK sends the secret for it; `delivering.verify` does the same without."""
    valid = delivering.verify(
        secret=body.secret,
        timestamp=body.timestamp,
        body=body.payload,
        signature=body.signature,
        now=plane.clock(),
    )
    return {"valid": valid}


@router.get("/{webhook_id}")
async def get(webhook_id: Number, plane: Plane, _: HookWriter) -> JsonObject:
    """One webhook."""
    return _shown(await _get(plane, webhook_id))


@router.patch("/{webhook_id}")
async def update(webhook_id: Number, body: WebhookFields, plane: Plane, _: HookWriter) -> JsonObject:
    """Change a webhook."""

    def job(transaction: Transaction) -> Webhook:
        connection = transaction.connection
        hook = existing(hooks.get(connection, webhook_id), "webhook", webhook_id)
        fields = _merged({name: getattr(hook, name) for name in _DEFAULTS}, body)
        active = hook.active if body.is_active is None else body.is_active
        after = transaction.last_event if active and not hook.active else hook.after
        told = {**fields, "after": after}
        hooks.change(connection, webhook_id, url=body.url or hook.url, active=active, body=told)
        return existing(hooks.get(connection, webhook_id), "webhook", webhook_id)

    return _shown(await plane.write(job))


@router.delete("/{webhook_id}")
async def delete(webhook_id: Number, plane: Plane, _: HookWriter) -> JsonObject:
    """Remove a webhook with its deliveries."""
    if not await plane.write(lambda transaction: hooks.remove(transaction.connection, webhook_id)):
        raise not_found("webhook", webhook_id)
    return {"webhook_id": str(webhook_id), "deleted": True}


@router.get("/{webhook_id}/deliveries")
async def deliveries(
    webhook_id: Number, plane: Plane, _: HookWriter, limit: Annotated[int, Query(ge=1, le=1000)] = 50
) -> JsonObject:
    """Deliveries, successful or not."""
    await _get(plane, webhook_id)
    found = await plane.read(lambda connection: hooks.deliveries_of(connection, webhook_id, limit))
    return {"deliveries": [_delivery(delivery) for delivery in found], "total": len(found)}


@router.post("/{webhook_id}/test")
async def test(webhook_id: Number, body: Test, plane: Plane, _: HookWriter) -> JsonObject:
    """Deliver an event that did not happen."""
    await _get(plane, webhook_id)
    now = plane.clock()

    def job(transaction: Transaction) -> int:
        transaction.notifies = True
        return hooks.enqueue(transaction.connection, webhook_id, body.event_type, {"test": True}, now)

    return {"delivery_id": await plane.write(job), "status": "due"}


@router.post("/{webhook_id}/deliveries/{delivery_id}/replay")
async def replay(webhook_id: Number, delivery_id: Number, plane: Plane, _: HookWriter) -> JsonObject:
    """Deliver once more."""
    now = plane.clock()

    def job(transaction: Transaction) -> bool:
        transaction.notifies = True
        return hooks.replay(transaction.connection, webhook_id, delivery_id, now)

    if not await plane.write(job):
        raise not_found("delivery", delivery_id)
    return {"delivery_id": delivery_id, "status": "due"}


_DEFAULTS: JsonObject = {
    "label": "",
    "events": [],
    "timeout_seconds": 10.0,
    "max_retries": 3,
    "retry_delay_seconds": 5.0,
    "format": "bighub",
    "inbox_url": "",
}


def _merged(before: JsonObject, body: WebhookFields) -> JsonObject:
    given = {name: getattr(body, name) for name in _DEFAULTS if getattr(body, name) is not None}
    return {**_DEFAULTS, **before, **given}


async def _get(plane: ControlPlane, webhook_id: int) -> Webhook:
    return existing(await plane.read(lambda connection: hooks.get(connection, webhook_id)), "webhook", webhook_id)


def _shown(hook: Webhook) -> JsonObject:
    return {
        "webhook_id": str(hook.id),
        "url": hook.url,
        "label": hook.label,
        "events": list(hook.events),
        "is_active": hook.active,
        "timeout_seconds": hook.timeout_seconds,
        "max_retries": hook.max_retries,
        "retry_delay_seconds": hook.retry_delay_seconds,
        "format": hook.format,
        "inbox_url": hook.inbox_url,
        "created_at": iso(hook.created_at),
    }


def _delivery(delivery: Delivery) -> JsonObject:
    return {
        "delivery_id": delivery.id,
        "event_type": delivery.event_type,
        "status": delivery.state,
        "attempts": delivery.attempts,
        "response_status": delivery.status_code,
        "error": delivery.error,
        "created_at": iso(delivery.created_at),
        "delivered_at": iso(delivery.delivered_at),
    }
