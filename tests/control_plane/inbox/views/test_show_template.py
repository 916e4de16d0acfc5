"""An operator's sentence for a tool."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from litellm_bighub.control_plane.inbox.views.show_template import filled
from tests.control_plane.inbox.views import ARGUMENTS


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("Refund {amount} to {to.name}", "Refund 5.5 to Ann"),
        ("{nothing} {{braces}}", "\u2013 {braces}"),
        ("{to}", '{"name": "Ann"}'),
        ("{sum(to)}", "\u2013"),
        ("{long}", "x" * 300 + "…"),
    ],
)
def test_placeholders_are_filled(template, expected):
    assert filled(template, {"amount": 5.5, "to": {"name": "Ann"}, "long": "x" * 400}) == expected


@settings(max_examples=30)
@given(ARGUMENTS)
def test_arguments_make_no_placeholders(arguments):
    """What a model wrote is put in, and never read as a template."""
    assert filled("a {to} b", {**arguments, "to": "{amount}"}) == "a {amount} b"
