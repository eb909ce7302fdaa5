"""Measuring a trained model on the items that were hidden from its training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from recommender.cold.finish import cold_recall
from recommender.cold.hiding import hidden_items, only_hidden_targets
from recommender.evaluation import ranking
from recommender.measure import check_measurable
from recommender.model_folder.artefacts import load_model
from recommender.model_folder.manifest import read_manifest
from recommender.model_folder.origin import open_origin
from store.errors import UserError
from store.store import opened

if TYPE_CHECKING:
    from store.store import Store


def evaluate_cold(
    model: str | Path, store: Store | str | Path | None = None, ks: Sequence[int] = (10, 50)
) -> dict[str, ranking.Evaluation]:
    """Measure how a model finds the items that ``train --cold`` hid from it.

    Held-out targets that are hidden items count, of the validation and of the test part, since no
    training saw either; histories are read without the hidden items.

    Parameters
    ----------
    model
        Its folder.
    store
        The store it was trained on; None takes the one it remembers.
    ks
        Lengths of the lists.

    Returns
    -------
    dict
        ``cold``: among the hidden items. ``all``: among all items. ``popularity``: among the hidden
        items by the training interactions that they really have, an oracle.

    Raises
    ------
    UserError
        The model was trained without ``cold``, or no held-out target is a hidden item.
    """
    folder = Path(model)
    manifest = read_manifest(folder)
    share = manifest.training.get("cold")
    if not share:
        raise UserError(f"no item was hidden from model {folder}; train it with --cold 0.15")
    opening = open_origin(folder, manifest.store) if store is None else opened(store)
    with opening as source:
        dataset = source.datasets.load()
    backbone, _ = load_model(folder, dataset=dataset)
    check_measurable(manifest, dataset, folder)
    seed = int(manifest.training.get("training", {}).get("seed", 0))
    hidden = hidden_items(dataset, float(share), seed)
    held = only_hidden_targets(dataset, hidden)
    counts = torch.from_numpy(dataset.training_counts()).float()

    def oracle(history: torch.Tensor) -> torch.Tensor:
        return counts.expand(len(history), -1)

    own, sizes = ranking.scorer_of(backbone), tuple(ks)
    length = backbone.length
    return {
        "cold": cold_recall(own, held, hidden, length=length, among="cold", ks=sizes),
        "all": cold_recall(own, held, hidden, length=length, among="all", ks=sizes),
        "popularity": cold_recall(oracle, held, hidden, length=length, among="cold", ks=sizes),
    }
