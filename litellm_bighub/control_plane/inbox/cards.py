"""An approval as a card: the call as people read it, and the form that edits it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final

import jmespath
from jmespath.exceptions import JMESPathError

from litellm_bighub.control_plane.approvals.edited_call import editable
from litellm_bighub.control_plane.approvals.look import ShownValue
from litellm_bighub.control_plane.inbox.policy_page.recorded_rule import RecordedRule, rule_of_caller
from litellm_bighub.control_plane.inbox.readable import readable_json
from litellm_bighub.control_plane.inbox.views.call_view import ON_CARD, CallView, call_view
from litellm_bighub.control_plane.inbox.views.edit_fields import EditField, edit_fields
from litellm_bighub.control_plane.inbox.views.hidden_block import HiddenLine, hidden_lines
from litellm_bighub.control_plane.inbox.views.why_block import ON_CARD as ON_CARD_SAID, WhyBlock, why_block
from litellm_bighub.control_plane.inbox.vote_block import VoteBlock, vote_block
from litellm_bighub.control_plane.people.person import Person
from litellm_bighub.control_plane.store.tables.approvals import Approval
from litellm_bighub.control_plane.store.tables.sealed_values import SealedValue
from litellm_bighub.domain.call import Arguments
from litellm_bighub.domain.call_background import from_text
from litellm_bighub.policy.parts.call_parts import ToolParts


@dataclass(frozen=True, slots=True)
class Typed:
    """What a person has typed in a form that could not be carried out.

    Attributes:
        verdict: the button.
        fields: of the form, by name.
    """

    approval_id: str = ""
    verdict: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def comment(self) -> str:
        """The comment."""
        return self.fields.get("comment", "")


@dataclass(frozen=True, slots=True)
class CardSpace:
    """How much a card may hold.

    Attributes:
        text: how many characters of an argument are shown; `None` for all.
        said: how many of each of the last words; `None` for the whole conversation.
        edits: whether the form that edits is on it; where it is not, the call's own page has it.
    """

    text: int | None
    said: int | None
    edits: bool = True


WHOLE: Final = CardSpace(None, None)
AMONG_FEW: Final = CardSpace(ON_CARD, ON_CARD_SAID)
AMONG_MANY: Final = CardSpace(600, 200, edits=False)
"""So that a page of forty stays small, whatever agents write."""
_FEW: Final = 12


def space_among(cards: int) -> CardSpace:
    """How much each of so many cards may hold."""
    return AMONG_FEW if cards <= _FEW else AMONG_MANY


@dataclass(frozen=True, slots=True)
class Card:
    """What the template of a card prints.

    Attributes:
        shown: the ballot: an answer is to the call and the arguments that are shown.
        editable: whether a person may edit them, here or on the call's own page.
        fields: of the form that edits them; none where they cannot be edited here.
        as_json: the arguments in the form's other shape.
        why: why the call was made.
        votes: who may answer, and who has.
        hidden: what people may look at.
        rule: the one that asks, if it is one of the caller's key or team.
    """

    approval: Approval
    view: CallView
    shown: str
    editable: bool
    fields: tuple[EditField, ...]
    as_json: str
    typed: Typed
    why: WhyBlock
    votes: VoteBlock
    hidden: tuple[HiddenLine, ...]
    rule: RecordedRule | None


def card(
    approval: Approval,
    tools: Mapping[str, ToolParts],
    person: Person,
    now: float,
    typed: Typed | None = None,
    *,
    space: CardSpace = AMONG_FEW,
    sealed: Iterable[SealedValue] = (),
    looked: ShownValue | None = None,
) -> Card:
    """The card of an approval.

    Args:
        approval: its arguments are redacted.
        tools: what the policy says of tools.
        person: who looks at it.
        now: POSIX seconds.
        typed: what was typed in this card's form before, if it is this card's.
        space: how much it may hold; one that was typed in holds what it held.
        sealed: its hidden values.
        looked: the one that the person looks at.
    """
    typed = typed if typed is not None and typed.approval_id == approval.id else Typed()
    arguments = approval.current
    as_json = readable_json(arguments)
    may_edit = editable(approval.arguments, surface=approval.context.get("surface", ""))
    background = from_text(approval.background)
    if typed.verdict and not space.edits:
        space = AMONG_FEW
    fits = space.edits and (space.text is None or len(as_json) <= 2 * space.text)
    return Card(
        approval,
        _fitting_view(approval.tool, arguments, tools, space.text),
        approval.ballot,
        may_edit,
        edit_fields(arguments, typed.fields, background.schema) if may_edit and fits else (),
        typed.fields.get("arguments", as_json) if may_edit and fits else "",
        typed,
        why_block(background, space.said),
        vote_block(approval, person, now),
        hidden_lines(approval, sealed, person, looked),
        rule_of_caller(str(approval.context.get("caller_rules") or ""), approval.rule_id),
    )


def _fitting_view(tool: str, arguments: Arguments, tools: Mapping[str, ToolParts], longest: int | None) -> CallView:
    """The view with texts and lists cut until the whole is no longer than three texts."""
    view = view_of(tool, arguments, tools, longest=longest)
    for part in (4, 16, 64):
        if longest is None or view.length <= 3 * longest:
            break
        view = view_of(tool, arguments, tools, longest=longest // part)
    return view


def view_of(tool: str, arguments: Arguments, tools: Mapping[str, ToolParts], *, longest: int | None = None) -> CallView:
    """The arguments of a call of this tool."""
    known = next((entry for pattern, entry in tools.items() if fnmatchcase(tool, pattern)), None)
    if known is None:
        return call_view(arguments, longest=longest)
    shell, sql, currency = (_found(expression, arguments) for expression in (known.command, known.sql, known.currency))
    return call_view(arguments, show=known.show or "", currency=currency, shell=shell, sql=sql, longest=longest)


def _found(expression: str | None, arguments: Arguments) -> object:
    """What the policy reads among the arguments; `None` where it finds nothing."""
    if expression is None:
        return None
    try:
        return jmespath.search(expression, arguments)
    except (JMESPathError, TypeError, ArithmeticError):
        return None
