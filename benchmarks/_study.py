"""The quality study: which runs its plan asks for, carrying one out, reading them back.

A run is a model with its settings and one seed on one store. Its folder holds ``result.json``
(means on validation and test users) and ``users.npz`` (the test users' values, metric by metric),
written whole or not at all, so a stopped study goes on where it was.
"""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from _stores import interest_store
from numpy.typing import NDArray

PLAN = Path(__file__).with_name("study.toml")
KS, NAMES = (10, 20, 50), ("recall", "ndcg", "hr")
SLICE = "recall@50, "
"""Values of a part of the users or targets are kept under this and the part's name."""


@dataclass(frozen=True)
class Run:
    """One training run; ``model`` is a model of ``recommender compare`` with its settings."""

    data: str
    split: str
    source: str
    model: str
    seed: int

    def folder(self, work: Path) -> Path:
        store = f"{self.data}-{self.split}-{self.source}"
        return work / "runs" / store / self.model.replace(":", " ") / str(self.seed)

    def done(self, work: Path) -> bool:
        return (self.folder(work) / "result.json").is_file()


@dataclass(frozen=True)
class Row:
    """A line of a table: what it is called and the run it shows, without the seed."""

    label: str
    data: str
    split: str
    source: str
    model: str

    def run(self, seed: int) -> Run:
        return Run(self.data, self.split, self.source, self.model, seed)

    def seeds(self, work: Path) -> list[int]:
        """Seeds whose run is done."""
        folder = self.run(0).folder(work).parent
        return sorted(int(path.parent.name) for path in folder.glob("*/result.json"))

    def values(self, work: Path, seeds: list[int]) -> dict[str, NDArray[np.float64]]:
        """Metric → test users' values ``[seeds, users]``."""
        runs = [np.load(self.run(seed).folder(work) / "users.npz") for seed in seeds]
        names = [name for name in runs[0] if all(name in run for run in runs)]
        return {name: np.stack([run[name].astype(np.float64) for run in runs]) for name in names}


@dataclass(frozen=True)
class Table:
    """Rows of one title; ``kind`` is paired (against the first row), where (the same, by part of
    the users) or overview (a column for each data set, rows of one label in one line)."""

    name: str
    kind: str
    title: str
    seeds: int
    metrics: tuple[str, ...]
    rows: tuple[Row, ...]

    def runs(self) -> Iterator[Run]:
        for seed in range(self.seeds):
            for row in self.rows:
                yield row.run(seed)


def read_plan(path: Path = PLAN) -> list[Table]:
    """The tables of the plan; ``{name}`` in a model stands for a regime of that name."""
    plan = tomllib.loads(path.read_text("utf-8"))
    return [_table(entry, plan["regimes"]) for entry in plan["table"]]


def _table(entry: dict[str, Any], regimes: dict[str, str]) -> Table:
    common = {"data": entry.get("data"), "split": entry.get("split", "given"), "source": "llm"}
    rows = []
    for label, model, *own in entry["rows"]:
        facts = common | (own[0] if own else {})
        rows.append(Row(label=label, model=model.format(**regimes), **facts))
    return Table(
        name=entry["name"],
        kind=entry.get("kind", "paired"),
        title=entry.get("title", ""),
        seeds=entry.get("seeds", 5),
        metrics=tuple(entry.get("metrics", ("recall@50", "ndcg@20"))),
        rows=tuple(rows),
    )


def store_of(run: Run, work: Path) -> Path:
    """The store a run trains on, made at first use."""
    return interest_store(run.data, work / "stores", run.split, run.source)


def carry_out(run: Run, work: Path) -> str:
    """Train, measure, keep the figures, drop the model; returns a line about it."""
    from recommender.recipes import parse_spec
    from recommender.runs import evaluate, train

    recipe = parse_spec(run.model)
    recipe["training"] = {**recipe.get("training", {}), "seed": run.seed}
    store, folder = store_of(run, work), run.folder(work)
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    fit = train(store, partial / "model", **recipe).fit
    facts: dict[str, Any] = {**asdict(run), "steps": fit.steps, "best_step": fit.best_step}
    for part in ("valid", "test"):
        found = evaluate(partial / "model", store, part=part, ks=KS, names=NAMES, where=True)
        facts[part] = found.means
    values = {name: value.numpy() for name, value in found.values.items()}
    for name, value in found.slices.items():
        values[SLICE + name] = value[~value.isnan()].numpy()
    np.savez_compressed(partial / "users.npz", **values)
    (partial / "result.json").write_text(json.dumps(facts, indent=1), "utf-8")
    shutil.rmtree(partial / "model")
    partial.rename(folder)
    mean = facts["test"]
    return f"{run.data} {run.model} seed {run.seed}: recall@50 {mean['recall@50']:.4f}"


def results(work: Path) -> list[dict[str, Any]]:
    """Every run that is done, with its figures."""
    paths = (work / "runs").glob("*/*/*/result.json")
    return [json.loads(path.read_text("utf-8")) for path in paths]
