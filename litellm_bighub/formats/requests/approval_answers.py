"""A caller's answers to the requests for approval that a format shows to its clients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from litellm_bighub.domain.payload import Payload
from litellm_bighub.wording import Wording

Effect: TypeAlias = Literal["approved", "denied", "void", "ignored"]
"""What an answer did; `void`: the approval was not open for it; `ignored`: callers have no say here."""

SERVER_LABEL: Final = "litellm_bighub"
"""Tells our requests for approval from those for providers' MCP servers."""


@dataclass(frozen=True, slots=True)
class ApprovalAnswer:
    """A caller's answer. Of several to one approval, all must approve."""

    approval_id: str
    approve: bool


@dataclass(frozen=True, slots=True)
class ClientApprovals:
    """How clients of a format answer a request for approval that stands in the place of a call.

    Attributes:
        find: the answers among the items of a conversation, one for each approval.
        readable: the items as every provider can read them, given what each answer did by its approval's id, and
            the words for it.
    """

    find: Callable[[Sequence[object]], list[ApprovalAnswer]]
    readable: Callable[[Sequence[object], Mapping[str, Effect], Wording], list[Payload]]
