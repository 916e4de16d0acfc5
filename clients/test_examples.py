"""The project of `examples/` whose client `make clients` installs; the others are run by the suite."""

from __future__ import annotations

import sys

import pytest

from clients.environment import PYTHON
from litellm_bighub.testing import ScriptedUpstream, text
from tests.test_examples import LARGE, SMALL, gateway, run


@pytest.mark.usefixtures("_installed")
def test_a_graph_of_langgraph(tmp_path):
    with ScriptedUpstream() as upstream:
        upstream.script(lambda request: "20 euros" in request.raw, [SMALL, LARGE], [text("Half of it is done.")])
        with gateway("langgraph", tmp_path, upstream, [sys.executable]) as proxy:
            printed = run(tmp_path, proxy, "graph.py", python=str(PYTHON))

    assert printed.splitlines() == ["refunded: A-17 20.0", "Half of it is done."]
