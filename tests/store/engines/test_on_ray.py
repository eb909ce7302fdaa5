"""Two workers of a local Ray cluster do what one process does; a killed worker loses nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import cli
from store.data.sample import write_sample
from store.engines.engine import engine_set, working_on
from store.engines.on_ray import RayEngine
from store.errors import UserError
from store.store import Store, open_store

pytest.importorskip("ray")
pytestmark = pytest.mark.slow


def double(shared: int, piece: int) -> int:
    return shared * piece


def die_once(folder: str, piece: int) -> int:
    """Kill the worker at the first try of one piece."""
    with Path(folder, f"{piece}.tries").open("a") as file:
        file.write("x")
    if piece == 3 and len(Path(folder, "3.tries").read_text()) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return piece


def die(shared: int, piece: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return piece


def refuse(shared: int, piece: int) -> int:
    raise UserError(f"piece {piece} cannot be done")


@pytest.fixture(scope="module")
def workers() -> Iterator[RayEngine]:
    with RayEngine.started(workers=2) as engine:
        yield engine


def test_results_come_in_order(workers):
    assert workers.workers == 2
    assert list(workers.each(double, 3, range(20))) == [3 * n for n in range(20)]


def test_a_killed_worker_is_replaced_and_nothing_is_lost_or_doubled(workers, tmp_path):
    assert list(workers.each(die_once, str(tmp_path), range(8))) == list(range(8))
    assert (tmp_path / "3.tries").read_text() == "xx"


def test_what_a_piece_raises_is_raised_and_dying_for_good_is_told(workers):
    with pytest.raises(UserError, match="piece 1 cannot be done"):
        list(workers.each(refuse, 0, [1]))
    with pytest.raises(UserError, match="ended 4 times over the same piece"):
        list(workers.each(die, 0, [1]))


def test_a_cluster_that_is_not_there_is_named():
    with (
        pytest.raises(UserError, match=r"no Ray cluster at 127\.0\.0\.1:9"),
        working_on("ray:127.0.0.1:9"),
    ):
        pass


ROWS = (
    "SELECT user_ix, subject_id, similarity FROM memberships ORDER BY 1, 2",
    "SELECT * FROM assignments ORDER BY 1, 2",
    "SELECT * FROM assignment_items ORDER BY 1, 2, 3",
    "SELECT interest_id, label, description FROM interests ORDER BY 1",
    "SELECT model, digest, vector FROM vectors ORDER BY 1, 2",
)


def rows(store: Store) -> list[list[tuple[object, ...]]]:
    with store.read() as connection:
        return [[tuple(row) for row in connection.exec_driver_sql(query)] for query in ROWS]


def run(program: str, *words: object) -> int:
    apps = {"profiler": cli.profiler_app, "recommender": cli.recommender_app}
    return cli.run(apps[program], program, [str(word) for word in words])


def test_a_build_and_the_lists_of_all_users_are_those_of_one_process(tmp_path):
    write_sample(tmp_path / "shop", users=120)
    stores = {}
    for name, on in (("one.db", []), ("two.db", ["--on", "ray"])):
        place = tmp_path / name
        words = [tmp_path / "shop", "--store", place, "--interactions-in", "parquet", *on]
        assert run("profiler", "build", *words) == 0
        with open_store(place) as store:
            stores[name] = rows(store)
    assert stores["one.db"] == stores["two.db"]
    model = tmp_path / "model"
    train = ["--store", tmp_path / "one.db", "--backbone", "itemknn", "--out", model]
    assert run("recommender", "train", *train) == 0
    for name, on in (("one", []), ("two", ["--on", "ray"])):
        words = [model, "--all", tmp_path / f"{name}.parquet", *on]
        assert run("recommender", "recommend", *words) == 0
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_vectors_of_histories_by_two_workers(workers):
    from profiler.vectors.histories import history_vectors

    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(50, 16)).astype(np.float32)
    indptr, items = np.arange(0, 300_001, 6), rng.integers(0, 50, 300_000)
    here = history_vectors(vectors, indptr, items, center=True)
    with engine_set(workers):
        there = history_vectors(vectors, indptr, items, center=True)
    np.testing.assert_array_equal(here, there)
