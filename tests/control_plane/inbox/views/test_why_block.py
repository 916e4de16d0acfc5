"""What stands behind a call is marked as what it is; a card shows the last words, and the call's page all."""

from __future__ import annotations

from litellm_bighub.control_plane.inbox.views.why_block import ON_CARD, why_block
from litellm_bighub.domain.call_background import CallBackground, Utterance

SAID = (
    Utterance("user", "first"),
    Utterance("model", "I look."),
    Utterance("call", '{"order": "A-1"}', "look_up", skipped=3),
    Utterance("result", "x" * 3000, "look_up", end="the end", left_out=77),
    Utterance("user", "pay \u202e001"),
    Utterance("model", "I pay. " + "y" * ON_CARD),
)
BACKGROUND = CallBackground(SAID, "Pays back.", {"type": "object"})


def shown(block):
    return "\n".join("".join(run.text for run in line.runs) for line in (*block.lines, *block.folded))


def test_all_of_it_stands_on_the_page_of_the_call():
    why = why_block(BACKGROUND, None)
    assert [(one.speaker, one.skipped, one.left_out) for one in why.said] == [
        ("user", 0, 0),
        ("model", 0, 0),
        ("call", 3, 0),
        ("result", 0, 77),
        ("user", 0, 0),
        ("model", 0, 0),
    ]
    assert why.elsewhere == 0
    assert shown(why.said[3].end) == "the end"
    assert (shown(why.description), shown(why.schema)) == ("Pays back.", '{\n  "type": "object"\n}')


def test_a_card_shows_the_last_words_and_marks_what_deceives():
    why = why_block(BACKGROUND, ON_CARD)
    assert [one.speaker for one in why.said] == ["user", "model"]
    assert why.elsewhere == 4
    assert [run.mark for run in why.said[0].text.lines[0].runs] == ["", "unseen", ""]
    assert why.said[1].text.left_out == 7
    assert why.schema is None


def test_nothing_is_nothing():
    assert not why_block(CallBackground(), None)
    assert why_block(CallBackground((), "Pays."), ON_CARD)
