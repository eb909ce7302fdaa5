"""Where a model is good: recall on rare and frequent targets, with short and long histories."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from recommender.data.sequences import EvalHistories
    from recommender.evaluation.ranking import Evaluation
    from store.data.dataset import Dataset


def recall_slices(
    evaluation: Evaluation,
    cases: EvalHistories,
    targets: tuple[Tensor, Tensor],
    dataset: Dataset,
    k: int,
) -> dict[str, Tensor]:
    """Recall@k of every user, by how often the target was trained on and by history length.

    Targets are cut at the quartiles of their training interactions (rare, usual, frequent; equal
    counts stay together), users at the thirds of their known items (short, middle, long).

    Parameters
    ----------
    evaluation : Evaluation
        Its lists are at least k long.
    cases, targets
        What it was measured on (see ``evaluation.targets_of``).
    dataset
        Its visible part gives the training interactions of an item.
    k
        Length of the lists.

    Returns
    -------
    dict
        Name of the slice, with its bounds → float64 ``[users]``; NaN where a user is not in it.
    """
    indptr, items = targets
    counts = indptr.diff()
    evaluated = counts > 0
    users = int(evaluated.sum())
    rows = torch.repeat_interleave(torch.arange(users), counts[evaluated])
    hit = (evaluation.ranked[rows, :k] == items[:, None]).any(1).double()
    trained = dataset.training_counts()
    often = torch.from_numpy(trained)[items - 1]
    known = cases.seen_indptr.diff()[evaluated]
    low, high = (math.floor(x) for x in np.quantile(often.numpy(), [0.25, 0.75]))
    short, long = (math.floor(x) for x in np.quantile(known.numpy(), [1 / 3, 2 / 3]))
    of_rows = known[rows]
    masks = {
        f"rare targets (trained {low:,} times or fewer)": often <= low,
        f"usual targets ({low + 1:,} to {high:,} times)": (often > low) & (often <= high),
        f"frequent targets (more than {high:,} times)": often > high,
        f"short histories ({short:,} items or fewer)": of_rows <= short,
        f"middle histories ({short + 1:,} to {long:,} items)": (of_rows > short)
        & (of_rows <= long),
        f"long histories (more than {long:,} items)": of_rows > long,
    }
    found_slices = {}
    for name, mask in masks.items():
        hits = torch.zeros(users, dtype=torch.float64).index_add_(0, rows[mask], hit[mask])
        found_slices[name] = hits / torch.bincount(rows[mask], minlength=users)
    return found_slices
