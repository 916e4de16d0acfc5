"""A message for Slack: nothing that a model wrote becomes a link, a mention or a text that deceives."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from litellm_bighub.control_plane.channels.slack import approval_message, event_message
from litellm_bighub.control_plane.store.tables.approvals import Approval

APPROVAL = Approval(
    id="apr_1",
    decision_id="dec_1",
    state="pending",
    digest="d",
    policy_version="1",
    rule_id="refunds",
    reason="900 is more than 500",
    actor="agent",
    domain="custom",
    tool="refund_payment",
    type="function",
    target="",
    value=900.0,
    arguments={"amount": 900},
    context={"user": "ada"},
    four_eyes=False,
    ttl=900,
    created_at=0,
    expires_at=900,
)
HOSTILE = "<!channel> <https://evil.example|Approve> *x* @here https://evil.example \u202e\n"


def texts(value):
    """Every text object of a message."""
    if isinstance(value, dict):
        if {"type", "text"} <= value.keys() and isinstance(value["text"], str):
            yield value
        for child in value.values():
            yield from texts(child)
    elif isinstance(value, list):
        for child in value:
            yield from texts(child)


def message(inbox_url="https://bighub.example/inbox", **changed):
    return json.loads(approval_message(replace(APPROVAL, **changed), inbox_url))


def test_it_says_who_wants_what_and_links_to_the_inbox():
    made = message()

    shown = "\n".join(text["text"] for text in texts(made["blocks"]))
    for part in ("refund_payment", "agent", "ada", "refunds", "900 is more than 500", '"amount": 900'):
        assert part in shown
    (button,) = [element for block in made["blocks"] for element in block.get("elements", ())]
    assert button["url"] == "https://bighub.example/inbox#apr_1"


@pytest.mark.parametrize("field", ["tool", "actor", "reason", "domain", "rule_id"])
def test_what_others_wrote_is_plain(field):
    made = message(**{field: HOSTILE})

    assert {text["type"] for text in texts(made["blocks"])} == {"plain_text"}
    assert not set("<>@*:/\u202e\n") & set(made["text"])
    assert (made["mrkdwn"], made["parse"], made["link_names"]) == (False, "none", False)
    assert "\u202e" not in json.dumps(made, ensure_ascii=False)
    assert all(element.get("url", "").startswith("https://bighub.example/") for element in _elements(made))


def test_arguments_are_plain_and_cut():
    made = message(arguments={"a": HOSTILE, "b": "x" * 10_000})

    (arguments,) = [text for text in texts(made["blocks"]) if "evil.example" in text["text"]]
    assert arguments["type"] == "plain_text"
    assert len(arguments["text"]) <= 3000
    assert arguments["text"].endswith("(cut)")


def test_edited_arguments_are_what_would_run():
    shown = "\n".join(text["text"] for text in texts(message(edited={"amount": 5})["blocks"]))

    assert '"amount": 5' in shown
    assert '"amount": 900' not in shown


def test_the_texts_keep_to_slacks_limits():
    made = message(tool="t" * 5000, reason="r" * 5000, actor="a" * 5000)

    assert all(len(text["text"]) <= 3000 for text in texts(made))
    assert len(made["text"]) <= 200


def test_without_an_inbox_there_is_no_link():
    assert not _elements(message(inbox_url=""))


def test_other_events_are_one_plain_line():
    made = json.loads(event_message("kill_switch.activated", HOSTILE))

    assert made["text"].startswith("kill_switch.activated")
    assert not set("<>@:/") & set(made["text"])


def _elements(made):
    return [element for block in made["blocks"] for element in block.get("elements", ())]
