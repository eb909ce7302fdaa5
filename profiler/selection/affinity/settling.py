"""Candidates coming and going as exemplars, and when they have settled."""

from __future__ import annotations

import numpy as np
from numba import prange
from numpy.typing import NDArray

from profiler.kernels.jit import kernel
from profiler.selection.affinity.geometry import FloatMatrix, FloatVector


@kernel
def settle(
    sums: FloatMatrix,
    responsibility: FloatVector,
    availability: FloatVector,
    base: FloatVector,
    chosen: NDArray[np.bool_],
    moved: NDArray[np.int32],
    damping: float,
    iteration: int,
) -> None:
    """Bring the candidates' own messages up to date, and note when they came or went."""
    pieces, m = sums.shape
    blocks = (m + 1023) // 1024
    for block in prange(blocks):
        low, high = block * 1024, min(m, (block + 1) * 1024)
        total = np.zeros(1024, dtype=np.float64)
        for piece in range(pieces):
            for j in range(high - low):
                total[j] += sums[piece, low + j]
        for j in range(low, high):
            availability[j] = damping * availability[j] + (1 - damping) * total[j - low]
            base[j] = responsibility[j] + total[j - low]
            now = availability[j] + responsibility[j] > 0
            if now != chosen[j]:
                chosen[j] = now
                moved[j] = iteration


class Still:
    """Whether the exemplars have stood still for some rounds, or their number nearly has.

    ``chosen`` ``[m]`` are those of the last round, ``moved`` ``[m]`` the rounds, from 0 on, in
    which each last came or went.
    """

    def __init__(self, columns: int, rounds: int, slack: float) -> None:
        self.chosen = np.zeros(columns, dtype=bool)
        self.moved = np.full(columns, -1, dtype=np.int32)
        self.counts = np.zeros(rounds, dtype=np.int64)
        self.rounds, self.slack = rounds, slack
        self.moving: list[int] = []

    def unsettled(self, iteration: int) -> int:
        """How many came or went in the rounds remembered."""
        return int((self.moved > iteration - self.rounds + 1).sum())

    def stuck(self, iteration: int) -> bool:
        """Whether for three spans of the remembered rounds no fewer columns moved than before."""
        if self.slack or (iteration + 1) % self.rounds:
            return False
        self.moving.append(self.unsettled(iteration))
        return len(self.moving) > 4 and min(self.moving[-3:]) >= min(self.moving[:-3])

    def add(self, iteration: int) -> bool:
        """Note a round (from 0 on); whether it and all rounds remembered agree."""
        self.counts[iteration % self.rounds] = count = int(np.count_nonzero(self.chosen))
        if iteration < self.rounds or not count:
            return False
        if self.slack:
            return bool(np.ptp(self.counts) <= self.slack * count)
        return int(self.moved.max()) <= iteration - self.rounds + 1
