"""What a model and a caller are told of a blocked call: which cause it has, and nothing of the policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from litellm_bighub.domain.decision import BlockCause

BLOCKED: Final[Mapping[BlockCause, str]] = {
    "policy": "was blocked by policy and has not been run.",
    "unreachable": (
        "was blocked and has not been run: the control plane that decides on it could not be reached."
        " Trying again later may help."
    ),
    "unreadable": (
        "was blocked and has not been run: the control plane gave no answer that could be read as a decision."
        " The operator has to look into it."
    ),
    "denied": "was blocked and has not been run: a person denied it. Do not make the same call again.",
    "unapproved": (
        "was blocked and has not been run: no approval of a person could be used for it."
        " The same call can ask for one anew."
    ),
    "undecidable": (
        "was blocked and has not been run: the call itself could not be read."
        " Make it again with a valid name and with arguments that are one valid JSON object."
    ),
    "unrecorded": (
        "was blocked and has not been run: the decision on it could not be recorded. Trying again later may help."
    ),
}
"""The rest of a sentence that begins with the call."""
