"""The canonical form of arguments, and the digest that binds an approval to exactly one call."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from typing import TYPE_CHECKING, Final, cast

import rfc8785

from litellm_bighub.domain.payload import JsonObject

if TYPE_CHECKING:
    from litellm_bighub.domain.call import Arguments

_FARTHEST: Final = 2**53 - 1
_FEW_LEVELS: Final = 20
_WRITER: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def canonical(value: object) -> bytes:
    """The RFC 8785 form.

    Raises:
        rfc8785.CanonicalizationError: it has none.
    """
    # For these, Python's own writer writes the very same, many times as fast.
    if _is_simple(value, 0):
        return _WRITER.encode(value).encode()
    return rfc8785.dumps(cast("JsonObject", value))


def arguments_digest(arguments: Arguments) -> str:
    """SHA-256 (hex) over the RFC 8785 form of the arguments."""
    return _sha256(arguments)


def call_digest(
    *,
    actor: str,
    domain: str,
    tool: str,
    arguments: Arguments,
    policy_version: str,
    key: str = "",
    user: str = "",
    end_user: str = "",
) -> str:
    """SHA-256 (hex) over the RFC 8785 form of everything an approval is bound to."""
    bound = {
        "actor": actor,
        "arguments": arguments,
        "domain": domain,
        "key": key,
        "policy_version": policy_version,
        "tool": tool,
        "user": user,
    }
    return _sha256({**bound, "end_user": end_user} if end_user else bound)


@lru_cache(maxsize=256)
def rules_digest(caller_rules: str) -> str:
    """What tells the rules of a key and its team from others; empty without any.

    Args:
        caller_rules: as a call's context has them.
    """
    return hashlib.sha256(caller_rules.encode()).hexdigest()[:12] if caller_rules else ""


def _sha256(value: object) -> str:
    return hashlib.sha256(canonical(value)).hexdigest()


def _is_simple(value: object, depth: int) -> bool:
    """Whether it is made of ASCII texts, integers, flags and nulls: their order and writing is the same everywhere."""
    kind = type(value)
    if kind is str:
        return cast("str", value).isascii()
    if kind is int:
        return -_FARTHEST <= cast("int", value) <= _FARTHEST
    if value is None or kind is bool:
        return True
    if depth > _FEW_LEVELS:
        return False
    if kind is dict:
        fields = cast("dict[object, object]", value)
        return all(type(key) is str and key.isascii() and _is_simple(field, depth + 1) for key, field in fields.items())
    return kind is list and all(_is_simple(each, depth + 1) for each in cast("list[object]", value))
