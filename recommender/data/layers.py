"""Descriptions of users and items by layer as vectors, for alignments (GaCLLM)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from store.digests import PREFIX
from store.errors import StoreError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from store.store import Store


@dataclass(frozen=True)
class LayerTexts:
    """Text vectors of users and items by layer.

    Attributes
    ----------
    items
        float32 ``[V, d_t]`` for each layer from 0, the items' own texts; a zero row where an item
        has no text there.
    users
        float32 ``[U, d_t]`` for each layer from 1.
    """

    items: tuple[NDArray[np.float32], ...]
    users: tuple[NDArray[np.float32], ...]

    @cached_property
    def digest(self) -> str:
        """Address of all of it: other texts give another."""
        content = hashlib.sha256()
        for vectors in (*self.items, *self.users):
            content.update(np.ascontiguousarray(vectors).tobytes())
        return f"{PREFIX}{content.hexdigest()}"


def read_layers(store: Store) -> LayerTexts:
    """Read the vectors of all descriptions of a store.

    Raises
    ------
    StoreError
        The store has no descriptions, or they are not encoded.
    """
    found = store.descriptions.load()
    highest = max((layer for _, layer in found), default=0)
    if not highest:
        raise StoreError(
            f"{store.path} holds no descriptions by layer; write them first: "
            f"profiler describe --layers 1 --store {store.path}"
        )
    own = store.vectors.items()
    rows = {"item": len(own), "user": store.datasets.load().n_users}
    encoder = store.vectors.encoder()
    layers: dict[str, list[NDArray[np.float32]]] = {"item": [own], "user": []}
    for layer in range(1, highest + 1):
        for kind, matrices in layers.items():
            said = {
                number: one.text
                for ((of, number), at), one in found.items()
                if (of, at) == (kind, layer)
            }
            matrix = np.zeros((rows[kind], own.shape[1]), dtype=np.float32)
            if said:
                matrix[list(said)] = store.vectors.matrix(encoder, list(said.values()))
            matrices.append(matrix)
    return LayerTexts(tuple(layers["item"]), tuple(layers["user"]))
