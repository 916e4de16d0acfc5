"""Slack's signed requests: interactions arrive at `/slack/interactions`. Each counts once, within five minutes."""

from __future__ import annotations

import json
from typing import Final
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response
from pydantic import SecretStr
from slack_sdk.signature import Clock, SignatureVerifier
from starlette.background import BackgroundTask
from starlette.routing import BaseRoute

from litellm_bighub.control_plane.channels.slack_app.socket_mode import Take
from litellm_bighub.control_plane.http.errors import problem
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.tables import idempotency
from litellm_bighub.control_plane.store.transaction import Transaction

PATH: Final = "/slack/interactions"


class _PlaneClock(Clock):
    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane

    def now(self) -> float:
        """POSIX seconds."""
        return self._plane.clock()


def signed_routes(secret: SecretStr, plane: ControlPlane, take: Take) -> list[BaseRoute]:
    """The route that Slack sends interactions to.

    Args:
        secret: the app's signing secret.
        plane: remembers the requests that have counted, for all processes.
        take: carries an interaction out.
    """
    router = APIRouter(include_in_schema=False)
    verifier = SignatureVerifier(secret.get_secret_value(), _PlaneClock(plane))

    async def is_new(signature: str) -> bool:
        key, now = f"slack {signature}", plane.clock()

        def job(transaction: Transaction) -> bool:
            if idempotency.find(transaction.connection, key, {}, now) is not None:
                return False
            idempotency.put(transaction.connection, key, {}, {}, now)
            return True

        return await plane.write(job)

    @router.post(PATH)
    async def interactions(request: Request) -> Response:
        """An interaction, which the signature proves to come from Slack."""
        body = await request.body()
        signature = request.headers.get("X-Slack-Signature", "")
        if not _is_valid(verifier, body, request) or not await is_new(signature):
            raise problem(401, "slack_unsigned")
        follow_up = await take(_payload(body))
        return Response(background=BackgroundTask(follow_up))

    return list(router.routes)


def _is_valid(verifier: SignatureVerifier, body: bytes, request: Request) -> bool:
    try:
        return verifier.is_valid_request(body, dict(request.headers))
    except (ArithmeticError, ValueError, TypeError):  # the time is no number, the body or signature no text
        return False


def _payload(body: bytes) -> object:
    try:
        return json.loads(parse_qs(body.decode()).get("payload", ["null"])[0])
    except (ValueError, RecursionError):
        return None
