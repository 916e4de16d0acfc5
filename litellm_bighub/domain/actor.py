"""Names of actors, and where they come from.

Whoever has a key at a gateway may choose its alias, so a name that comes from a key or a user says so: `key:billing-x`,
`user:u-77`. So does a team's name, and a claim of an authenticated token: `team:support`, `claim:azp=billing-agent`.
A name without a mark is one that an operator or a program gave: the setting `actor`, an argument in code,
or what a client of the HTTP API says that it is.
"""

from __future__ import annotations

from typing import Final

KEY: Final = "key:"
"""Marks the alias of a gateway's key."""
USER: Final = "user:"
"""Marks the id of a gateway's user."""
TEAM: Final = "team:"
"""Marks the alias of a gateway's team, or else its id."""
CLAIM: Final = "claim:"
"""Marks a claim of an authenticated token, its name and value."""
MARKS: Final = (KEY, USER, TEAM, CLAIM)


POSES: Final = f"must not begin with {' or '.join(MARKS)}: such names come from authentication alone"
"""What is wrong with a plain name that looks marked."""


def is_marked(name: str) -> bool:
    """Whether the name, or the pattern of names, says where it comes from."""
    return name.startswith(MARKS)


def without_mark(name: str) -> str:
    """The alias or id alone; a name without a mark is as it was."""
    return next((name.removeprefix(mark) for mark in MARKS if name.startswith(mark)), name)


def given(name: str) -> str:
    """The name as an operator may give it.

    Raises:
        ValueError: it poses as the name of a key or user.
    """
    if is_marked(name):
        raise ValueError(POSES)
    return name
