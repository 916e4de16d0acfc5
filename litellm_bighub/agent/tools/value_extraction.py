"""The amount, target and metadata of a call, for the policy."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from numbers import Real
from typing import Any

from litellm_bighub.domain.payload import JsonMapping, JsonObject

ValueFrom = Callable[[JsonObject], Any]
TargetFrom = Callable[[JsonObject], Any]

_AMOUNTS = ("value", "amount", "price", "total")
_NUMBER = re.compile(r"-?\d{1,30}(\.\d{1,30})?")


class UnreadableStake(ValueError):  # noqa: N818 - the state of the call
    """The amount or target cannot be had from these arguments; such a call is blocked without a decision."""


def value_of(arguments: JsonMapping, extract: ValueFrom | None) -> float | None:
    """The amount at stake: what `extract` says, else the first number under a usual name, else `None`.

    Raises:
        UnreadableStake: `extract` raised, or gave no finite number.
    """
    if extract is None:
        usual = (_number(arguments.get(name)) for name in _AMOUNTS)
        return next((amount for amount in usual if amount is not None), None)
    return _finite(_ask("value_from_args", extract, arguments))


def target_of(arguments: JsonMapping, extract: TargetFrom | None) -> str:
    """What is acted upon: what `extract` says, else the argument `target`, else nothing.

    Raises:
        UnreadableStake: `extract` raised.
    """
    target = arguments.get("target") if extract is None else _ask("target_from_args", extract, arguments)
    return "" if target is None else str(target)


def metadata_of(arguments: JsonMapping, extract: Callable[[JsonObject], Any] | None) -> JsonObject:
    """The metadata that goes to the policy with the call.

    Raises:
        UnreadableStake: `extract` raised, or gave something that is neither a mapping nor nothing.
    """
    if extract is None:
        return {}
    metadata = _ask("metadata_from_args", extract, arguments)
    if metadata is None:
        return {}
    if not isinstance(metadata, Mapping):
        raise UnreadableStake("metadata_from_args gave no mapping")
    return dict(metadata)


def _ask(name: str, extract: Callable[[JsonObject], Any], arguments: JsonMapping) -> Any:
    try:
        return extract(dict(arguments))
    except Exception as error:  # whatever a user's callback raises, the call has no value
        raise UnreadableStake(f"{name} raised {type(error).__name__}") from error


def _number(value: object) -> float | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    return None


def _finite(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (Real, Decimal, str)):
        raise UnreadableStake(f"value_from_args gave a {type(value).__name__}, not a number")
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise UnreadableStake("value_from_args gave a text that is no number")
    try:
        number = float(value)
    except (OverflowError, ValueError) as error:
        raise UnreadableStake("value_from_args gave a number out of range") from error
    if not math.isfinite(number):
        raise UnreadableStake("value_from_args gave a number that is not finite")
    return number
