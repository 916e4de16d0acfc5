"""An answer asks its client for an approval by an item that the official client knows."""

from __future__ import annotations

from openai.types.responses.response_output_item import McpApprovalRequest

from litellm_bighub.formats.responses.approval_request import request_events, request_item


def test_the_item_shows_the_call_and_the_approvals_id():
    item = request_item("apr_1", "pay", {"amount": 7, "note": "ä"})
    read = McpApprovalRequest.model_validate(item)

    assert (read.id, read.name, read.arguments, read.server_label) == (
        "apr_1",
        "pay",
        '{"amount":7,"note":"ä"}',
        "litellm_bighub",
    )


def test_a_stream_tells_of_it_from_beginning_to_end():
    item = request_item("apr_1", "pay", {})

    assert [(event["type"], event["output_index"], event["item"]) for event in request_events(item, 3)] == [
        ("response.output_item.added", 3, item),
        ("response.output_item.done", 3, item),
    ]
