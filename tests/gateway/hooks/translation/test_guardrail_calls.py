"""Which guardrails are asked text by text."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
from litellm.proxy.guardrails.guardrail_hooks.azure.text_moderation import AzureContentSafetyTextModerationGuardrail

from litellm_bighub.errors import ConfigurationError
from litellm_bighub.gateway.hooks.translation.guardrail_calls import LOOPING, calls_each

CONTENT_FILTER = (
    "litellm.proxy.guardrails.guardrail_hooks.litellm_content_filter.content_filter",
    "ContentFilterGuardrail",
)


def check_of(module: str, name: str) -> ast.AST:
    """The source of a class's `apply_guardrail`, read without importing what it needs."""
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    (cls,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    (check,) = (node for node in cls.body if getattr(node, "name", "") == "apply_guardrail")
    return check


def inside(tree: ast.AST, kind: type[ast.AST]) -> set[ast.AST]:
    return {node for node in ast.walk(tree) if isinstance(node, kind)}


@pytest.mark.parametrize(("module", "name"), sorted(LOOPING))
def test_the_table_names_guardrails_that_take_one_text_after_the_other(module: str, name: str):
    check = check_of(module, name)
    assert [loop for loop in inside(check, ast.For) if ast.unparse(loop.target) == "text"]


@pytest.mark.parametrize(("module", "name"), sorted(LOOPING - {CONTENT_FILTER}))
def test_they_await_each_text_and_nothing_else(module: str, name: str):
    """Every `await` of theirs is in a loop over texts, and there is one."""
    check = check_of(module, name)
    loops = {loop for loop in inside(check, ast.For) if ast.unparse(loop.target) == "text"}
    awaited = {node for loop in loops for node in inside(loop, ast.Await)}
    assert awaited
    assert awaited == inside(check, ast.Await)


@pytest.mark.parametrize(("module", "name"), sorted(LOOPING - {CONTENT_FILTER}))
def test_they_look_at_nothing_but_the_texts(module: str, name: str):
    """So that asking them text by text loses nothing. The content filter gets its images and calls with the first."""
    source = ast.unparse(check_of(module, name))
    assert set(re.findall(r"inputs(?:\.get\(|\[)'(\w+)'", source)) == {"texts"}


class Inherits(AzureContentSafetyTextModerationGuardrail):
    pass


class Overrides(AzureContentSafetyTextModerationGuardrail):
    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
        return inputs


class Plain:
    guardrail_name = "plain"
    text_calls: Any = None

    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
        return inputs


class SaysEach(Plain):
    text_calls = "each"


class SaysBatch(Inherits):
    text_calls = "batch"


class SaysNonsense(Plain):
    text_calls = "sometimes"


@pytest.mark.parametrize(
    ("cls", "configured", "expected"),
    [
        pytest.param(Inherits, "auto", True, id="a subclass with the same check"),
        pytest.param(Overrides, "auto", False, id="a subclass with a check of its own"),
        pytest.param(Plain, "auto", False, id="a guardrail that nobody knows"),
        pytest.param(Plain, "each", True, id="configured"),
        pytest.param(SaysEach, "batch", True, id="the guardrail says each"),
        pytest.param(SaysBatch, "each", False, id="the guardrail says batch"),
    ],
)
def test_split(cls: type, configured: Any, expected: object):
    assert calls_each(object.__new__(cls), configured) is expected


def test_anything_else_is_a_configuration_error():
    with pytest.raises(ConfigurationError, match=r"plain\.text_calls: is 'sometimes'"):
        calls_each(object.__new__(SaysNonsense), "auto")
