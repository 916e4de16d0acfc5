"""What is refused before its first event: Codex, which tries again after a 403, says why and stops."""

from __future__ import annotations

from clients.drivers import codex


def test_codex_says_why_its_request_is_refused_and_does_not_try_again(refusing, tmp_path):
    (turn,) = codex().take_turns(refusing.proxy, tmp_path, [["Please look it up."]])

    assert turn.error is not None
    assert "needs the approval of a person" in turn.error
    assert "Reconnecting" not in turn.error
    assert refusing.upstream.requests == []
