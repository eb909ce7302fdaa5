"""The whole build on the sample shop: repeated, killed, refused; what it is worth downstream."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import profiler
from profiler.config import BuildConfig
from store.errors import DataError, UserError
from store.maintenance import verify
from store.sample import write_sample
from store.store import open_store

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "shop"
    write_sample(folder, users=150)
    return folder


@pytest.fixture(scope="module")
def built(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    path = tmp_path_factory.mktemp("store") / "shop.db"
    return path, profiler.build(shop, path)


def contents(path: Path) -> list[Any]:
    """Interests with their evidence, and whose they are; without row numbers and times."""
    with open_store(path) as store, store.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT s.name, n.position, n.label, n.description, group_concat(i.item_id) "
            "FROM interests n JOIN subjects s USING (subject_id) LEFT JOIN evidence e "
            "USING (interest_id) LEFT JOIN items i USING (item_ix) WHERE s.active "
            "GROUP BY n.interest_id ORDER BY s.name, n.position"
        ).all()
        members = connection.exec_driver_sql(
            "SELECT u.user_id, s.name FROM memberships m JOIN users u USING (user_ix) "
            "JOIN subjects s USING (subject_id) WHERE s.active ORDER BY 1, 2"
        ).all()
    return [tuple(row) for row in [*rows, *members]]


def test_everyone_gets_interests_and_the_store_is_sound(built: tuple[Path, Any]) -> None:
    path, report = built
    assert report.asking.quarantined == report.asking.pending == 0
    assert report.asked == "offline"
    assert report.assigned == report.users == 150
    with open_store(path) as store:
        assert verify(store)[1] == []


def test_a_repeated_build_calls_nobody_and_encodes_nothing(
    shop: Path, built: tuple[Path, Any]
) -> None:
    path, first = built
    before = contents(path)
    again = profiler.build(shop, path)
    assert (again.changed, again.encoded, again.asking.calls) == (False, 0, 0)
    assert not again.chosen.anew
    assert again.asking.ok == first.asking.ok
    assert contents(path) == before


def test_the_order_of_the_rows_changes_nothing(
    shop: Path, built: tuple[Path, Any], tmp_path: Path
) -> None:
    log = pl.read_csv(shop / "interactions.tsv", separator="\t", infer_schema=False)
    items = pl.read_csv(shop / "items.tsv", separator="\t", infer_schema=False)
    shuffled = (log.sample(fraction=1, shuffle=True, seed=1), items.reverse())
    profiler.build(shuffled, tmp_path / "other.db")
    assert contents(tmp_path / "other.db") == contents(built[0])


def test_a_killed_build_leaves_a_sound_store_that_goes_on(
    shop: Path, built: tuple[Path, Any], tmp_path: Path
) -> None:
    path = tmp_path / "killed.db"
    rng = random.Random(7)
    command = [sys.executable, "-m", "cli", "build", str(shop), "--store", str(path)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for _ in range(4):
        run = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        started = time.monotonic()
        while not path.exists() and run.poll() is None and time.monotonic() - started < 60:
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 5))
        run.send_signal(signal.SIGKILL)
        run.wait()
        with open_store(path) as store:
            assert verify(store)[1] == []
    profiler.build(shop, path)
    assert contents(path) == contents(built[0])


def test_bad_data_leaves_the_store_as_it_was(built: tuple[Path, Any], tmp_path: Path) -> None:
    path, _ = built
    before = contents(path)
    bad = tmp_path / "bad.csv"
    bad.write_text("user_id,item_id,timestamp\nu1,i1,yesterday\n")
    with pytest.raises(DataError, match=r"bad\.csv"):
        profiler.build(bad, path)
    assert contents(path) == before
    with pytest.raises(DataError):
        profiler.build(bad, tmp_path / "new.db")
    assert not (tmp_path / "new.db").exists()


def test_data_without_texts_is_kept_for_behavioural_models(tmp_path: Path) -> None:
    log = pl.DataFrame(
        {
            "user_id": [f"u{u}" for u in range(8) for _ in range(6)],
            "item_id": [f"i{(u + k) % 9}" for u in range(8) for k in range(6)],
            "position": [k for _ in range(8) for k in range(6)],
        }
    )
    report = profiler.build(log, tmp_path / "s.db")
    assert report.chosen.exemplars == 0
    assert "behavioural models only" in report.chosen.notes[0]
    with open_store(tmp_path / "s.db") as store:
        assert store.datasets.load().n_users == 8


def test_wrong_settings_are_named() -> None:
    with pytest.raises(UserError, match="damping"):
        BuildConfig.checked(damping=2)
    with pytest.raises(UserError, match="not both"):
        BuildConfig.checked(exemplars=3, preference=-1.0)


def test_recommenders_exceed_popularity_with_and_without_alignment(
    built: tuple[Path, Any], tmp_path: Path
) -> None:
    """On planted interests both must find more than twice what popularity does."""
    import recommender

    recall = {}
    for name, settings in {
        "pop": {"backbone": "pop", "align": ()},
        "remi": {"align": (), "training": {"steps": 400, "evaluate_every": 100}},
        "remi+eimf": {"align": ("eimf",), "training": {"steps": 400, "evaluate_every": 100}},
    }.items():
        trained = recommender.train(built[0], tmp_path / name, **settings)
        assert trained is not None
        result = recommender.evaluate(tmp_path / name)
        recall[name] = result.means["recall@20"]
    assert recall["remi"] > 2 * recall["pop"], recall
    assert recall["remi+eimf"] > 2 * recall["pop"], recall
