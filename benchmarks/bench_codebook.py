"""What the codes of HyMiRec keep of item vectors: bytes, nearness, neighbours, untrained recall.

Vectors are those of ``model.content=histories``. Neighbours: share of the ten nearest items that
stay among the ten nearest. Recall@50: test users of Amazon Office, whose vector is the mean of
their history's vectors, all items ranked; the difference to exact vectors with its 95 % interval
over users.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import torch
from _stores import interest_store
from torch import Tensor
from torch.nn import functional as F

CODES = [(16, 2, "mean"), (16, 4, "mean"), (256, 2, "mean"), (256, 2, "stored"), (256, 4, "mean"),
         (256, 4, "stored"), (1024, 4, "stored")]  # fmt: skip


def neighbours(vectors: Tensor, k: int = 10) -> Tensor:
    """The k nearest other items of each, ``[n, k]``."""
    alike = F.normalize(vectors, dim=1) @ F.normalize(vectors, dim=1).T
    return alike.fill_diagonal_(-2).topk(k, dim=1).indices


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="office", help="[office]")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="[/tmp]")
    parser.add_argument("--width", type=int, default=64, help="of the vectors [64]")
    options = parser.parse_args()

    from recommender.backbones.coded.codebook import encode
    from recommender.backbones.coded.content import content_vectors
    from recommender.backbones.create import create
    from recommender.data.sequences import Sequences
    from recommender.evaluation.ranking import evaluate_scores
    from store.store import open_store

    with open_store(interest_store(options.data, options.folder, source="none")) as store:
        dataset = store.datasets.load()
    sequences = Sequences.from_dataset(dataset)
    model = create("hymirec", dataset.n_items, d=options.width)
    exact = F.normalize(content_vectors(model, sequences, "histories"), dim=1)

    def recall(vectors: Tensor) -> np.ndarray:
        table = F.pad(vectors, (0, 0, 1, 0))

        def score(history: Tensor) -> Tensor:
            return table[history].sum(1) @ vectors.T

        found = evaluate_scores(score, dataset, length=50, ks=(50,), names=("recall",))
        return np.asarray(found.values["recall@50"])

    truth, near = recall(exact), neighbours(exact)
    print("centres\tlayers\tlengths\tbytes\tcosine\tneighbours\trecall@50\tminus exact")
    print(f"exact\t\t\t{options.width * 4}\t1.000\t1.000\t{truth.mean():.4f}\t")
    for size, layers, lengths in CODES:
        book = encode(exact, size=size, layers=layers, lengths=lengths)
        coded = book.decode()
        known = exact.norm(dim=1) > 0
        cosine = F.cosine_similarity(coded, exact, dim=1)[known].mean()
        same = (neighbours(coded)[:, :, None] == near[:, None]).any(2).float().mean()
        apart = recall(coded) - truth
        margin = 1.96 * apart.std(ddof=1) / len(apart) ** 0.5
        print(
            f"{size}\t{layers}\t{lengths}\t{book.bytes_per_item}\t{cosine:.3f}\t{same:.3f}\t"
            f"{(truth + apart).mean():.4f}\t{apart.mean():+.4f} ± {margin:.4f}"
        )


if __name__ == "__main__":
    torch.manual_seed(0)
    main()
