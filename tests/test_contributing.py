"""What CONTRIBUTING names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "litellm_bighub"
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
CODE = set(re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL)))
PATHS = sorted(each for each in CODE if re.fullmatch(r"[\w./-]+(/|\.(py|md|html|toml|yaml))|tests/[\w/]+", each))
NAMES = sorted(each for each in CODE - {"Any"} if re.fullmatch(r"[A-Z]\w+(\.\w+)?", each))
SOURCE = "\n".join(path.read_text() for path in PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", PATHS)
def test_every_path_exists(path):
    assert (PACKAGE / path).exists() or (ROOT / path).exists()


WHERE = TEXT[TEXT.index("## Where to find") : TEXT.index("## How data flows")]


@pytest.mark.parametrize("row", re.findall(r"^\| (?!task|---)(.+) \|$", WHERE, re.MULTILINE))
def test_a_task_names_the_files_that_it_needs(row):
    task, _, files = row.partition(" | ")

    assert task
    paths = re.findall(r"`(.+?)`", files)
    assert paths
    assert all((PACKAGE / path).is_file() or (ROOT / path).is_file() for path in paths)


@pytest.mark.format("responses")
@pytest.mark.parametrize("name", NAMES)
def test_every_name_of_a_class_or_constant_exists(name):
    owner, _, member = name.partition(".")

    assert re.search(rf"^(class {owner}\b|{owner}\b.* = )", SOURCE, re.MULTILINE)
    assert not member or re.search(rf"^    (async )?def {member}\b|^    {member}: ", SOURCE, re.MULTILINE)


def test_every_room_stands_in_the_table():
    table = TEXT[TEXT.index("## Rooms") : TEXT.index("## Where to find")]
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir() and list(path.glob("*.py"))}
    gateway = {f"gateway/{path.name}" for path in (PACKAGE / "gateway").iterdir() if list(path.glob("*.py"))}

    assert {room for room in rooms | gateway if f"`{room}/`" not in table} == set()


def test_the_glossary_gives_each_word_one_meaning():
    glossary = TEXT[TEXT.index("## Words") : TEXT.index("## The picture")]
    words = re.findall(r"^\| ([^|]+) \|", glossary, re.MULTILINE)[1:]

    assert len(words) == len(set(words)) >= 20
