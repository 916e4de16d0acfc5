"""A failure says whose fault it is."""

from __future__ import annotations

import pytest

from litellm_bighub.formats.stream.stream_failure import StreamFailure


@pytest.mark.parametrize(("status", "servers"), [(400, False), (499, False), (500, True), (503, True)])
def test_whose_fault_it_is(status, servers):
    assert StreamFailure("kind", "message", status).is_servers is servers
