"""A command shows its words, and which of them are not known yet."""

from __future__ import annotations

from litellm_bighub.policy.parts.shell_command import Command, Word


def test_a_command_shows_its_words():
    assert Command((Word("ls"), Word("$X", sure=False))).shown == "ls <$X>"
