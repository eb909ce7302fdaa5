"""What the thresholds of reading let through, on Amazon Office with its LLM interests.

Cosines of text vectors: of random pairs, of an interest and its own evidence, and of the nearest
interest of a user to a held-out item of its own and to a random item it never touched.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from _stores import interest_store


def nearest(store: object, users: list[str], items: list[str]) -> np.ndarray:
    """Cosine of each item to the nearest interest of its user; evidence itself left out."""
    from store.views.interests.explanation import explain_item

    found = []
    for user, item in zip(users, items, strict=True):
        paths = explain_item(store, user, item, limit=1_000, threshold=-1.0).interests
        near = [path.similarity for path in paths if not path.is_evidence]
        found.append(max(near, default=-1.0))
    return np.array(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="[/tmp]")
    parser.add_argument("--users", type=int, default=500, help="held-out users taken [500]")
    options = parser.parse_args()

    from store.data.splits import Part
    from store.store import open_store

    rng = np.random.default_rng(0)
    with open_store(interest_store("office", options.folder)) as store:
        _, interests = store.vectors.interests()
        items, catalogue = store.vectors.items(), store.interests.catalogue()
        left, right = (
            rng.integers(len(items), size=200_000),
            rng.integers(len(interests), size=200_000),
        )
        other = rng.integers(len(interests), size=200_000)
        owner = np.repeat(np.arange(len(catalogue.ids)), np.diff(catalogue.indptr))
        dataset = store.datasets.load()
        held = [u for u in range(dataset.n_users) if len(dataset.history(u, (Part.TEST,)))]
        users = rng.choice(held, size=min(options.users, len(held)), replace=False).tolist()
        own = [int(dataset.history(u, (Part.TEST,))[0]) for u in users]
        foreign = rng.integers(dataset.n_items, size=len(users)).tolist()
        names = [dataset.user_ids[u] for u in users]
        columns = {
            "random item, random interest": (items[left] * interests[right]).sum(1),
            "two random interests": (interests[other] * interests[right])[other != right].sum(1),
            "item, interest it proves": (items[catalogue.items] * interests[owner]).sum(1),
            "held-out item, user's nearest": nearest(
                store, names, [dataset.item_ids[i] for i in own]
            ),
            "random item, user's nearest": nearest(
                store, names, [dataset.item_ids[i] for i in foreign]
            ),
        }
    print(f"{'share with a cosine of at least':<34}" + "".join(f"{t:>7}" for t in THRESHOLDS))
    for name, cosines in columns.items():
        print(f"{name:<34}" + "".join(f"{(cosines >= t).mean():>7.1%}" for t in THRESHOLDS))


THRESHOLDS = (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7)

if __name__ == "__main__":
    main()
