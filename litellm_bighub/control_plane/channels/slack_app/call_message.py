"""A call that waits as a message of a Slack app, and the same message once the call is decided.

Whatever a model, a caller or a person wrote stands in `plain_text`, where Slack makes neither links nor mentions nor
formatting. What is unseen there is escaped, and letters that look like others are named behind their word. The fallback
line, which notifications show, holds nothing of it but letters, digits, `_`, `.` and `-`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Final

from litellm_bighub.control_plane.inbox.cards import view_of
from litellm_bighub.control_plane.inbox.readable import amount, readable_json
from litellm_bighub.control_plane.inbox.views.text_runs import Runs, text_runs
from litellm_bighub.control_plane.people.votes import voters
from litellm_bighub.control_plane.store.tables.approvals import OPEN, Approval
from litellm_bighub.domain.call_background import from_text
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.policy.approvers import ANYONE
from litellm_bighub.policy.parts.call_parts import ToolParts
from litellm_bighub.wording import Wording

APPROVE: Final = "bighub_approve"
DENY: Final = "bighub_deny"
REASON: Final = "bighub_reason"
FORM: Final = "bighub_answer"
VERDICT: Final = "verdict"
TELL: Final = "tell"
"""What buttons, the form and its fields are called."""
LONGEST_REASON: Final = 3_000
_LONGEST_TEXT: Final = 2_800
_LONGEST_FIELD: Final = 400
_LONGEST_SAID: Final = 600
_ODD: Final = re.compile(r"[^\w.-]", re.ASCII)


def call_message(
    approval: Approval, tools: Mapping[str, ToolParts], *, inbox_url: str, now: float, wording: Wording
) -> JsonObject:
    """The text and blocks of the message, as the approval is.

    Once it is over the message holds neither arguments nor what was said before the call.

    Args:
        approval: its arguments are redacted.
        tools: what the policy says of tools.
        inbox_url: of the inbox, where the call has its own page.
        now: POSIX seconds.
        wording: its sentences.
    """
    waits = approval.state in OPEN
    told = wording.slack_header if waits else _outcome(approval, wording)
    blocks = [
        {"type": "header", "text": _plain(told, 150)},
        _section(_headline(approval, tools)),
        _facts(approval, wording),
    ]
    if waits:
        blocks += _to_decide(approval, now, wording)
    elif approval.comment:
        blocks.append(_section(wording.slack_comment.format(comment=marked(approval.comment))))
    link = {**_button(wording.slack_button, "bighub_open"), "url": f"{inbox_url}/approvals/{approval.id}"}
    blocks.append({"type": "actions", "elements": [*(_buttons(approval, wording) if waits else ()), link]})
    line = wording.slack_notification if waits else wording.slack_over
    quiet = {"mrkdwn": False, "parse": "none", "link_names": False, "unfurl_links": False, "unfurl_media": False}
    return {"text": line.format(tool=_name(approval.tool), approval_id=approval.id), **quiet, "blocks": blocks}


def reason_form(approval: Approval, metadata: str, wording: Wording) -> JsonObject:
    """The form that asks for an answer with a reason.

    Args:
        approval: that is answered.
        metadata: comes back with the form.
        wording: its sentences.
    """
    choices = [_option(wording.page_deny, DENY), _option(wording.page_approve, APPROVE)]
    verdict = {"type": "radio_buttons", "action_id": VERDICT, "options": choices, "initial_option": choices[0]}
    reason = {"type": "plain_text_input", "action_id": REASON, "multiline": True, "max_length": LONGEST_REASON}
    tell = {"type": "checkboxes", "action_id": TELL, "options": [_option(wording.page_tell_comment, TELL)]}
    return {
        "type": "modal",
        "callback_id": FORM,
        "private_metadata": metadata,
        "title": _plain(wording.slack_form, 24),
        "submit": _plain(wording.slack_form_send, 24),
        "blocks": [
            _section(marked(approval.tool)),
            _input(VERDICT, wording.slack_form_verdict, verdict),
            _input(REASON, wording.slack_form_reason, reason),
            {**_input(TELL, wording.slack_form_tell, tell), "optional": True},
        ],
    }


def marked(text: str) -> str:
    """A text with everything unseen escaped, and what deceives the eye named behind it."""
    return _as_text(text_runs(text))


def _as_text(runs: Runs) -> str:
    return "".join(f"{run.text} ⟨{run.told}⟩" if run.mark == "alike" else run.text for run in runs)


def _outcome(approval: Approval, wording: Wording) -> str:
    by = ", ".join(dict.fromkeys(vote.name for vote in approval.counting)) or approval.resolved_by or ""
    match approval.state:
        case "denied":
            return wording.slack_denied.format(person=marked(approval.resolved_by or ""))
        case "expired" if approval.resolved_at is None:
            return wording.slack_expired
        case _:
            return wording.slack_approved.format(person=marked(by))


def _headline(approval: Approval, tools: Mapping[str, ToolParts]) -> str:
    """What would happen: the tool, the amount and its currency, the target, and the operator's sentence."""
    view = view_of(approval.tool, approval.current, tools)
    value, target = amount(approval.current_value), approval.current_target
    words = [marked(approval.tool), f"{value} {_as_text(view.currency)}".strip() if value else ""]
    words.append(f"→ {marked(target)}" if target else "")
    first = "   ".join(word for word in words if word)
    return "\n".join(line for line in (first, _as_text(view.headline)) if line)


def _facts(approval: Approval, wording: Wording) -> JsonObject:
    context = approval.context
    facts = [
        ("Who", approval.actor),
        ("For", context.get("user", "")),
        ("Team", context.get("team", "")),
        ("Key", context.get("key_alias", "")),
        (f"End user ({wording.page_told_by_caller})", context.get("end_user", "")),
        ("Domain", approval.domain),
        ("Rule", approval.rule_id or "default"),
        ("Approval", approval.id),
    ]
    fields = [_plain(f"{name}: {marked(value)}", _LONGEST_FIELD) for name, value in facts if value]
    return {"type": "section", "fields": fields}


def _to_decide(approval: Approval, now: float, wording: Wording) -> list[JsonObject]:
    """Why people are asked, who must answer until when, what would run, and what was said before."""
    until = datetime.fromtimestamp(approval.expires_at, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    lines = [marked(approval.reason), *_votes(approval, now, wording), wording.page_until.format(time=until)]
    if not approval.context.get("user"):
        lines.append(wording.page_requester_unknown)
    arguments = _as_text(text_runs(readable_json(approval.current)))
    blocks = [_section("\n".join(line for line in lines if line)), _section(arguments)]
    last: dict[str, str] = {said.speaker: said.text for said in from_text(approval.background).said}
    for speaker, sentence in (("user", wording.slack_user_said), ("model", wording.slack_model_said)):
        if text := last.get(speaker, ""):
            blocks.append(_section(sentence.format(text=_cut(marked(text), _LONGEST_SAID))))
    return blocks


def _votes(approval: Approval, now: float, wording: Wording) -> list[str]:
    lines: list[str] = []
    for each in approval.requirements:
        if each == ANYONE:
            continue
        have = [marked(vote.name) for vote in voters(each, approval.counting, approval.created_at)]
        who = ", ".join(each.named(now - approval.created_at))
        sentence = wording.page_votes if who else wording.page_votes_anybody
        so_far = f" ({wording.page_votes_so_far.format(people=', '.join(have))})" if have else ""
        lines.append(sentence.format(have=len(have), count=each.count, who=who) + so_far)
    return lines


def _buttons(approval: Approval, wording: Wording) -> list[JsonObject]:
    """Each carries what it is an answer to: the approval, and the ballot that is shown."""
    value = json.dumps({"approval": approval.id, "ballot": approval.ballot})
    return [
        {**_button(wording.page_approve, APPROVE), "style": "primary", "value": value},
        {**_button(wording.page_deny, DENY), "style": "danger", "value": value},
        {**_button(wording.slack_reason, REASON), "value": value},
    ]


def _button(text: str, action: str) -> JsonObject:
    return {"type": "button", "action_id": action, "text": _plain(text, 75)}


def _input(name: str, label: str, element: JsonObject) -> JsonObject:
    return {"type": "input", "block_id": name, "label": _plain(label), "element": element}


def _option(text: str, value: str) -> JsonObject:
    return {"text": _plain(text, 75), "value": value}


def _section(text: str) -> JsonObject:
    return {"type": "section", "text": _plain(text)}


def _plain(text: str, longest: int = _LONGEST_TEXT) -> JsonObject:
    return {"type": "plain_text", "text": _cut(text, longest), "emoji": False}


def _cut(text: str, longest: int) -> str:
    cut = "… (cut)"
    return text if len(text) <= longest else text[: longest - len(cut)] + cut


def _name(text: str) -> str:
    return _ODD.sub("_", text)[:100]
