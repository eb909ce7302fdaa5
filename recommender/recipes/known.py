"""What a training reads from the store, all at once and before anything is trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from recommender.data.layers import LayerTexts
from recommender.data.rankings import Rankings
from recommender.data.semantics import Semantics
from recommender.data.texts import read_texts, words_of_items
from recommender.recipes.parts import (
    check_parts,
    read_descriptions,
    read_distilled,
    read_interests,
)
from recommender.recipes.recipe import Recipe
from store.db.location import path_text
from store.store import Store, opened
from store.tables.shown import check_shown, shown_to_llm

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from store.data.dataset import Dataset


@dataclass(frozen=True)
class Known:
    """What a training knows of the store.

    Attributes
    ----------
    dataset, semantics, layers
        Histories; interests and descriptions by layer, where the recipe reads them.
    texts, shown_interests
        float32 ``[V, D]``, texts of the items and of the interests that each shows, where they are
        read.
    shown
        How many items of histories the language model was shown.
    encoder
        Of the texts, where any are read.
    words
        The interests' words.
    origin
        Where the store is.
    rankings
        What was ranked after training histories, where the recipe reads it.
    """

    dataset: Dataset
    semantics: Semantics | None
    layers: LayerTexts | None
    texts: NDArray[np.float32] | None
    shown_interests: NDArray[np.float32] | None
    shown: int
    encoder: str | None
    words: list[str]
    origin: str
    rankings: Rankings | None = None


def read_known(store: Store | str | Path, recipe: Recipe) -> Known:
    """Everything a recipe needs of the store, checked before anything is trained.

    Raises
    ------
    StoreError
        The store lacks what the recipe reads.
    LeakageError
        The language model was shown what the split hides.
    UserError
        A setting of the recipe is wrong.
    """
    with opened(store) as source:
        dataset = source.datasets.load()
        check_parts(recipe, dataset.n_items)
        semantics = read_interests(source, recipe)
        layers = read_descriptions(source, recipe)
        texts = read_texts(source, recipe.text).vectors if recipe.needs_texts else None
        asked = recipe.blend or recipe.kind.reads_text
        needs_encoder = not (semantics is None and layers is None and texts is None)
        return Known(
            dataset,
            semantics,
            layers,
            texts,
            words_of_items(source, texts) if texts is not None and asked else None,
            shown=check_shown(dataset, shown_to_llm(source)),
            encoder=source.meta("encoder") if needs_encoder else None,
            words=source.interests.catalogue().texts if semantics is not None else [],
            origin=path_text(source.path),
            rankings=read_distilled(source, dataset, recipe),
        )
