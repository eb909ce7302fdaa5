"""Titles and names of categories as people read them: no HTML entities, no half signs."""

from __future__ import annotations

import re
from typing import Any

import polars as pl

from store.data.readers.values.entities import unescape

_HALF = re.compile("[\ud800-\udfff]")


def whole_signs(text: str) -> str:
    """Replace half of a surrogate pair, which no file can hold, by U+FFFD."""
    return _HALF.sub("\ufffd", text)


def has_half_sign(text: str) -> bool:
    """Whether a text holds half of a surrogate pair."""
    return _HALF.search(text) is not None


def value_text(value: Any) -> str | None:
    """Text of a title or a category as JSON or Python has it; None where it is none."""
    if value is None or value != value or isinstance(value, dict | list | tuple | set):
        return None
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    text = whole_signs(value if isinstance(value, str) else str(value))
    return " ".join(text.replace("\0", " ").split()) or None


def clean_texts(texts: pl.Series) -> tuple[pl.Series, int]:
    """Unescape and strip texts; empty ones become null.

    Returns
    -------
    texts
        String ``[rows]``.
    unescaped
        How many of them held entities.
    """
    with_mark = texts.str.contains("&", literal=True).fill_null(False)
    escaped = texts.filter(with_mark).unique().to_list()
    plain = {text: unescape(text) for text in escaped}
    changed = {text: new for text, new in plain.items() if new != text}
    count = int(texts.is_in(list(changed)).sum()) if changed else 0
    if count:
        texts = texts.replace(changed)
    if bool(texts.str.contains("\0", literal=True).any()):
        texts = texts.str.replace_all("\0", " ", literal=True)
    texts = texts.str.strip_chars()
    return texts.set((texts == "").fill_null(False), None), count
