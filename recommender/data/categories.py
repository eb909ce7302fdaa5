"""Categories of items as numbers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def category_codes(categories: Sequence[tuple[str, ...]]) -> Tensor:
    """A number for each item's categories by item number, int64 ``[V + 1]``.

    Two items are of one category if all their categories are the same (a path, a set of genres);
    an item without any is alone in its own.
    """
    known: dict[object, int] = {}
    codes = [0]
    for item_ix, names in enumerate(categories):
        key: object = tuple(sorted(names)) if names else item_ix
        codes.append(known.setdefault(key, len(known) + 1))
    return torch.tensor(codes)
