"""The event is told in plain containers, with its kind."""

from __future__ import annotations

import json
from dataclasses import fields

from litellm_bighub.domain.outcome import CallOutcome


def test_it_tells_every_field_and_its_kind():
    given = {field.name: field.name for field in fields(CallOutcome)} | {"kind": "call_outcome"}
    event = CallOutcome(**{field.name: given[field.name] for field in fields(CallOutcome)})

    assert event.as_dict() == given
    assert json.loads(json.dumps(event.as_dict())) == given
