"""A pending approval as Slack's incoming webhooks take it.

Whatever a model or a caller wrote stands in `plain_text`, where Slack makes neither links nor mentions, with everything
unseen escaped. The fallback line, which notifications show, holds nothing of it but letters, digits, `_`, `.` and `-`.
"""

from __future__ import annotations

import json
import re
from typing import Final

from litellm_bighub.control_plane.inbox.readable import readable_json, visible
from litellm_bighub.control_plane.store.tables.approvals import Approval
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.wording import ENGLISH, Wording

APPROVAL_CREATED: Final = "approval.created"
_LONGEST_TEXT = 2_800
_LONGEST_FIELD = 300
_ODD = re.compile(r"[^\w.-]", re.ASCII)
_CUT = "… (cut)"


def approval_message(approval: Approval, inbox_url: str, wording: Wording = ENGLISH) -> str:
    """The JSON of a message that asks for an answer.

    Args:
        approval: its arguments are redacted already.
        inbox_url: where people answer; empty for a message without a link.
        wording: its sentences.
    """
    fields = [
        ("Tool", approval.tool),
        ("Who", approval.actor),
        ("For", approval.context.get("user", "")),
        ("Domain", approval.domain),
        ("Rule", approval.rule_id or "default"),
        ("Approval", approval.id),
    ]
    blocks: list[JsonObject] = [
        {"type": "header", "text": _plain(wording.slack_header)},
        {"type": "section", "fields": [_plain(f"{name}: {value}", _LONGEST_FIELD) for name, value in fields if value]},
    ]
    if approval.reason:
        blocks.append({"type": "section", "text": _plain(approval.reason)})
    shown = _cut(readable_json(approval.current), _LONGEST_TEXT)
    blocks.append({"type": "section", "text": {**_plain(""), "text": shown}})
    if inbox_url:
        button = {"type": "button", "text": _plain(wording.slack_button), "url": f"{inbox_url}#{approval.id}"}
        blocks.append({"type": "actions", "elements": [button]})
    line = wording.slack_notification.format(tool=_name(approval.tool), approval_id=approval.id)
    return _message(line, blocks)


def event_message(event_type: str, subject: str) -> str:
    """The JSON of a message about any other event."""
    said = f"{_name(event_type)} {_name(subject)}".strip()
    return _message(said, [{"type": "section", "text": _plain(said)}])


def _message(text: str, blocks: list[JsonObject]) -> str:
    quiet = {"mrkdwn": False, "parse": "none", "link_names": False, "unfurl_links": False, "unfurl_media": False}
    return json.dumps({"text": text, **quiet, "blocks": blocks}, ensure_ascii=False)


def _plain(text: str, longest: int = _LONGEST_TEXT) -> JsonObject:
    return {"type": "plain_text", "text": _cut(visible(text), longest), "emoji": False}


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - len(_CUT)] + _CUT


def _name(text: str) -> str:
    return _ODD.sub("_", text)[:100]
