"""A training that goes on from a trained model: its settings and weights, items matched by id.

Items that the model lacks start from their texts, by a tower that is fitted on the items it has, or
from the mean of its item vectors where they have none. Auxiliary losses, and what a model computes
from the data, start anew.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from recommender.cold.finish import PENALTY
from recommender.cold.tower import Fitting
from recommender.data.texts import read_texts
from recommender.model_folder.artefacts import load_model
from recommender.model_folder.manifest import Manifest, read_manifest
from recommender.model_folder.weights import load_item_ids
from recommender.recipes.recipe import Recipe
from store.db.location import path_text
from store.errors import StoreError, UserError
from store.store import Store, opened

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recommender.backbones.base import Backbone
    from store.data.dataset import Dataset

ITEM_TABLE = "items"
_MERGED = ("model", "training", "eimf", "ldmi", "crowd_settings", "loss_settings")


@dataclass(frozen=True)
class Started:
    """What a training went on from.

    Attributes
    ----------
    model, configuration_digest
        Folder of the model, and the address of its settings.
    items_kept, items_new, items_gone
        Items with the vector they had, items it lacked, and items of it that the data lack now.
    from_text
        Of the new ones, those that start from their texts; the others start from the mean.
    """

    model: str
    configuration_digest: str
    items_kept: int
    items_new: int
    items_gone: int
    from_text: int

    def to_json(self) -> dict[str, Any]:
        """As the manifest keeps it."""
        return asdict(self)

    def in_words(self) -> str:
        """A line for people."""
        new = f"{self.items_new:,} new ones ({self.from_text:,} from their texts)"
        gone = f", {self.items_gone:,} items of it are gone" if self.items_gone else ""
        return f"goes on from {Path(self.model).name}: {self.items_kept:,} items, {new}{gone}"


def inherited(folder: str | Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Settings of a recipe: those of a trained model, with what is given in their place.

    Parameters
    ----------
    folder
        Folder of the model.
    settings
        Of :class:`recommender.recipes.Recipe`; what is empty or off is taken as not given.

    Raises
    ------
    UserError
        Where the folder holds no whole model, or one that cannot be gone on from.
    """
    manifest = read_manifest(Path(folder))
    before = {
        name: value for name, value in manifest.training.items() if name in Recipe.model_fields
    }
    trained = before.get("backbone", manifest.backbone)
    given = {name: value for name, value in settings.items() if value}
    if trained != manifest.backbone:
        raise UserError(
            f"{folder} has the texts beside its {trained}, whose shares cannot be gone on from; "
            "go on from a model that was trained without `blend`, and give `blend` to this training"
        )
    wanted = given.get("backbone", trained)
    if wanted != trained:
        raise UserError(
            f"{folder} is a {trained} and cannot start a {wanted}; leave out `backbone`, or train "
            "from nothing"
        )
    before |= {"backbone": trained, "model": manifest.config}
    both = {name: {**before.get(name, {}), **given.get(name, {})} for name in _MERGED}
    # The model as it was is kept where no later step is better.
    both["training"] = {"evaluate_first": True, **both["training"]}
    return before | given | {name: value for name, value in both.items() if value}


@dataclass(frozen=True)
class Start:
    """A trained model that a training goes on from."""

    folder: Path
    model: Backbone
    manifest: Manifest
    item_ids: list[str]
    texts: NDArray[np.float32] | None

    @classmethod
    def of(cls, folder: str | Path, store: Store | str | Path, recipe: Recipe) -> Start:
        """Read a model, and the texts of the store's items where there are any.

        Raises
        ------
        UserError
            Where the folder holds no whole model, or one that is computed and not trained.
        """
        path = Path(folder)
        if recipe.kind.trains_on == "none":
            raise UserError(
                f"{path} is a {recipe.backbone}, which is computed from the histories and has "
                "nothing to go on from; leave out `start_from`"
            )
        model, manifest = load_model(path)
        return cls(path, model, manifest, load_item_ids(path, manifest), _texts(store, recipe))

    def into(self, fresh: Backbone, dataset: Dataset) -> Started:
        """Give a fresh model the weights of this one; its item rows by the ids of the items.

        Raises
        ------
        UserError
            Where the models are of other sizes; the fresh one is left as it is.
        """
        old, new = dict(self.model.named_parameters()), dict(fresh.named_parameters())
        for name, wanted in new.items():
            self._refuse_other(name, old.get(name), wanted, fresh)
        index = {item: row for row, item in enumerate(self.item_ids)}
        rows = np.array([index.get(item, -1) for item in dataset.item_ids])
        table, from_text = self._item_rows(rows, dataset)
        with torch.no_grad():
            for name, wanted in new.items():
                if name != ITEM_TABLE:
                    wanted.copy_(old[name])
            own = fresh.n_items + 1
            fresh.items[1:own] = table.to(fresh.items)
            fresh.items[own:] = old[ITEM_TABLE][self.model.n_items + 1 :]
        kept = int((rows >= 0).sum())
        return Started(
            path_text(self.folder),
            self.manifest.configuration_digest,
            items_kept=kept,
            items_new=len(rows) - kept,
            items_gone=len(self.item_ids) - kept,
            from_text=from_text,
        )

    def _refuse_other(self, name: str, old: Tensor | None, wanted: Tensor, fresh: Backbone) -> None:
        if old is None:
            raise UserError(f"{self.folder} lacks {name!r}, which this {fresh.name} has")
        tables = name == ITEM_TABLE
        if old.shape[tables:] == wanted.shape[tables:]:
            return
        raise UserError(
            f"{name!r} of {self.folder} has the shape {tuple(old.shape)} and this training needs "
            f"{tuple(wanted.shape)}: only item vectors grow; leave out the settings that change "
            "the model's size, or train from nothing"
        )

    def _item_rows(self, rows: NDArray[np.int64], dataset: Dataset) -> tuple[Tensor, int]:
        """Vectors of the data's items, and how many of the new ones are from texts."""
        vectors = self.model.items.detach()[1 : self.model.n_items + 1].cpu().float().numpy()
        known = rows >= 0
        mean = vectors.mean(0) if len(vectors) else np.zeros(self.model.d, dtype=np.float32)
        table = np.where(known[:, None], vectors[rows], mean).astype(np.float32)
        texts = self.texts
        if texts is None or known.all() or len(texts) != len(rows):
            return torch.from_numpy(table), 0
        told = texts.any(axis=1)
        if not (known & told).any():
            return torch.from_numpy(table), 0
        tower = Fitting(texts[known & told], table[known & told]).tower(PENALTY)
        table[~known & told] = tower(texts[~known & told])
        return torch.from_numpy(table), int((~known & told).sum())


def _texts(store: Store | str | Path, recipe: Recipe) -> NDArray[np.float32] | None:
    """Texts of all items; None where the store has no vectors of them."""
    with opened(store) as source:
        try:
            return read_texts(source, recipe.text).vectors
        except (StoreError, UserError):
            return None
