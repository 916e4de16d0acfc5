"""The event is told in plain containers, with its kind."""

from __future__ import annotations

import json
from dataclasses import fields

from litellm_bighub.domain.unapproved_result import UnapprovedResult


def test_it_tells_every_field_and_its_kind():
    given = {field.name: field.name for field in fields(UnapprovedResult)} | {"kind": "withheld_call_result"}
    event = UnapprovedResult(**{field.name: given[field.name] for field in fields(UnapprovedResult)})

    assert event.as_dict() == given
    assert json.loads(json.dumps(event.as_dict())) == given
