"""The order of ids: by value where all are whole numbers, else as text."""

from __future__ import annotations

import re
from collections.abc import Sequence


def natural_order(ids: Sequence[str]) -> list[str]:
    """Sort ids by value where all are whole numbers, else as text."""
    if all(re.fullmatch(r"-?\d{1,1000}", text, re.ASCII) for text in ids):
        return sorted(ids, key=lambda text: (int(text), text))
    return sorted(ids)
