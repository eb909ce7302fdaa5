"""Yesterday's model on today's events: figures that can be counted by hand, and a stated rule.

Fault behind these tests: nobody knew how a model did on what came after it but by training another.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import cli
from recommender.model_folder.artefacts import load_model
from recommender.serving.top_k import recommend
from recommender.warm.events import cases_of
from recommender.warm.watch import Rule, due, watch
from store.data.prepare import prepare
from store.data.readers import read
from store.errors import UserError
from store.store import open_store

QUIET = {"users": 100, "recall_50": 0.5, "margin_50": 0.05, "popularity_50": 0.2}


def log(rows: list[tuple[str, str, int]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row")


@pytest.fixture(scope="module")
def taken(shop: Path, trained: Path) -> tuple[pl.DataFrame, dict[str, int]]:
    """Today's events: two users take the first and the sixtieth item of their lists."""
    model, _ = load_model(trained)
    with open_store(shop) as store:
        data = store.datasets.load()
    late = int(data.timestamps.max()) + 100
    rows = []
    for user in (0, 1):
        history = data.items[data.indptr[user] : data.indptr[user + 1]].astype(np.int64)
        listed = recommend(model, [history], 60).items[0].tolist()
        rows.append((data.user_ids[user], data.item_ids[listed[0] - 1], late))
        rows.append((data.user_ids[user], data.item_ids[listed[59] - 1], late + 1))
    rows.append((data.user_ids[2], "nobody knows it", late))
    rows.append(("a stranger", data.item_ids[0], late))
    return log(rows), {"n_items": data.n_items}


def test_figures_are_those_counted_by_hand(
    shop: Path, trained: Path, taken: tuple[pl.DataFrame, dict[str, int]]
) -> None:
    found = watch(trained, shop, taken[0])
    assert (found.interactions, found.users, found.users_measured) == (6, 4, 3)
    assert found.users_without_history == 1
    # one of two, one of two, none of one
    assert found.recall_10 == pytest.approx(1 / 3)
    assert found.recall_50 == pytest.approx(1 / 3)
    assert found.events_on_new_items == pytest.approx(1 / 6)
    assert 10 / taken[1]["n_items"] <= found.coverage_10 <= 30 / taken[1]["n_items"]
    assert found.dead_interests is not None
    assert 0 < found.dead_interests < 1
    assert found.explained is not None
    assert 0 <= found.explained <= 1
    assert found.retrain  # a sixth of the events is on an item that it lacks


def test_events_that_the_store_has_already_are_no_history(shop: Path) -> None:
    with open_store(shop) as store:
        data = store.datasets.load()
    index = {item: ix for ix, item in enumerate(data.item_ids)}
    own = slice(int(data.indptr[3]), int(data.indptr[4]))
    last = int(data.items[own][-1])
    rows = [(data.user_ids[3], data.item_ids[last], int(data.timestamps[own][-1]))]
    events = prepare(read(log(rows)), split="none")
    cases = cases_of(data, index, events, keep_seen=False)
    earlier = data.timestamps[own] < data.timestamps[own][-1]
    assert cases.histories[0].tolist() == data.items[own][earlier].tolist()
    assert cases.targets[0].tolist() == [last]


def test_without_events_the_test_part_is_watched(shop: Path, trained: Path) -> None:
    found = watch(trained, shop)
    assert found.events == "the test part"
    assert found.users_measured > 100
    assert found.events_on_new_items == 0


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ({"reference": 0.55, "events_on_new_items": 0.05}, None),
        ({"reference": 0.62, "events_on_new_items": 0.05}, "interval below 0.9 of 0.6200"),
        ({"reference": None, "events_on_new_items": 0.2}, "20% of the events"),
        ({"reference": None, "events_on_new_items": 0.0, "popularity_50": 0.5}, "popularity has"),
        ({"reference": 9.0, "events_on_new_items": 0.0, "users": 29}, None),
    ],
)
def test_the_rule(case: dict[str, float], said: str | None) -> None:
    because = due(Rule(), **(QUIET | case))  # type: ignore[arg-type]
    assert len(because) == (said is not None)
    assert said is None or said in because[0]


def test_the_command_has_an_exit_code_json_and_prometheus(
    shop: Path,
    trained: Path,
    taken: tuple[pl.DataFrame, dict[str, int]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    taken[0].write_csv(tmp_path / "today.csv")
    arguments = [
        "watch",
        str(trained),
        "--store",
        str(shop),
        "--events",
        str(tmp_path / "today.csv"),
    ]

    def run(*more: str) -> tuple[int, str]:
        code = cli.run(cli.recommender_app, "recommender", [*arguments, *more])
        return code, capsys.readouterr().out

    code, out = run("--json")
    document = json.loads(out)
    assert (code, document["retrain"]) == (1, True)
    code, out = run("--most-new", "0.5", "--prometheus")
    assert code == 0
    names = [line.split()[2] for line in out.splitlines() if line.startswith("# TYPE")]
    assert len(names) == len(set(names)) >= 12
    for line in out.splitlines():
        assert line.startswith("# ") or line.split("{")[0] in names
    assert 'recommender_watch_retrain{model="remi"} 0' in out
    code, out = run("--most-new", "0.5")
    assert "no reason to train again" in out
    assert run("--json", "--prometheus")[0] == 2


def test_senseless_shares_are_refused() -> None:
    for wrong in ({"floor": 1.5}, {"most_new": -0.1}):
        with pytest.raises(UserError, match="share from 0 to 1"):
            Rule(**wrong)
