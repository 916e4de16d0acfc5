"""Calls are taken apart by what `tools:` says of their arguments."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from litellm_bighub.domain.call import ToolCall
from litellm_bighub.policy.parts.call_parts import CallParts, ToolParts, listed

TOOLS = {
    "Bash": ToolParts(command="command", cwd="cwd"),
    "copy_*": ToolParts(read="source", write="target.paths"),
    "plain": ToolParts(value="amount"),
    "odd": ToolParts(command="sum(command)"),
    "apply_patch": ToolParts(patch="input"),
    "fetch": ToolParts(url="urls"),
    "query": ToolParts(sql="q", sql_dialect="postgres"),
    "mail": ToolParts(recipients="to[]"),
}
PARTS = CallParts(TOOLS, "/repo")


def parts(name, kind="function", **arguments):
    return [
        (part.kind, part.shown) for part in PARTS.of(ToolCall("c", kind, name, arguments)) if not part.restricts_only
    ]


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("Bash", {"command": "ls /x"}, [("command", "ls /x"), ("read", "/x")]),
        ("Bash", {"command": "cat x", "cwd": "/y"}, [("command", "cat x"), ("read", "/y/x"), ("read", "/y")]),
        ("Bash", {"command": "ls", "cwd": "src"}, [("command", "ls")]),
        ("Bash", {"command": ["ls", "a b"]}, [("command", "ls a b")]),
        ("Bash", {"command": 5}, [("unknown", "its command is no text")]),
        ("Bash", {}, [("unknown", "its command is no text")]),
        ("Bash", {"command": []}, [("unknown", "its command is no text")]),
        ("Bash", {"command": ["ls", 1]}, [("unknown", "its command is no text")]),
        ("Bash", {"command": ["ls\ud800"]}, [("unknown", "its command is no text")]),
        ("Bash", {"command": "ls\ud800"}, [("unknown", "its command is no text")]),
        ("Bash", {"command": "ls", "cwd": "/\ud800"}, [("unknown", "its folder is no text")]),
        ("Bash", {"command": "ls", "cwd": 5}, [("unknown", "its folder is no text")]),
        (
            "copy_x",
            {"source": "a", "target": {"paths": ["b", "/c"]}},
            [("read", "/repo/a"), ("write", "/repo/b"), ("write", "/c")],
        ),
        (
            "copy_x",
            {"source": "a", "target": {"paths": [""]}},
            [("read", "/repo/a"), ("unknown", "its path is no text")],
        ),
        ("copy_x", {"source": "a"}, [("read", "/repo/a"), ("unknown", "its path is no text")]),
        ("plain", {"amount": 1}, [("call", "the call")]),
        ("other", {}, [("call", "the call")]),
        ("apply_patch", {"input": "*** Begin Patch\n*** Delete File: ../x\n*** End Patch"}, [("write", "/x")]),
        ("apply_patch", {"input": "x"}, [("unknown", "its patch is not understood")]),
        ("apply_patch", {"input": ["x"]}, [("unknown", "its patch is not understood")]),
        ("apply_patch", {"input": "\ud800"}, [("unknown", "its patch is not understood")]),
        ("fetch", {"urls": "https://a/x"}, [("url", "https://a/x")]),
        ("fetch", {"urls": ["https://a", "a"]}, [("url", "https://a/"), ("unknown", "its address is not understood")]),
        ("fetch", {}, [("unknown", "its address is not understood")]),
        ("query", {"q": "delete from a"}, [("sql", "delete a without where")]),
        ("query", {"q": 5}, [("unknown", "its SQL is not understood")]),
        ("mail", {"to": ["a@b.de", "c@d.de"]}, [("recipient", "a@b.de"), ("recipient", "c@d.de")]),
        ("mail", {"to": []}, [("unknown", "its recipients are not understood")]),
        ("mail", {"to": "a@b.de"}, [("unknown", "its recipients are not understood")]),
        ("odd", {"command": "x"}, [("unknown", "its command is no text")]),
    ],
)
def test_the_parts_of_a_call(name, arguments, expected):
    assert parts(name, **arguments) == expected


@pytest.mark.parametrize(
    ("kind", "arguments", "expected"),
    [
        ("shell", {"action": {"commands": ["ls", "pwd"]}}, [("command", "ls"), ("command", "pwd")]),
        ("shell", {"action": {"commands": []}}, [("unknown", "its command is no text")]),
        ("shell", {}, [("unknown", "its command is no text")]),
        ("local_shell", {"action": {"command": ["ls", "x y"]}}, [("command", "ls x y")]),
        (
            "local_shell",
            {"action": {"command": ["cat", "x"], "working_directory": "/y"}},
            [("command", "cat x"), ("read", "/y/x"), ("read", "/y")],
        ),
        ("local_shell", {"action": "ls"}, [("unknown", "its command is no text")]),
        (
            "local_shell",
            {"action": {"command": ["ls"], "working_directory": "/\ud800"}},
            [("unknown", "its folder is no text")],
        ),
        ("apply_patch", {"operation": {"path": "x"}}, [("write", "/repo/x")]),
        ("apply_patch", {}, [("unknown", "its path is no text")]),
    ],
)
def test_calls_that_need_no_settings(kind, arguments, expected):
    assert parts(kind, kind, **arguments) == expected


def test_variables_and_another_user_are_told():
    def first(**more):
        call = ToolCall("c", "local_shell", "local_shell", {"action": {"command": ["ls"], **more}})
        return PARTS.of(call)[0]

    assert first(env={"A": "b"}).assigns
    assert first(user="root").moved
    assert not first(env={}, user=None).assigns


@pytest.mark.parametrize("template", ["Refund {amount} to {customer.name}", "{{no placeholder}}", "plain"])
def test_a_sentence_for_approvers_names_arguments(template):
    assert ToolParts(show=template).show == template


@pytest.mark.parametrize("template", ["{}", "{a:>5}", "{a!r}", "{a b}", "{a", "", "x" * 1001])
def test_a_sentence_that_cannot_be_filled_is_refused(template):
    with pytest.raises(ValidationError):
        ToolParts(show=template)


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("pay", {"currency": "EUR"}, "EUR"),
        ("pay", {"currency": "eur"}, "EUR"),
        ("pay", {"currency": "euro"}, ""),
        ("pay", {"currency": 5}, ""),
        ("pay", {}, ""),
        ("always", {}, "USD"),
        ("plain", {"currency": "EUR"}, None),
        ("unknown", {"currency": "EUR"}, None),
    ],
)
def test_a_currency_is_three_letters_or_cannot_be_read(name, arguments, expected):
    tools = {**TOOLS, "pay": ToolParts(currency="currency"), "always": ToolParts(currency="'USD'")}
    assert CallParts(tools, "/repo").currency(ToolCall("c", "function", name, arguments)) == expected


@pytest.mark.parametrize(("names", "expected"), [(None, []), ("secret", ["secret"]), (["a", "b"], ["a", "b"])])
def test_labels_are_nothing_one_or_several(names, expected):
    assert listed(names) == expected


def test_the_workspace_is_told():
    assert (PARTS.workspace, CallParts({}).workspace) == ("/repo", "")


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        ("function", "Bash", {"url", "sql", "recipient"}),
        ("custom", "Bash", {"url", "sql", "recipient"}),
        ("function", "pay", {"command", "read", "write", "url", "sql", "recipient"}),
        ("function", "other", {"command", "read", "write", "url", "sql", "recipient"}),
        ("shell", "other", set()),
    ],
)
def test_what_is_not_said_of_a_call_is_named(kind, name, expected):
    parts = CallParts({"Bash": ToolParts(command="c"), "pay": ToolParts(value="amount")})
    assert parts.undescribed(ToolCall("c", kind, name)) == expected
