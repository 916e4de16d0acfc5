"""Approvals of the hosted BIGHUB, and how its answers are read.

It has no way to wait for an approval, so its lists are polled.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol, TypeAlias, cast

import anyio
from bighub.exceptions import BighubError

from litellm_bighub.deciders.approvals.waiting_decider import AnsweredApproval, signature
from litellm_bighub.deciders.approvals.waiting_room import Waiters, WaitingRoom
from litellm_bighub.deciders.hosted.strict_answer import TOLD
from litellm_bighub.domain.call import Arguments, CallContext
from litellm_bighub.domain.payload import JsonMapping
from litellm_bighub.domain.secret_patterns import REDACTED
from litellm_bighub.errors import DecisionRefused, DecisionUnavailable

POLL_SECONDS = 1.0
LIMIT = 1000
_RESOLVED = ("approved", "denied", "rejected")
_KEPT = 10_000
Approval: TypeAlias = "JsonMapping"


class Approvals(Protocol):
    """The part of the SDK that lists approvals and answers them."""

    async def list(self, *, status_filter: str = ..., limit: int | None = ...) -> Any:
        """Approvals of one status."""
        ...

    async def resolve(self, request_id: str, *, resolution: str, comment: str | None = ...) -> Any:
        """Answer one."""
        ...


class HostedApprovals:
    """Implements `WaitingDecider`.

    The hosted service does not say whether deciding again uses an approval up. Its answer is taken as the permission
    for the call that asked, and given once by this process. An approval that is on no list stays open: silence is no
    permission. However many wait, one task looks for all of them.

    Args:
        approvals: the SDK's.
        poll_seconds: between two looks.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        approvals: Approvals,
        *,
        poll_seconds: float = POLL_SECONDS,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self._approvals = approvals
        self._poll_seconds = poll_seconds
        self._sleep = sleep
        self._given: dict[str, None] = {}
        self._room: WaitingRoom[Approval] = WaitingRoom(self._look)

    async def answered(self, approval_id: str, *, seconds: float) -> AnsweredApproval:
        """Look until a person has answered. A look that fails is repeated."""
        with self._room.enter(approval_id) as answered:
            found = await answered(seconds)
        return AnsweredApproval("open") if found is None else self._once(approval_id, found)

    async def consent(self, approval_id: str, context: CallContext, *, approve: bool) -> bool:
        """Record a caller's answer as `CallerApproval` has it, named in the comment: the service knows only our key.

        Raises:
            DecisionUnavailable: the service could not be asked.
        """
        try:
            pending = (await self._listed("pending")).get(approval_id)
            if pending is None or not is_path_segment(approval_id):
                return False
            if pending.get("actor") != context.actor or needs_two_people(pending):
                return False
            wanted = "approved" if approve else "denied"
            comment = f"consent of {signature(context)}"
            resolved = await self._approvals.resolve(approval_id, resolution=wanted, comment=comment)
        except BighubError as error:
            raise DecisionUnavailable("BIGHUB could not record the caller's answer") from error
        return isinstance(resolved, Mapping) and resolved.get("status") == wanted

    async def _look(self, waiters: Waiters[Approval]) -> None:
        with suppress(BighubError):
            open_still = await self._listed("pending")
            for status in _RESOLVED:
                if all(approval_id in open_still for approval_id in waiters.ids):
                    break
                for approval_id, found in (await self._listed(status)).items():
                    if approval_id not in open_still:
                        waiters.tell(approval_id, found)
        await self._sleep(self._poll_seconds)

    async def _listed(self, status: str) -> dict[str, Approval]:
        """The approvals of one status, by id."""
        listed = await self._approvals.list(status_filter=status, limit=LIMIT)
        found: dict[str, Approval] = {}
        for item in listed if isinstance(listed, list) else ():
            approval: Approval = item if isinstance(item, Mapping) else {}
            approval_id = approval.get("request_id")
            if isinstance(approval_id, str) and approval.get("status") in _statuses(status):
                found.setdefault(approval_id, approval)
        return found

    def _once(self, approval_id: str, found: Approval) -> AnsweredApproval:
        by = found.get("resolved_by")
        by = by if isinstance(by, str) else ""
        if found.get("status") != "approved":
            return AnsweredApproval("denied", by=by, told=told_agent(found))
        if binds(found):
            return AnsweredApproval("approved", by=by)
        if approval_id in self._given:
            return AnsweredApproval("void")
        edited = approved_arguments(found)
        self._given[approval_id] = None
        while len(self._given) > _KEPT:
            del self._given[next(iter(self._given))]
        return AnsweredApproval("approved", by=by, bound=False, edited=edited)


def _statuses(listed: str) -> tuple[str, ...]:
    """The statuses that items of a list have; those that wait for a second person are pending."""
    return WAITING if listed == "pending" else (listed,)


WAITING = ("pending", "awaiting_second")
"""The statuses of an approval that waits for a person, or for a second one."""

_BINDS = "four_eyes"
_HIDDEN = REDACTED[:-1]
"""How every note begins that stands in the place of a secret."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_:.-]{0,127}")


def binds(approval: JsonMapping) -> bool:
    """Whether the approval is bound to its call and counts its uses.

    Those of our own control plane are; only they have this field.
    """
    return _BINDS in approval


def needs_two_people(approval: JsonMapping) -> bool:
    """Whether two people have to approve."""
    return bool(approval.get(_BINDS))


def told_agent(approval: JsonMapping) -> str:
    """What a person tells the agent; only our own control plane says that."""
    told = approval.get(TOLD)
    return told if isinstance(told, str) else ""


def is_path_segment(approval_id: str) -> bool:
    """Whether an id may stand in a URL. The SDK writes it into a path as it is."""
    return bool(_ID.fullmatch(approval_id)) and ".." not in approval_id


def approved_arguments(approval: JsonMapping) -> Arguments | None:
    """The arguments that a person approved in place of the call's; `None` if the call itself was approved.

    Raises:
        DecisionRefused: something else than the call was approved, and cannot be carried out.
    """
    edited = approval.get("edited_arguments")
    actions = (approval.get(key) for key in ("modified_action", "better_action"))
    action = next((action for action in actions if action is not None), None)
    if edited is None and action is None:
        if "modified" in (approval.get(key) for key in ("status", "resolution", "review_decision")):
            raise DecisionRefused("the approval changes the call, and does not say how")
        return None
    arguments = action.get("arguments") if edited is None and isinstance(action, Mapping) else edited
    # BIGHUB has the arguments without their secrets: a note that a person left in place is not the secret.
    if not isinstance(arguments, Mapping) or _HIDDEN in repr(arguments):
        raise DecisionRefused("the approval changes the call in a way that cannot be carried out here")
    return cast("Arguments", arguments)
