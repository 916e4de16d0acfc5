"""The picture of RESULTS.md."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, strategies as st

from benchmarks.plot import COLOURS, WIDTH, svg
from tests.benchmarks.figures import added

SVG = "{http://www.w3.org/2000/svg}"


def drawn(*figures):
    return ET.fromstring(svg("A title", "What it shows & why", figures, unit="ms"))


def texts(root):
    return [each.text for each in root.iter(f"{SVG}text")]


def bars(root):
    return [
        each for each in root.iter(f"{SVG}rect") if (each.get("class") or "").startswith("s") and each.get("y") != "72"
    ]


def test_picture_is_valid_and_has_a_title():
    root = drawn(added("chat", "ours", 1.5, bound=1.0))
    assert root.find(f"{SVG}title").text == "A title"
    assert root.find(f"{SVG}desc").text == "What it shows & why"
    assert root.get("role") == "img"


def test_picture_follows_the_colours_of_the_page():
    assert "@media (prefers-color-scheme: dark)" in drawn(added("chat", "ours", 1)).find(f"{SVG}style").text


def test_each_bar_says_its_value_and_what_is_odd_about_it():
    root = drawn(added("chat", "ours", 1.5, bound=1.0), added("chat", "<other>", 2, remark="does not decide"))
    assert {"chat", "ours", "<other>", "+1.5", "+2.0, does not decide"} <= set(texts(root))
    assert len([each for each in root.iter(f"{SVG}path") if each.get("class") == "bound"]) == 1


@given(st.lists(st.floats(-50, 500), min_size=1, max_size=len(COLOURS)).filter(lambda values: max(values) > 0))
def test_bars_are_as_long_as_their_values_and_stay_inside(values):
    measured = [added("chat", f"product {number}", value) for number, value in enumerate(values)]
    lengths = [float(bar.get("width")) for bar in bars(drawn(*measured))]
    assert all(0 <= length < WIDTH for length in lengths)
    longest = max(values)
    for value, length in zip(values, lengths, strict=True):
        assert length == pytest.approx(max(value, 0) / longest * max(lengths), abs=0.1)
