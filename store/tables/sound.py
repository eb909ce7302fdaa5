"""Check what a store's file says before arrays are made of it: a damaged file may say anything.

Numbers index arrays, also in compiled kernels that look at no bounds, so one that is out of range
would end the process or read foreign memory.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from store.errors import StoreError


def damaged(path: Path, what: str) -> StoreError:
    """Return the error for a store whose rows say what cannot be."""
    return StoreError(
        f"{path} is damaged: {what}; see: profiler verify --store {path}; "
        f"put back a copy with: profiler restore BACKUP --store {path} --overwrite"
    )


def parsed(path: Path, text: Any, what: str, kind: type = list) -> Any:
    """Parse the JSON of one cell.

    Parameters
    ----------
    path
        The store, for the message.
    text
        The cell.
    what
        Which cell, for the message.
    kind
        The type it must have.

    Raises
    ------
    StoreError
        If the cell is no JSON, or JSON of another type.
    """
    try:
        value = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        value = None
    if not isinstance(value, kind):
        raise damaged(path, f"{what} is not a JSON {'list' if kind is list else 'object'}")
    return value


def refuse_out_of_range(path: Path, numbers: NDArray[Any], end: int, what: str) -> None:
    """Refuse numbers below 0, or of ``end`` and above.

    Raises
    ------
    StoreError
        Naming the first such number.
    """
    wrong = (numbers < 0) | (numbers >= end)
    if wrong.any():
        raise damaged(path, f"{what} {numbers[int(np.argmax(wrong))]} is not one of {end:,}")


def refuse_gaps(path: Path, numbers: NDArray[np.int64], what: str) -> None:
    """Refuse row numbers other than 0, 1, 2 …: readers take the place of a row for its number.

    Raises
    ------
    StoreError
        Naming the first number that is missing.
    """
    wrong = numbers != np.arange(len(numbers))
    if wrong.any():
        raise damaged(path, f"{what} {int(np.argmax(wrong))} is missing")
