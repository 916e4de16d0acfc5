"""A text in runs: nothing is lost, nothing unseen stays, and what deceives the eye is marked."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from litellm_bighub.control_plane.inbox.views.text_runs import has_marks, text_runs
from tests.control_plane.inbox.views import HOSTILE, UNSEEN


def marks(text):
    return [(run.text, run.mark) for run in text_runs(text) if run.mark]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("pay 12.50 to Ann, please", [], id="plain"),
        pytest.param("Grüße, naïve café, 中文 🙂 m² 5 µm", [], id="other letters"),
        pytest.param("Привет, как дела", [], id="russian"),
        pytest.param("Привет, \u0430 он \u0441\u043e\u0440", [], id="russian words of look-alikes"),
        pytest.param("Καλημέρα", [], id="greek"),
        pytest.param("a\u202eb", [("\\u202e", "unseen")], id="bidi"),
        pytest.param("a\u200b\u200cb", [("\\u200b\\u200c", "unseen")], id="zero-width"),
        pytest.param("a\u00a0b", [("\\u00a0", "unseen")], id="another blank"),
        pytest.param("a\u3164b", [("a\\u3164b", "unseen")], id="a letter without ink"),
        pytest.param("a\x1b[2J", [("\\u001b", "unseen")], id="terminal"),
        pytest.param("ex\u0430mple.com", [("ex\u0430mple", "alike")], id="mixed scripts"),
        pytest.param("to \u0430\u0440\u04cf\u0435.com", [("\u0430\u0440\u04cf\u0435", "alike")], id="a whole word"),
        pytest.param("\uff50\uff41y", [("\uff50\uff41y", "alike")], id="full width"),
        pytest.param("\U0001d5c9ay", [("\U0001d5c9ay", "alike")], id="mathematical"),
        pytest.param("bank.com\u2215evil.com", [("\u2215", "alike")], id="no slash"),
        pytest.param("bank\uff0ecom", [("\uff0e", "alike")], id="no dot"),
        pytest.param("1\u0662", [("1\u0662", "alike")], id="digits of two scripts"),
        pytest.param("ls" + " " * 90 + "; rm", [("⟨90 blanks⟩", "gap")], id="pushed to the right"),
        pytest.param("a\n" + "\n" * 40 + "b", [("⟨41 empty lines⟩\n", "gap")], id="pushed down"),
    ],
)  # fmt: skip
def test_what_deceives_is_marked(text, expected):
    assert marks(text) == expected
    assert has_marks(text_runs(text)) == bool(expected)


def test_a_look_alike_is_named():
    assert text_runs("ex\u0430mple")[0].told == "cyrillic small letter a"


@settings(max_examples=60)
@given(HOSTILE)
def test_nothing_is_lost_and_nothing_unseen_stays(text):
    runs = text_runs(text)
    assert not UNSEEN & set("".join(run.text for run in runs))
    plain = iter(text)
    for run in runs:
        if not run.mark:
            assert all(character in plain for character in run.text)  # in this order
    assert sum(len(run.text) for run in runs if not run.mark) == len(text) or has_marks(runs)


def test_a_megabyte_takes_no_longer_than_its_size():
    for text in ("x" * 500_000, " \n" * 250_000, "\u0430b" * 100_000, ("a" * 15 + " " * 15) * 10_000):
        assert text_runs(text)
