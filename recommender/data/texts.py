"""Texts of items as vectors, from named sources: title, categories, card, next, layers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from store.data.dataset import item_text
from store.errors import StoreError, UserError
from store.tables.tasks.cards import next_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from store.store import Store

SOURCES = ("title", "categories", "card", "next")
LAYER = re.compile(r"layer([1-9]\d?)")
"""A source that is the description of an item at a layer: ``layer1``."""


@dataclass(frozen=True)
class ItemTexts:
    """Text vectors of all items.

    Attributes
    ----------
    vectors
        float32 ``[V, blocks * d_t]``, the sources side by side, each row of at most unit length; a
        zero block where an item lacks a source.
    blocks
        How many sources stand side by side; title and categories are one.
    """

    vectors: NDArray[np.float32]
    blocks: int

    @property
    def mean(self) -> NDArray[np.float32]:
        """float32 ``[V, d_t]``, the unit mean of an item's sources, in the space of interests."""
        shape = (len(self.vectors), self.blocks, -1)
        total = self.vectors.reshape(shape).sum(1)
        length = np.linalg.norm(total, axis=1, keepdims=True)
        unit: NDArray[np.float32] = np.divide(
            total, length, out=np.zeros_like(total), where=length > 0
        )
        return unit


def check_sources(sources: Sequence[str]) -> None:
    """Refuse sources that do not exist or stand there twice.

    Raises
    ------
    ValueError
        Naming it.
    """
    for place, name in enumerate(sources):
        if name not in SOURCES and not LAYER.fullmatch(name):
            known = ", ".join(SOURCES)
            raise ValueError(f"no text source {name!r}; there are {known}, layer1, layer2, …")
        if name in sources[:place]:
            raise ValueError(f"the text source {name} stands there twice")


def read_texts(store: Store, sources: Sequence[str] = ()) -> ItemTexts:
    """Read text vectors of all items.

    Parameters
    ----------
    store
        An open store with text vectors.
    sources
        Of :data:`SOURCES`, or layers; none is what the build encoded, title with categories as a
        rule.

    Raises
    ------
    StoreError
        The store has no text vectors, or a source is not encoded.
    UserError
        No item has a source.
    """
    if not sources:
        return ItemTexts(store.vectors.items(), 1)
    encoder = store.vectors.encoder()
    blocks = []
    for name, texts in _blocks(store, sources):
        if not any(text.strip() for text in texts):
            raise UserError(
                f"--text {name}: no item of {store.path} has one; "
                "write cards with profiler describe or bring them with profiler import-cards; "
                "layers are written by profiler describe --layers"
            )
        try:
            blocks.append(store.vectors.matrix(encoder, texts))
        except StoreError as problem:
            raise StoreError(f"--text {name}: {problem}") from None
    scale = 1 / np.sqrt(len(blocks))
    return ItemTexts((np.concatenate(blocks, axis=1) * scale).astype(np.float32), len(blocks))


def words_of_items(store: Store, texts: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """Mean words of the stored interests that each item shows, beside texts of the same width.

    None in a store without interests. Where several sources stand side by side, the words stand
    beside each.
    """
    catalogue = store.interests.catalogue()
    if not len(catalogue.ids):
        return None
    _, vectors = store.vectors.interests()
    rows = np.repeat(np.arange(len(vectors)), np.diff(catalogue.indptr))
    total = np.zeros((len(texts), vectors.shape[1]), dtype=np.float32)
    np.add.at(total, catalogue.items, vectors[rows])
    counts = np.bincount(catalogue.items, minlength=len(texts))[:, None]
    mean = (total / np.maximum(counts, 1)).astype(np.float32)
    blocks = max(1, texts.shape[1] // max(1, vectors.shape[1]))
    found: NDArray[np.float32] = np.tile(mean, blocks) / np.float32(np.sqrt(blocks))
    return found


def _blocks(store: Store, sources: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Texts of each block of vectors, by its name."""
    items, cards = store.datasets.item_texts(), store.cards.load()
    named: dict[str, Callable[[int], str]] = {
        "card": lambda ix: cards[ix].card if ix in cards else "",
        "next": lambda ix: next_text(cards[ix].next) if ix in cards else "",
    }
    found: list[tuple[str, list[str]]] = []
    own = [name for name in ("title", "categories") if name in sources]
    if own:
        found.append(("+".join(own), [_own_text(one.title, one.categories, own) for one in items]))
    for name, text in named.items():
        if name in sources:
            found.append((name, [text(one.item_ix) for one in items]))
    layers = [(name, int(at[1])) for name in sources if (at := LAYER.fullmatch(name))]
    descriptions = store.descriptions.load() if layers else {}
    for name, layer in layers:
        said = {node: one.text for (node, of), one in descriptions.items() if of == layer}
        found.append((name, [said.get(("item", one.item_ix), "") for one in items]))
    return found


def _own_text(title: str | None, categories: Sequence[str], own: Sequence[str]) -> str:
    if own == ["categories"]:
        return ", ".join(categories)
    return item_text(title, categories, "+".join(own))
