"""Titles and names of categories as people read them: no HTML entities, no half signs."""

from __future__ import annotations

import html
import re
from typing import Any

import polars as pl

ENTITY = r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"
_ENTITY = re.compile(ENTITY)
_HALF = re.compile("[\ud800-\udfff]")


def unescape(text: str) -> str:
    """Replace HTML entities that end in a semicolon by what they stand for, once."""
    if "&" not in text:
        return text
    return _ENTITY.sub(lambda found: html.unescape(found[0]).replace("\xa0", " "), text)


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
    escaped = texts.filter(texts.str.contains(ENTITY).fill_null(False)).unique().to_list()
    plain = {text: unescape(text) for text in escaped}
    changed = {text: new for text, new in plain.items() if new != text}
    count = int(texts.is_in(list(changed)).sum()) if changed else 0
    if count:
        texts = texts.replace(changed)
    if bool(texts.str.contains("\0", literal=True).any()):
        texts = texts.str.replace_all("\0", " ", literal=True)
    texts = texts.str.strip_chars()
    return texts.set((texts == "").fill_null(False), None), count
