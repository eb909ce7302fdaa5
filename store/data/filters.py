"""Filters of interactions: those of rare items and of users with short histories are left out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from store.errors import DataError

Mask = npt.NDArray[np.bool_]


class Filter(NamedTuple):
    """A filter as it was asked for.

    Attributes
    ----------
    repeated
        Whether items and users are looked at until all have enough (the k-core), or once.
    least
        Interactions that an item and a user must have; 0 keeps everything.
    """

    repeated: bool
    least: int


def parse_filter(text: str) -> Filter:
    """Read the value of ``--filter``.

    Raises
    ------
    DataError
        It is not ``none``, ``once:N`` or ``core:N`` with N of at least 1.
    """
    name, _, number = text.partition(":")
    if text == "none":
        return Filter(repeated=False, least=0)
    if name not in ("once", "core") or not number.isdecimal() or int(number) < 1:
        raise DataError(f"unknown filter {text!r}: use none, once:N or core:N, such as core:5")
    return Filter(name == "core", int(number))


def filter_mask(users: npt.NDArray[np.uint32], items: npt.NDArray[np.uint32], filter: str) -> Mask:
    """Interactions that a filter keeps, ``[interactions]``.

    Raises
    ------
    DataError
        The filter is not ``none``, ``once:N`` or ``core:N`` with N of at least 1.
    """
    wanted = parse_filter(filter)
    keep = np.ones(len(users), dtype=bool)
    while wanted.least:
        size = int(keep.sum())
        for ids in (items, users):
            counts = np.bincount(ids[keep], minlength=int(ids.max(initial=0)) + 1)
            keep &= counts[ids] >= wanted.least
        if not wanted.repeated or int(keep.sum()) == size:
            break
    return keep
