"""A whole call as an approver reads it: what it is about in one line, and its arguments by what they are."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from litellm_bighub.control_plane.inbox.views.mail_block import is_mail, mail_order
from litellm_bighub.control_plane.inbox.views.show_template import filled
from litellm_bighub.control_plane.inbox.views.text_runs import Runs, text_runs
from litellm_bighub.control_plane.inbox.views.value_block import (
    Block,
    NamedBlock,
    Reading,
    TreeBlock,
    all_runs,
    value_block,
)
from litellm_bighub.domain.call import JSON, Arguments

ON_CARD: Final = 6_000
"""So many characters of a text stand on a card; the call's own page has all."""
_CURRENCIES: Final = ("currency", "currency_code")
_LONGEST_CURRENCY: Final = 12
_MOST_DECEITS: Final = 6
_EACH: Final = 30
_MOST_NAMES: Final = 20
_WORDS: Final = frozenset({"command", "cmd", "argv"})
_SHELLS: Final = frozenset({"sh", "bash", "zsh", "dash"})


@dataclass(frozen=True, slots=True)
class CallView:
    """What a template prints of a call's arguments.

    Attributes:
        headline: the operator's sentence for this tool; empty without one.
        currency: of the amount.
        arguments: by name.
    """

    headline: Runs
    currency: Runs
    arguments: tuple[NamedBlock, ...]

    @property
    def length(self) -> int:
        """How many characters it has, about; each run and line takes some for itself."""
        return sum(len(run.text) + _EACH for run in all_runs(self.arguments))

    @property
    def deceits(self) -> tuple[str, ...]:
        """What deceives the eye in them, in words: a mark alone tells nothing to who cannot point at it."""
        told = list(dict.fromkeys(run.told for run in all_runs(self.arguments) if run.mark))
        return (
            *told[:_MOST_DECEITS],
            *([f"and {len(told) - _MOST_DECEITS} more"] if len(told) > _MOST_DECEITS else []),
        )


def call_view(
    arguments: Arguments,
    *,
    show: str = "",
    currency: object = None,
    shell: object = None,
    sql: object = None,
    longest: int | None = None,
) -> CallView:
    """The view of a call.

    Args:
        arguments: redacted.
        show: the operator's template for the tool.
        currency: what the policy reads as the currency of the value.
        shell: what the policy reads as a command among the arguments: a text, or words.
        sql: what the policy reads as SQL among the arguments.
        longest: how many characters of a text are shown.
    """
    names = mail_order(arguments) if is_mail(arguments) else list(arguments)
    reading = Reading(longest, shell if isinstance(shell, str) else "", sql if isinstance(sql, str) else "")
    most = len(names) if longest is None else max(_MOST_NAMES, longest // _MOST_NAMES)
    named = [NamedBlock(text_runs(name), _argument(name, arguments[name], shell, reading)) for name in names[:most]]
    if names[most:]:
        named.append(NamedBlock((), TreeBlock((), "", is_open=False, left_out=len(names) - most)))
    return CallView(
        text_runs(filled(show, arguments)) if show else (),
        text_runs(
            next((found for value in (currency, *map(arguments.get, _CURRENCIES)) if (found := _short(value))), "")
        ),
        tuple(named),
    )


def _argument(name: str, value: JSON, shell: object, reading: Reading) -> Block:
    if isinstance(value, list) and (name in _WORDS or value == shell):
        return value_block("command", _command(value), reading)
    if isinstance(value, Mapping) and isinstance(words := value.get("command"), list):
        value = {**value, "command": _command(words)}
    return value_block(name, value, reading)


def _command(words: list[JSON]) -> JSON:
    """Words of a command as one text: the one that a shell is given, or the words quoted."""
    texts = [word for word in words if isinstance(word, str)]
    if not texts or len(texts) != len(words):
        return words
    is_shell = texts[0].rpartition("/")[2] in _SHELLS and len(texts) == 3 and texts[1] in {"-c", "-lc"}
    return texts[2] if is_shell else shlex.join(texts)


def _short(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= _LONGEST_CURRENCY else ""
