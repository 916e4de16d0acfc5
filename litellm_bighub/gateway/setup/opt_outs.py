"""Who may opt out of a guardrail, and the record of it.

LiteLLM lets keys and teams opt out in their metadata, and lets users write the metadata of their own keys. So an
opt-out counts only for keys of a team that the operator's config names, and only from the key's authentication.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from fastapi import HTTPException
from litellm.proxy._types import UserAPIKeyAuth

from litellm_bighub.domain.call import CallContext
from litellm_bighub.domain.event import OptOut
from litellm_bighub.domain.ids import random_id
from litellm_bighub.domain.payload import JsonMapping, JsonObject
from litellm_bighub.errors import ConfigurationError, DecisionError
from litellm_bighub.formats.payload import fields
from litellm_bighub.gateway.setup.guardrail_mode import PRE_CALL, events_of
from litellm_bighub.wording import ENGLISH, Wording

logger = logging.getLogger(__name__)

Sink = Callable[[OptOut], Awaitable[None]]
_METADATA: Final = ("metadata", "litellm_metadata")
_MOST_TOLD: Final = 1_000


class UnrecordedOptOutError(HTTPException):
    """An opt-out could not be recorded, so the request is refused: HTTP 500."""

    def __init__(self, guardrail: str, wording: Wording = ENGLISH) -> None:
        problem = wording.opt_out_unrecorded.format(guardrail=guardrail)
        super().__init__(status_code=500, detail={"error": problem, "type": "opt_out_unrecorded"})


@dataclass(frozen=True, slots=True)
class OptOuts:
    """The opt-outs of one guardrail.

    Attributes:
        guardrail: as the config calls it.
        teams: aliases and ids of teams whose keys may opt out.
        sinks: where each opt-out is recorded, besides the log.
        clock: POSIX seconds.
        new_id: makes ids of events.
        wording: for whom it could not be recorded.
    """

    guardrail: str
    teams: frozenset[str] = frozenset()
    sinks: Sequence[Sink] = ()
    clock: Callable[[], float] = time.time
    new_id: Callable[[], str] = random_id
    wording: Wording = ENGLISH
    _warned: set[str] = field(default_factory=set)

    def may(self, key: UserAPIKeyAuth) -> bool:
        """Whether this key's opt-out counts."""
        return not self.teams.isdisjoint({key.team_alias, key.team_id})

    def ignored(self, key: UserAPIKeyAuth) -> None:
        """Say once for each team, or key without a team, that its opt-out does not count."""
        whose = str(key.team_alias or key.team_id or key.key_alias or key.user_id or "")
        if whose not in self._warned and len(self._warned) < _MOST_TOLD:
            self._warned.add(whose)
            logger.warning("guardrail %s: the opt-out of %r does not count: see may_opt_out", self.guardrail, whose)

    async def record(self, context: CallContext) -> OptOut:
        """Record that a request is left alone.

        Args:
            context: who asks.

        Raises:
            UnrecordedOptOutError: it could not be recorded.
        """
        copied = ("actor", "domain", "surface", "model", "trace_id", "user", "team", "key")
        event = OptOut(self.new_id(), self.clock(), self.guardrail, **{name: getattr(context, name) for name in copied})
        logger.warning("guardrail %s is opted out of by team %r, actor %r", self.guardrail, event.team, event.actor)
        try:
            for sink in self.sinks:
                await sink(event)
        except (DecisionError, OSError) as error:
            # Its message may hold paths.
            logger.error("the opt-out %s was not recorded: %s", event.event_id, type(error).__name__)  # noqa: TRY400
            raise UnrecordedOptOutError(self.guardrail, self.wording) from error
        return event


def check_opt_outs(name: str, event_hook: object, teams: Sequence[str]) -> None:
    """Refuse to let teams opt out where nothing would record it.

    Args:
        name: the guardrail's name, for errors.
        event_hook: the `mode`, `None` in code.
        teams: who may opt out.

    Raises:
        ConfigurationError: they may, and the mode lacks the event on which it is recorded.
    """
    if teams and event_hook is not None and PRE_CALL not in events_of(event_hook):
        raise ConfigurationError(f"{name}.may_opt_out", "needs pre_call in mode, where an opt-out is recorded")


def authenticated(data: JsonMapping) -> UserAPIKeyAuth | None:
    """The key that LiteLLM has put into a request's data: a value that no request can write, since it is no JSON."""
    found = (fields.get(data.get(bucket), "user_api_key_auth") for bucket in _METADATA)
    return next((key for key in found if isinstance(key, UserAPIKeyAuth)), None)


def opt_out_question(key: UserAPIKeyAuth) -> JsonObject:
    """A request of this key that says nothing itself, as LiteLLM asks about opt-outs."""
    said = {"user_api_key_metadata": key.metadata, "user_api_key_team_metadata": key.team_metadata}
    return {"metadata": said}
