"""The runs of an agent that left calls waiting for a person, until each is resumed once."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping

from litellm_bighub.agent.flow.stored_state import State, request_ids
from litellm_bighub.agent.tools.tool import Tool
from litellm_bighub.domain.payload import JsonMapping
from litellm_bighub.errors import AdapterConfigurationError

MAX_PENDING = 1000


class WaitingRuns:
    """The states of waiting runs. Threads may share it.

    Attributes:
        states: those that wait, the oldest first.
    """

    def __init__(self) -> None:
        self.states: deque[State] = deque(maxlen=MAX_PENDING)
        self._claiming = threading.Lock()
        self._resumed: deque[str] = deque(maxlen=MAX_PENDING)

    def claim(self, state: JsonMapping) -> None:
        """Take a state out of those that wait.

        Raises:
            AdapterConfigurationError: it was resumed already.
        """
        signature = str(state.get("signature"))
        with self._claiming:
            if signature in self._resumed:
                raise AdapterConfigurationError("state", "was resumed already")
            self._resumed.append(signature)
            for known in [each for each in self.states if each["signature"] == signature]:
                self.states.remove(known)

    def find(self, tools: Mapping[str, Tool], tool_name: str, arguments: JsonMapping, request_id: str) -> State:
        """The state of the run in which exactly this call waits.

        Raises:
            AdapterConfigurationError: no such call waits, or it has another tool or other arguments.
        """
        for state in list(self.states):
            if request_id in request_ids(state):
                place = next(at for at, each in enumerate(state["calls"]) if _waits_for(each, request_id))
                calls = [item for item in state["response"]["output"] if str(item.get("type")).endswith("_call")]
                bound = tools[tool_name].prepare(dict(arguments)).arguments if tool_name in tools else None
                if calls[place]["name"] != tool_name or bound != state["calls"][place]["arguments"]:
                    raise AdapterConfigurationError("arguments", "are not those of the call that waits for approval")
                return state
        raise AdapterConfigurationError(
            "request_id", "no call of this agent waits for it; store guard.pending and use guard.resume(state)"
        )


def _waits_for(call: JsonMapping, request_id: str) -> bool:
    return bool(call["pending"]) and call["pending"]["request_id"] == request_id
