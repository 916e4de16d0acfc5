"""What the fields of an MCP message are: of a request, a notification, a result or an error, in either direction.

The reference is the schema of the Model Context Protocol. Only exceptions are declared: a field that stands in no table
here holds text and is scanned. What names something (a tool, a resource, a type of media) is never rewritten.
"""

from __future__ import annotations

from typing import Final

from litellm_bighub.formats.payload.field_rules import FieldRule, Rules, Vocabulary

_OPAQUE, _NAME, _FREE, _APART = FieldRule.OPAQUE, FieldRule.NAME, FieldRule.FREE, FieldRule.APART
_SCHEMA, _FILE, _IMAGE, _HIDDEN = FieldRule.SCHEMA, FieldRule.FILE, FieldRule.IMAGE, FieldRule.HIDDEN

_ANY: Final[Rules] = {
    "_meta": _FREE,
    "mimeType": _NAME,
    "annotations": {"audience": _OPAQUE, "lastModified": _NAME},
    "icons": {"src": _IMAGE, "mimeType": _NAME, "sizes": _NAME, "theme": _OPAQUE},
}
"""What many objects have."""
_TOOL: Final[Rules] = {**_ANY, "name": _NAME, "inputSchema": _SCHEMA, "outputSchema": _SCHEMA}
_PROMPT: Final[Rules] = {**_ANY, "name": _NAME, "arguments": {"name": _NAME}}
_RESOURCE: Final[Rules] = {**_ANY, "uri": _NAME, "uriTemplate": _NAME}
_CONTENTS: Final[Rules] = {**_RESOURCE, "blob": _FILE}
_SAID: Final[Rules] = {"role": _OPAQUE}
_PARTY: Final[Rules] = {**_ANY, "name": _NAME, "version": _NAME}

_UNKNOWN: Final[Rules] = {"type": _NAME}
_TYPES: Final[dict[str, Rules]] = {
    "text": {**_ANY, "type": _OPAQUE},
    "image": {**_ANY, "type": _OPAQUE, "data": _IMAGE},
    "audio": {**_ANY, "type": _OPAQUE, "data": _FILE},
    "resource": {**_ANY, "type": _OPAQUE, "resource": _CONTENTS},
    "resource_link": {**_RESOURCE, "type": _OPAQUE},
    "tool_use": {**_ANY, "type": _OPAQUE, "id": _OPAQUE, "name": _NAME, "input": _FREE},
    "tool_result": {**_ANY, "type": _OPAQUE, "toolUseId": _OPAQUE, "structuredContent": _FREE},
}

VOCABULARY: Final = Vocabulary(types=_TYPES, untyped=_UNKNOWN, unknown=_UNKNOWN, text_fields=frozenset())

CALL_VOCABULARY: Final = Vocabulary(
    types={**_TYPES, "text": {**_TYPES["text"], "text": _APART}},
    untyped=_UNKNOWN,
    unknown=_UNKNOWN,
    text_fields=frozenset(),
)
"""That of a tool call and its result, whose arguments and texts a hook is handed."""

_PARAMS: Final[Rules] = {
    **_ANY,
    **dict.fromkeys(("protocolVersion", "level", "mode", "progressToken", "requestId", "elicitationId"), _OPAQUE),
    **dict.fromkeys(("clientInfo", "capabilities"), _APART),  # they are the gateway's to know, and go no further
    "name": _NAME,
    "uri": _NAME,
    "arguments": _FREE,
    "data": _FREE,
    "cursor": _HIDDEN,
    "requestedSchema": _SCHEMA,
    "messages": _SAID,
    "tools": _TOOL,
    "ref": {"type": _OPAQUE, "name": _NAME, "uri": _NAME},
    "argument": {"name": _NAME},
}
_RESULT: Final[Rules] = {
    **_ANY,
    **dict.fromkeys(("resultType", "cacheScope", "protocolVersion", "role", "action", "stopReason"), _OPAQUE),
    "supportedVersions": _OPAQUE,
    "capabilities": _FREE,
    "serverInfo": _PARTY,
    "nextCursor": _HIDDEN,
    "tools": _TOOL,
    "prompts": _PROMPT,
    "resources": _RESOURCE,
    "resourceTemplates": _RESOURCE,
    "contents": _CONTENTS,
    "messages": _SAID,
    "structuredContent": _FREE,
}

MESSAGE: Final[Rules] = {
    **dict.fromkeys(("jsonrpc", "id", "method"), _OPAQUE),
    "params": _PARAMS,
    "result": _RESULT,
    "error": {"data": _FREE},
}

CALL: Final[Rules] = {
    **MESSAGE,
    "params": {**_PARAMS, "name": _OPAQUE, "arguments": _APART},
    "result": {**_RESULT, "structuredContent": _APART},
}
"""Of a tool call and its result."""
