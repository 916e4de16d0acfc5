"""Behaviours around deciders: what stands inside them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from litellm_bighub.deciders.decider import Decider


@runtime_checkable
class Wrapper(Protocol):
    """A behaviour around another decider. Deadlines, retries and breakers are for questions, not for waiting."""

    inner: Decider


def layers(decider: Decider) -> Iterator[object]:
    """The decider and what its wrappers stand around, from the outside in."""
    layer: object = decider
    yield layer
    while isinstance(layer, Wrapper):
        layer = layer.inner
        yield layer
