"""What somebody has pressed or sent in Slack, read out of an interaction. What is unreadable or not ours is nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, cast

from litellm_bighub.control_plane.approvals.resolution import Answer
from litellm_bighub.control_plane.channels.slack_app.call_message import (
    APPROVE,
    DENY,
    FORM,
    LONGEST_REASON,
    REASON,
    TELL,
    VERDICT,
)

_ANSWERS: Final[Mapping[str, Answer]] = {APPROVE: "approve", DENY: "deny"}


@dataclass(frozen=True, slots=True)
class SlackAccount:
    """Who did it, as Slack has authenticated them.

    Attributes:
        id: of the account.
        team: the workspace that it belongs to.
    """

    id: str
    team: str


@dataclass(frozen=True, slots=True)
class Ballot:
    """What the message asked, and where it stands.

    Attributes:
        shown: the ballot that it showed.
        place: the channel.
        reference: of the message.
    """

    approval_id: str
    shown: str
    place: str
    reference: str

    @property
    def metadata(self) -> str:
        """As the form carries it, for `Ballot.read`."""
        return json.dumps({"approval": self.approval_id, "ballot": self.shown, "at": [self.place, self.reference]})


@dataclass(frozen=True, slots=True)
class PressedAnswer:
    """An answer.

    Attributes:
        tell: whether the agent hears the comment.
    """

    account: SlackAccount
    ballot: Ballot
    answer: Answer
    comment: str = ""
    tell: bool = False


@dataclass(frozen=True, slots=True)
class PressedReason:
    """Somebody wants to give a reason.

    Attributes:
        trigger: lets the form open, for three seconds.
    """

    account: SlackAccount
    ballot: Ballot
    trigger: str


Pressed: TypeAlias = PressedAnswer | PressedReason
_Kind: TypeAlias = Literal["block_actions", "view_submission"]


def read_pressed(payload: object) -> Pressed | None:
    """What was done; `None` if it is nothing of ours."""
    try:
        given = cast("Mapping[str, Any]", payload)
        user = given["user"]
        account = SlackAccount(_text(user["id"]), _text(user.get("team_id") or given["team"]["id"]))
        match cast("_Kind", given["type"]):
            case "block_actions":
                return _button(given, account)
            case "view_submission":
                return _form(given["view"], account)
            case _:
                return None
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError):
        return None


def _button(given: Mapping[str, Any], account: SlackAccount) -> Pressed | None:
    [action] = given["actions"]
    name = action["action_id"]
    if name != REASON and name not in _ANSWERS:
        return None
    value = json.loads(action["value"])
    at = (_text(given["container"]["channel_id"]), _text(given["container"]["message_ts"]))
    ballot = Ballot(_text(value["approval"]), _text(value["ballot"]), *at)
    if name == REASON:
        return PressedReason(account, ballot, _text(given["trigger_id"]))
    return PressedAnswer(account, ballot, _ANSWERS[name])


def _form(view: Mapping[str, Any], account: SlackAccount) -> Pressed | None:
    if view["callback_id"] != FORM:
        return None
    value = json.loads(view["private_metadata"])
    place, reference = value["at"]
    ballot = Ballot(_text(value["approval"]), _text(value["ballot"]), _text(place), _text(reference))
    fields = view["state"]["values"]
    answer = _ANSWERS[fields[VERDICT][VERDICT]["selected_option"]["value"]]
    written = fields[REASON][REASON]["value"] or ""
    tell = any(option["value"] == TELL for option in fields[TELL][TELL]["selected_options"])
    comment = _text(written) if written else ""
    if len(comment) > LONGEST_REASON:  # Slack's form takes no more
        return None
    return PressedAnswer(account, ballot, answer, comment, tell)


def _text(value: object) -> str:
    """A text that every database holds: without NUL and halves of surrogate pairs."""
    if not isinstance(value, str) or not value or "\0" in value:
        raise TypeError
    value.encode()  # raises a ValueError
    return value
