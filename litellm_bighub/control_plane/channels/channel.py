"""`Channel`: where people hear of calls that wait outside of the inbox, and may answer them. Only `serve` has channels.

`MessageDelivery` tells each channel of each approval once, in each of its places, and says there what became of it,
whoever has answered. A channel knows how a message looks and how it is sent; it keeps nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol, runtime_checkable

from starlette.routing import BaseRoute

from litellm_bighub.control_plane.store.tables.approvals import Approval


class ChannelAway(Exception):  # noqa: N818 - names the state; answered by trying again
    """The service does not answer, or not now: the same is tried again.

    Args:
        problem: for the log, without a word of the message.
        retry_after: seconds that the service asks to wait; `None` if it says nothing.
    """

    def __init__(self, problem: str, *, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(problem)


class MessageRefused(Exception):  # noqa: N818 - names the state; answered by trying again, rarely
    """The service has answered, and does not take this message: its place is gone, or was never there.

    Args:
        problem: for the log, without a word of the message.
    """


class Channel(Protocol):
    """Where people hear of calls that wait. Any number of processes may have the same channel on one database."""

    @property
    def name(self) -> str:
        """What tells it from other channels in the database: one word that stays for ever."""
        ...

    async def start(self) -> str:
        """Try the settings out, before the server listens.

        Returns:
            One line for the terminal: what is on, as whom and where.

        Raises:
            ConfigurationError: the service refuses them. A service that does not answer is no reason to stop.
        """
        ...

    async def places(self, approval: Approval, now: float) -> Collection[str]:
        """Where the approval is told, each by the name that `tell` gets; it is asked again when others may answer.

        Raises:
            DecisionUnavailable: the database cannot be used.
        """
        ...

    async def tell(self, approval: Approval, place: str) -> str:
        """Tell of an approval that waits.

        Returns:
            The message's reference, by which `update` finds it. It is not empty.

        Raises:
            ChannelAway: try again.
            MessageRefused: try again later; somebody may mend it.
        """
        ...

    async def update(self, approval: Approval, place: str, reference: str) -> None:
        """Show what has become of the approval. It may have become so a while ago, and this may be said twice.

        Raises:
            ChannelAway: try again.
            MessageRefused: leave the message as it is.
        """

    async def hear(self) -> None:
        """Take answers until cancelled. A channel that hears nothing, or elsewhere, returns."""


@runtime_checkable
class HeardOverHttp(Protocol):
    """A channel whose service sends requests to the server."""

    @property
    def routes(self) -> Sequence[BaseRoute]:
        """What the server answers them with. Each request proves by itself where it comes from."""
        ...
