"""Plain requests as records."""

from __future__ import annotations

from collections.abc import Callable, Collection, MutableMapping, Sequence, Set as AbstractSet
from functools import partial
from typing import Any, Final

from litellm_bighub.errors import PayloadError
from litellm_bighub.formats.format import TextFormat
from litellm_bighub.formats.format_texts import FormatTexts
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.payload.field_rules import Rules
from litellm_bighub.formats.payload.slots import Found, Where
from litellm_bighub.formats.plain import field_rules as rules
from litellm_bighub.formats.plain.plain_walk import PlainWalk
from litellm_bighub.formats.plain.transcript import add_subtitles, settle


def _in_request(
    request: Rules,
    data: MutableMapping[str, Any],
    /,
    *,
    skip_roles: Collection[str] = (),
    unsent: AbstractSet[str] = frozenset(),
) -> Found:
    """All that the caller wrote. Nobody's roles are out of scope, since there are none."""
    del skip_roles
    walk = PlainWalk(request)
    walk.request(data, None, unsent)
    return walk.finish()


def _in_answer(answer: Rules, response: object) -> Found:
    return _in_item(answer, response, None)


def _in_item(answer: Rules, response: object, where: Where) -> Found:
    if not fields.is_object(response):
        raise PayloadError("answer", f"is a {type(response).__name__}, which nobody here can read")
    walk = PlainWalk()
    walk.item(response, where, placed=answer)
    return walk.finish()


def _in_transcript(response: object) -> Found:
    found = _in_answer(rules.TRANSCRIPTIONS_ANSWER, response)
    add_subtitles(response, found)
    return found


def _texts(
    request: Rules,
    answer: Rules,
    *call_types: str,
    in_answer: Callable[[object], Found] | None = None,
    settled: Callable[[object, Found], None] | None = None,
) -> FormatTexts:
    return FormatTexts(
        call_types=call_types,
        in_request=partial(_in_request, request),
        in_answer=in_answer or partial(_in_answer, answer),
        in_item=partial(_in_item, answer),
        settle=settled,
    )


def _deployed(path: str) -> Sequence[str]:
    return (f"POST ~{path}", f"POST /openai/deployments/{{*}}{path}")


PLAIN: Final[tuple[TextFormat, ...]] = (
    TextFormat(
        name="embeddings",
        routes=(*_deployed("/embeddings"), "POST /engines/{*}/embeddings"),
        texts=_texts(rules.EMBEDDINGS, rules.EMBEDDINGS_ANSWER, "aembedding", "embedding"),
    ),
    TextFormat(
        name="rerank",
        routes=("POST ~/rerank", "POST /v2/rerank"),
        texts=_texts(rules.RERANK, rules.RERANK_ANSWER, "arerank", "rerank"),
        has_answer_hook=False,
    ),
    TextFormat(
        name="moderations",
        routes=("POST ~/moderations",),
        texts=_texts(rules.MODERATIONS, rules.MODERATIONS_ANSWER, "amoderation", "moderation"),
        has_answer_hook=False,
    ),
    TextFormat(
        name="speech",
        routes=("POST ~/audio/speech",),
        texts=_texts(rules.SPEECH, {}, "aspeech", "speech"),
    ),
    TextFormat(
        name="transcriptions",
        routes=("POST ~/audio/transcriptions",),
        texts=_texts(
            rules.TRANSCRIPTIONS,
            rules.TRANSCRIPTIONS_ANSWER,
            *("atranscription", "transcription"),
            in_answer=_in_transcript,
            settled=settle,
        ),
        has_answer_hook=False,
    ),
    TextFormat(
        name="images",
        routes=(*_deployed("/images/generations"), *_deployed("/images/edits")),
        texts=_texts(
            rules.IMAGES,
            rules.IMAGES_ANSWER,
            *("aimage_generation", "image_generation", "aimage_edit", "image_edit"),
        ),
    ),
    TextFormat(
        name="ocr",
        routes=("POST ~/ocr",),
        texts=_texts(rules.OCR, rules.OCR_ANSWER, "aocr", "ocr"),
    ),
    TextFormat(
        name="search",
        routes=("POST ~/search", "POST ~/search/{}", "POST ~/vector_stores/{*}/search"),
        texts=_texts(
            rules.SEARCH,
            rules.SEARCH_ANSWER,
            *("asearch", "search", "avector_store_search", "vector_store_search"),
        ),
    ),
    TextFormat(
        name="videos",
        routes=("POST ~/videos", "POST ~/videos/edits", "POST ~/videos/extensions", "POST ~/videos/{}/remix"),
        texts=_texts(
            rules.VIDEOS,
            rules.VIDEOS_ANSWER,
            *("avideo_generation", "video_generation", "avideo_remix", "video_remix"),
            *("avideo_edit", "video_edit", "avideo_extension", "video_extension"),
        ),
    ),
)
"""All of them."""
