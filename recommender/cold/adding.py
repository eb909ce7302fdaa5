"""Items that came after the training: a trained model gets vectors for them, without training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from recommender.backbones.base import Backbone
from recommender.backbones.create import create
from recommender.backbones.text.blend import Blend
from recommender.backbones.text.text import TextOnly
from recommender.cold.finish import PENALTY, fill
from recommender.cold.tower import Fitting
from recommender.data.texts import read_texts, words_of_items
from recommender.model_folder.artefacts import check_items, load_model, save_model
from recommender.model_folder.card import write_card
from recommender.model_folder.claim import claimed, refuse_file
from recommender.model_folder.manifest import MANIFEST, Manifest, read_manifest
from recommender.model_folder.weights import load_item_ids
from store.digests import json_digest
from store.errors import UserError
from store.store import opened

if TYPE_CHECKING:
    from store.data.dataset import Dataset
    from store.store import Store

GROWING = ("items", "asks", "share")
"""Arrays of a model with a row for each item that can be made for a new one."""


def add_items(
    model: str | Path, store: Store | str | Path, out: str | Path, *, overwrite: bool = False
) -> list[str]:
    """Write a model with vectors for the items that a store has and the model lacks.

    Their texts go through a tower that is fitted on the vectors of the items the model was trained
    on; nothing is trained. Lists of the old items among themselves stay as they are.

    Parameters
    ----------
    model
        Folder of the trained model; it is left as it is.
    store
        The store, which has grown since the training: a build appends items.
    out
        Folder of the model with the new items.
    overwrite
        Replace a model that ``out`` holds.

    Returns
    -------
    list of str
        Ids of the items that were added.

    Raises
    ------
    UserError
        The store has no new items, a new item has no text, the model keeps more for each item than
        a vector, or ``out`` is in use.
    StoreError
        The model belongs to another store.
    """
    folder, target = Path(model), Path(out)
    manifest = read_manifest(folder)
    known = load_item_ids(folder, manifest)
    refuse_file(target)
    if (target / MANIFEST).exists() and not overwrite:
        raise UserError(
            f"{target} holds a model already; replace it with `overwrite`, or name another"
        )
    with opened(store) as source:
        dataset = source.datasets.load()
        if dataset.item_ids[: len(known)] != known:
            check_items(known, dataset.item_ids, folder)
        new = dataset.item_ids[len(known) :]
        if not new:
            raise UserError(f"{source.path} has no item that model {folder} lacks")
        texts = read_texts(source, manifest.training.get("text", ())).vectors
        words = words_of_items(source, texts)
    bare = [name for name, row in zip(new, texts[len(known) :], strict=True) if not row.any()]
    if bare:
        raise UserError(f"{len(bare)} new items have no text vector (first: {bare[0]!r})")
    old, _ = load_model(folder)
    grown = grow(old, dataset.n_items, manifest)
    if isinstance(grown, (Blend, TextOnly)):
        _take_texts(grown, texts, words)
    if not isinstance(grown, TextOnly):
        _take_vectors(grown, dataset, texts, len(known), manifest)
    with claimed(target):
        save_model(target, grown.eval(), _manifest(manifest, dataset, new), dataset.item_ids)
        write_card(target)
    return new


def grow(model: Backbone, n_items: int, manifest: Manifest) -> Backbone:
    """The model with rows for more items, zero at the new ones.

    Raises
    ------
    UserError
        It keeps other arrays with a place for each item.
    """
    grown = create(manifest.backbone, n_items, **manifest.config)
    state = model.state_dict()
    for name, wanted in grown.state_dict().items():
        state[name] = _grown(name, state[name], wanted, model)
    grown.load_state_dict(state)
    return grown


def _grown(name: str, old: Tensor, wanted: Tensor, model: Backbone) -> Tensor:
    if old.shape == wanted.shape:
        return old
    if name.split(".")[-1] not in GROWING or old.shape[1:] != wanted.shape[1:]:
        raise UserError(
            f"{model.name} keeps {name}, of the size {tuple(old.shape)}, for its items, and not a "
            "vector for each alone; train it again, or put texts beside it with --blend"
        )
    rows = model.n_items + 1  # special rows stand behind those of the items
    fresh = torch.zeros_like(wanted)
    fresh[:rows] = old[:rows]
    if len(old) > rows:
        fresh[len(wanted) - (len(old) - rows) :] = old[rows:]
    return fresh


def _take_texts(
    model: Blend | TextOnly, texts: np.ndarray[Any, Any], words: np.ndarray[Any, Any] | None
) -> None:
    """Texts of all items anew: the axes to which they are turned rest on all of them."""
    width = model.config.text_width if isinstance(model, Blend) else model.d
    fresh = TextOnly(model.n_items, TextOnly.Config(d=width))
    fresh.take_texts(texts, words)
    with torch.no_grad():
        model.items.copy_(fresh.items)
        model.asks.copy_(fresh.asks)


def _take_vectors(
    model: Backbone,
    dataset: Dataset,
    texts: np.ndarray[Any, Any],
    n_old: int,
    manifest: Manifest,
) -> None:
    """Vectors of the new items in the model's space, and how much their texts count."""
    base = model.base if isinstance(model, Blend) else model
    chosen = manifest.training.get("texts_beside") or {}
    trained = set(manifest.training.get("new_items", ()))
    warm = (dataset.training_counts() > 0) & texts.any(1)
    warm &= np.array([name not in trained for name in dataset.item_ids])
    warm[n_old:] = False
    if not warm.any():
        raise UserError("no item that the model was trained on has a text vector")
    table = base.item_embeddings().detach()[1:].numpy()
    tower = Fitting(texts[warm], table[warm]).tower(float(chosen.get("penalty", PENALTY)))
    new = np.arange(dataset.n_items) >= n_old
    fill(base, new, tower(texts))
    if isinstance(model, Blend):
        share = float(chosen.get("cold_share", 0.0)) * float(chosen.get("spread", 1.0))
        with torch.no_grad():
            model.share[n_old + 1 :] = share


def _manifest(manifest: Manifest, dataset: Dataset, new: list[str]) -> Manifest:
    """The manifest of the model with its new items."""
    before = list(manifest.training.get("new_items", ()))
    training = manifest.training | {"new_items": [*before, *new]}
    training.pop("projection_digest", None)
    return manifest.model_copy(
        update={
            "n_items": dataset.n_items,
            "items_digest": json_digest(dataset.item_ids),
            "dataset_digest": dataset.digest,
            "training": training,
        }
    )
