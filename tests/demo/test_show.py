"""The demo's table says what happened, in plain text where there is no terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from litellm_bighub.demo.exchange import Exchange
from litellm_bighub.demo.promises import PROMISES
from litellm_bighub.demo.run import Broken, Kept
from litellm_bighub.demo.show import report
from litellm_bighub.testing import Request

SEEN = Exchange([], "", "", Request("POST", "/", {}, {}), 0.012, 0.345)
KEPT = Kept("the proof", SEEN)


def _printed(results, width=100):
    file = io.StringIO()
    kept = report(results, Console(file=file, width=width))
    return kept, file.getvalue()


def test_a_kept_promise_is_shown_with_proof_and_timing():
    kept, printed = _printed([(PROMISES[0], {"whole": KEPT, "streamed": KEPT})])

    assert kept
    for shown in (PROMISES[0].title, "the proof", "12 of 345 ms", "2 of 2 checks are as promised."):
        assert shown in printed


def test_a_broken_promise_is_shown_with_its_problem():
    kept, printed = _printed([(PROMISES[0], {"whole": KEPT, "streamed": Broken("the secret got out [/]")})])

    assert not kept
    assert f"BROKEN {PROMISES[0].title}, streamed: the secret got out [/]" in printed
    assert "1 of 2 checks are as promised." in printed


def test_a_mode_that_is_not_asked_is_no_promise():
    kept, printed = _printed([(PROMISES[0], {"whole": KEPT})])

    assert kept
    assert "not yet" in printed
    assert "1 of 1 checks are as promised." in printed


@pytest.mark.parametrize("width", [80, 100])
def test_it_fits_and_has_no_colours_when_piped(width):
    _, printed = _printed([(promise, {"whole": KEPT, "streamed": KEPT}) for promise in PROMISES], width)

    assert "\x1b" not in printed
    assert max(map(len, printed.splitlines())) <= width
