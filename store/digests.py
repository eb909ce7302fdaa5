"""Content addresses: one canonical form, one hash, a prefix that lets the algorithm change."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from typing import Any

PREFIX = "s256:"


def text_digest(text: str) -> str:
    """Address of a text, after NFC normalisation, so that equal-looking titles share a vector."""
    return PREFIX + hashlib.sha256(unicodedata.normalize("NFC", text).encode()).hexdigest()


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal strings."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def json_digest(value: Any) -> str:
    """Address of a JSON value; the order of keys does not matter."""
    return PREFIX + hashlib.sha256(canonical_json(value).encode()).hexdigest()
