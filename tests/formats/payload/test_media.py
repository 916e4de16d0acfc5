"""An image or file is replaced in the shape of its place, or not at all."""

from __future__ import annotations

from copy import deepcopy

import pytest

from litellm_bighub.errors import PayloadError
from litellm_bighub.formats.payload.slots import Slot, TextKind, rewrite

PNG, JPEG = "data:image/png;base64,QUJD", "data:image/jpeg;base64,REVG"
BASE64 = {"type": "base64", "media_type": "image/png", "data": "QUJD"}
LINK = {"type": "url", "url": "https://a.test/a.png"}


@pytest.mark.parametrize(
    ("owner", "key", "after", "expected"),
    [
        (BASE64, "data", JPEG, {"type": "base64", "media_type": "image/jpeg", "data": "REVG"}),
        (BASE64, "data", "REVG", {"type": "base64", "media_type": "image/png", "data": "REVG"}),
        (LINK, "url", JPEG, {"type": "base64", "media_type": "image/jpeg", "data": "REVG"}),
        (LINK, "url", "https://b.test", {"type": "url", "url": "https://b.test"}),
        ({"url": PNG, "detail": "low"}, "url", JPEG, {"url": JPEG, "detail": "low"}),
        ({"image_url": PNG}, "image_url", "https://b.test", {"image_url": "https://b.test"}),
        ({"image_url": "https://b.test"}, "image_url", PNG, {"image_url": PNG}),
        ({"file_data": "QUJD"}, "file_data", PNG, {"file_data": PNG}),
        ({"result": "QUJD"}, "result", JPEG, {"result": "REVG"}),
        (["https://a.test"], 0, "https://b.test", ["https://b.test"]),
    ],
)
def test_what_is_written(owner, key, after, expected):
    owner = deepcopy(owner)
    slot = Slot(owner, key, owner[key], TextKind.MEDIA, (None, key))

    assert rewrite([slot], [after]) == 1
    assert owner == expected
    assert slot.text == after


@pytest.mark.parametrize(
    ("owner", "key", "after"),
    [
        ({"file_id": "file_1"}, "file_id", PNG),
        ({"image_url": PNG}, "image_url", "[removed]"),
        (BASE64, "data", "[removed]"),
        (BASE64, "data", "https://b.test"),
        ({"data": "QUJD", "format": "wav"}, "data", PNG),
        ({"image_url": "file_1"}, "image_url", "QUJD"),
        ({"image_url": PNG}, "image_url", ""),
    ],
)
def test_what_cannot_stand_there(owner, key, after):
    before = deepcopy(owner)
    with pytest.raises(PayloadError, match="replaced by what cannot stand"):
        rewrite([Slot(owner, key, owner[key], TextKind.MEDIA, (None, key))], [after])
    assert owner == before
