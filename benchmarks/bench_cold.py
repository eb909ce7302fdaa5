"""How new items are found: items hidden from training, vectors from their texts, every control.

    python benchmarks/bench_cold.py --stores STORES --draws 5            # Office, SASRec and REMI
    python benchmarks/bench_cold.py --stores STORES --data ml-1m --draws 2
    python benchmarks/bench_cold.py --stores STORES --table              # what was measured so far

In each draw 15 % of the items are hidden from training. Held-out users whose target is a hidden
item are looked at: recall among the hidden items, and among all. A model is trained once a draw;
then the same model gets vectors from each kind of text. Rows are appended to STORES/cold-DATA.tsv
as they come, so a run that was stopped goes on. The store and its cards are made once.
"""

from __future__ import annotations

import argparse
import copy
import csv
import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import torch
from _data import data_dir
from _stores import interest_store

from recommender.api import train
from recommender.backbones.text.text import TextOnly
from recommender.cold.finish import cold_recall, finish
from recommender.cold.hiding import hidden_items, only_hidden_targets, without_items
from recommender.data.texts import ItemTexts, read_texts
from recommender.evaluation.ranking import Scorer, scorer_of
from store.data.dataset import Dataset
from store.store import Store, open_store

CARDS = {"office": "llm-item-cards-office", "ml-1m": "llm-item-cards-ml-1m"}
OWN = ("title", "categories")
KINDS = {
    "title + categories": OWN,
    "+ card": (*OWN, "card"),
    "+ card, next": (*OWN, "card", "next"),
}
SETTINGS = {
    "sasrec": {"backbone": "sasrec", "model": {"length": 20}, "training": {"epochs": 25}},
    "remi": {"backbone": "remi", "model": {"length": 20}, "training": {"steps": 1_500}},
}
SHARE = 0.15
COLUMNS = ("model", "draw", "texts", "way", "cold@10", "cold@50", "all@10", "all@50", "targets")


def make_store(name: str, folder: Path) -> Path:
    """The store of a data set with its item cards, encoded."""
    from profiler.describe import encode_cards
    from profiler.exchange.cards import import_cards
    from profiler.exchange.save_interests import encoder_of

    path = interest_store(name, folder, source="none")
    with open_store(path) as store:
        import_cards(store, data_dir(CARDS[name]) / "cards.jsonl.gz", name="large-model")
        encode_cards(store, encoder_of(store), lambda *_: None)
    return path


def permuted(texts: ItemTexts, dataset: Dataset, seed: int) -> ItemTexts:
    """Cards and phrases of another item of the same kind: first category, and decade of a film."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for ix, (title, kinds) in enumerate(zip(dataset.titles, dataset.categories, strict=True)):
        decade = title.rstrip(")")[-4:-1] if title and title.endswith(")") else ""
        groups.setdefault((kinds[0] if kinds else "", decade), []).append(ix)
    generator = np.random.default_rng(seed)
    order = np.arange(dataset.n_items)
    for members in groups.values():
        order[members] = generator.permutation(members)
    width = texts.vectors.shape[1] // texts.blocks
    moved = texts.vectors.copy()
    moved[:, width:] = texts.vectors[order, width:]
    return ItemTexts(moved, texts.blocks)


def measure(score: Scorer, held: Dataset, hidden: np.ndarray, length: int) -> list[float]:
    """Recall@10 and @50 among the hidden items and among all, and the number of targets."""
    found = [
        cold_recall(score, held, hidden, length=length, among=among) for among in ("cold", "all")
    ]
    figures = [one.means[f"recall@{k}"] for one in found for k in (10, 50)]
    return [*figures, float(found[0].protocol["targets"])]


def one_draw(store: Store, name: str, draw: int, add: object) -> None:
    """Train a model without the hidden items and measure every text and every control."""
    dataset = store.datasets.load()
    hidden = hidden_items(dataset, SHARE, draw)
    seen, held = without_items(dataset, hidden), only_hidden_targets(dataset, hidden)
    texts = {kind: read_texts(store, sources) for kind, sources in KINDS.items()}
    texts["+ card, next permuted"] = permuted(texts["+ card, next"], dataset, draw)
    settings = copy.deepcopy(SETTINGS[name])
    settings["training"] |= {"seed": draw}
    # Hiding happens here by the same draw as below; the vectors of new items come afterwards.
    base = train(store, align=(), cold=SHARE, text=OWN, **settings).model
    add("popularity, an oracle", "", measure(_oracle(dataset), held, hidden, base.length))
    for kind, found in texts.items():
        words = TextOnly(dataset.n_items, TextOnly.Config(d=min(256, found.vectors.shape[1])))
        words.take_texts(found.vectors)
        add(kind, "untrained mean", measure(scorer_of(words.eval()), held, hidden, base.length))
        for blend in (False, True):
            made, _ = finish(copy.deepcopy(base), seen, found.vectors, blend=blend)
            way = "tower + mean" if blend else "tower"
            add(kind, way, measure(scorer_of(made), held, hidden, base.length))


def _oracle(dataset: Dataset) -> Scorer:
    """The training interactions that the hidden items really have."""
    counts = torch.from_numpy(dataset.training_counts().astype(np.float32))
    return lambda history: counts.expand(len(history), -1)


def run(path: Path, table: Path, draws: int, models: list[str]) -> None:
    """Measure what is not in the table yet."""
    rows = read_rows(table)
    done = {(row["model"], row["draw"]) for row in rows if row["way"] == "tower + mean"}
    with open_store(path) as store:
        for draw in range(draws):
            for name in models:
                if (name, str(draw)) in done:
                    continue
                fresh: list[list[object]] = []

                def add(kind: str, way: str, figures: list[float]) -> None:
                    row = [name, draw, kind, way, *(round(one, 6) for one in figures)]  # noqa: B023
                    print(*row, sep="\t", flush=True)
                    fresh.append(row)  # noqa: B023

                one_draw(store, name, draw, add)
                new = not table.exists()
                with table.open("a", encoding="utf-8", newline="") as file:
                    writer = csv.writer(file, delimiter="\t")
                    writer.writerows([COLUMNS] if new else [])
                    writer.writerows(fresh)


def read_rows(table: Path) -> list[dict[str, str]]:
    """What was measured so far."""
    if not table.exists():
        return []
    with table.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def print_table(rows: list[dict[str, str]]) -> None:
    """Means over draws, and the paired difference to the same way on title + categories."""
    columns = COLUMNS[4:8]
    print("| model | texts | way | draws | " + " | ".join(columns) + " | cold@50 against titles |")
    print("|---|---|---|---|" + "---|" * (len(columns) + 1))
    keys = dict.fromkeys((row["model"], row["texts"], row["way"]) for row in rows)
    for model, texts, way in keys:
        mine = by_draw(rows, model, texts, way)
        base = by_draw(rows, model, "title + categories", way)
        means = [np.mean([float(row[column]) for row in mine.values()]) for column in columns]
        pairs = [float(mine[d]["cold@50"]) - float(base[d]["cold@50"]) for d in mine if d in base]
        against = ""
        if pairs and texts != "title + categories":
            spread = np.std(pairs, ddof=1) / np.sqrt(len(pairs)) if len(pairs) > 1 else np.nan
            margin = _t95(len(pairs)) * spread if len(pairs) > 1 else np.nan
            against = f"{np.mean(pairs):+.3f} ± {margin:.3f}"
        figures = " | ".join(f"{mean:.3f}" for mean in means)
        print(f"| {model} | {texts} | {way or '–'} | {len(mine)} | {figures} | {against} |")


def by_draw(
    rows: list[dict[str, str]], model: str, texts: str, way: str
) -> dict[str, dict[str, str]]:
    """Rows of one model, text and way, by draw."""
    wanted = (model, texts, way)
    return {r["draw"]: r for r in rows if (r["model"], r["texts"], r["way"]) == wanted}


def _t95(n: int) -> float:
    from scipy import stats

    return float(stats.t.ppf(0.975, n - 1))


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--stores", type=Path, required=True)
    parser.add_argument("--data", choices=sorted(CARDS), default="office")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--models", nargs="+", choices=sorted(SETTINGS), default=["sasrec", "remi"])
    parser.add_argument("--table", action="store_true")
    given = parser.parse_args()
    table = given.stores / f"cold-{given.data}.tsv"
    if not given.table:
        torch.set_num_threads(1)
        run(make_store(given.data, given.stores), table, given.draws, given.models)
    print_table(read_rows(table))


if __name__ == "__main__":
    main()
