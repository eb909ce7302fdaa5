"""What else an item file says of an item, as a JSON object that every program reads."""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from store.data.readers.values.texts import whole_signs
from store.digests import canonical_json

MAX_DEPTH = 16
"""Lists and objects inside of one another, at most; what lies deeper is left out."""


def json_object(values: dict[str, object]) -> str:
    """Write an object without empty values; NaN, infinity and bytes that are no text are empty."""
    kept = {whole_signs(str(name)): _plain(value, 0) for name, value in values.items()}
    return canonical_json({name: value for name, value in kept.items() if value not in (None, "")})


def _plain(value: Any, depth: int) -> Any:
    """Value as JSON has it; None where it has none."""
    if isinstance(value, str):
        return whole_signs(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**63 else None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        return _decoded(value)
    if isinstance(value, dict | list | tuple | set | frozenset):
        return None if depth >= MAX_DEPTH else _nested(value, depth + 1)
    if isinstance(value, Decimal | date | datetime | time | timedelta):
        return str(value)
    return whole_signs(str(value))


def _nested(value: Any, depth: int) -> Any:
    if isinstance(value, dict):
        return {whole_signs(str(key)): _plain(part, depth) for key, part in value.items()}
    parts = sorted(value, key=str) if isinstance(value, set | frozenset) else value
    return [_plain(part, depth) for part in parts]


def _decoded(value: bytes) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None
