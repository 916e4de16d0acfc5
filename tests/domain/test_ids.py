"""Ids cannot be guessed."""

from __future__ import annotations

import re

from litellm_bighub.domain.ids import random_id


def test_ids_are_long_and_differ():
    ids = {random_id() for _ in range(100)}

    assert len(ids) == 100
    assert all(re.fullmatch(r"[0-9a-f]{32}", each) for each in ids)
