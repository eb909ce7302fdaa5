"""How to read a source: what a user may say about it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class ReadOptions:
    """How to read; every field may stay as it is.

    Attributes
    ----------
    format
        Name of the format, None to detect it by content.
    items
        File or frame with the item texts.
    user_column, item_column, time_column, position_column, title_column, categories_column
        Names of the columns where they are not the format's usual ones.
    """

    format: str | None = None
    items: Path | Any | None = None
    user_column: str | None = None
    item_column: str | None = None
    time_column: str | None = None
    position_column: str | None = None
    title_column: str | None = None
    categories_column: str | None = None
