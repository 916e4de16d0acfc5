"""A decided call as it is remembered, so that the requests that follow can be held against it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from litellm_bighub.domain.call import Arguments, CallContext, CallType, ToolCall
from litellm_bighub.domain.decision import Verdict
from litellm_bighub.domain.digest import rules_digest


@dataclass(frozen=True, slots=True)
class DecidedCall:
    """What became of one call of one answer.

    Attributes:
        response_id: the upstream's id of the response that holds it.
        call_id: the call's id on the wire.
        type: what kind of machine it makes act.
        tool: the tool's name.
        verdict: what was decided.
        released: whether the client got the call.
        actor: on whose behalf it would have run.
        time: POSIX seconds.
        digest: SHA-256 over the RFC 8785 form of its arguments, as a client would run them; empty if unreadable.
        arguments: redacted; a person's, where they were edited.
        edited: whether a person put other arguments in place of the model's.
        conversation: the id of the provider's conversation, if it has one.
        answered: whether that conversation already holds an output for it.
        item_id: the id of the item that held it.
        notice_id: the id of the item that took its place.
        notice: what stood in its place.
        continued_by: the id of the answer that stands behind its own in one stream, as LiteLLM takes it back; empty if
            there is none. Whoever goes on from the stream's id goes on from there.
        key: the hash of the key that asked, if there was one.
        user: the authenticated user, if there was one.
        reasoning_id: of a withheld call, the id of the reasoning right before it in its answer.
        reasoning_digest: tells that reasoning by its content.
        turn: of a withheld call, the digest of the conversation that its answer went on from.
        request: of a withheld call, which request it was in the answer to: several may have gone on from the same turn.
        path: where it stood in its answer, as in `output[2]`; empty for calls that an older version has written.
        told: of a released call, what the person who approved it tells the model.
        caller_rules: the digest of the rules that the caller's key and team had, empty without any.
    """

    response_id: str
    call_id: str
    type: CallType
    tool: str
    verdict: Verdict
    released: bool
    actor: str
    time: float
    digest: str = ""
    arguments: Arguments = field(default_factory=dict)
    edited: bool = False
    conversation: str = ""
    answered: bool = False
    item_id: str = ""
    notice_id: str = ""
    notice: str = ""
    continued_by: str = ""
    key: str = ""
    user: str = ""
    reasoning_id: str = ""
    reasoning_digest: str = ""
    turn: str = ""
    request: str = ""
    path: str = ""
    told: str = ""
    caller_rules: str = ""

    @property
    def place(self) -> tuple[str, str, str, str]:
        """Where it stands: ids alone may be those of two calls of one answer."""
        return self.response_id, self.call_id, self.item_id, self.path

    @property
    def owner(self) -> tuple[str, str, str]:
        """Who asked, by all that tells one caller from another."""
        return self.actor, self.key, self.user


def released(call: ToolCall, context: CallContext, time: float, *, told: str = "") -> DecidedCall:
    """A call that the client gets as the model made it, and what a person tells the model with it."""
    return DecidedCall(
        response_id=context.response_id,
        call_id=call.id,
        type=call.type,
        tool=call.name,
        verdict="allowed",
        released=True,
        actor=context.actor,
        time=time,
        digest=call.digest,
        conversation=context.conversation,
        item_id=call.item_id,
        key=context.key,
        user=context.user,
        path=call.place,
        told=storable(told),
        caller_rules=rules_digest(context.caller_rules),
    )


@dataclass(frozen=True, slots=True)
class Search:
    """Which calls a request may be about. A call is found if it fits one of these.

    Attributes:
        response_id: calls of this response.
        conversation: calls of this conversation.
        call_ids: calls of this caller with one of these ids.
        notice_ids: calls of this caller in whose place one of these items stood.
        reasoning_ids, reasoning_digests: calls of this caller that stood right behind one of these reasoning items.
        turns: calls of this caller whose answers went on from one of these conversations.
        actor, key, user: who the caller is.
    """

    response_id: str = ""
    conversation: str = ""
    call_ids: Collection[str] = ()
    notice_ids: Collection[str] = ()
    actor: str = ""
    key: str = ""
    user: str = ""
    reasoning_ids: Collection[str] = ()
    reasoning_digests: Collection[str] = ()
    turns: Collection[str] = ()

    def fits(self, call: DecidedCall) -> bool:
        """Whether the call is found."""
        if (self.response_id and call.response_id == self.response_id) or (
            self.conversation and call.conversation == self.conversation
        ):
            return True
        mine = call.owner == (self.actor, self.key, self.user)
        marks = (
            (call.notice_id, self.notice_ids),
            (call.reasoning_id, self.reasoning_ids),
            (call.reasoning_digest, self.reasoning_digests),
            (call.turn, self.turns),
        )
        return mine and (call.call_id in self.call_ids or any(mark and mark in wanted for mark, wanted in marks))


def storable(text: str) -> str:
    """The text as every ledger holds it: without NUL and halves of surrogate pairs, which databases refuse."""
    if text.isascii() and "\0" not in text:  # as nearly all are
        return text
    return text.encode(errors="backslashreplace").decode().replace("\0", "\\0")


def continuation(calls: Iterable[DecidedCall], response_id: str) -> str:
    """The id of the answer that stands behind this one in its stream; empty if none does.

    Args:
        calls: of any responses, the oldest first.
        response_id: the upstream's.
    """
    ids = [call.continued_by for call in calls if call.response_id == response_id and call.continued_by]
    return ids[-1] if ids else ""


def outcomes(calls: Iterable[DecidedCall]) -> list[DecidedCall]:
    """What became of each call: answer by answer, and in the order in which they stand there.

    Args:
        calls: the oldest first. What became of a call last counts: of two guardrails the second sees only what the
            first released, and a stored answer's call may have been approved when it was fetched again.
    """
    answers: dict[str, dict[tuple[str, str], dict[str, DecidedCall]]] = {}
    for call in calls:
        versions = answers.setdefault(call.response_id, {}).setdefault((call.call_id, call.item_id), {})
        if call.path:
            versions.pop("", None)
        else:  # written by an older version, which knew no two calls of one id
            versions.clear()
        versions[call.path] = call
    return [
        call
        for ids in answers.values()
        for call in sorted((each for versions in ids.values() for each in versions.values()), key=_order)
    ]


def withheld(calls: Iterable[DecidedCall]) -> list[DecidedCall]:
    """Those of the calls that no client got. Arguments and order are those of `outcomes`."""
    return [call for call in outcomes(calls) if not call.released]


def _order(call: DecidedCall) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", call.path)]
