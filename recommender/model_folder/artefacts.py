"""A model as a folder: ``model.safetensors``, ``items.json`` and ``manifest.json``. No pickle."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from recommender.backbones.base import Backbone
from recommender.backbones.create import create
from recommender.base.tensors import write_tensors
from recommender.model_folder import projection
from recommender.model_folder.card import CARD
from recommender.model_folder.manifest import MANIFEST, Manifest, read_manifest
from recommender.model_folder.weights import ITEMS, WEIGHTS, load_item_ids, load_tensors
from store.errors import StoreError
from store.files import whole_file

if TYPE_CHECKING:
    from store.data.dataset import Dataset


def save_model(
    folder: Path,
    model: Backbone,
    manifest: Manifest,
    item_ids: list[str],
    beside: Callable[[Path], None] = lambda folder: None,
) -> None:
    """Write a model; the manifest comes last, so a folder with one is whole.

    Parameters
    ----------
    item_ids : list of str
        Outside names of the items by ``item_ix``.
    beside : callable, optional
        Writes what else belongs to the model into its folder.
    """
    if len(item_ids) != model.n_items:
        raise ValueError(f"{len(item_ids)} item ids for a model of {model.n_items} items")
    folder.mkdir(parents=True, exist_ok=True)
    for name in (MANIFEST, projection.NAME):  # of the model that was here before
        (folder / name).unlink(missing_ok=True)
    tensors = {
        name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()
    }
    write_tensors(folder / WEIGHTS, tensors)
    with whole_file(folder / ITEMS) as partial:
        partial.write_text(json.dumps(item_ids, ensure_ascii=False), encoding="utf-8")
    beside(folder)
    with whole_file(folder / MANIFEST) as partial:
        partial.write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")


def files_of(folder: Path) -> list[Path]:
    """Where the files of a model and of its training are, or would be; exports replace none."""
    own = [folder / name for name in (WEIGHTS, ITEMS, MANIFEST, projection.NAME, CARD)]
    return [*own, *folder.glob("*.safetensors"), *folder.glob("*.json"), *folder.glob("*.jsonl")]


def load_model(
    folder: Path, device: torch.device | str = "cpu", dataset: Dataset | None = None
) -> tuple[Backbone, Manifest]:
    """Read a model, ready to serve.

    Parameters
    ----------
    dataset : Dataset, optional
        Data set of the store it is to work on; a model of other items is refused.

    Raises
    ------
    UserError
        Where the folder holds no whole model.
    StoreError
        Where the items differ from the data set's.
    """
    manifest = read_manifest(folder)
    item_ids = load_item_ids(folder, manifest)
    if dataset is not None:
        check_items(item_ids, dataset.item_ids, folder)
    model = create(manifest.backbone, manifest.n_items, **manifest.config)
    model.load_state_dict(load_tensors(folder / WEIGHTS, model.state_dict()))
    return model.to(device).eval(), manifest


def check_items(mine: list[str], stored: list[str], folder: Path) -> None:
    """Refuse a model whose items are not the store's, by name of what differs.

    Raises
    ------
    StoreError
        That names the first items which one has and the other lacks, or the first out of order.
    """
    if mine == stored:
        return
    ours, theirs = set(mine), set(stored)
    unknown = [item for item in mine if item not in theirs]
    new = [item for item in stored if item not in ours]
    if unknown or new:
        parts = []
        if new:
            parts.append(f"the store has {len(new)} items the model lacks ({_some(new)})")
        if unknown:
            parts.append(f"the model has {len(unknown)} items the store lacks ({_some(unknown)})")
        what = " and ".join(parts)
        if stored[: len(mine)] == mine:
            raise StoreError(
                f"the store has grown since model {folder} was trained: it has {len(new)} new "
                f"items ({_some(new)}); add them with recommender add-items {folder} --store "
                "STORE, or train again"
            )
    else:
        at = next(
            ix for ix, pair in enumerate(zip(mine, stored, strict=True)) if len(set(pair)) > 1
        )
        what = f"item_ix {at} is {mine[at]!r} in the model and {stored[at]!r} in the store"
    raise StoreError(f"model {folder} belongs to another store: {what}; train on this store")


def _some(ids: list[str]) -> str:
    return ", ".join(repr(item) for item in ids[:3]) + (", …" if len(ids) > 3 else "")
