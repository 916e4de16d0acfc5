"""An agent's settings as attributes that can be read, and are set once."""

from __future__ import annotations

from typing import Any, Generic, Protocol, TypeVar, overload

from typing_extensions import Self

from litellm_bighub.agent.settings import AgentSettings

T = TypeVar("T")


class HasSettings(Protocol):
    """An agent."""

    _settings: AgentSettings


class Setting(Generic[T]):
    """A setting of an agent. Assigning to it raises: a change that only seems to hold is worse than an error."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, agent: None, owner: type) -> Self: ...

    @overload
    def __get__(self, agent: HasSettings, owner: type) -> T: ...

    def __get__(self, agent: HasSettings | None, owner: type) -> Self | T:
        if agent is None:
            return self
        value: T = getattr(agent._settings, self._name)  # noqa: SLF001 - the agent's own, for its readers
        return value

    def __set__(self, agent: Any, value: object) -> None:
        raise AttributeError(f"{self._name} is given when the agent is made, and holds from then on")
