"""A trained teacher's view of training cases: how hard each is, and what it ranks first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from recommender.model_folder.weights import WEIGHTS
from recommender.serving.top_k import pad_histories, recommend
from store.digests import bytes_digest
from store.errors import UserError

if TYPE_CHECKING:
    from recommender.backbones.base import Backbone
    from store.data.dataset import Dataset

BLOCK = 256
LEAST = 2
"""Items before the target: with one of them there is nothing that a history could agree on."""
CHUNK = 2**20

Tell = Callable[[int, int], None]


@dataclass(frozen=True)
class TrainingCases:
    """Each user's training history without its last item, which is the target.

    Attributes
    ----------
    users
        int64 ``[m]``, user_ix, ascending.
    histories
        Arrays of item_ix, oldest first, one for each user.
    targets
        int64 ``[m]``, item_ix.
    """

    users: NDArray[np.int64]
    histories: Sequence[NDArray[np.int32]]
    targets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.users)


def training_cases(dataset: Dataset) -> TrainingCases:
    """Cases of all users with three training items or more.

    A target that the user had before is left out: it can be nobody's candidate. Nothing but the
    part train is read, so what the split hides is in no case.

    Raises
    ------
    UserError
        There is none.
    """
    indptr, items = dataset.visible()
    users, histories, targets = [], [], []
    for user in np.flatnonzero(np.diff(indptr) > LEAST):
        whole = items[indptr[user] : indptr[user + 1]]
        if whole[-1] not in whole[:-1]:
            users.append(int(user))
            histories.append(whole[:-1])
            targets.append(int(whole[-1]))
    if not users:
        raise UserError(
            f"no user has {LEAST + 1} interactions in the training part, the last of them a new "
            "item; build the store with more data or another --split"
        )
    return TrainingCases(
        np.array(users, dtype=np.int64), histories, np.array(targets, dtype=np.int64)
    )


@torch.inference_mode()
def difficulty(
    model: Backbone, histories: Sequence[NDArray[np.int32]], tell: Tell | None = None
) -> NDArray[np.float64]:
    """Minus the mean consistency of each history's items with the teacher's view of the history.

    Consistency is the sigmoid of the score of an item (ALKDRec, arXiv 2502.15685); where a model
    has several interests, its score under the best of them (our choice). Only the items that the
    model reads count, the last ones.

    Parameters
    ----------
    model
        The teacher, in evaluation mode.
    histories
        Arrays of item_ix, oldest first, none empty.
    tell
        Told how many are done, and of how many.

    Returns
    -------
    float64 ``[m]``
        From -1, easy, to 0, hard.
    """
    table = model.item_embeddings().double()
    found = np.empty(len(histories))
    for start, block in _blocks(histories):
        recent, _ = pad_histories(block, model.length)
        interests = model(recent).interests.double()
        scores = torch.einsum("bkd,bld->bkl", interests, table[recent]).amax(1)
        inside = recent > 0
        means = (scores.sigmoid() * inside).sum(1) / inside.sum(1)
        found[start : start + len(block)] = -means.numpy()
        if tell is not None:
            tell(min(start + BLOCK, len(histories)), len(histories))
    if not np.isfinite(found).all():
        raise UserError("the teacher's scores are not numbers; train it anew")
    return found


def best_items(
    model: Backbone, histories: Sequence[NDArray[np.int32]], n: int, among: NDArray[np.bool_]
) -> list[tuple[int, ...]]:
    """Item_ix of the teacher's n best items for each history, without those it holds.

    Parameters
    ----------
    model
        The teacher, in evaluation mode.
    histories
        Arrays of item_ix, oldest first.
    n
        Maximum number of items of a list.
    among
        bool ``[items]``: the items that a list may name.
    """
    found: list[tuple[int, ...]] = []
    most = min(n + int((~among).sum()), model.n_items)
    for _, block in _blocks(histories):
        ranked = recommend(model, block, most).items
        found += [tuple(x - 1 for x in row if x and among[x - 1])[:n] for row in ranked.tolist()]
    return found


def weights_digest(folder: Path) -> str:
    """Address of a model's weights, whatever its folder is called."""
    with (folder / WEIGHTS).open("rb") as weights:
        return bytes_digest(iter(lambda: weights.read(CHUNK), b""))


def _blocks(
    histories: Sequence[NDArray[np.int32]],
) -> Iterator[tuple[int, Sequence[NDArray[np.int32]]]]:
    for start in range(0, len(histories), BLOCK):
        yield start, histories[start : start + BLOCK]
