"""Who calls, and what they may do."""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from litellm_bighub.control_plane.http.errors import problem, unauthorized
from litellm_bighub.control_plane.people.roles import Scope
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.tables import keys
from litellm_bighub.control_plane.store.tables.keys import Key

logger = logging.getLogger(__name__)


def get_plane(request: Request) -> ControlPlane:
    """The control plane behind the app."""
    plane: ControlPlane = request.app.state.plane
    return plane


Plane = Annotated[ControlPlane, Depends(get_plane)]


InHeader = Annotated[str | None, Security(APIKeyHeader(name="X-API-Key", auto_error=False))]
InBearer = Annotated[HTTPAuthorizationCredentials | None, Security(HTTPBearer(auto_error=False))]


ANY_ACTOR: Final = "this key speaks for any actor; say for which with PATCH /api-keys/{key_id}"


class UnboundKeys:
    """Warns once of each agent's key that speaks for any actor."""

    def __init__(self) -> None:
        self._warned: set[str] = set()

    def warn(self, key: Key) -> None:
        """Log a key that has no actor yet."""
        if key.is_agent and key.actor is None and key.id not in self._warned:
            self._warned.add(key.id)
            logger.warning("%s (%s, %s…): %s", key.id, key.name, key.prefix, ANY_ACTOR)


async def authenticate(request: Request, plane: Plane, header: InHeader, bearer: InBearer) -> Key:
    """The key of `X-API-Key`, or of `Authorization: Bearer`.

    Raises:
        HTTPException: 401; 403 where the key may not be used from this address; 429 where it was used too often.
    """
    secret = header if header is not None else bearer and bearer.credentials
    if not secret:
        raise unauthorized("api_key_needed")
    key = await plane.read(lambda connection: keys.find(connection, secret))
    if key is None or not key.valid_at(plane.clock()):
        raise unauthorized("api_key_unknown")
    if not plane.rule_names.roles_count(key.roles_of, plane.clock()):
        raise unauthorized("api_key_login_due")
    if not key.may_come_from(address_of(request)):
        raise problem(403, "address_not_allowed", prefix=key.prefix)
    if key.rate_limit_per_minute is not None:
        await _count(plane, key)
    unbound: UnboundKeys = request.app.state.unbound_keys
    unbound.warn(key)
    return key


def address_of(request: Request) -> str | None:
    """Where the connection comes from. A proxy's word counts only if the server is set to trust that proxy."""
    return request.client.host if request.client else None


async def _count(plane: ControlPlane, key: Key) -> None:
    wait = await plane.write(
        lambda transaction: keys.count_request(transaction.connection, key, plane.clock()), brief=True
    )
    if wait is not None:
        headers = {"Retry-After": str(math.ceil(max(wait, 1)))}
        raise problem(429, "rate_limited", prefix=key.prefix, limit=key.rate_limit_per_minute, headers=headers)


def require_actor(key: Key, actor: str) -> None:
    """Require that an agent's key speaks for this actor.

    Raises:
        HTTPException: 403.
    """
    if not key.speaks_for(actor):
        raise problem(403, "another_actor", prefix=key.prefix, name=key.name[:100], actor=repr(actor[:100]))


def require_gateway(key: Key) -> None:
    """Require that a key may say whom a gateway has authenticated.

    Raises:
        HTTPException: 403.
    """
    if not key.vouches:
        raise problem(403, "another_caller", prefix=key.prefix, name=key.name[:100], actor=repr(key.actor))


Anybody = Annotated[Key, Depends(authenticate)]


_AUDITING: Final[tuple[Scope, ...]] = (
    *("audit:read", "approvals:resolve", "rules:write", "kill_switch:write", "webhooks:write"),
)
_READING: Final[tuple[Scope, ...]] = (*_AUDITING, "inbox:read")


def require_scope(*scopes: Scope) -> Callable[[Key], Awaitable[Key]]:
    """A dependency that requires a key with one of the scopes."""

    async def check(key: Anybody) -> Key:
        if not key.scopes & set(scopes):
            raise problem(403, "missing_scope", scopes=", ".join(scopes))
        return key

    return check


async def read_waiting(key: Anybody) -> Key:
    """A reader's key, or an agent's, which sees what waits of its own actor."""
    return key if key.is_agent else await _read(key)


_read = require_scope(*_READING)
Asker = Annotated[Key, Depends(require_scope("actions:validate"))]
Reporter = Annotated[Key, Depends(require_scope("actions:validate", "outcomes:write"))]
Resolver = Annotated[Key, Depends(require_scope("approvals:resolve"))]
RuleWriter = Annotated[Key, Depends(require_scope("rules:write"))]
SwitchWriter = Annotated[Key, Depends(require_scope("kill_switch:write"))]
HookWriter = Annotated[Key, Depends(require_scope("webhooks:write"))]
KeyWriter = Annotated[Key, Depends(require_scope("keys:write"))]
Reader = Annotated[Key, Depends(_read)]
AuditReader = Annotated[Key, Depends(require_scope(*_AUDITING))]
Waiting = Annotated[Key, Depends(read_waiting)]
