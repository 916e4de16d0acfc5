"""How conversations are followed for a BIGHUB over HTTP: as it tells itself, if it is an embedded one.

The hosted BIGHUB tells nothing of that. It is told which results came back, and no facts about earlier calls.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

from litellm_bighub.deciders.wrappers.deadline import within
from litellm_bighub.domain.call import Arguments, CallContext, ToolCall
from litellm_bighub.domain.conversation.fact import of_judged, shortened, with_facts
from litellm_bighub.domain.conversation.history import FreshHistory
from litellm_bighub.errors import DecisionError, DecisionUnavailable

logger = logging.getLogger(__name__)

Status: TypeAlias = Callable[[], Awaitable[object]]
"""Asks for the status of the service, as `actions.status` of the SDK does.

Raises:
    DecisionError: there is none.
"""
TOLD: Final = "history"
"""The field of the status."""
AGAIN_SECONDS: Final = 10.0
SELDOM_SECONDS: Final = 600.0
_PATIENCE: Final = 3.0

_LABELS_ALONE: Final = FreshHistory()
_NOBODY_TOLD: Final = FreshHistory(calls=())


class ToldHistory:
    """Asks at first, and from time to time later, beside the requests.

    Args:
        status: asks the service; `None` if its client has no such question.
        clock: seconds from any origin.
    """

    def __init__(self, status: Status | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._status = status
        self._clock = clock
        self._next: float | None = None
        self._asking: asyncio.Task[None] | None = None
        self.is_ours = False
        """Whether an embedded control plane answers, which is told of earlier calls."""
        self.fresh = _LABELS_ALONE if status is None else _NOBODY_TOLD
        """As it was told last. Before anything was told, calls are followed: they may be asked for."""

    async def learn(self) -> None:
        """Ask if it is time to. The first answer is waited for, and one after a pause: rules may have changed in it."""
        late = 0.0 if self._next is None else self._clock() - self._next
        if self._status is None or late < 0:
            return
        if self._asking is None or self._asking.done():
            self._asking = asyncio.ensure_future(self._ask(self._status))
        if self._next is None or (self.is_ours and late >= AGAIN_SECONDS):
            await asyncio.shield(self._asking)

    def of(self, call: ToolCall, shown: Arguments | None, context: CallContext) -> str:
        """What the service is told of earlier calls; nothing if it has no use for that.

        Args:
            call: the call in question.
            shown: its arguments as the question has them; `None` if it has none.
            context: who asks for it.
        """
        if not self.is_ours:
            return ""
        return shortened(with_facts(context.history, of_judged(call.arguments, shown, self.fresh.compared)))

    async def aclose(self) -> None:
        """Ask no longer."""
        if self._asking is not None:
            self._asking.cancel()

    async def _ask(self, status: Status) -> None:
        try:
            self.fresh, self.is_ours = _read(await within(_PATIENCE, status(), "status"))
        except ValueError as error:
            logger.warning("BIGHUB says how conversations are followed in words of another version: %s", error)
            self.fresh, self.is_ours = _LABELS_ALONE, False
        except DecisionError as error:
            logger.debug("BIGHUB does not say how conversations are followed: %s", error)
            if not (self.is_ours or error.transient or isinstance(error, DecisionUnavailable)):
                self.fresh = _LABELS_ALONE  # the service knows no such question
        finally:
            asks_often = self.is_ours or self.fresh is _NOBODY_TOLD
            self._next = self._clock() + (AGAIN_SECONDS if asks_often else SELDOM_SECONDS)


def _read(told: object) -> tuple[FreshHistory, bool]:
    """What is to be followed, and whether an embedded control plane says so.

    Raises:
        ValueError: it says so in words that are not known here.
    """
    if not isinstance(told, Mapping) or TOLD not in told:
        return _LABELS_ALONE, False
    match told[TOLD]:
        case None:
            return _LABELS_ALONE, True
        case Mapping() as history:
            return FreshHistory.from_dict(history), True
        case _:
            raise ValueError("the history is no object")
