"""The quality study: its plan, its runs on disk and the tables made of them."""

from __future__ import annotations

import csv
import json
import re
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from recommender.recipes.recipe import make_recipe
from recommender.recipes.specs import parse_spec

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(autouse=True)
def _benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    yield
    for name in ("study", "_study", "_study_tables", "_stores", "_data"):
        sys.modules.pop(name, None)


def keep(run, work, test, users):
    folder = run.folder(work)
    folder.mkdir(parents=True)
    np.savez_compressed(folder / "users.npz", **users)
    facts = {**asdict(run), "steps": 9, "best_step": 5, "valid": test, "test": test}
    (folder / "result.json").write_text(json.dumps(facts))


def test_every_model_of_the_plan_can_be_trained_and_every_table_has_its_place():
    from _study import read_plan
    from study import PAGES

    tables = read_plan()
    for table in tables:
        assert len({row.run(0) for row in table.rows}) == len(table.rows), table.name
        for row in table.rows:
            make_recipe(**parse_spec(row.model))
    marks = [m for p in PAGES for m in re.findall(r"<!-- table: (.+) -->", p.read_text("utf-8"))]
    assert sorted(marks) == sorted(table.name for table in tables)


def test_every_line_of_the_runs_file_names_a_model_that_can_be_trained():
    with (ROOT / "benchmarks" / "quality_runs.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert len(rows) > 100
    keys = [(row["data"], row["split"], row["source"], row["model"], row["seed"]) for row in rows]
    assert len(set(keys)) == len(keys)
    for row in rows:
        make_recipe(**parse_spec(row["model"]))
        assert 0 <= float(row["recall@10"]) <= float(row["recall@50"]) <= 1


def test_a_paired_table_compares_the_seeds_that_both_rows_have(tmp_path):
    from _study import Row, Table
    from _study_tables import fill, runs_file

    base = Row("sasrec", "office", "given", "llm", "sasrec")
    better = Row("text", "office", "given", "llm", "sasrec+text")
    noise = np.random.default_rng(0).uniform(0, 0.4, (3, 200))
    for seed in range(3):
        keep(base.run(seed), tmp_path, {"recall@50": 0.2}, {"recall@50": noise[seed]})
    for seed in range(2):
        keep(better.run(seed), tmp_path, {"recall@50": 0.3}, {"recall@50": noise[seed] + 0.1})
    table = Table("t", "paired", "Office", 3, ("recall@50",), (base, better))
    page = "before\n<!-- table: t -->\nold\n<!-- end -->\nafter\n"
    lines = fill(page, [table], tmp_path).splitlines()
    assert lines[:2] == ["before", "<!-- table: t -->"]
    assert lines[-2:] == ["<!-- end -->", "after"]
    assert "old" not in lines
    first, second = (line for line in lines if line.startswith(("| sasrec", "| text")))
    assert first.endswith("| 3 |")
    assert second.endswith("| 2 |")
    assert "**+.1000 ± .0000 (" in second
    with pytest.raises(SystemExit, match="no mark"):
        fill("nothing", [table], tmp_path)
    assert runs_file([], {}).startswith("data\tsplit\tsource\tmodel\tseed")


def test_a_table_outlives_the_folders_of_its_runs(tmp_path, monkeypatch):
    import _study
    import _study_tables
    from _study import Row, Table, keep_users, listed_runs, results
    from _study_tables import lacking, paired, runs_file

    monkeypatch.setattr(_study, "USERS", tmp_path / "kept")
    monkeypatch.setattr(_study, "RUNS", tmp_path / "runs.tsv")
    rows = tuple(
        Row(name, "beauty", "given", "llm", f"{name}:model.d=8") for name in ("gru4rec", "facet")
    )
    table = Table("t", "paired", "Beauty", 3, ("recall@50", "hr@10"), rows)
    draw = np.random.default_rng(1).uniform
    figures = {f"{kind}@{k}": 0.25 for kind in ("recall", "ndcg", "hr") for k in (10, 20, 50)}

    def train(work, seeds):
        for row in rows:
            for seed in seeds:
                users = {name: draw(size=40).astype(np.float32) for name in (*table.metrics, "mrr")}
                keep(row.run(seed), work, figures, users)
        keep_users([table], work)
        listed = listed_runs() if _study.RUNS.exists() else {}
        _study.RUNS.write_text(runs_file(results(work), listed), "utf-8")

    train(tmp_path / "first", [0])
    train(tmp_path / "second", [1, 2])
    nowhere = tmp_path / "nowhere"
    assert [run.seed for run in listed_runs()] == [0, 1, 2, 0, 1, 2]
    assert lacking(table, nowhere) == []
    whole = paired(table, nowhere)
    assert whole.count("| 3 |") == 2
    (tmp_path / "kept" / "beauty-given-llm.npz").unlink()
    _study.kept_users.cache_clear()
    assert lacking(table, tmp_path / "second") == [row.run(0) for row in rows]
    where = Table("w", "where", "Beauty", 3, ("recall@50",), rows)
    assert len(lacking(where, nowhere)) == 6
    elsewhere = replace(rows[0], label="another", data="office")
    overview = Table("o", "overview", "", 3, (), (*rows, elsewhere))
    assert lacking(overview, nowhere) == []
    shown = _study_tables.overview(overview, nowhere)
    assert "| Office | Beauty |" in shown, "of the data sets that it has rows of"
    assert "| gru4rec | – | .2500 / .2500 / .2500 (3 seeds) |" in shown


def test_a_run_is_trained_measured_and_kept_whole(tmp_path, monkeypatch):
    import _study
    from _study import Run, carry_out, results

    from profiler import BuildConfig, build
    from store.data.sample import write_sample

    write_sample(tmp_path / "shop", users=80)
    store = tmp_path / "shop.db"
    build(tmp_path / "shop", store, config=BuildConfig(exemplars=4, synthetic_users=0))
    monkeypatch.setattr(_study, "interest_store", lambda *_: store)
    run = Run("office", "given", "llm", "remi+eimf:training.steps=4,training.evaluate_every=2", 1)
    assert not run.done(tmp_path)
    said = carry_out(run, tmp_path)
    assert run.done(tmp_path)
    assert "seed 1: recall@50" in said
    kept = results(tmp_path)[0]
    assert (kept["model"], kept["seed"], kept["steps"]) == (run.model, 1, 4)
    users = np.load(run.folder(tmp_path) / "users.npz")
    assert users["recall@50"].mean() == pytest.approx(kept["test"]["recall@50"])
    assert any(name.startswith("recall@50, rare targets") for name in users)
    assert [path.name for path in run.folder(tmp_path).parent.iterdir()] == ["1"]
