"""Filling the templates."""

from __future__ import annotations

from datetime import datetime, timezone

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from litellm_bighub.control_plane.inbox.readable import readable_json, visible
from litellm_bighub.control_plane.store.tables.logins import Login
from litellm_bighub.domain.payload import JsonMapping

NOTES = {
    "approved": ("good", "Approved. The call may run once."),
    "denied": ("good", "Denied."),
    "first": ("good", "Noted. Another person must approve as well."),
    "allowed": ("good", "Approved, and allowed for a while."),
    "unreadable": ("bad", "The edited arguments are not one JSON object. Nothing was changed."),
    "refused_unknown": ("bad", "There is no such approval."),
    "refused_expired": ("bad", "Too late: the approval has expired."),
    "refused_resolved": ("bad", "Somebody else was quicker: it is already answered."),
    "refused_same_person": (
        "bad",
        "You have approved it already. Another person must approve as well; a key counts as whoever made it.",
    ),
    "refused_too_long": ("bad", "No rule can hold names as long as this caller's. Nothing was changed."),
    "refused_blocked": ("bad", "The policy blocks the edited call. Nothing was changed."),
}
WORDS = {"allowed": "allowed", "blocked": "blocked", "requires_approval": "held"}


def _when(time: float) -> str:
    return datetime.fromtimestamp(time, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.2f}".removesuffix(".00")


_ENVIRONMENT = Environment(
    loader=PackageLoader("litellm_bighub.control_plane.inbox"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters.update({"json": readable_json, "visible": visible, "when": _when, "number": _number})


def render(
    request: Request,
    template: str,
    session: Login | None,
    now: float,
    context: JsonMapping,
    *,
    status: int = 200,
) -> HTMLResponse:
    """A page. Everything in it is escaped, and what is unseen is made visible."""
    note = NOTES.get(request.query_params.get("note", ""))
    shared = {"path": request.url.path, "session": session, "now": now, "note": note, "words": WORDS}
    page = _ENVIRONMENT.get_template(template).render({**shared, **context})
    return HTMLResponse(page, status)
