"""The digest that binds an approval to exactly one call."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, cast

import rfc8785

from litellm_bighub.domain.payload import JsonObject

if TYPE_CHECKING:
    from litellm_bighub.domain.call import Arguments


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
) -> str:
    """SHA-256 (hex) over the RFC 8785 form of everything an approval is bound to."""
    return _sha256(
        {
            "actor": actor,
            "arguments": arguments,
            "domain": domain,
            "key": key,
            "policy_version": policy_version,
            "tool": tool,
            "user": user,
        }
    )


def _sha256(value: object) -> str:
    return hashlib.sha256(rfc8785.dumps(cast("JsonObject", value))).hexdigest()
