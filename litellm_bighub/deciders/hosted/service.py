"""The decider that asks the hosted BIGHUB once, through its own SDK."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeAlias

from bighub import AsyncBighubClient
from typing_extensions import assert_never

from litellm_bighub.deciders.approvals.waiting_decider import AnsweredApproval
from litellm_bighub.deciders.hosted.failures import decision_error
from litellm_bighub.deciders.hosted.hosted_approvals import HostedApprovals
from litellm_bighub.deciders.hosted.strict_answer import read_decision
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Decision
from litellm_bighub.domain.history import FreshHistory
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.domain.redaction import Redactor
from litellm_bighub.domain.stored_context import stored_context
from litellm_bighub.errors import ConfigurationError
from litellm_bighub.policy.tool_table import ToolEntry
from litellm_bighub.settings import SendArguments

Evaluate: TypeAlias = Callable[..., Awaitable[object]]


class BighubDecider:
    """Asks BIGHUB about a call, once. Retry, deadline and breaker are wrappers (`hosted`).

    Args:
        client: the SDK's client, with its own retries off.
        send_arguments: in which form the arguments go to BIGHUB.
        redactor: takes secrets out of the questions.
    """

    name = "bighub"

    def __init__(
        self,
        client: AsyncBighubClient,
        *,
        send_arguments: SendArguments = "redacted",
        redactor: Redactor | None = None,
    ) -> None:
        self._client = client
        self._evaluate, self._context_key = _evaluation(client.actions)
        self._approvals = HostedApprovals(client.approvals)
        self._send_arguments: SendArguments = send_arguments
        self._redactor = redactor or Redactor()

    @property
    def history(self) -> FreshHistory:
        """Whoever answers has the labels of results, and is told of all."""
        return FreshHistory()

    async def decide(self, call: ToolCall, context: CallContext) -> Decision:
        """Ask once.

        The idempotency key is the same for the same call of the same response, so repeating the question is safe.
        """
        try:
            answer = await self._evaluate(
                value=call.value,
                **question(call, context, target=self._target(call) or None),
                **{self._context_key: self._context(call, context)},
            )
        except Exception as error:
            failure = decision_error(error)
            if failure is None:  # a bug
                raise
            raise failure from error
        return read_decision(answer)

    async def answered(self, approval_id: str, *, seconds: float) -> AnsweredApproval:
        """Wait for a person as `WaitingDecider` has it."""
        return await self._approvals.answered(approval_id, seconds=seconds)

    async def consent(self, approval_id: str, context: CallContext, *, approve: bool) -> bool:
        """Record a caller's answer as `CallerApproval` has it."""
        return await self._approvals.consent(approval_id, context, approve=approve)

    async def aclose(self) -> None:
        """Close the SDK's connections."""
        await self._client.close()

    def _target(self, call: ToolCall) -> str:
        if self._send_arguments == "full":
            return call.target
        return redacted_target(call, self._redactor)

    def _context(self, call: ToolCall, context: CallContext) -> JsonObject:
        """The context of the question, next to the contract's own fields; empty fields are left out."""
        filled: JsonObject = {
            "tool": call.name,
            "call_type": call.type,
            "arguments_digest": call.digest,
            "gateway": gateway(call, replace(context, end_user=self._redactor.text(context.end_user))),
        }
        filled = {key: value for key, value in filled.items() if value or key == "gateway"}
        match self._send_arguments:
            case "redacted":
                filled["arguments"] = self._redactor.redact(call.arguments)
            case "full":
                filled["arguments"] = dict(call.arguments)
            case "digest":
                pass
            case _:
                assert_never(self._send_arguments)
        return filled


def question(call: ToolCall, context: CallContext, *, target: str | None) -> JsonObject:
    """The fields that every generation of clients takes, and names alike."""
    return {
        "action": call.action or call.name,
        "actor": context.actor,
        "domain": context.domain,
        "target": target,
        "idempotency_key": _idempotency_key(call, context),
    }


def redacted_target(call: ToolCall, redactor: Redactor) -> str:
    """What the call acts upon, without the secrets of its arguments."""
    return ToolEntry().shown(call, redactor.redact(call.arguments), redactor.redact).target


def gateway(call: ToolCall, context: CallContext) -> dict[str, str]:
    """The facts of a run under one key, so that an approval is bound to the caller and not to the run."""
    facts = {"path": call.path, "call_id": call.id, **stored_context(context)}
    return {name: value for name, value in facts.items() if value}


def _idempotency_key(call: ToolCall, context: CallContext) -> str:
    """Names the question: this call, in this response, of this trace, for this actor."""
    named = [context.trace_id, context.response_id, context.actor, context.key, context.user, context.domain]
    named += [call.id, call.path]
    named += [call.name, call.action, call.digest]
    return hashlib.sha256(json.dumps(named).encode()).hexdigest()


def _evaluation(actions: object) -> tuple[Evaluate, str]:
    """The SDK's method that evaluates an action, and how it calls the context: both changed with its generations."""
    evaluate: Evaluate | None = getattr(actions, "evaluate", None) or getattr(actions, "submit", None)
    if evaluate is None:
        raise ConfigurationError("decider", "the installed bighub package cannot evaluate actions")
    return evaluate, "context" if "context" in inspect.signature(evaluate).parameters else "metadata"
