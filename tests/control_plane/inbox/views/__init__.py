"""What approvers read, for hostile texts as well: nothing is lost, nothing unseen, and what deceives is marked."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import strategies as st

from litellm_bighub.control_plane.inbox.views.mail_block import MailBlock
from litellm_bighub.control_plane.inbox.views.text_block import TextBlock
from litellm_bighub.control_plane.inbox.views.text_runs import TextRun
from litellm_bighub.control_plane.inbox.views.value_block import Block, TableBlock

PIECES = st.sampled_from(
    ["a", "Z9", " ", " " * 20, "\n", "\n" * 9, "\t", "\r", "\0", "\x1b[2J", "\u202e", "\u2066", "\u200b", "\u00a0",
     "\u0430", "\u0440", "\u0416", "\u03bf", "\uff41", "\u2215", "\u3164", "\ufe0f", "\U000e0041", "\ud800", "\u4e2d",
     "'", '"', "\\", ";", "&&", "|", "$(", ")", "`", "<<E", "rm -rf /", "@@ -1,2 +1,2 @@", "--- a", "+++ b", "-", "+",
     "*** Begin Patch", "*** Delete File: x", "<", ">", "<p>", "</p>", "<a href=x>", "<script>", "</script>", "<!"]
)  # fmt: skip
HOSTILE = st.lists(PIECES, max_size=12).map("".join) | st.text(max_size=60)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | HOSTILE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(HOSTILE, inner, max_size=3),
    max_leaves=8,
)
ARGUMENTS = st.dictionaries(HOSTILE | st.sampled_from(["command", "diff", "to", "body", "subject"]), VALUES, max_size=4)
UNSEEN = frozenset("\r\0\x1b\u202e\u2066\u200b\u00a0\u3164\ufe0f\U000e0041\ud800")


def runs_of(block: Block) -> Iterator[TextRun]:
    """All runs that are printed of a block."""
    if isinstance(block, TextBlock):
        for line in (*block.lines, *block.folded):
            yield from line.runs
    elif isinstance(block, TableBlock):
        for cells in (block.columns, *block.rows):
            for cell in cells:
                yield from cell
    elif isinstance(block, MailBlock):
        yield TextRun(block.preview)
        yield from runs_of(block.source)
    else:
        for field in block.fields:
            yield from field.name
            yield from runs_of(field.block)


def text_of(block: Block) -> str:
    return "".join(run.text for run in runs_of(block))
