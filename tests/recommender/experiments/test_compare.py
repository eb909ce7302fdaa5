"""A comparison says before training what is wrong; one that was stopped trains nothing twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recommender import api
from recommender.experiments import compare, model_folders
from recommender.experiments.model_folders import MARK
from recommender.experiments.significance import compare_values, mean_of
from recommender.text import comparison_tables
from store.errors import InterruptedRunError, StoreError, UserError
from store.store import open_store

ShopMaker = Callable[..., Path]


def test_compare_trains_measures_and_does_not_train_again(shop: Path, tmp_path: Path) -> None:
    said: list[str] = []
    settings = {"training": {"steps": 4, "evaluate_every": 2}}

    def run(models: list[str]) -> compare.Comparison:
        return compare.compare(
            shop, models, tmp_path, seeds=[0, 1], metrics=["recall@5"], settings=settings,
            say=said.append,
        )  # fmt: skip

    own = run(["remi", "remi:model.k=1"])
    assert own.means["remi"] != own.means["remi:model.k=1"]
    said.clear()
    found = run(["pop", "remi"])
    assert sum(line.startswith("training") for line in said) == 2
    assert set(found.means) == {"pop", "remi"}
    assert found.differences[0].baseline == "pop"
    assert found.protocol["split"] == "leave-one-out"
    said.clear()
    again = run(["pop", "remi", "remi+eimf"])
    assert [line for line in said if line.startswith("training")] == [
        "training remi+eimf, seed 0",
        "training remi+eimf, seed 1",
    ]
    assert again.means["remi"] == found.means["remi"]
    tables = comparison_tables(again)
    assert [row[0] for row in tables[0][2]] == ["pop", "remi", "remi+eimf"]
    assert (
        again.to_json()["means"]["pop"]["recall@5"]["mean"] == found.means["pop"]["recall@5"].mean
    )


def test_parts_of_targets_and_users_are_compared_too(shop: Path, tmp_path: Path) -> None:
    found = compare.compare(
        shop, ["pop", "remi"], tmp_path, seeds=[0], metrics=["recall@5"], where=True,
        settings={"training": {"steps": 2}},
    )  # fmt: skip
    parts = [name for name in found.means["pop"] if name != "recall@5"]
    assert any("rare targets" in name for name in parts)
    assert any("long histories" in name for name in parts)
    assert {d.metric for d in found.differences} == {"recall@5", *parts}
    titles = [title for title, _, _ in comparison_tables(found)]
    assert titles == ["means", "means by part", "differences"]


def test_what_cannot_be_compared_is_refused(shop: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="two models or more"):
        compare.compare(shop, ["remi"], tmp_path)
    with pytest.raises(UserError, match="'emif' is not one of"):
        compare.compare(shop, ["remi+emif", "pop"], tmp_path)
    said: list[str] = []
    for models, more, wrong in [
        (["remi", "pop"], {"metrics": ["recall_50"]}, "recall_50"),
        (["remi", "sasrecc"], {}, "unknown backbone 'sasrecc'"),
        (["remi", "remi+eimf:eimf.gama=1"], {}, "eimf: no setting gama"),
        (["remi", "sasrec:model.heads=7"], {}, "sasrec"),
    ]:
        with pytest.raises(UserError, match=wrong):
            compare.compare(shop, models, tmp_path, say=said.append, **more)
    assert said == []  # before anything was trained


def test_a_store_without_interests_is_refused_before_anything_is_trained(
    tmp_path: Path, shop_maker
) -> None:
    bare, said = shop_maker(tmp_path, "leave-one-out", words=False), list[str]()
    with pytest.raises(StoreError, match="holds no interests"):
        compare.compare(bare, ["remi", "remi+eimf"], tmp_path / "out", say=said.append)
    assert said == []


@pytest.mark.parametrize(
    ("models", "split", "message"),
    [
        (
            ["pop", "remi:eimf.predict=false"],
            "leave-one-out",
            r"model 'remi:eimf.predict=false': eimf.predict does nothing without \+eimf",
        ),
        (
            ["pop", "remi+crowd:crowd.subjects=synthetic"],
            "leave-one-out",
            "needs interests of synthetic subjects",
        ),
        (["pop", "remi"], "none", "nothing is left to evaluate on"),
    ],
)
def test_what_would_fail_later_is_refused_before_anything_is_trained(
    models: list[str], split: str, message: str, tmp_path: Path, shop_maker: ShopMaker
) -> None:
    store = shop_maker(tmp_path / "data", split)
    with pytest.raises(UserError, match=message):
        compare.compare(store, models, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_common_settings_of_a_part_that_some_models_lack_are_allowed(
    shop: Path, tmp_path: Path
) -> None:
    found = compare.compare(
        shop,
        ["pop", "remi+eimf"],
        tmp_path,
        seeds=[0],
        settings={"eimf": {"predict": False}, "training": {"steps": 2, "evaluate_every": 2}},
    )
    assert set(found.means) == {"pop", "remi+eimf"}


def test_seen_items_may_stay_and_the_baseline_be_named(shop: Path, tmp_path: Path) -> None:
    settings = {"training": {"steps": 4, "evaluate_every": 2}, "align": ()}
    found = {
        keep: compare.compare(
            shop,
            ["remi", "pop"],
            tmp_path,
            seeds=[0],
            settings=settings,
            baseline="pop",
            keep_seen=keep,
        )
        for keep in (True, False, None)
    }
    assert found[True].protocol["seen_items"] == "kept"
    assert found[None].to_json() == found[False].to_json()
    assert found[True].means["pop"] != found[False].means["pop"]
    assert {d.baseline for d in found[True].differences} == {"pop"}


def test_a_model_that_diverges_is_named(shop: Path, tmp_path: Path) -> None:
    models = ["pop", "remi:training.learning_rate=1e30"]
    settings = {"training": {"steps": 40, "evaluate_every": 20}}
    with pytest.raises(UserError, match=r"^remi:training.learning_rate=1e30, seed 0: .*not"):
        compare.compare(shop, models, tmp_path, seeds=[0], settings=settings)


def test_a_model_of_other_interests_or_of_a_stopped_training_is_trained_again(
    tmp_path: Path, shop_maker
) -> None:
    shop, said = shop_maker(tmp_path, "leave-one-out"), list[str]()

    def run(steps: int = 2) -> list[str]:
        said.clear()
        compare.compare(
            shop, ["remi", "remi+eimf"], tmp_path / "out", seeds=[0], metrics=["recall@5"],
            settings={"training": {"steps": steps}}, say=said.append,
        )  # fmt: skip
        return [line for line in said if line.startswith("training")]

    both = ["training remi, seed 0", "training remi+eimf, seed 0"]
    assert run() == both
    assert run() == []
    with open_store(shop) as store, store.write() as connection:
        connection.exec_driver_sql("DELETE FROM evidence WHERE interest_id = 1")
    assert run() == both[1:]
    # Trained with other settings and stopped: its model is there, but nothing says it is whole.
    train = api.train

    def stopped(*args, **settings):
        train(*args, **settings)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model_folders, "train", stopped)
        with pytest.raises(KeyboardInterrupt):
            run(steps=3)
    (beside,) = (tmp_path / "out" / "remi").glob("seed-0-*")
    assert not (beside / MARK).exists()
    assert run() == [], "what was whole still is"
    run(steps=3)
    assert said[0] == "resuming remi, seed 0"
    assert (beside / MARK).exists()
    (beside / MARK).write_text("")
    assert run(steps=3) == both[:1], "a mark that was cut off is none"
    (beside / "model.safetensors").write_bytes(b"cut off, too")
    assert run(steps=3) == both[:1]
    assert run(steps=3) == []


def test_a_stopped_comparison_goes_on_in_the_middle_of_a_model(
    tmp_path: Path, shop_maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, said = shop_maker(tmp_path, "leave-one-out"), list[str]()
    train, asked = api.train, 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked == 4

    def run(out: str) -> compare.Comparison:
        return compare.compare(
            shop, ["pop", "remi"], tmp_path / out, seeds=[0], metrics=["recall@5"],
            settings={"training": {"steps": 8, "evaluate_every": 2}}, say=said.append,
        )  # fmt: skip

    with monkeypatch.context() as patch:
        patch.setattr(
            model_folders, "train", lambda *args, **options: train(*args, stop=stop, **options)
        )
        with pytest.raises(InterruptedRunError, match=r"remi, seed 0: stopped at step 4 .*goes on"):
            run("a")
    resumed = run("a")
    assert said[-2].startswith("resuming remi")
    assert run("b").means == resumed.means
    weights = [tmp_path / out / "remi" / "seed-0" / "model.safetensors" for out in "ab"]
    assert weights[0].read_bytes() == weights[1].read_bytes()


@pytest.mark.parametrize(
    ("models", "settings", "message"),
    [
        (["pop", "remi:training.seed=7"], {}, "seeds of the comparison"),
        (["pop", "remi+eimf+eimf"], {}, r"\+eimf stands there twice"),
        (["pop+eimf", "remi"], {}, r"pop is computed .*it takes no \+eimf"),
        (["pop", "remi"], {"eimf": {"predict": False}}, "none of the models takes it: .*eimf"),
        (["remi", "remi+crowd"], {"interests": "catalogue"}, "none of the models takes it"),
        (["pop", "remi:interests=catalogue"], {}, "does nothing without an alignment"),
        (["pop", "remi"], {"model": {"k": 8}}, "model 'pop'.*stand after its own colon"),
        (["pop", "remi"], {"training": {"monitor": "recall@020"}}, "metric 'recall@020'"),
    ],
)
def test_what_would_change_nothing_is_refused(
    models: list[str], settings: dict[str, Any], message: str, shop: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        compare.compare(shop, models, tmp_path / "out", settings=settings)
    assert not (tmp_path / "out").exists()


def test_each_part_that_some_model_takes_is_allowed(shop: Path, tmp_path: Path) -> None:
    settings = {
        "eimf": {"predict": False},
        "ldmi": {"couple": 0.0},
        "interests": "exemplar",
        "training": {"steps": 2, "evaluate_every": 2},
    }
    models = ["remi+eimf", "remi+ldmi"]
    found = compare.compare(shop, models, tmp_path, seeds=[0], settings=settings)
    assert set(found.means) == set(models)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seeds": [-1]}, "seed = -1"),
        ({"seeds": [2**63]}, "seed"),
        ({"device": "abacus"}, "--device 'abacus'"),
        ({"metrics": ["recall@020"]}, "metric 'recall@020'"),
    ],
)
def test_nothing_is_lost_where_a_comparison_cannot_begin(
    options: dict[str, Any], message: str, shop: Path, tmp_path: Path
) -> None:
    settings = {"training": {"steps": 2, "evaluate_every": 2}}
    compare.compare(shop, ["pop", "remi"], tmp_path, seeds=[0], settings=settings)
    before = sorted(file.stat().st_mtime_ns for file in tmp_path.rglob("*"))
    with pytest.raises(UserError, match=message):
        compare.compare(
            shop, ["pop", "remi"], tmp_path, **{"seeds": [0], "settings": settings, **options}
        )
    assert sorted(file.stat().st_mtime_ns for file in tmp_path.rglob("*")) == before


def test_a_gain_over_nothing_has_no_percentage() -> None:
    values = {"a": {"hr@1": np.zeros((2, 9))}, "b": {"hr@1": np.eye(2, 9)}}
    gaps = compare_values(values, "a")
    means = {name: {"hr@1": mean_of(found["hr@1"])} for name, found in values.items()}
    tables = comparison_tables(compare.Comparison({}, [0, 1], means, gaps))
    assert tables[-1][2][0][3] == "–"
