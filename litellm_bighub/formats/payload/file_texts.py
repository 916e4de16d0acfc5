"""Texts in the bytes of files: a data URL, or Base64 beside which a type of media stands, that holds a text.

What says that it is a picture, a sound or a document of pages stays opaque. All else is read by its bytes.
"""

from __future__ import annotations

import base64
import re
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from litellm_bighub.domain.payload import Payload
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.payload.json_escapes import unescaped

_DATA_URL: Final = re.compile(r"(data:([^;,]*)((?:;[^;,]*)*),)(.*)", re.DOTALL | re.IGNORECASE)
_BASE64: Final = re.compile(r"[\w+/=%\s-]+", re.ASCII)
_CHARSET: Final = re.compile(r";\s*charset\s*=\s*\"?([\w.:-]+)", re.IGNORECASE)
_TEXTS: Final = re.compile(
    r"text/.+|.+\+(json|xml|yaml)|application/(json|xml|csv|x?-?ndjson|jsonl|(x-)?yaml)", re.IGNORECASE
)
_OPAQUE: Final = re.compile(
    r"(image|audio|video|font|model)/.+|application/(pdf|zip|gzip|x-.*(zip|tar).*|msword|vnd\..+|epub.*)", re.IGNORECASE
)
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")
_MEDIA_TYPES: Final = ("media_type", "mime_type", "mimeType")
_FILES: Final = frozenset({"file_data", "blob"})
"""Fields of bare Base64 that are read by their bytes where no type of media stands beside them."""
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")


def is_data_url(value: str) -> bool:
    """Whether a text is nothing but a file, of which a reader of texts does not see everything."""
    url = _DATA_URL.fullmatch(value.strip())
    if url is None:
        return False
    return _BASE64.fullmatch(url[4]) is not None if _is_base64(url[1]) else "%" in url[4]


def file_text(owner: Payload, key: str | int, value: str) -> str | None:
    """The text of a file; `None` if it is no text, is a link or an id, cannot be read, or is empty.

    Of JSON, escapes that need not be there are undone, so that a secret cannot be written in them.

    Args:
        owner: what holds the file.
        key: where it stands there.
        value: the file.
    """
    read = _read(owner, key, value)
    if read is None:
        return None
    _, media_type, charset, content = read
    is_text = _TEXTS.fullmatch(media_type) is not None
    if _OPAQUE.fullmatch(media_type) and not is_text:
        return None
    try:
        text = content.decode(charset)
    except (UnicodeDecodeError, LookupError):
        return None
    if not text or not (is_text or not _CONTROLS.search(text)):
        return None
    return unescaped(text) if "json" in media_type.lower() else text


def with_file_text(owner: Payload, key: str | int, value: str, text: str) -> str:
    """The file with another text in it, in the same form.

    Raises:
        ValueError: it holds no text, or its encoding has no such characters.
    """
    read = _read(owner, key, value)
    if read is None:
        raise ValueError("no file with a text")
    head, _, charset, _ = read
    content = text.encode(charset)
    if head and not _is_base64(head):
        return head + quote(content)
    return head + base64.b64encode(content).decode()


def _read(owner: Payload, key: str | int, value: str) -> tuple[str, str, str, bytes] | None:
    """What stands before the bytes, the type of media, the encoding of a text, and the bytes."""
    url = _DATA_URL.fullmatch(value.strip())
    if url is None:
        media_type = next((told for name in _MEDIA_TYPES if isinstance(told := fields.get(owner, name), str)), "")
        if not media_type and key not in _FILES:
            return None
        head, parameters, told = "", media_type, value
        media_type = media_type.partition(";")[0].strip()
    else:
        head, media_type, parameters, told = url[1], url[2].strip(), url[3], url[4]
    content = unquote_to_bytes(told) if head and not _is_base64(head) else _decoded(told)
    if content is None:
        return None
    charset = _CHARSET.search(parameters)
    default = "utf-16" if content[:2] in _UTF_16 else "utf-8"
    return head, media_type, charset[1] if charset else default, content


def _is_base64(head: str) -> bool:
    return head.lower().endswith(";base64,")


def _decoded(value: str) -> bytes | None:
    """The bytes of Base64 as lenient readers take it: with spaces, of either alphabet, without its end."""
    told = "".join(unquote_to_bytes(value).decode("ascii", "replace").split()).replace("-", "+").replace("_", "/")
    told = told.rstrip("=")
    try:
        return base64.b64decode(told + "=" * (-len(told) % 4), validate=True)
    except ValueError:
        return None
