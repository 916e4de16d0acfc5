"""What redaction hides in a call that waits, sealed for those who may look at it.

A value is bound to its approval, its path and those who may look: moved or given to others, it does not open.
"""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import Final

from litellm_bighub.control_plane.decisions.value_extraction import EXTRA_FIELDS
from litellm_bighub.control_plane.store.seal import HOW_TO_MAKE, VARIABLE, Sealing
from litellm_bighub.control_plane.store.tables.approvals import Approval
from litellm_bighub.control_plane.store.tables.sealed_values import SealedValue
from litellm_bighub.domain.call import JSON, Arguments
from litellm_bighub.domain.redaction import ArgumentPath, hidden_values, place_of
from litellm_bighub.errors import ConfigurationError
from litellm_bighub.policy.approvers import viewers_of
from litellm_bighub.policy.policy_text import PolicyText

_MOST: Final = 100
"""So many values of a call are sealed; more stay hidden from everybody."""
_BLOCK: Final = 64
"""The length of a sealed value is told in steps of so many characters."""


def require_keys(sealing: Sealing | None, text: PolicyText) -> None:
    """Refuse a policy that lets people look where nothing can be sealed.

    Raises:
        ConfigurationError: it does.
    """
    for name, tool in text.tools.items():
        if tool.visible_to is not None and sealing is None:
            problem = f"needs a key in the environment variable {VARIABLE}, which is not set; {HOW_TO_MAKE}"
            raise ConfigurationError(f"tools.{name}.visible_to", problem)


def seal_hidden(
    sealing: Sealing | None, text: PolicyText, approval: Approval, arguments: Arguments
) -> list[SealedValue]:
    """What people may look at of a call that is about to wait.

    Args:
        sealing: `None` seals nothing.
        text: says who may look.
        approval: with the redacted arguments.
        arguments: the call's own.
    """
    tool = next((one for pattern, one in text.tools.items() if fnmatchcase(approval.tool, pattern)), None)
    if sealing is None or tool is None or tool.visible_to is None:
        return []
    found: list[SealedValue] = []
    for hidden in sorted(hidden_values(arguments, approval.arguments), key=lambda one: place_of(one.path)):
        names = [step for step in hidden.path if isinstance(step, str)]
        viewers = () if names[:1] == [EXTRA_FIELDS] else viewers_of(tool.visible_to, names)
        if viewers and len(found) < _MOST:
            content = json.dumps(hidden.original)
            content = content.ljust(-(-len(content) // _BLOCK) * _BLOCK)
            bound = _bound(approval.id, hidden.path, viewers)
            found.append(SealedValue(hidden.path, viewers, sealing.seal(content, *bound)))
    return found


def opened(sealing: Sealing | None, approval_id: str, value: SealedValue) -> tuple[JSON] | None:
    """The value, which may be null itself; `None` if no key opens it, or it is not what was sealed here."""
    bound = _bound(approval_id, value.path, value.visible_to)
    text = None if sealing is None else sealing.open(value.sealed, *bound)
    return None if text is None else (json.loads(text),)


def _bound(approval_id: str, path: ArgumentPath, viewers: tuple[str, ...]) -> tuple[str, ...]:
    return ("approval", approval_id, json.dumps(path), *viewers)
