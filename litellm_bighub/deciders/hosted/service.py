"""The decider that asks the hosted BIGHUB once, through its own SDK.

Clients of all generations name their exceptions alike, so names and statuses say whether the service could not be
reached or what it answered.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import math
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import TypeAlias

import httpx
from bighub import AsyncBighubClient
from typing_extensions import assert_never

from litellm_bighub.deciders.approvals.waiting_decider import AnsweredApproval
from litellm_bighub.deciders.hosted.background_message import tell_background
from litellm_bighub.deciders.hosted.hosted_approvals import HostedApprovals
from litellm_bighub.deciders.hosted.strict_answer import read_decision
from litellm_bighub.deciders.hosted.told_history import Status, ToldHistory
from litellm_bighub.domain.call import CallContext, ToolCall, stored_context
from litellm_bighub.domain.conversation.history import FreshHistory
from litellm_bighub.domain.decision import Decision, RequireApproval
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.domain.redaction import Redactor
from litellm_bighub.errors import (
    ConfigurationError,
    DecisionError,
    DecisionRefused,
    DecisionUnavailable,
    DecisionUnreadable,
)
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
        status: Status | None = getattr(client.actions, "status", None)
        self._told = ToldHistory(None if status is None else partial(answered_status, status))

    @property
    def history(self) -> FreshHistory:
        """Whoever answers has the labels of results, and is told of all; of earlier calls if it asks for them."""
        return self._told.fresh

    async def learn(self) -> None:
        """Ask an embedded control plane which earlier calls its rules ask for."""
        await self._told.learn()

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

    async def tell_background(self, decision: RequireApproval, call: ToolCall, context: CallContext) -> None:
        """Tell an embedded control plane why the call was made, as `TellingDecider` has it."""
        await tell_background(self._send, decision, call, context, self._redactor)

    async def _send(self, path: str, body: JsonObject) -> object:
        transport = self._client.approvals._transport  # noqa: SLF001 - the SDK has no other way to ask what it does not know
        return await transport.request(method="POST", path=path, json_body=body)

    async def answered(self, approval_id: str, *, seconds: float) -> AnsweredApproval:
        """Wait for a person as `WaitingDecider` has it."""
        return await self._approvals.answered(approval_id, seconds=seconds)

    async def consent(self, approval_id: str, context: CallContext, *, approve: bool) -> bool:
        """Record a caller's answer as `CallerApproval` has it."""
        return await self._approvals.consent(approval_id, context, approve=approve)

    async def aclose(self) -> None:
        """Close the SDK's connections."""
        await self._told.aclose()
        await self._client.close()

    def _target(self, call: ToolCall) -> str:
        if self._send_arguments == "full":
            return call.target
        return redacted_target(call, self._redactor)

    def _context(self, call: ToolCall, context: CallContext) -> JsonObject:
        """The context of the question, next to the contract's own fields; empty fields are left out."""
        shown: JsonObject | None = None
        match self._send_arguments:
            case "redacted":
                shown = dict(self._redactor.redact(call.arguments))
            case "full":
                shown = dict(call.arguments)
            case "digest":
                pass
            case _:
                assert_never(self._send_arguments)
        told = replace(
            context, end_user=self._redactor.text(context.end_user), history=self._told.of(call, shown, context)
        )
        filled: JsonObject = {
            "tool": call.name,
            "call_type": call.type,
            "arguments_digest": call.digest,
            "gateway": gateway(call, told),
        }
        filled = {key: value for key, value in filled.items() if value or key == "gateway"}
        return filled if shown is None else {**filled, "arguments": shown}


async def answered_status(status: Callable[[], Awaitable[object]]) -> object:
    """The service's status.

    Raises:
        DecisionError: there is none.
    """
    try:
        return await status()
    except Exception as error:
        # Anything else is a bug of somebody's client. It opens nothing.
        raise decision_error(error) or DecisionRefused("the client has no status") from error


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
    named += [context.caller_rules] if context.caller_rules else []
    return hashlib.sha256(json.dumps(named).encode()).hexdigest()


def _evaluation(actions: object) -> tuple[Evaluate, str]:
    """The SDK's method that evaluates an action, and how it calls the context: both changed with its generations."""
    evaluate: Evaluate | None = getattr(actions, "evaluate", None) or getattr(actions, "submit", None)
    if evaluate is None:
        raise ConfigurationError("decider", "the installed bighub package cannot evaluate actions")
    return evaluate, "context" if "context" in inspect.signature(evaluate).parameters else "metadata"


_TIMEOUTS = frozenset({"BighubTimeoutError", "TimeoutException", "TimeoutError"})
_UNREACHED = frozenset({"BighubNetworkError", "TransportError", "ConnectionError", "APIConnectionError"})


def decision_error(error: Exception) -> DecisionError | None:
    """The failure as our tree of errors has it; `None` for what is no failure of the service, a bug for one."""
    status = getattr(error, "status_code", None)
    names = {each.__name__ for each in type(error).__mro__}
    if isinstance(status, int):
        return _status(error, status)
    if "BighubAuthError" in names:
        return DecisionRefused("BIGHUB does not accept the API key (401 or 403)")
    if isinstance(error, UnicodeEncodeError):
        return DecisionRefused("the question holds text that JSON cannot carry")
    if (unsent := _protocol_failure(error)) is not None:
        return unsent
    if names & _TIMEOUTS:
        return DecisionUnavailable("BIGHUB did not answer in time", transient=True)
    if names & _UNREACHED:
        return DecisionUnavailable("BIGHUB could not be reached", transient=True)
    return None


def _protocol_failure(error: Exception) -> DecisionError | None:
    """What HTTP itself cannot carry. The SDK has one error for everything below HTTP; the reason is its cause."""
    match error if isinstance(error, httpx.HTTPError) else error.__cause__:
        case httpx.DecodingError():
            return DecisionUnreadable("BIGHUB's answer is too large, or cannot be decoded")
        case httpx.UnsupportedProtocol() | httpx.LocalProtocolError():
            return DecisionRefused("the question to BIGHUB cannot be sent as HTTP")
        case _:
            return None


def _status(error: Exception, status: int) -> DecisionError:
    """What a status other than 2xx means.

    408, 409, 425 and 429 say "not now": they are retried, and in the end they are refusals like every other 4xx. The
    service was there and gave an answer, so that whoever makes it busy opens nothing under `fail_mode: open`.
    """
    code = getattr(error, "code", None)
    text = f"BIGHUB answered {status}" + (f" ({code[:60]})" if isinstance(code, str) else "")
    match status:
        case 429:
            return DecisionRefused(text, transient=True, retry_after=_retry_after(error))
        case 408 | 409 | 425:
            return DecisionRefused(text, transient=True)
        case _ if 500 <= status <= 599:
            return DecisionUnavailable(text, transient=True)
        case _ if 400 <= status <= 499:
            return DecisionRefused(text)
        case _:
            return DecisionUnreadable(text)


def _retry_after(error: Exception) -> float | None:
    seconds: object = getattr(error, "retry_after_seconds", None)
    if not isinstance(seconds, int | float) or isinstance(seconds, bool):
        return None
    return float(seconds) if math.isfinite(seconds) and seconds >= 0 else None
