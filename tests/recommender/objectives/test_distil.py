"""Rankings distilled into a trained model, and what they are compared with."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import cli
import recommender
from recommender.backbones.base import Encoded
from recommender.backbones.create import create
from recommender.data.rankings import Rankings, padded, read_rankings
from recommender.distilling.nominate import nominate
from recommender.model_folder.artefacts import load_model
from recommender.model_folder.manifest import read_manifest
from recommender.objectives.distil import (
    Distil,
    DistilConfig,
    best_scores,
    learning,
    rank_weights,
)
from store.errors import LeakageError, StoreError
from store.store import Store, open_store
from store.tables.tasks.rankings import Ranking

QUICK = {"steps": 20, "evaluate_every": 10, "seed": 1, "monitor": "recall@10"}


def rank_all(store: Store, number: int, source: str = "openai:m") -> None:
    """Store the teacher's order turned round as the ranking of each case."""
    store.rankings.save(
        Ranking(case.case_id, source, case.candidates[::-1][:6])
        for case in store.cases.load(number)
    )


@pytest.fixture(scope="module")
def ranked(shop: Path, trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a nomination of 30 cases, each ranked."""
    path = Path(shutil.copy(shop, tmp_path_factory.mktemp("ranked") / "shop.db"))
    found = nominate(trained, path, n=30, policy="random", candidates=12)
    with open_store(path) as store:
        rank_all(store, found.nomination)
    return path


@pytest.fixture(scope="module")
def student(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small SASRec."""
    out = tmp_path_factory.mktemp("student") / "sasrec"
    recommender.train(
        shop, out, backbone="sasrec", align=(), model={"d": 8, "length": 12}, training=QUICK
    )
    return out


def test_weights_fall_by_rank() -> None:
    assert rank_weights(18).tolist() == [3.0] * 5 + [2.0] * 10 + [1.0] * 3
    assert rank_weights(7).tolist() == [3.0] * 5 + [2.0] * 2


def test_histories_keep_their_last_items() -> None:
    assert padded([(0, 1, 2), (5,)], 2).tolist() == [[2, 3], [6, 0]]


@pytest.mark.parametrize("backbone", ["comirec_sa", "sasrec"])
def test_the_term_is_the_weighted_mean_of_the_pairs(
    backbone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = create(backbone, 20, seed=0, d=8, length=4).eval()
    rankings = Rankings("m", ((0, 1, 2, 3, 4), (5, 6)), ((7, 8, 9), (10, 11)))
    objective = Distil(rankings, model.length, DistilConfig(weight=0.5))
    drawn = torch.tensor([[1, 9, 15], [3, 2, 1]])  # item number 9 is ranked for the first history
    monkeypatch.setattr(torch, "randint", lambda *_, **__: drawn)
    monkeypatch.setattr(torch, "randperm", lambda n, **_: torch.arange(n))
    term = objective(model, None, Encoded(torch.zeros(0), torch.zeros(0)))["distil"]

    table = model.item_embeddings().detach()
    total = weight = 0.0
    for history, items, others in (
        ([2, 3, 4, 5], [8, 9, 10], [1, 9, 15]),
        ([6, 7], [11, 12], [3, 2]),
    ):
        interests = model(torch.tensor([history])).interests[0].detach()
        for place, (item, other) in enumerate(zip(items, others, strict=True)):
            if other in items:
                continue
            apart = (interests @ table[item]).max() - (interests @ table[other]).max()
            total += float(-3.0 * torch.nn.functional.logsigmoid(apart))
            weight += 3.0
            assert place < 5
    assert float(term.detach()) == pytest.approx(0.5 * total / weight, rel=1e-5)


def test_training_on_rankings_alone_puts_ranked_items_first(ranked: Path, student: Path) -> None:
    # Nothing is told whether the loss falls: the order itself must follow.
    with open_store(ranked) as store:
        rankings = read_rankings(store, store.datasets.load())

    def share(model: recommender.backbones.base.Backbone) -> float:
        objective = Distil(rankings, model.length)
        with torch.inference_mode():
            interests = model(objective.histories).interests
            ours = best_scores(model, interests, model.table()[objective.items])
            others = model.score(interests).median(1).values
        return float((ours > others[:, None]).float().mean())

    before, _ = load_model(student)
    how = {"steps": 60, "evaluate_every": 60, "evaluate_first": False, "learning_rate": 0.01}
    told = recommender.train(
        ranked, None, start_from=student, progress=False, **learning() | {"training": how}
    )
    assert share(told.model) > share(before) + 0.05


def test_a_start_that_nothing_betters_is_kept(ranked: Path, student: Path, tmp_path: Path) -> None:
    # A fine-tuning that only harms was once kept as the best that there was.
    how = {"steps": 10, "evaluate_every": 5, "learning_rate": 3.0, "evaluate_first": True}
    found = recommender.train(
        ranked,
        tmp_path / "told",
        start_from=student,
        progress=False,
        **learning() | {"training": how},
    )
    assert found.fit.best_step == 0
    before, after = load_model(student)[0], load_model(tmp_path / "told")[0]
    assert torch.equal(before.items, after.items)
    facts = read_manifest(tmp_path / "told").training
    assert facts["rankings"]["source"] == "openai:m"
    assert facts["rankings"]["cases"] == 30
    assert facts["start"]["model"] == str(student)


def test_the_recommendation_loss_is_left_out_or_kept(ranked: Path, student: Path) -> None:
    seen: list[set[str]] = []
    for alone in (True, False):
        recommender.train(
            ranked,
            None,
            start_from=student,
            objectives=("distil",),
            objective_settings={"distil": {"alone": alone}},
            training={"steps": 1, "seed": 0},
            progress=lambda report: seen.append(set(report.terms)),
        )
    assert {"distil"} in seen
    assert {"loss", "distil"} in seen


def test_the_command(ranked: Path, student: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "told"
    words = ["train", "--store", str(ranked), "--out", str(out), "--distil", str(student)]
    more = ["--rankings", "teacher", "--steps", "5", "--set", "distil.cases=7", "--json"]
    assert cli.run(cli.recommender_app, "recommender", [*words, *more]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["backbone"], document["steps"]) == ("sasrec", 5)
    facts = read_manifest(out).training
    assert facts["objective_settings"]["distil"] == {"alone": True, "cases": 7, "source": "teacher"}
    assert (facts["training"]["evaluate_first"], facts["training"]["patience"]) == (True, 10)
    assert facts["rankings"] == {"source": "teacher", "cases": 30, "forced": 0} | {
        "digest": facts["rankings"]["digest"]
    }

    def refused(*words: str) -> str:
        assert cli.run(cli.recommender_app, "recommender", [*words]) == 2
        return capsys.readouterr().err

    base = ["train", "--store", str(ranked), "--out", str(tmp_path / "x")]
    assert "cannot start a remi" in refused(*base, "--distil", str(student), "--backbone", "remi")
    assert "leave out --from" in refused(*base, "--distil", str(student), "--from", str(student))
    assert "give both" in refused(*base, "--rankings", "teacher")
    assert "train without one of them" in refused(*base, "--distil", str(student), "--cold", "0.1")
    assert "no such" not in refused(*base, "--distil", str(tmp_path / "nothing"))


def test_rankings_of_a_source(ranked: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(ranked, tmp_path / "s.db"))
    with open_store(path) as store:
        data = store.datasets.load()
        (nomination,) = store.cases.nominations()
        cases = store.cases.load(nomination.nomination_id)
        store.rankings.save(
            [
                Ranking(cases[0].case_id, "offline", cases[0].candidates[:3]),
                Ranking(cases[1].case_id, "offline", cases[1].candidates[:3], forced=True),
                Ranking(cases[0].case_id, "offline", cases[0].candidates[2:4], forced=True),
            ]
        )
        with pytest.raises(StoreError, match=r"several models.*offline, openai:m or teacher"):
            read_rankings(store, data)
        with pytest.raises(StoreError, match="others than 'x'"):
            read_rankings(store, data, source="x")
        with pytest.raises(StoreError, match="no nomination 9"):
            read_rankings(store, data, nomination=9)
        plain = read_rankings(store, data, source="offline")
        assert (plain.items, plain.forced) == ((cases[0].candidates[:3],), 0)
        both = read_rankings(store, data, source="offline", forced=True)
        # Where a case has both, that of the teacher's own candidates is taken.
        assert both.items == (cases[0].candidates[:3], cases[1].candidates[:3])
        assert (both.forced, both.digest != plain.digest) == (1, True)
        teacher = read_rankings(store, data, source="teacher")
        assert teacher.items == tuple(case.candidates[:25] for case in cases)


def test_a_store_without_rankings_says_what_to_do(
    shop: Path, trained: Path, tmp_path: Path
) -> None:
    path = Path(shutil.copy(shop, tmp_path / "s.db"))
    with open_store(path) as store:
        with pytest.raises(StoreError, match="recommender nominate"):
            read_rankings(store, store.datasets.load())
        nominate(trained, store, n=3)
        with pytest.raises(StoreError, match="profiler rank"):
            read_rankings(store, store.datasets.load())


def test_cases_that_the_split_hides_now_train_nothing(ranked: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(ranked, tmp_path / "s.db"))
    with open_store(path) as store:
        data = store.datasets.load()
        hidden = replace(data, parts=(data.parts * 0 + 3).astype(data.parts.dtype))
        with pytest.raises(LeakageError):
            read_rankings(store, hidden)


def test_alone_no_alignment_is_trained_and_none_is_saved(
    ranked: Path, trained: Path, tmp_path: Path
) -> None:
    # The interests in the model's space would have been those of an alignment that never learned.
    how = {"steps": 2, "evaluate_every": 1}
    out = tmp_path / "told"
    recommender.train(
        ranked, out, start_from=trained, progress=False, **learning() | {"training": how}
    )
    manifest = read_manifest(out)
    assert (manifest.backbone, manifest.projection_digest) == ("remi", None)
    assert read_manifest(trained).projection_digest is not None
