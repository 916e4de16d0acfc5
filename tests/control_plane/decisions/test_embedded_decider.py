"""The embedded decider as the gateway uses it."""

from __future__ import annotations

import pytest

from litellm_bighub.control_plane.decisions.embedded_decider import EmbeddedDecider
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Allow, Basis, Block, RequireApproval
from litellm_bighub.errors import ConfigurationError

POLICY = """\
version: 1
rules:
  - {name: refunds, tool: refund, require_approval_above: 500, max_value: 1000, approval_ttl_seconds: 60}
"""


@pytest.fixture
async def decider(tmp_path):
    path = tmp_path / "bighub_policy.yaml"
    path.write_text(POLICY)
    decider = EmbeddedDecider.from_policy_file(path, clock=lambda: 1000.0, new_id=lambda: "id")
    yield decider
    await decider.aclose()


@pytest.mark.parametrize(
    ("value", "expected", "blocked_by"),
    [(100, Allow, ""), (5000, Block, "max_value"), (700, RequireApproval, "require_approval_above")],
)
async def test_it_decides_by_its_file(decider, value, expected, blocked_by):
    answer = await decider.decide(ToolCall("c", "function", "refund", value=value), CallContext())
    assert expected is type(answer)
    assert Basis("dec_id", blocked_by, "refunds", decider.policy.version) == answer.basis


async def test_an_approval_has_an_id_and_an_end(decider):
    answer = await decider.decide(ToolCall("c", "function", "refund", value=700), CallContext())
    assert (answer.approval_id, answer.expires_at) == ("apr_id", 1060.0)


async def test_a_bad_file_stops_the_start(tmp_path):
    path = tmp_path / "bighub_policy.yaml"
    path.write_text("version: 1\nrules:\n  - {nam: x}\n")
    with pytest.raises(ConfigurationError, match=r"^bighub_policy.yaml:3: "):
        EmbeddedDecider.from_policy_file(path)
