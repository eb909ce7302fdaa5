"""A model as a folder: ``model.safetensors``, ``items.json`` and ``manifest.json``. No pickle."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file

from recommender.backbones.base import Backbone
from recommender.backbones.create import create
from recommender.base.tensors import write_tensors
from recommender.model_folder import projection
from store.digests import json_digest
from store.errors import StoreError, UserError
from store.files import whole_file

if TYPE_CHECKING:
    from store.data.dataset import Dataset

FORMAT = 1
WEIGHTS, ITEMS, MANIFEST = "model.safetensors", "items.json", "manifest.json"


class Manifest(BaseModel):
    """What a model is, what it was trained on and how well it did.

    Attributes
    ----------
    backbone, config
        Name and settings of the model; enough to build it again.
    n_items, items_digest
        How many items it scores, and the address of their list of ids.
    dataset_digest, split
        The store's data set and split it was trained on.
    training, configuration_digest
        Settings of the run (loss, objectives, optimiser, seed), and the address of these and of the
        model's own.
    metrics
        The metric card: figures by part and name, with the protocol they belong to.
    encoder
        Name of the text encoder, where text vectors started the item table or aligned it.
    versions, created_at
        Of Python and torch; in UTC.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = FORMAT
    backbone: str
    config: dict[str, Any]
    n_items: int = Field(ge=1)
    items_digest: str
    dataset_digest: str
    split: str
    training: dict[str, Any] = Field(default_factory=dict)
    configuration_digest: str = ""
    metrics: dict[str, Any] = Field(default_factory=dict)
    encoder: str | None = None
    versions: dict[str, str] = Field(default_factory=dict)
    created_at: str = ""


def describe(
    model: Backbone,
    dataset: Dataset,
    *,
    training: dict[str, Any] | None = None,
    metrics: dict[str, Any] | None = None,
    encoder: str | None = None,
) -> Manifest:
    """Manifest of a model trained on a data set."""
    config = model.config.model_dump(mode="json")
    return Manifest(
        backbone=model.name,
        config=config,
        n_items=model.n_items,
        items_digest=json_digest(dataset.item_ids),
        dataset_digest=dataset.digest,
        split=str(dataset.split),
        training=training or {},
        configuration_digest=json_digest(
            {"backbone": model.name, "config": config, "training": training or {}}
        ),
        metrics=metrics or {},
        encoder=encoder,
        versions={"python": platform.python_version(), "torch": torch.__version__},
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


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
    own = [folder / name for name in (WEIGHTS, ITEMS, MANIFEST, projection.NAME)]
    return [*own, *folder.glob("*.safetensors"), *folder.glob("*.json"), *folder.glob("*.jsonl")]


def read_manifest(folder: Path) -> Manifest:
    """Manifest of a model folder.

    Raises
    ------
    UserError
        Where there is none, it is damaged, or of another format.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise UserError(f"no model at {folder}: {MANIFEST} is missing; train with --out {folder}")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(content, dict) and content.get("format", FORMAT) != FORMAT:
            raise UserError(
                f"{path} has format {content['format']}, this version reads {FORMAT}; train again "
                "or use the version that wrote it"
            )
        return Manifest.model_validate(content)
    except (ValueError, ValidationError) as problem:
        first = str(problem).splitlines()[0]
        raise UserError(f"{path} is damaged ({first}); train again") from None


def load_item_ids(folder: Path, manifest: Manifest | None = None) -> list[str]:
    """Outside names of a model's items by ``item_ix``.

    Raises
    ------
    UserError
        Where the list is absent or not the one the manifest names.
    """
    manifest = manifest or read_manifest(folder)
    path = folder / ITEMS
    try:
        item_ids: list[str] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise UserError(f"{path} cannot be read ({problem}); train again") from None
    if json_digest(item_ids) != manifest.items_digest:
        raise UserError(f"{path} is not the list of items the model was saved with; train again")
    return item_ids


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
    path = folder / WEIGHTS
    try:
        model.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError) as problem:
        first = str(problem).splitlines()[0]
        raise UserError(
            f"{path} does not hold this model's weights ({first}); train again"
        ) from None
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
        found = []
        if new:
            found.append(f"the store has {len(new)} items the model lacks ({_some(new)})")
        if unknown:
            found.append(f"the model has {len(unknown)} items the store lacks ({_some(unknown)})")
        what = " and ".join(found)
        if stored[: len(mine)] == mine:
            raise StoreError(
                f"the store has grown since model {folder} was trained: it has {len(new)} new "
                f"items ({_some(new)}); train again"
            )
    else:
        at = next(
            ix for ix, pair in enumerate(zip(mine, stored, strict=True)) if len(set(pair)) > 1
        )
        what = f"item_ix {at} is {mine[at]!r} in the model and {stored[at]!r} in the store"
    raise StoreError(f"model {folder} belongs to another store: {what}; train on this store")


def _some(ids: list[str]) -> str:
    return ", ".join(repr(item) for item in ids[:3]) + (", …" if len(ids) > 3 else "")


def differences(manifest: Manifest, dataset: Dataset) -> list[str]:
    """What else differs from the store a model was trained on, in plain words; none if nothing.

    These do not keep a model from serving: histories may have grown since.
    """
    found = []
    if manifest.split != str(dataset.split):
        found.append(f"trained on split {manifest.split}, the store has {dataset.split}")
    if manifest.dataset_digest != dataset.digest:
        found.append("the store's histories or split have changed since the model was trained")
    return found
