"""A call's context as it is stored with an approval or a decision, and the context out of it again.

Whoever judges a stored call again builds its context here, so that rules see everything that they saw the first time.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Final

from litellm_bighub.domain.call import CallContext
from litellm_bighub.domain.payload import JsonMapping, JsonObject

COLUMNS: Final = ("actor", "domain")
"""What a store keeps in columns of their own."""
LEDGERS: Final = ("turn",)
"""What a call is known by in the ledger alone; no rule sees it, and no approval is bound to it."""
FOR_PEOPLE: Final = ("background",)
"""What is stored with approvals alone, in a column of its own."""
STORED: Final = tuple(each.name for each in fields(CallContext) if each.name not in {*COLUMNS, *LEDGERS, *FOR_PEOPLE})
"""Everything else that a context says."""


def stored_context(context: CallContext) -> dict[str, str]:
    """The fields that are stored together."""
    return {name: getattr(context, name) for name in STORED}


def restored_context(actor: str, domain: str, stored: JsonMapping) -> CallContext:
    """The context out of its columns and its stored fields.

    Args:
        actor: out of its column.
        domain: out of its column.
        stored: may hold other fields, too; one that an older release did not store is empty.
    """
    told: JsonObject = {name: str(stored.get(name) or "") for name in STORED}
    return replace(CallContext(actor, domain), **told)
