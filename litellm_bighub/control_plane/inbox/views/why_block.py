"""Why a call was made, as an approver reads it: what was said, by whom, each marked as what it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from litellm_bighub.control_plane.inbox.readable import readable_json
from litellm_bighub.control_plane.inbox.views.text_block import TextBlock, text_block
from litellm_bighub.control_plane.inbox.views.text_runs import Runs, text_runs
from litellm_bighub.domain.call_background import CallBackground, Speaker, Utterance

ON_CARD: Final = 600
"""So many characters of what was said last stand on a card; the call's own page has all."""


@dataclass(frozen=True, slots=True)
class SaidBlock:
    """One step.

    Attributes:
        tool: of a call or result.
        text: its beginning, and `end` its end if characters between the two are left out.
        left_out: how many those are.
        skipped: how many steps before it are left out.
    """

    speaker: Speaker
    tool: Runs
    text: TextBlock
    end: TextBlock | None
    left_out: int
    skipped: int


@dataclass(frozen=True, slots=True)
class WhyBlock:
    """What stands behind a call.

    Attributes:
        said: in its order.
        elsewhere: how many steps stand on the call's own page.
        description: of the tool.
        schema: of its arguments.
    """

    said: tuple[SaidBlock, ...]
    elsewhere: int = 0
    description: TextBlock | None = None
    schema: TextBlock | None = None

    def __bool__(self) -> bool:
        return bool(self.said or self.description)


def why_block(background: CallBackground, longest: int | None) -> WhyBlock:
    """The background as it stands on a card, the last words of the user and of the model up to so many characters.

    Without a bound it is whole.
    """
    whole = longest is None
    shown: Sequence[Utterance] = background.said if whole else _last_words(background.said)
    description = text_block(background.description, longest) if background.description else None
    schema = text_block(readable_json(background.schema)) if whole and background.schema else None
    said = tuple(_said(each, longest) for each in shown)
    return WhyBlock(said, len(background.said) - len(shown), description, schema)


def _last_words(said: Sequence[Utterance]) -> list[Utterance]:
    last = {each.speaker: at for at, each in enumerate(said) if each.speaker in {"user", "model"}}
    return [said[at] for at in sorted(last.values())]


def _said(said: Utterance, longest: int | None) -> SaidBlock:
    text = text_block(said.text, longest)
    end = text_block(said.end) if said.end and longest is None else None
    left_out = said.left_out if longest is None else 0
    return SaidBlock(said.speaker, text_runs(said.tool), text, end, left_out, said.skipped if longest is None else 0)
