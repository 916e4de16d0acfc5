"""Who calls, and what they may do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.exceptions import HTTPException
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from litellm_bighub.control_plane.http.errors import problem
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store import keys
from litellm_bighub.control_plane.store.keys import Key, Scope


def get_plane(request: Request) -> ControlPlane:
    """The control plane behind the app."""
    plane: ControlPlane = request.app.state.plane
    return plane


Plane = Annotated[ControlPlane, Depends(get_plane)]


InHeader = Annotated[str | None, Security(APIKeyHeader(name="X-API-Key", auto_error=False))]
InBearer = Annotated[HTTPAuthorizationCredentials | None, Security(HTTPBearer(auto_error=False))]


async def authenticate(plane: Plane, header: InHeader, bearer: InBearer) -> Key:
    """The key of `X-API-Key`, or of `Authorization: Bearer`.

    Raises:
        HTTPException: 401.
    """
    secret = header if header is not None else bearer and bearer.credentials
    if not secret:
        raise HTTPException(401, "an API key is needed, as X-API-Key")
    key = await plane.read(lambda connection: keys.find(connection, secret))
    if key is None or not key.valid_at(plane.clock()):
        raise HTTPException(401, "this API key is unknown, revoked or expired")
    return key


Anybody = Annotated[Key, Depends(authenticate)]


def holding(*scopes: Scope) -> Callable[[Key], Awaitable[Key]]:
    """A dependency: the caller's key, which must hold one of the scopes."""

    async def check(key: Anybody) -> Key:
        if not key.scopes & set(scopes):
            raise problem(403, "missing_scope", f"this API key has none of: {', '.join(scopes)}")
        return key

    return check


Asker = Annotated[Key, Depends(holding("actions:validate"))]
Resolver = Annotated[Key, Depends(holding("approvals:resolve"))]
RuleWriter = Annotated[Key, Depends(holding("rules:write"))]
SwitchWriter = Annotated[Key, Depends(holding("kill_switch:write"))]
HookWriter = Annotated[Key, Depends(holding("webhooks:write"))]
KeyWriter = Annotated[Key, Depends(holding("keys:write"))]
Reader = Annotated[
    Key, Depends(holding("audit:read", "approvals:resolve", "rules:write", "kill_switch:write", "webhooks:write"))
]
