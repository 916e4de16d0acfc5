"""Paths: where they lead, and which patterns they fit."""

from __future__ import annotations

import pytest

from litellm_bighub.policy.parts.part import WHOLE_CALL
from litellm_bighub.policy.parts.path_use import Directories, PathPattern, PathUse

REPO = Directories.at("/repo")


@pytest.mark.parametrize(
    ("path", "leads"),
    [
        ("x", "/repo/x"),
        ("./a/../x", "/repo/x"),
        ("../x", "/x"),
        ("../../../x", "/x"),
        ("/repo/../etc", "/etc"),
        ("//etc", "/etc"),
        ("~", "~"),
        ("~/a/../b", "~/b"),
        ("~/..", None),
        ("~me/x", None),
        ("C:\\x", "/C:/x"),
        (".", "/repo"),
    ],
)
def test_where_a_path_leads(path, leads):
    assert REPO.resolve(path) == (leads,)


def test_without_a_workspace_paths_stay_relative():
    nowhere = Directories.at("")
    assert nowhere.resolve("a/../b") == ("b",)
    assert nowhere.contains("b")
    assert not any(map(nowhere.contains, ("../b", "..", "/b", "~/b", None)))


def test_after_cd_a_path_may_begin_in_both_folders():
    assert REPO.changed("src", certain=True).resolve("x") == ("/repo/src/x",)
    assert REPO.changed("src", certain=False).resolve("x") == ("/repo/x", "/repo/src/x")
    assert REPO.changed(None, certain=True).resolve("x") == (None,)
    many = REPO
    for folder in "abcde":
        many = many.changed(folder, certain=False)
    assert many.resolve("x") == (None,)
    assert Directories.at("/repo", "/etc").resolve("x") == ("/etc/x",)


def test_the_workspace_contains_itself_and_what_is_below():
    assert REPO.contains("/repo")
    assert REPO.contains("/repo/x")
    assert not REPO.contains("/repository")


def fits(pattern, path, *, allows=True, glob=False, workspace="/repo"):
    return PathPattern("read", pattern, workspace).fits(PathUse(path, "read", glob=glob), allows=allows)


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("/repo/**", "/repo/a/b", True),
        ("/repo/**", "/repo", True),
        ("/repo/**", "/repository", False),
        ("/repo/*", "/repo/a", True),
        ("/repo/*", "/repo/a/b", False),
        ("/repo/?", "/repo/a", True),
        ("**/.env", "/repo/a/.env", True),
        ("**/.env", ".env", True),
        ("**/.env", "/repo/x.env", False),
        ("**", "/x", True),
        ("/a/**/b", "/a/b", True),
        ("/a/**/b", "/a/x/y/b", True),
        ("/a**c", "/a/b/c", True),
        ("src/**", "/repo/src/x", True),
        ("~/.ssh/**", "~/.ssh/id", True),
        ("~/.ssh/**", "/root/.ssh/id", False),
        ("/repo/**", None, False),
        ("/a.c", "/abc", False),
        ("/x", "/X", False),
        ("/x[a]", "/x[a]", True),
    ],
)
def test_a_pattern_that_allows_fits_the_path_itself(pattern, path, expected):
    assert fits(pattern, path) is expected


def test_a_pattern_that_restricts_fits_what_may_be_meant():
    assert fits("~/.ssh/**", "/root/.ssh/id", allows=False)
    assert fits("~/.ssh/**", "/home/me/.ssh/id", allows=False)
    assert fits("**/.env", "/repo/.ENV", allows=False)


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("**/.env", "/repo/.e*", True),
        ("**/.env", "/repo/*", False),
        ("**/.env", "/repo/?env", True),
        ("**/.env", ".e[mn]v", True),
        ("**/.env", "/repo/a*", False),
        ("**/*.pem", "/repo/*", True),
        ("**/*.pem", "/repo/*/x.pem", True),
        ("/a/b*", "/a/*c", True),
        ("/a/b", "/a*", False),
        ("/a/?", "/a/*", True),
        ("/a/?", "/a?b", False),
        ("/a", "/a*", True),
        ("/" + "a" * 200, "/" + "b" * 200 + "*", True),
        ("/a/x", "/a/[", False),
    ],
)
def test_wildcards_of_a_command_may_stand_for_a_path_of_the_pattern(pattern, path, expected):
    assert fits(pattern, path, allows=False, glob=True) is expected


def test_wildcards_are_allowed_only_in_a_folder_that_is_allowed_whole():
    assert fits("/usr/**", "/usr/*/x", glob=True)
    assert not fits("/usr/?", "/usr/*", glob=True)
    assert not fits("/us*/**", "/usr/*", glob=True)
    assert not fits("/usr/**", "/us*/x", glob=True)


def test_a_pattern_for_all_of_the_workspace():
    def inside(path, workspace):
        return PathPattern("read", "./**", workspace).fits(PathUse(path, "read"), allows=True)

    assert [inside(path, "/repo") for path in ("/repo", "/repo/a", "/repos", "/etc", "~/x")] == [
        True,
        True,
        *[False] * 3,
    ]
    assert [inside(path, "") for path in ("a", ".", "../a", "..", "/a", "~")] == [True, True, *[False] * 4]


def test_a_pattern_is_for_its_use_and_for_paths():
    assert not PathPattern("write", "**").fits(PathUse("/x", "read"), allows=True)
    assert not PathPattern("write", "**").fits(WHOLE_CALL, allows=False)
    assert PathUse(None, "read").shown == "<a path>"
    assert PathUse("/x", "read").shown == "/x"


@pytest.mark.parametrize("pattern", ["", "a\0", "/a/../b"])
def test_what_is_no_pattern_is_refused(pattern):
    with pytest.raises(ValueError, match="path pattern"):
        PathPattern("read", pattern)
