"""One registered tool: its description for the model, the reading of its arguments, and its function."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from litellm_bighub.agent.tools.strict import Schema, restore
from litellm_bighub.agent.tools.value_extraction import TargetFrom, ValueFrom
from litellm_bighub.domain.arguments import UnreadableArguments, read_arguments
from litellm_bighub.domain.call import Arguments
from litellm_bighub.domain.payload import JsonMapping, JsonObject

DecisionMode = Literal["submit", "submit_v2", "submit_payload"]

Binder: TypeAlias = Callable[[str], JsonObject]
"""Turns JSON arguments into keyword arguments, or raises `ValueError` with what does not fit."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Arguments that fit the tool: as the policy gets them, and as the function gets them."""

    arguments: Arguments
    keywords: JsonMapping


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool of an agent.

    Attributes:
        spec: the element of `tools` in a request.
        schema: the arguments' schema before strict mode changed it.
        defaults: of the parameters that the model may leave out, as JSON.
        alone: never runs at the same time as another tool of its turn.
        action, domain, actor, decision_mode: in place of the agent's own.
    """

    name: str
    function: Callable[..., Any]
    kind: Literal["function", "custom"]
    spec: JsonMapping
    schema: Schema
    bind: Binder
    defaults: JsonMapping = field(default_factory=JsonObject)
    alone: bool = False
    value_from_args: ValueFrom | None = None
    target_from_args: TargetFrom | None = None
    metadata_from_args: Callable[[JsonObject], Any] | None = None
    action: str | None = None
    domain: str | None = None
    actor: str | None = None
    decision_mode: DecisionMode | None = None

    @property
    def is_async(self) -> bool:
        """Whether running it gives a coroutine."""
        return is_async(self.function)

    def prepare(self, raw: object) -> Prepared:
        """Read arguments as the model wrote them. The defaults of what it left out are part of what is decided on.

        Raises:
            ValueError: they are unreadable or do not fit the schema; the model may read the message.
        """
        if self.kind == "custom":
            raw = {"input": raw} if isinstance(raw, str) else raw
        try:
            given = read_arguments(raw)
        except UnreadableArguments as error:
            raise ValueError(str(error)) from error
        restored = restore(dict(given), self.schema)
        keywords = self.bind(json.dumps(restored))
        missing = {name: each for name, each in self.defaults.items() if name not in restored}
        return Prepared({**restored, **missing}, keywords)


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling the function gives a coroutine, wrapped functions and callable objects included."""
    inner: Any = function
    while hasattr(inner, "func"):
        inner = inner.func
    if inspect.iscoroutinefunction(inner):
        return True
    called = None if inspect.isroutine(inner) else type(inner).__call__
    return inspect.iscoroutinefunction(called)
