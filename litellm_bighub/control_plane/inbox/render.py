"""Filling the templates."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from litellm_bighub.control_plane.http.auth import get_plane
from litellm_bighub.control_plane.inbox.readable import amount, readable_json, visible
from litellm_bighub.control_plane.inbox.views.text_runs import text_runs
from litellm_bighub.control_plane.store.tables.logins import Login
from litellm_bighub.domain.payload import JsonMapping
from litellm_bighub.wording import Wording

GOOD = frozenset(
    {
        *("approved", "denied", "answered", "first", "allowed", "many"),
        "always_accepted",
        *("user_changed", "totp_removed", "session_ended", "switched_on", "switched_off"),
    }
)
NOTES = GOOD | {
    "unreadable",
    "always_changed",
    "answer_missing",
    "not_all",
    "edited_twice",
    "edit_unused",
    "login_throttled",
    "password_short",
    "password_wrong",
    "code_wrong",
    "switch_gone",
    "switch_reason",
    "switch_twice",
    "switch_unclear",
    "refused_unknown",
    "refused_expired",
    "refused_resolved",
    "refused_same_person",
    "refused_not_approver",
    "refused_own_call",
    "refused_no_allowance",
    "refused_too_long",
    "refused_blocked",
    "refused_hidden",
    "look_over",
    "look_not_visible",
    "look_unopened",
    "refused_changed",
}
"""The notes that a page may show; each is a sentence of the wording."""
_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
WORDS = {"allowed": "allowed", "blocked": "blocked", "requires_approval": "requires approval"}

STATES = {
    "pending": "waits",
    "awaiting_second": "waits for a second person",
    "approved": "approved",
    "denied": "denied",
    "expired": "expired",
    "consumed": "approved and used",
}


def _when(time: float) -> str:
    return datetime.fromtimestamp(time, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")


def _lasted(seconds: float) -> str:
    """A time in its two largest units."""
    rest = max(0, round(seconds))
    told: list[str] = []
    for unit, length in _UNITS:
        number, rest = divmod(rest, length)
        if number or told:
            told.append(f"{number} {unit}")
    return " ".join(told[:2]) or "0 s"


def _number(value: float | Decimal | None) -> str:
    """A number with commas: a decimal with all of its digits, another with two."""
    if isinstance(value, Decimal):
        return f"{value:,f}"
    return "" if value is None else f"{value:,.2f}".removesuffix(".00")


def said(sentence: str, **values: object) -> Markup:
    """A sentence of the wording with its values, escaped. What stands in backticks is shown as code."""
    return _coded(sentence).format(**values)  # it escapes the values


def _coded(text: str) -> Markup:
    """A text, escaped; what stands in backticks is code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - it is escaped


_ENVIRONMENT = Environment(
    loader=PackageLoader("litellm_bighub.control_plane.inbox"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_FILTERS: dict[str, Any] = {  # the types that Jinja gives filters are those of its own
    "json": readable_json,
    "amount": amount,
    "visible": visible,
    "when": _when,
    "lasted": _lasted,
    "number": _number,
    "runs": text_runs,
    "said": said,
    "coded": _coded,
}
_ENVIRONMENT.filters.update(_FILTERS)


def render(
    request: Request,
    template: str,
    session: Login | None,
    now: float,
    context: JsonMapping,
    *,
    status: int = 200,
    note: str = "",
) -> HTMLResponse:
    """A page. Everything in it is escaped, and what is unseen is made visible."""
    told = _note(note or request.query_params.get("note", ""), get_plane(request).wording)
    shared = {
        "path": request.url.path,
        "session": session,
        "switches": getattr(request.state, "switches", ()),
        "now": now,
        "note": told,
        "wording": get_plane(request).wording,
        "words": WORDS,
        "states": STATES,
    }
    page = _ENVIRONMENT.get_template(template).render({**shared, **context})
    return HTMLResponse(page, status)


def _note(name: str, wording: Wording) -> tuple[str, str] | None:
    """A note's looks and sentence; `None` for a name that is none's."""
    if name not in NOTES:
        return None
    sentence: str = getattr(wording, f"inbox_{name}")
    return "good" if name in GOOD else "bad", sentence
