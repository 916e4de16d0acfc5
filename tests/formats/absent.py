"""What tests of several formats take from the folder of one, which may be absent from the house that is tested."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final

WITHOUT, *_OTHERS = os.environ.get("WITHOUT_FORMAT", "").split() or [""]
"""The format that is not there. `python -m tests.without` sets it."""

NAMES: Final = frozenset(each for each in (WITHOUT, *_OTHERS) if each)
"""What it is called, and what LiteLLM and we call its functions."""


class Absent:
    """Stands where a module was imported, and for all that tests make of it. No test is run with it."""

    def __getattr__(self, name: str) -> Absent:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *_arguments: object, **_options: object) -> Absent:
        return self

    def __getitem__(self, _place: object) -> Absent:
        return self

    def __iter__(self) -> Iterator[object]:
        return iter(())


def of_format(module: str) -> Any:
    """A module below `formats`, as `litellm_bighub.formats.chat.format` or `tests.formats.chat.streams`."""
    return Absent() if WITHOUT and module.split(".")[2] == WITHOUT else import_module(module)
