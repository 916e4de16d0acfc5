"""The types of JSON from outside: requests, answers, events and the objects that clients make of them.

Their shape is not known before it is read, so each is `Any` to a type checker. `litellm_bighub.formats` reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

Payload: TypeAlias = Any
"""Any part of a payload: a dict, a list, a plain value, or a client's object with the same fields."""
JsonObject: TypeAlias = dict[str, Any]
"""An object in plain containers."""
JsonMapping: TypeAlias = Mapping[str, Any]
"""An object in plain containers that is only read."""
