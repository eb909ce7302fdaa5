"""The quality study: which runs its plan asks for, carrying one out, reading them back.

A run is a model with its settings and one seed on one store. Its folder holds ``result.json``
(means on validation and test users) and ``users.npz`` (the test users' values, metric by metric),
written whole or not at all, so a stopped study goes on where it was.

What the tables need of a run outlives its folder: a line of figures in ``quality_runs.tsv``, and in
``quality_users/STORE.npz`` the test users' values of the table's metrics, by which rows are
compared. Older runs have only the line.
"""

from __future__ import annotations

import csv
import json
import shutil
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from _stores import interest_store
from numpy.typing import NDArray

PLAN = Path(__file__).with_name("study.toml")
RUNS = Path(__file__).with_name("quality_runs.tsv")
USERS = Path(__file__).with_name("quality_users")
KS, NAMES = (10, 20, 50), ("recall", "ndcg", "hr")
SLICE = "recall@50, "
"""Values of a part of the users or targets are kept under this and the part's name."""


Users = dict[str, NDArray[np.floating]]
"""Metric → one value for each test user."""


@dataclass(frozen=True)
class Run:
    """One training run; ``model`` is a model of ``recommender compare`` with its settings."""

    data: str
    split: str
    source: str
    model: str
    seed: int

    @property
    def store(self) -> str:
        return f"{self.data}-{self.split}-{self.source}"

    def folder(self, work: Path) -> Path:
        return work / "runs" / self.store / self.model.replace(":", " ") / str(self.seed)

    def done(self, work: Path) -> bool:
        return (self.folder(work) / "result.json").is_file()

    def users(self, work: Path) -> Users:
        """Metric → test users' values, of the work folder or, some metrics only, the kept ones."""
        if self.done(work):
            return dict(np.load(self.folder(work) / "users.npz"))
        return kept_users(USERS / f"{self.store}.npz").get((self.model, self.seed), {})


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

    def seeds(self, work: Path, most: int, metrics: Sequence[str]) -> list[int]:
        """Seeds below ``most`` whose users' values are at hand."""
        wanted = set(metrics)
        return [seed for seed in range(most) if wanted <= self.run(seed).users(work).keys()]

    def values(self, work: Path, seeds: Sequence[int]) -> dict[str, NDArray[np.float64]]:
        """Metric → test users' values ``[seeds, users]``."""
        runs = [self.run(seed).users(work) for seed in seeds]
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


@cache
def kept_users(path: Path) -> dict[tuple[str, int], Users]:
    """(model, seed) → its test users' values, of a file that :func:`keep_users` wrote."""
    found: dict[tuple[str, int], Users] = defaultdict(dict)
    if path.is_file():
        for name, values in np.load(path).items():
            model, seed, metric = name.split("|")
            found[model, int(seed)][metric] = values
    return dict(found)


def keep_users(tables: list[Table], work: Path) -> None:
    """Put the values that tables compare into ``quality_users``, beside what is there."""
    fresh: dict[str, Users] = defaultdict(dict)
    for table in tables:
        for run in table.runs() if table.kind == "paired" else ():
            if run.done(work):
                users = run.users(work)
                for metric in table.metrics:
                    name = f"{run.model}|{run.seed}|{metric}"
                    fresh[run.store][name] = users[metric].astype(np.float32)
    USERS.mkdir(exist_ok=True)
    for store, values in fresh.items():
        path = USERS / f"{store}.npz"
        before = dict(np.load(path)) if path.is_file() else {}
        partial = path.with_suffix(".partial.npz")
        np.savez_compressed(partial, **dict(sorted((before | values).items())))
        partial.rename(path)
    kept_users.cache_clear()


def listed_runs() -> dict[Run, dict[str, str]]:
    """Every run in ``quality_runs.tsv`` with its line."""
    with RUNS.open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file, delimiter="\t"))
    names = ("data", "split", "source", "model")
    return {Run(*(line[name] for name in names), int(line["seed"])): line for line in lines}


def store_of(run: Run, work: Path) -> Path:
    """The store a run trains on, made at first use."""
    return interest_store(run.data, work / "stores", run.split, run.source)


def carry_out(run: Run, work: Path) -> str:
    """Train, measure, keep the figures, drop the model; returns a line about it."""
    from recommender.api import evaluate, train
    from recommender.recipes.specs import parse_spec

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
