"""What the form of a card says of the arguments, compared with what it showed."""

from __future__ import annotations

from collections.abc import Mapping

from litellm_bighub.control_plane.inbox.readable import readable_json
from litellm_bighub.control_plane.inbox.views.edit_fields import PREFIX, edited_arguments
from litellm_bighub.control_plane.store.tables.approvals import Approval
from litellm_bighub.domain.arguments import UnreadableArguments, read_arguments
from litellm_bighub.domain.call import Arguments
from litellm_bighub.domain.digest import arguments_digest


class FormRefused(Exception):  # noqa: N818 - names the state; answered with the page
    """The form cannot be carried out. `note` names the sentence of the wording."""

    def __init__(self, note: str) -> None:
        self.note = note
        super().__init__(note)


def read_form(form: Mapping[str, str], approval: Approval, *, edits: bool) -> Arguments | None:
    """The edited arguments; `None` where the answer is to the arguments as they were shown.

    Args:
        form: its fields.
        approval: as it is now.
        edits: whether the button is the one that approves edited arguments.

    Raises:
        FormRefused: it showed other arguments, holds an edit that the button would drop, or cannot be read.
    """
    shown = approval.current
    if form.get("shown", approval.ballot) != approval.ballot:
        raise FormRefused("refused_changed")
    try:
        edited = _edited(form, shown)
    except UnreadableArguments as error:
        if not edits:
            raise FormRefused("edit_unused") from error
        raise FormRefused("unreadable") from error
    if not edits and edited is not None and arguments_digest(edited) != arguments_digest(shown):
        raise FormRefused("edit_unused")
    if not edits:
        return None
    if edited is None:
        raise FormRefused("unreadable")
    return edited


def _edited(form: Mapping[str, str], shown: Arguments) -> Arguments | None:
    """The arguments of the fields or of the JSON, whichever was changed; `None` if the form has neither."""
    text = form.get("arguments")
    fields = edited_arguments(form, shown) if any(name.startswith(PREFIX) for name in form) else None
    untouched = text is None or text.replace("\r\n", "\n") == readable_json(shown)
    if fields is None:
        return None if text is None else read_arguments(text or "none")
    if untouched or text is None:
        return fields
    if arguments_digest(fields) != arguments_digest(shown):
        raise FormRefused("edited_twice")
    return read_arguments(text or "none")
