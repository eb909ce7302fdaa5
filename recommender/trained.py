"""What training came to, and how it is written into a model's folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from recommender.backbones.base import Backbone
from recommender.cold.finish import Chosen
from recommender.cold.hiding import new_items
from recommender.evaluation import ranking
from recommender.model_folder.artefacts import save_model
from recommender.model_folder.card import write_card
from recommender.model_folder.manifest import describe as describe_model
from recommender.model_folder.projection import Projection, save_projection
from recommender.recipes.known import Known
from recommender.recipes.parts import training_settings
from recommender.recipes.recipe import Recipe
from recommender.training.settings import FitResult
from store.notebook import html_of

if TYPE_CHECKING:
    from recommender.warm.start import Started
    from store.data.dataset import Dataset


@dataclass(frozen=True)
class TrainResult:
    """What training came to.

    Attributes
    ----------
    folder
        The model folder; None where none was asked for.
    model
        The model with its best weights.
    fit
        Steps, seconds, best validation metrics, why the run ended.
    texts
        How much the texts count beside what was learned, where they do.
    started
        What the training went on from, where it did.
    """

    folder: Path | None
    model: Backbone
    fit: FitResult
    texts: Chosen | None = None
    started: Started | None = None

    def __repr__(self) -> str:
        fit, where = self.fit, "not kept" if self.folder is None else f"at {self.folder}"
        best = f"best at step {fit.best_step} of {fit.steps} ({fit.reason})"
        return f"<TrainResult {self.model.name}, {best}, {where}>"

    def _repr_html_(self) -> str:
        fit, folder = self.fit, self.folder
        facts = {"model": self.model.name, "folder": folder, "steps": fit.steps}
        return html_of(facts | {"best step": fit.best_step, "ended": fit.reason} | fit.metrics)


def worth_keeping(result: TrainResult) -> bool:
    """A run that diverged before anything was measured has nothing worth keeping."""
    return result.fit.reason != "diverged" or bool(result.fit.metrics)


def save_trained(
    folder: Path,
    result: TrainResult,
    recipe: Recipe,
    known: Known,
    learned: torch.Tensor | None,
) -> None:
    """Write the model, and the interests in its space where they were learned."""
    projection = None
    if learned is not None and known.semantics is not None:
        projection = Projection.of(known.semantics.interest_ids, known.words, learned)
    facts = recipe.model_dump(mode="json") | {
        "store": known.origin,
        "steps": result.fit.steps,
        "best_step": result.fit.best_step,
        "reason": result.fit.reason,
    }
    if projection is not None:
        facts["projection_digest"] = projection.digest
    if result.started is not None:
        facts["start"] = result.started.to_json()
    if result.texts is not None:
        facts["texts_beside"] = result.texts.to_json()
    if known.rankings is not None:
        facts["rankings"] = known.rankings.to_json()
    if recipe.cold is not None:
        seed = int(training_settings(recipe).get("seed", 0))
        facts["new_items"] = new_items(known.dataset, recipe.cold, seed)
    card = {"valid": result.fit.metrics, "protocol": _protocol(known.dataset)}
    manifest = describe_model(
        result.model, known.dataset, training=facts, metrics=card, encoder=known.encoder
    )

    def beside(folder: Path) -> None:
        if projection is not None:
            save_projection(folder, projection)

    save_model(folder, result.model, manifest, known.dataset.item_ids, beside)
    write_card(folder)


def _protocol(dataset: Dataset) -> dict[str, object]:
    """What the figures of the metric card are of."""
    split = dataset.split
    if split.name == "none":
        return {"split": str(split), "part": None}
    seen = "kept" if ranking.keeps_seen(split.name) else "removed"
    return {"split": str(split), "part": "valid", "seen_items": seen, "ranked": "all items"}
