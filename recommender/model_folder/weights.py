"""Weights and item ids of a model folder, checked before anything is made of them."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from recommender.base.library_paths import plain_path
from recommender.model_folder.manifest import Manifest, read_json, read_manifest
from store.digests import json_digest
from store.errors import UserError

WEIGHTS, ITEMS = "model.safetensors", "items.json"


def load_item_ids(folder: Path, manifest: Manifest | None = None) -> list[str]:
    """Outside names of a model's items by ``item_ix``.

    Raises
    ------
    UserError
        Where the list is absent, not the one the manifest names, or not one text for each item.
    """
    manifest = manifest or read_manifest(folder)
    path = folder / ITEMS
    item_ids = read_json(path)
    if not isinstance(item_ids, list):
        raise UserError(f"{path} is not a list of items; train again")
    for place, item in enumerate(item_ids):
        if not isinstance(item, str):
            raise UserError(
                f"{path} is damaged (item_ix {place} is of the type {type(item).__name__}, not a "
                "text); train again"
            )
    if json_digest(item_ids) != manifest.items_digest:
        raise UserError(f"{path} is not the list of items the model was saved with; train again")
    if len(item_ids) != manifest.n_items or len(set(item_ids)) < len(item_ids):
        raise UserError(
            f"{path} does not hold {manifest.n_items:,} distinct items, as the manifest says; "
            "train again"
        )
    return item_ids


def load_tensors(path: Path, like: dict[str, Tensor]) -> dict[str, Tensor]:
    """Tensors of a file, of the names, shapes and kinds that a model has.

    Real floating numbers of another precision are taken: some store weights in half.

    Parameters
    ----------
    like : dict of str to Tensor
        The state of the model they are for.

    Raises
    ------
    UserError
        Where the file is damaged, belongs to another model, or holds other kinds of numbers or
        numbers that are none.
    """
    try:
        with plain_path(path) as plain:
            tensors = load_file(plain)
    except (OSError, SafetensorError, RuntimeError) as problem:
        raise _unfit(path, str(problem).splitlines()[0]) from None
    missing, more = sorted(like.keys() - tensors.keys()), sorted(tensors.keys() - like.keys())
    if missing or more:
        what = f"{missing[0]!r} is missing" if missing else f"{more[0]!r} is not of this model"
        raise _unfit(path, what)
    for name, wanted in like.items():
        problem_here = _difference(tensors[name], wanted)
        if problem_here:
            raise _unfit(path, f"{name!r} {problem_here}")
    return tensors


def _difference(tensor: Tensor, wanted: Tensor) -> str:
    """What is wrong with a tensor; empty where nothing is."""
    if tensor.shape != wanted.shape:
        return f"has the shape {tuple(tensor.shape)}, not {tuple(wanted.shape)}"
    same = tensor.dtype == wanted.dtype
    if not same and not (tensor.is_floating_point() and wanted.is_floating_point()):
        return f"is {_name(tensor)}, not {_name(wanted)}"
    if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
        return "holds values that are not numbers"
    return ""


def _name(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _unfit(path: Path, what: str) -> UserError:
    return UserError(f"{path} does not hold this model's weights ({what}); train again")
