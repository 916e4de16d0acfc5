"""What BIGHUB says of an approval: to which call it is bound, and which arguments it approves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

from litellm_bighub.domain.call import Arguments
from litellm_bighub.domain.payload import JsonMapping
from litellm_bighub.domain.secret_patterns import REDACTED
from litellm_bighub.errors import DecisionRefused

WAITING = ("pending", "awaiting_second")
"""The statuses of an approval that waits for a person, or for a second one."""

_BINDS = "four_eyes"
_HIDDEN = REDACTED[:-1]
"""How every note begins that stands in the place of a secret."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_:.-]{0,127}")


def binds(approval: JsonMapping) -> bool:
    """Whether the approval is bound to its call and counts its uses.

    Those of our own control plane are; only they have this field.
    """
    return _BINDS in approval


def needs_two_people(approval: JsonMapping) -> bool:
    """Whether two people have to approve."""
    return bool(approval.get(_BINDS))


def is_path_segment(approval_id: str) -> bool:
    """Whether an id may stand in a URL. The SDK writes it into a path as it is."""
    return bool(_ID.fullmatch(approval_id)) and ".." not in approval_id


def approved_arguments(approval: JsonMapping) -> Arguments | None:
    """The arguments that a person approved in place of the call's; `None` if the call itself was approved.

    Raises:
        DecisionRefused: something else than the call was approved, and cannot be carried out.
    """
    edited = approval.get("edited_arguments")
    actions = (approval.get(key) for key in ("modified_action", "better_action"))
    action = next((action for action in actions if action is not None), None)
    if edited is None and action is None:
        if "modified" in (approval.get(key) for key in ("status", "resolution", "review_decision")):
            raise DecisionRefused("the approval changes the call, and does not say how")
        return None
    arguments = action.get("arguments") if edited is None and isinstance(action, Mapping) else edited
    # BIGHUB has the arguments without their secrets: a note that a person left in place is not the secret.
    if not isinstance(arguments, Mapping) or _HIDDEN in repr(arguments):
        raise DecisionRefused("the approval changes the call in a way that cannot be carried out here")
    return cast("Arguments", arguments)
