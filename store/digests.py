"""Content addresses: one canonical form, one hash, a prefix that lets the algorithm change."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable
from typing import Any

PREFIX = "s256:"

_HALVES = re.compile("[\ud800-\udfff]")


def text_digest(text: str) -> str:
    """Address of a text, after NFC normalisation, so that equal-looking titles share a vector."""
    return bytes_digest([unicodedata.normalize("NFC", text).encode()])


def bytes_digest(chunks: Iterable[bytes]) -> str:
    """Address of bytes that come in chunks; where one chunk ends does not matter.

    A data set has three addresses, because three questions are asked. ``Prepared.digest`` covers
    what was read, with texts and times: does this build change anything? ``content_digest`` covers
    the tables as they stand: has a row been damaged? ``Dataset.digest`` covers ids, histories and
    split: does this model belong to this store?
    """
    content = hashlib.sha256()
    for chunk in chunks:
        content.update(chunk)
    return PREFIX + content.hexdigest()


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal strings.

    Bytes that are no text, as in the name of a folder, are written as U+FFFD.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return _HALVES.sub("\ufffd", text)


def json_digest(value: Any) -> str:
    """Address of a JSON value; the order of keys does not matter."""
    return bytes_digest([canonical_json(value).encode()])
