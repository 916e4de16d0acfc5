"""A start of the proxy that fails by a setting is told in one line, in place of four hundred of a traceback."""

from __future__ import annotations

import logging
import re
from typing import Final

_SERVER: Final = logging.getLogger("uvicorn.error")
_OURS: Final = re.compile(
    r"Traceback \(most recent call last\):\n.*^litellm_bighub\.errors\.\w+: (?P<says>[^\n]*)\s*\Z",
    re.MULTILINE | re.DOTALL,
)
logger = logging.getLogger(__name__)


def tell_in_one_line() -> None:
    """Have the server, which prints what ended the start, print of our errors the message alone.

    The traceback goes to this module's logger at level DEBUG.
    """
    if not any(isinstance(each, _InOneLine) for each in _SERVER.filters):
        _SERVER.addFilter(_InOneLine())


class _InOneLine(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        told = record.getMessage()
        if (found := _OURS.match(told)) is not None:
            logger.debug("%s", told)
            record.msg, record.args = "litellm_bighub: %s", (found["says"].strip(),)
            record.exc_info = record.exc_text = None
        return True
