"""Top-k for users and raw histories: exact, in blocks, without the LLM and without any text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from store.data.splits import Part
from store.errors import UserError
from store.suggestions import did_you_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recommender.backbones.base import Backbone
    from store.data.dataset import Dataset

BLOCK_ITEMS = 2**16


@dataclass(frozen=True)
class Ranked:
    """Best items of B users.

    Attributes
    ----------
    items
        int64 ``[B, k]``, item numbers (``item_ix + 1``), best first; 0 where fewer are left.
    scores
        float32 ``[B, k]``; minus infinity where there is no item.
    interests
        int64 ``[B, k]``: which behavioural interest gave the score.
    """

    items: Tensor
    scores: Tensor
    interests: Tensor


@torch.inference_mode()
def top_k(
    interests: Tensor,
    table: Tensor,
    k: int,
    removed: Tensor | None = None,
    block: int = BLOCK_ITEMS,
) -> Ranked:
    """Items with the largest inner product with any interest, exactly.

    Item blocks keep memory at ``B x block`` scores however many items there are (a million is
    fine; beyond that export a faiss index).

    Parameters
    ----------
    interests
        ``[B, K, d]``.
    table
        Item vectors ``[V + 1, d]``; row 0 is padding and never returned.
    k
        Items wanted.
    removed
        int64 ``[B, R]`` item numbers that may not be returned, padded with 0.
    block
        Items scored at a time.

    Raises
    ------
    UserError
        Where a score is not a number.
    """
    rows, items = len(interests), len(table) - 1
    best = torch.full((rows, 0), -math.inf)
    numbers = torch.zeros((rows, 0), dtype=torch.long)
    for start in range(1, items + 1, block):
        part = table[start : start + block]
        scores = interests[:, 0] @ part.T
        for index in range(1, interests.shape[1]):
            scores = torch.maximum(scores, interests[:, index] @ part.T)
        if removed is not None:
            here = (removed >= start) & (removed < start + len(part))
            scores[here.nonzero()[:, 0], removed[here] - start] = -math.inf
        top = scores.topk(min(k, len(part)), dim=1)
        best = torch.cat([best, top.values], 1)
        numbers = torch.cat([numbers, top.indices + start], 1)
        keep = best.topk(min(k, best.shape[1]), dim=1)
        best, numbers = keep.values, numbers.gather(1, keep.indices)
    if not bool((best < math.inf).all()):  # what is not a number ranks first
        raise UserError("the model's scores are not numbers; train it anew")
    numbers = numbers.masked_fill(best == -math.inf, 0)
    return Ranked(numbers, best, winners(interests, table, numbers))


def winners(interests: Tensor, table: Tensor, items: Tensor) -> Tensor:
    """Which interest scores each item highest, ``[B, K, d]`` and ``[B, k]`` → ``[B, k]``."""
    return torch.einsum("bkd,bnd->bnk", interests, table[items]).argmax(2)


def diversify(candidates: Ranked, codes: Tensor, k: int, diversity: float) -> Ranked:
    """ComiRec's controllable aggregation (KDD'20, section 3.4), greedy.

    Maximises the sum of scores plus ``diversity`` for each pair of items of different categories:
    in each step the candidate with the largest ``score - diversity * (chosen of its category)``.
    Scores are first divided by their standard deviation over the user's candidates (our choice),
    so that one value of ``diversity`` means the same for every model.

    Parameters
    ----------
    candidates
        A pool larger than k, best first.
    codes
        Category of each item number, ``[V + 1]``.
    k
        Items wanted.
    diversity
        The paper's lambda; 0 keeps the order of the scores.
    """
    present = candidates.items > 0
    raw = candidates.scores.masked_fill(~present, 0)
    count = present.sum(1, keepdim=True).clamp(min=1)
    centred = (raw - raw.sum(1, keepdim=True) / count) * present
    spread = (centred.square().sum(1, keepdim=True) / count).sqrt().clamp(min=1e-12)
    gain = (raw / spread).masked_fill(~present, -math.inf)
    category = codes[candidates.items]
    picks, left = [], []
    for _ in range(min(k, gain.shape[1])):
        best, pick = gain.max(1, keepdim=True)
        picks.append(pick)
        left.append(best > -math.inf)
        same = category == category.gather(1, pick)
        gain = (gain - diversity * same).scatter(1, pick, -math.inf)
    chosen, there = torch.cat(picks, 1), torch.cat(left, 1)
    items, scores, interests = (
        t.gather(1, chosen) for t in (candidates.items, candidates.scores, candidates.interests)
    )
    # Once a user's candidates are used up, what is left is no item.
    return Ranked(items.masked_fill(~there, 0), scores.masked_fill(~there, -math.inf), interests)


def pad_histories(histories: Sequence[NDArray[np.integer]], length: int) -> tuple[Tensor, Tensor]:
    """Histories of item_ix as item numbers: the last ``length`` (model input), and all of them.

    Returns
    -------
    tuple
        int64 ``[B, L]`` with ``L <= length`` and ``[B, longest]``, left-aligned, zero-padded.
    """
    whole = max((len(h) for h in histories), default=0)
    recent = torch.zeros(len(histories), max(1, min(length, whole)), dtype=torch.long)
    every = torch.zeros(len(histories), max(1, whole), dtype=torch.long)
    for row, history in enumerate(histories):
        numbers = torch.from_numpy(np.asarray(history, dtype=np.int64) + 1)
        every[row, : len(numbers)] = numbers
        last = numbers[-length:]
        recent[row, : len(last)] = last
    return recent, every


def recommend(
    model: Backbone,
    histories: Sequence[NDArray[np.integer]],
    k: int,
    *,
    filter_seen: bool = True,
    diversity: float = 0.0,
    codes: Tensor | None = None,
) -> Ranked:
    """Best items for histories of item_ix, oldest first.

    Parameters
    ----------
    model
        In evaluation mode.
    histories
        One array for each user; at least one item each.
    k
        Items wanted.
    filter_seen
        Leave out what a history holds.
    diversity, codes
        Above 0: re-rank the best ``K k`` items by :func:`diversify`, which needs the codes.

    Raises
    ------
    UserError
        For a k below 1, an empty history, a diversity that is no number of 0 or more, or a model
        whose scores are not numbers.
    """
    if k < 1:
        raise UserError(f"-k {k}: ask for at least one item")
    for row, history in enumerate(histories):
        if len(history) == 0:
            raise UserError(
                f"history {row + 1} of {len(histories)} is empty; give at least one item"
            )
    if not (math.isfinite(diversity) and diversity >= 0):
        raise UserError(f"--diversity {diversity:g}: write 0 (off) or more")
    recent, every = pad_histories(histories, model.length)
    with torch.inference_mode():
        interests = model(recent).interests.float()
        table = model.item_embeddings().float()
    removed = every if filter_seen else None
    if diversity == 0:
        return top_k(interests, table, k, removed)
    if codes is None:
        raise ValueError("diversity needs the items' category codes")
    pool = top_k(interests, table, max(k * interests.shape[1], 2 * k), removed)
    return diversify(pool, codes, k, diversity)


def history_of(item_ids: Sequence[str], index: dict[str, int]) -> NDArray[np.int64]:
    """Item_ix of a raw history of item ids.

    Raises
    ------
    UserError
        Naming the items the model does not know.
    """
    if isinstance(item_ids, str):
        raise UserError(f"history {item_ids!r} is one text; give a list of item ids")
    unknown = [item for item in item_ids if item not in index]
    if unknown:
        more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        raise UserError(
            f"the model does not know item {unknown[0]!r}{more}; a history is a list of item ids "
            f"of the store, such as {', '.join(list(index)[:3])}"
        )
    return np.array([index[item] for item in item_ids], dtype=np.int64)


def known_history(dataset: Dataset, user_id: str) -> NDArray[np.int32]:
    """What may describe a stored user: their training and input interactions, as item_ix.

    Raises
    ------
    UserError
        For an unknown user, or one of whom nothing is known.
    """
    if user_id not in dataset.user_index:
        near = did_you_mean(user_id, dataset.user_ids)
        known = f" (such as {', '.join(dataset.user_ids[:3])}); for a new user give `history`"
        raise UserError(
            f"no user {user_id!r} in the store, which has {dataset.n_users:,}{near or known}"
        )
    history = dataset.history(dataset.user_index[user_id], (Part.TRAIN, Part.INPUT))
    if len(history) == 0:
        raise UserError(
            f"user {user_id!r} has no interaction that the split {dataset.split} shows; "
            "give `history`"
        )
    return history
