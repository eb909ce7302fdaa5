"""Items grouped by the interests that name them, with vectorised look-ups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recommender.data.semantics import Semantics
from store.data.csr import starts

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Groups(nn.Module):
    """The evidence of each interest as item numbers, on the model's device.

    Parameters
    ----------
    semantics : Semantics
    keep : bool ``[n]``, optional
        Which interests count; the others are left without evidence.
    """

    indptr: Tensor
    items: Tensor
    keys: Tensor

    def __init__(self, semantics: Semantics, keep: NDArray[np.bool_] | None = None) -> None:
        super().__init__()
        counts = np.diff(semantics.evidence_indptr)
        owner = np.repeat(np.arange(len(counts)), counts)
        used = np.ones(len(owner), dtype=bool) if keep is None else keep[owner]
        owner, evidence = owner[used], semantics.evidence[used]
        self.n_numbers = semantics.n_items + 1
        keys = np.unique(owner * self.n_numbers + evidence + 1)
        sizes = np.bincount(keys // self.n_numbers, minlength=len(counts))
        tables = {
            "indptr": starts(sizes),
            "items": keys % self.n_numbers,
            "keys": keys,
        }
        for name, table in tables.items():
            self.register_buffer(name, torch.from_numpy(table.astype(np.int64)), persistent=False)

    @property
    def sizes(self) -> Tensor:
        """Items of each group, int64 ``[n]``."""
        return self.indptr.diff()

    def contains(self, rows: Tensor, numbers: Tensor) -> Tensor:
        """Whether group ``rows`` holds item ``numbers``, elementwise; -1 is no group."""
        wanted = rows * self.n_numbers + numbers
        if self.keys.numel() == 0:
            return torch.zeros_like(wanted, dtype=torch.bool)
        place = torch.searchsorted(self.keys, wanted).clamp_(max=self.keys.numel() - 1)
        return (self.keys[place] == wanted) & (numbers > 0) & (rows >= 0)

    def means(self, table: Tensor) -> Tensor:
        """Mean item vector of each group, ``[n, d]``; zero for an empty group."""
        return F.embedding_bag(
            self.items, table, self.indptr, mode="mean", include_last_offset=True
        )
