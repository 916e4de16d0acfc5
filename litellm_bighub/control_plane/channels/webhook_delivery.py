"""Signed delivery of events to webhooks, at least once. Retries come after growing pauses."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from dataclasses import dataclass

import httpx

from litellm_bighub.control_plane.channels import slack
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.tables import approvals, webhooks as hooks
from litellm_bighub.control_plane.store.tables.webhooks import Delivery, Webhook
from litellm_bighub.control_plane.store.transaction import Transaction

TOLERANCE_SECONDS = 300
_LEASE_SECONDS = 120.0
_LOOK_AGAIN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class HeaderNames:
    """Names of the headers. BIGHUB publishes none, so they can be set."""

    signature: str = "X-BIGHUB-Signature"
    timestamp: str = "X-BIGHUB-Timestamp"


def sign(secret: str, timestamp: int, body: str) -> str:
    """`v1=` and the HMAC-SHA256 over timestamp and body."""
    return "v1=" + hmac.new(secret.encode(), f"{timestamp}.{body}".encode(), hashlib.sha256).hexdigest()


def verify(*, secret: str, timestamp: int, body: str, signature: str, now: float) -> bool:
    """Whether a signature is genuine and recent."""
    genuine = hmac.compare_digest(sign(secret, timestamp, body).encode(), signature.encode("utf-8", "replace"))
    return genuine and abs(now - timestamp) <= TOLERANCE_SECONDS


class Deliverer:
    """Turns new events into deliveries, and makes those that are due."""

    def __init__(self, plane: ControlPlane, client: httpx.AsyncClient, headers: HeaderNames = HeaderNames()) -> None:
        self._plane = plane
        self._client = client
        self._headers = headers

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            with self._plane.signals.watch() as changed:
                if not await self.step():
                    await changed(_LOOK_AGAIN_SECONDS)

    async def step(self) -> int:
        """Enqueue what is new and deliver what is due; how much there was of both."""
        now = self._plane.clock()

        def job(transaction: Transaction) -> tuple[int, list[tuple[Delivery, Webhook]]]:
            connection = transaction.connection
            followed = hooks.enqueue_new_events(connection, now)
            taken = hooks.claim(connection, now, _LEASE_SECONDS)
            known = {hook.id: hook for hook in hooks.listed(connection, inactive=True)}
            return followed, [(delivery, known[delivery.webhook_id]) for delivery in taken]

        followed, due = await self._plane.write(job)
        await asyncio.gather(*(self._deliver(delivery, hook) for delivery, hook in due))
        return followed + len(due)

    async def _slack(self, delivery: Delivery, hook: Webhook) -> str:
        subject = str(json.loads(delivery.body)["data"].get("subject", ""))
        approval = None
        if delivery.event_type == slack.APPROVAL_CREATED:
            approval = await self._plane.read(lambda connection: approvals.get(connection, subject))
        if approval is None:
            return slack.event_message(delivery.event_type, subject)
        return slack.approval_message(approval, hook.inbox_url, self._plane.wording)

    async def _deliver(self, delivery: Delivery, hook: Webhook) -> None:
        timestamp = int(self._plane.clock())
        body = delivery.body if hook.format == "bighub" else await self._slack(delivery, hook)
        headers = {
            "Content-Type": "application/json",
            "X-BIGHUB-Delivery": str(delivery.id),
            self._headers.timestamp: str(timestamp),
            self._headers.signature: sign(hook.secret, timestamp, body),
        }
        status: int | None = None
        error: str | None = None
        try:
            # Only the status is read: the receiver's body might never end.
            async with self._client.stream(
                "POST", hook.url, content=body, headers=headers, timeout=hook.timeout_seconds
            ) as response:
                status = response.status_code
        except (httpx.HTTPError, httpx.InvalidURL) as raised:
            error = type(raised).__name__
        now = self._plane.clock()
        await self._plane.write(
            lambda transaction: hooks.settle(
                transaction.connection, delivery, hook, status=status, error=error, now=now
            )
        )
