"""The projects of `examples/` whose clients `make clients` installs; the others are run by the suite."""

from __future__ import annotations

import sys

import pytest

from clients.drivers import claude_code
from clients.environment import PYTHON
from litellm_bighub.testing import ScriptedUpstream, function_call, text
from tests.test_examples import LARGE, SMALL, gateway, run


@pytest.mark.usefixtures("_installed")
def test_a_graph_of_langgraph(tmp_path):
    with ScriptedUpstream() as upstream:
        upstream.script(lambda request: "20 euros" in request.raw, [SMALL, LARGE], [text("Half of it is done.")])
        with gateway("langgraph", tmp_path, upstream, [sys.executable]) as proxy:
            printed = run(tmp_path, proxy, "graph.py", python=str(PYTHON))

    assert printed.splitlines() == ["refunded: A-17 20.0", "Half of it is done."]


@pytest.mark.usefixtures("_installed")
def test_claude_code(tmp_path):
    """It runs what the policy allows, and hears of what it blocks."""
    (tmp_path / "gateway").mkdir()
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "build").mkdir()
    looks = function_call("Bash", {"command": "cat notes.txt", "description": "reads"})
    wipes = function_call("Bash", {"command": "rm -r build", "description": "removes"})
    (tmp_path / "work" / "notes.txt").write_text("remember the milk")
    with ScriptedUpstream() as upstream:
        upstream.script(lambda request: "Tidy up" in request.raw, [looks], [wipes], [text("Half of it is done.")])
        with gateway("claude-code", tmp_path / "gateway", upstream, [sys.executable]) as proxy:
            (turn,) = claude_code("claude-sonnet-5").take_turns(proxy, tmp_path / "work", [["Tidy up"]])
        seen = "".join(request.raw for request in upstream.requests)

    assert turn.error is None
    assert "Half of it is done." in turn.text
    assert "remember the milk" in seen
    assert "was blocked by policy" in seen
    assert (tmp_path / "work" / "build").exists()
