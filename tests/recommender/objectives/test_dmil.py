"""DMIL: clusters, matching and contrast against plain references."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment
from torch.nn import functional as F

from recommender.backbones.base import Encoded
from recommender.backbones.create import create
from recommender.data.sequences import Sequences
from recommender.objectives.dmil import DMIL, DMILConfig, balanced_clusters, best_matching
from store.errors import UserError


@pytest.fixture
def sequences() -> Sequences:
    rng = np.random.default_rng(0)
    return Sequences(40, np.arange(9) * 12, rng.integers(0, 40, 96), np.zeros(96, np.int8))


@pytest.mark.parametrize(("rows", "columns"), [(3, 3), (4, 4), (3, 6)])
def test_the_matching_is_the_hungarian_one(rows: int, columns: int) -> None:
    torch.manual_seed(0)
    similarity = torch.randn(20, rows, columns)
    orders = torch.tensor(list(itertools.permutations(range(columns), rows)))
    for one, match in zip(similarity, best_matching(similarity, orders), strict=True):
        _, wanted = linear_sum_assignment(-one.numpy())
        assert match.tolist() == wanted.tolist()


def reference_clusters(vectors: np.ndarray, k: int, iterations: int) -> list[int]:
    room, centres = math.ceil(len(vectors) / k), vectors[:k]
    for _ in range(iterations):
        pairs = sorted(
            itertools.product(range(len(vectors)), range(len(centres))),
            key=lambda pair: -float(vectors[pair[0]] @ centres[pair[1]]),
        )
        labels: dict[int, int] = {}
        for item, cluster in pairs:
            full = list(labels.values()).count(cluster) >= room
            if item not in labels and not full:
                labels[item] = cluster
        sums = [
            np.sum([vectors[i] for i, c in labels.items() if c == cluster], 0)
            for cluster in range(k)
        ]
        centres = np.array([s / np.linalg.norm(s) for s in sums])
    return [labels[item] for item in range(len(vectors))]


def test_clusters_are_balanced_and_those_of_a_plain_loop() -> None:
    torch.manual_seed(1)
    vectors = F.normalize(torch.randn(6, 10, 5, dtype=torch.float64), dim=2)
    there = torch.arange(10) < torch.tensor([10, 9, 7, 4, 10, 3])[:, None]
    labels, _ = balanced_clusters(vectors, there, 3, 5)
    for row, n in enumerate(there.sum(1).tolist()):
        mine = labels[row, :n].tolist()
        assert mine == reference_clusters(vectors[row, :n].numpy(), 3, 5)
        assert max(map(mine.count, range(3))) <= math.ceil(n / 3)


@pytest.mark.parametrize("assignment", ["clusters", "positives"])
def test_the_loss_is_infonce_with_the_matched_interest(
    sequences: Sequences, assignment: str
) -> None:
    model = create("remi", 40, d=6, k=3, length=8)
    config = DMILConfig(weight=1.0, ahead=4, assignment=assignment, same=1.0)
    loss = DMIL(sequences, 3, config)
    batch = sequences.one_target(torch.arange(8), 8)
    interests = torch.randn(8, 3, 6)
    term = loss(model, batch, Encoded(interests, interests))["dmil"]
    chosen, positives, ids = [], [], []
    for row in range(8):
        cut = int(batch.cuts[row])
        items = sequences.items[row * 12 + cut : row * 12 + 12][:4].tolist()
        assert items[0] == int(batch.target[row])
        p = F.normalize(model.items[items].detach(), dim=1).double().numpy()
        q = F.normalize(interests[row], dim=1).double().numpy()
        if assignment == "clusters":
            present = torch.ones(1, len(items), dtype=torch.bool)
            labels, centres = balanced_clusters(torch.from_numpy(p)[None], present, 3, 5)
            match, cluster = linear_sum_assignment(-(q @ centres[0].numpy().T))
            query_of = dict(zip(cluster.tolist(), match.tolist(), strict=True))
            queries = [query_of[label] for label in labels[0].tolist()]
        else:
            match, taken = linear_sum_assignment(-(q @ p.T))
            queries = (q @ p.T).argmax(0).tolist()
            for query, item in zip(match.tolist(), taken.tolist(), strict=True):
                queries[item] = query
        chosen += [q[query] for query in queries]
        positives += list(p)
        ids += items
    logits = np.array(chosen) @ np.array(positives).T / 0.07
    losses = []
    for i, own in enumerate(ids):
        others = [j for j, other in enumerate(ids) if other != own]
        losses.append(np.log(np.exp(logits[i, [i, *others]]).sum()) - logits[i, i])
    assert float(term.detach()) == pytest.approx(np.mean(losses), rel=1e-4)


def test_what_it_cannot_match_is_refused(sequences: Sequences) -> None:
    with pytest.raises(UserError, match="needs several interests"):
        DMIL.check(create("sasrec", 40))
    with pytest.raises(UserError, match="too many"):
        DMIL(sequences, 9)
