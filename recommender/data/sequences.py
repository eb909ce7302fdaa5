"""Histories as tensors, prepared once; batches are cut from them without a loop over users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor

from store.data.csr import starts
from store.data.dataset import training_counts
from store.data.splits import Part
from store.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from store.data.dataset import Dataset

KNOWN = {"valid": (Part.TRAIN, Part.INPUT), "test": (Part.TRAIN, Part.INPUT, Part.VALID)}
TARGET = {"valid": Part.VALID, "test": Part.TEST}


@dataclass(frozen=True)
class Batch:
    """Training samples as item numbers (``item_ix + 1``; 0 is padding).

    Attributes
    ----------
    users : Tensor int64 ``[B]``
        ``user_ix`` of each row.
    history : Tensor int64 ``[B, L]``
        Oldest first, left-aligned, zeros on the right.
    lengths : Tensor int64 ``[B]``
        Items in each history, at least 1.
    target : Tensor int64 ``[B]``
        The item after the history.
    targets : Tensor int64 ``[B, L]`` or None
        The item after each position, 0 where nothing is to be predicted; None where only
        ``target`` is trained on.
    cuts : Tensor int64 ``[B]`` or None
        How many training items of the user come before ``target`` (before the first one that it may
        be, where it is drawn from several).
    """

    users: Tensor
    history: Tensor
    lengths: Tensor
    target: Tensor
    targets: Tensor | None = None
    cuts: Tensor | None = None


@dataclass(frozen=True)
class EvalHistories:
    """Users to evaluate, what is known of them and what they took next.

    Attributes
    ----------
    users : Tensor int64 ``[n]``
        ``user_ix``, ascending.
    histories : Tensor int64 ``[n, L]``
        The last L known items as item numbers, left-aligned, zeros on the right.
    lengths : Tensor int64 ``[n]``
    targets_indptr, targets : Tensor int64 ``[n + 1]``, ``[t]``
        Target items of each row as **item_ix** (0-based, without repeats, ascending).
    seen_indptr, seen : Tensor int64 ``[n + 1]``, ``[s]``
        All known items of each row as **item_ix**, without repeats, ascending.
    without_history : int
        Users that have targets but no known item; they cannot be encoded and are left out.
    """

    users: Tensor
    histories: Tensor
    lengths: Tensor
    targets_indptr: Tensor
    targets: Tensor
    seen_indptr: Tensor
    seen: Tensor
    without_history: int = 0


class Sequences:
    """Training histories of a store and its evaluation sets.

    Parameters
    ----------
    n_items : int
        Number of items V.
    indptr : int64 ``[users + 1]``
    items : int ``[interactions]``
        ``item_ix`` in time order within a user.
    parts : int8 ``[interactions]``
        Values of :class:`store.data.splits.Part`.
    device : torch.device or str
        Where the training tensors live.
    """

    def __init__(
        self,
        n_items: int,
        indptr: NDArray[np.int64],
        items: NDArray[np.int32],
        parts: NDArray[np.int8],
        device: torch.device | str = "cpu",
    ) -> None:
        if len(items) and (int(items.min()) < 0 or int(items.max()) >= n_items):
            raise ValueError(f"item_ix runs from {items.min()} to {items.max()} of {n_items} items")
        self.n_items = n_items
        self.device = torch.device(device)
        self._raw = (np.asarray(indptr), np.asarray(items), np.asarray(parts))
        owner = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
        train = self._raw[2] == Part.TRAIN
        counts = np.bincount(owner[train], minlength=len(indptr) - 1)
        self.indptr = torch.from_numpy(starts(counts)).to(self.device)
        self.items = torch.from_numpy(self._raw[1][train].astype(np.int64) + 1).to(self.device)
        self.users = torch.from_numpy(np.flatnonzero(counts >= 2)).to(self.device)

    @classmethod
    def from_dataset(cls, dataset: Dataset, device: torch.device | str = "cpu") -> Sequences:
        """Prepare the tensors of a store's data set."""
        return cls(len(dataset.item_ids), dataset.indptr, dataset.items, dataset.parts, device)

    @property
    def n_train(self) -> int:
        """Users that can be trained on: those with two training items or more."""
        return len(self.users)

    def training_counts(self) -> NDArray[np.int64]:
        """Training interactions of each item, ``[V]``."""
        return training_counts(self._raw[1], self._raw[2], self.n_items)

    def check_trainable(self, world: int = 1) -> None:
        """Refuse an empty training split, or one with fewer users than processes.

        Raises
        ------
        UserError
            Where no user has two training items, or some process would get no user.
        """
        if self.n_train == 0:
            raise UserError(
                "nothing to train on: no user has two interactions in the training part; "
                "build the store with more data or another --split"
            )
        if self.n_train < world:
            raise UserError(
                f"{world} processes for {self.n_train} training users; start fewer processes"
            )

    def epoch(self, seed: int, epoch: int, rank: int = 0, world: int = 1) -> Tensor:
        """Users of one epoch in random order, ``[n]``; ranks share the order, each takes its part.

        Every rank gets the same number, so that they stay in step; a remainder is left to the next
        epoch's order.

        Parameters
        ----------
        seed, epoch
            Decide the order.
        rank, world
            Number of this process, and of all.
        """
        generator = torch.Generator().manual_seed((seed * 1_000_003 + epoch) % 2**63)
        order = torch.randperm(self.n_train, generator=generator)
        share = max(1, self.n_train // world)
        return self.users[order[rank::world][:share].to(self.device)]

    def one_target(
        self,
        users: Tensor,
        length: int,
        *,
        at_least: int = 4,
        generator: torch.Generator | None = None,
    ) -> Batch:
        """One random target per user and the up to ``length`` items before it.

        The cut is uniform over positions ``min(at_least, n - 1) … n - 1`` (ComiRec draws from
        4 … n - 1; shorter training histories keep their last item as target, our choice).

        Parameters
        ----------
        users
            int64 ``[B]``, user_ix with two training items or more.
        length
            Longest history.
        at_least
            Items before the target, where the user has so many.
        generator
            Draws the cuts.
        """
        start, count = self.indptr[users], self.indptr[users + 1] - self.indptr[users]
        low = (count - 1).clamp(max=at_least)
        draw = torch.rand(len(users), generator=generator, device=self.device)
        cut = torch.minimum(low + (draw * (count - low)).long(), count - 1)
        history, lengths = self._windows(start, cut, length)
        return Batch(users, history, lengths, self.items[start + cut], cuts=cut)

    def all_targets(
        self,
        users: Tensor,
        length: int,
        *,
        window: Literal["last", "random"] = "random",
        ahead: int = 1,
        generator: torch.Generator | None = None,
    ) -> Batch:
        """A window of each user's history with a later item at every position.

        Parameters
        ----------
        window : "last" or "random"
            Of a history longer than ``length + 1``: its end, or an end drawn uniformly.
        ahead : int
            The target of a position is drawn uniformly from the next ``ahead`` training items; 1
            is the next item. More suits protocols that ask for all of what comes later (our
            choice).
        """
        start, count = self.indptr[users], self.indptr[users + 1] - self.indptr[users]
        cut = count - 1
        if window == "random":
            room = (cut - length).clamp(min=0) + 1
            draw = torch.rand(len(users), generator=generator, device=self.device)
            cut = cut - torch.minimum((draw * room).long(), room - 1)
        width = min(length, int(cut.max()))
        history, lengths = self._windows(start, cut, width)
        inside = history > 0
        place = (cut - lengths)[:, None] + torch.arange(width, device=self.device)
        step = torch.ones_like(place)
        if ahead > 1:
            left = (count[:, None] - 1 - place).clamp(1, ahead)
            draw = torch.rand(place.shape, generator=generator, device=self.device)
            step = 1 + torch.minimum((draw * left).long(), left - 1)
        chosen = torch.where(inside, start[:, None] + place + step, 0)
        targets = self.items[chosen] * inside
        last = targets[torch.arange(len(users), device=self.device), lengths - 1]
        return Batch(users, history, lengths, last, targets, cuts=cut)

    def _windows(self, start: Tensor, end: Tensor, length: int) -> tuple[Tensor, Tensor]:
        """Items ``end - length … end`` (exclusive) after each ``start``, left-aligned."""
        lengths = end.clamp(max=length)
        offsets = torch.arange(length, device=self.device)
        inside = offsets < lengths[:, None]
        first = (start + end - lengths)[:, None]
        index = torch.where(inside, first + offsets, torch.zeros_like(first))
        return self.items[index] * inside, lengths

    def following(self, users: Tensor, cuts: Tensor, n: int) -> Tensor:
        """The next n training items of users from a cut on, int64 ``[B, n]``, 0 beyond the end.

        Parameters
        ----------
        users
            int64 ``[B]``, user_ix.
        cuts
            int64 ``[B]``, training items of the user before the first one returned.
        n
            Items of each user.
        """
        place = cuts[:, None] + torch.arange(n, device=self.device)
        start, count = self.indptr[users, None], self.indptr.diff()[users, None]
        inside = place < count
        return self.items[torch.where(inside, start + place, 0)] * inside

    def eval_histories(self, which: Literal["valid", "test"], length: int) -> EvalHistories:
        """Users with targets in a part, and the last ``length`` items known before them.

        Known for validation are the parts train and input; for the test also the validation
        targets, which lie before the test targets in time (leave-one-out, temporal cut). Held-out
        users have only their input part.

        Raises
        ------
        UserError
            Where no user has targets in this part.
        """
        indptr, items, parts = self._raw
        owner = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
        known, target = np.isin(parts, KNOWN[which]), parts == TARGET[which]
        with_targets = np.bincount(owner[target], minlength=len(indptr) - 1) > 0
        n_known = np.bincount(owner[known], minlength=len(indptr) - 1)
        users = np.flatnonzero(with_targets & (n_known > 0))
        if len(users) == 0:
            raise UserError(
                f"no user has {which} targets and a history: the store's split leaves the "
                f"{which} part empty; build with another --split or more data"
            )
        rows = np.full(len(indptr) - 1, -1)
        rows[users] = np.arange(len(users))
        here = known & (rows[owner] >= 0)
        histories, lengths = _last(rows[owner[here]], items[here], n_known[users], length)
        there = target & (rows[owner] >= 0)
        return EvalHistories(
            users=torch.from_numpy(users),
            histories=histories,
            lengths=lengths,
            **_csr("targets", rows[owner[there]], items[there], len(users), self.n_items),
            **_csr("seen", rows[owner[here]], items[here], len(users), self.n_items),
            without_history=int((with_targets & (n_known == 0)).sum()),
        )


def _last(
    rows: NDArray[np.int64], items: NDArray[np.int32], counts: NDArray[np.int64], length: int
) -> tuple[Tensor, Tensor]:
    """Last ``length`` items of each row as item numbers, left-aligned; rows are ascending."""
    lengths = np.minimum(counts, length)
    position = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    column = position - (counts - lengths)[rows]
    keep = column >= 0
    out = np.zeros((len(counts), length), dtype=np.int64)
    out[rows[keep], column[keep]] = items[keep].astype(np.int64) + 1
    return torch.from_numpy(out), torch.from_numpy(lengths)


def _csr(
    name: str, rows: NDArray[np.int64], items: NDArray[np.int32], n_rows: int, n_items: int
) -> dict[str, Tensor]:
    """Distinct items of each row, ascending, as ``{name}_indptr`` and ``{name}``."""
    keys = np.unique(rows * n_items + items)
    counts = np.bincount(keys // n_items, minlength=n_rows)
    indptr = starts(counts)
    return {f"{name}_indptr": torch.from_numpy(indptr), name: torch.from_numpy(keys % n_items)}
