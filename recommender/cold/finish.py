"""After training: vectors for items that it did not see, and texts beside what was learned."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from recommender.backbones.text.blend import Blend
from recommender.backbones.text.text import TextOnly
from recommender.cold.tower import Fitting, unseen_vectors
from recommender.data.sequences import EvalHistories, Sequences
from recommender.evaluation import metrics, ranking
from store.data.splits import Part
from store.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recommender.backbones.base import Backbone
    from store.data.dataset import Dataset

SHARES = (0.0, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 16.0)
"""Of the texts beside what was learned, in units of the spread of the learned scores."""
K = 50
PENALTY, SHARE = 1.0, 1.0
"""Where the split holds nothing back to choose by."""


@dataclass(frozen=True)
class Chosen:
    """What was chosen on the validation users.

    Attributes
    ----------
    share, cold_share, spread
        Of the texts in the score of items that training saw, and of new ones, in units of the
        spread of the learned scores over that of the texts'.
    penalty
        Of the tower.
    recall, cold_recall
        Recall@50 that they had, of the second as if every item was new.
    """

    share: float = 0.0
    cold_share: float = 0.0
    spread: float = 1.0
    penalty: float = PENALTY
    recall: float | None = None
    cold_recall: float | None = None

    def to_json(self) -> dict[str, Any]:
        """As the manifest keeps it."""
        return asdict(self)


def finish(
    model: Backbone,
    dataset: Dataset,
    texts: NDArray[np.float32],
    interests: NDArray[np.float32] | None = None,
    *,
    blend: bool = True,
    tower: bool = True,
) -> tuple[Backbone, Chosen]:
    """Give new items vectors from their texts, and put the texts beside the model.

    Parameters
    ----------
    model
        Trained on ``dataset``; changed where ``tower`` is set.
    dataset
        What training saw: an item without a training interaction is new.
    texts, interests
        float32 ``[V, D]``, texts of the items and of the interests they show.
    blend
        Whether the texts stand beside the model; its shares are chosen on validation users.
    tower
        Whether new items get a vector in the model's space.

    Raises
    ------
    UserError
        No item that training saw has a text.
    """
    model.eval()
    warm = dataset.training_counts() > 0
    known = warm & texts.any(1)
    if not known.any():
        raise UserError("no item of the training has a text vector; build the store with texts")
    words = TextOnly(model.n_items, TextOnly.Config(d=min(texts.shape[1], 256)))
    words.take_texts(texts, interests)
    made = Blend.of(model, words)
    trial = _Trial(made, dataset)
    table = model.item_embeddings().detach()[: model.n_items + 1].numpy().copy()
    chosen = Chosen()
    if tower:
        chosen = _choose_tower(trial, table, texts, known, words_too=blend)
        vectors = Fitting(texts[known], table[1:][known]).tower(chosen.penalty)(texts)
        fill(model, ~warm & texts.any(1), vectors)
    if not blend:
        return model, chosen
    share, recall = trial.best_share()
    chosen = replace(
        chosen,
        share=share,
        cold_share=chosen.cold_share if tower else share,
        spread=trial.spread,
        recall=recall,
    )
    with torch.no_grad():
        made.share[1:] = torch.from_numpy(
            np.where(warm, chosen.share, chosen.cold_share).astype(np.float32) * trial.spread
        )
    return made, chosen


def fill(model: Backbone, rows: NDArray[np.bool_], vectors: NDArray[np.float32]) -> None:
    """Put vectors ``[V, d]`` into the item table, where ``rows`` says so."""
    with torch.no_grad():
        places = torch.from_numpy(np.flatnonzero(rows) + 1)
        model.items[places] = torch.from_numpy(vectors[rows]).to(model.items)


def _choose_tower(
    trial: _Trial,
    table: NDArray[np.float32],
    texts: NDArray[np.float32],
    known: NDArray[np.bool_],
    *,
    words_too: bool,
) -> Chosen:
    """The penalty, and the texts' share, by which items are found that the tower did not see."""
    if trial.cases is None:
        return Chosen(cold_share=SHARE if words_too else 0.0)
    best = Chosen(cold_recall=-1.0)
    for penalty, rows in unseen_vectors(texts[known], table[1:][known]).items():
        unseen = table[1:].copy()
        unseen[known] = rows
        for share in SHARES if words_too else (0.0,):
            recall = trial.recall(torch.from_numpy(unseen), share)
            if recall > (best.cold_recall or 0.0):
                best = Chosen(cold_share=share, penalty=penalty, cold_recall=recall)
    return best


class _Trial:
    """Validation users, encoded once: what would other item vectors and shares find?"""

    def __init__(self, made: Blend, dataset: Dataset) -> None:
        self.cases: EvalHistories | None = None
        self._data, self._made = dataset, made
        self.spread = 1.0
        if not (dataset.parts == Part.VALID).any():
            return
        self.cases = Sequences.from_dataset(dataset).eval_histories("valid", made.length)
        width = made.config.text_width
        with torch.inference_mode():
            interests = [made(part).interests for part in torch.split(self.cases.histories, 512)]
            both = torch.cat(interests).float()
            self._learned, self._asked = both[:, :, :-width], both[:, 0, -width:]
            self._items = made.item_embeddings()[1:, :-width].float().clone()
            self._texts = self._asked @ made.items[1:].float().T
            scores = self._score(self._items)
            spread, words = float(scores.std(1).mean()), float(self._texts.std(1).mean())
        self.spread = spread / words if words > 0 and spread > 0 else 1.0
        self._keep = ranking.keeps_seen(dataset.split.name)

    def _score(self, items: Tensor) -> Tensor:
        best = self._learned[:, 0] @ items.T
        for k in range(1, self._learned.shape[1]):
            best = torch.maximum(best, self._learned[:, k] @ items.T)
        return best

    def recall(self, items: Tensor, share: float) -> float:
        """Recall@50 of the validation users with these item vectors and this share of texts."""
        if self.cases is None:
            return 0.0
        with torch.inference_mode():
            scores = self._score(items.float()) + share * self.spread * self._texts
        rows = iter(torch.split(scores, _rows_of(self._data.n_items)))
        found = ranking.measure(
            lambda history: next(rows),
            self.cases,
            self._data,
            part="valid",
            ks=(K,),
            names=("recall",),
            keep_seen=self._keep,
        )
        return found.means[f"recall@{K}"]

    def best_share(self) -> tuple[float, float | None]:
        """The share of texts with the largest recall, the smallest of equal ones."""
        if self.cases is None:
            return SHARE, None
        found = {share: self.recall(self._items, share) for share in SHARES}
        best = max(found.values())
        return next(share for share, recall in found.items() if recall == best), best


def _rows_of(n_items: int) -> int:
    """Users of a block of :func:`recommender.evaluation.ranking.rank`."""
    return max(1, ranking.BLOCK_FLOATS // n_items)


def cold_recall(
    score: ranking.Scorer,
    dataset: Dataset,
    hidden: NDArray[np.bool_],
    *,
    length: int,
    among: str,
    ks: tuple[int, ...] = (10, 50),
) -> ranking.Evaluation:
    """Measure how hidden items are found by users whose held-out targets they are.

    Parameters
    ----------
    score
        Histories → scores of all items.
    dataset
        With histories of which the hidden items are left out, and hidden targets only
        (:func:`recommender.cold.hiding.only_hidden_targets`).
    hidden
        bool ``[V]``.
    length
        Items of a history that are read.
    among
        ``cold``: only hidden items are candidates. ``all``: every item is.
    ks
        Lengths of the lists.

    Raises
    ------
    UserError
        No held-out target is a hidden item.
    """
    warm = torch.from_numpy(~hidden)

    def candidates(history: Tensor) -> Tensor:
        scores = score(history).clone()
        if among == "cold":
            scores[:, warm] = -torch.inf
        return scores

    cases = Sequences.from_dataset(dataset).eval_histories("test", length)
    found = ranking.measure(
        candidates,
        cases,
        dataset,
        part="test",
        ks=ks,
        names=metrics.DEFAULT,
        keep_seen=ranking.keeps_seen(dataset.split.name),
    )
    if among == "cold":
        found.protocol["candidates"] = "items hidden from training"
        found.protocol["items"] = int(hidden.sum())
    return found
