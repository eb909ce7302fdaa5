"""Nominated cases: training's alone, with the teacher's list, the same every time."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import cli
from recommender.commands.nominate import proportions
from recommender.distilling import nominate as nominating
from recommender.distilling.nominate import nominate
from recommender.distilling.teacher import best_items, difficulty, training_cases, weights_digest
from recommender.model_folder.artefacts import load_model
from store.data.dataset import Dataset
from store.data.splits import Part
from store.errors import LeakageError, UserError
from store.store import open_store
from store.tables.tasks.cases import EXAMPLES
from store.upkeep.verify import verify


@pytest.fixture
def mine(shop: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(shop, tmp_path / "shop.db"))


def test_cases_show_training_interactions_alone(mine: Path, trained: Path) -> None:
    # The item after the history that is held out would have been an answer sheet.
    found = nominate(trained, mine, n=40, policy="random", candidates=12)
    with open_store(mine) as store:
        data = store.datasets.load()
        stored = store.cases.load(found.nomination)
        assert verify(store)[1] == []
    assert len(stored) == 40
    for case in stored:
        train = data.history(case.user_ix, (Part.TRAIN,)).tolist()
        assert train[-1] == case.target_ix
        assert train[:-1][-12:] == list(case.history)
        assert len(case.candidates) == 12
        assert not set(case.candidates) & set(train[:-1])


def test_candidates_are_the_teachers_list_in_its_order(mine: Path, trained: Path) -> None:
    found = nominate(trained, mine, n=5, policy="hardest", candidates=10)
    model, _ = load_model(trained)
    for case in found.cases:
        history = torch.tensor([case.history]) + 1
        scores = model.score(model(history).interests)[0]
        scores[list(case.history)] = -torch.inf
        with open_store(mine) as store:
            before = store.datasets.load().history(case.user_ix, (Part.TRAIN,))[:-1]
        scores[before.tolist()] = -torch.inf
        assert scores.topk(10).indices.tolist() == list(case.candidates)


def test_what_nobody_has_in_training_is_no_candidate(
    mine: Path, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # profiler reflect refused all cases of a nomination in which such an item was a candidate.
    every = [case.candidates for case in nominate(trained, mine, n=5, policy="hardest").cases]
    cold = {one for case in every for one in case[::2]}
    counts = Dataset.training_counts
    monkeypatch.setattr(
        Dataset,
        "training_counts",
        lambda self: np.where(np.isin(np.arange(self.n_items), list(cold)), 0, counts(self)),
    )
    found = nominate(trained, mine, n=5, policy="hardest", seed=1, candidates=20)
    for before, case in zip(every, found.cases, strict=True):
        assert len(case.candidates) == 20
        left = [one for one in before if one not in cold]
        assert list(case.candidates[: len(left)]) == left[:20]


def test_the_same_choice_is_the_same_nomination(mine: Path, trained: Path) -> None:
    first = nominate(trained, mine, n=15, seed=4)
    again = nominate(trained, mine, n=15, seed=4)
    other = nominate(trained, mine, n=15, seed=5)
    assert (again.nomination, again.cases) == (first.nomination, first.cases)
    assert other.nomination != first.nomination
    assert first.reached == sum(case.target_ix in case.candidates for case in first.cases)


def test_the_teachers_lists_are_shown_on_cases_of_their_own(mine: Path, trained: Path) -> None:
    nominate(trained, mine, n=5, policy="hardest", candidates=20)
    nominate(trained, mine, n=5, policy="easiest", candidates=20)
    with open_store(mine) as store:
        shown = [n for n in store.cases.nominations(examples=True) if n.policy == EXAMPLES]
        assert [(n.cases, n.seed) for n in shown] == [(20, 0)]


def test_a_dry_run_writes_nothing(mine: Path, trained: Path) -> None:
    found = nominate(trained, mine, n=15, dry_run=True)
    assert (found.nomination, len(found.cases)) == (None, 15)
    with open_store(mine) as store:
        assert store.cases.nominations(examples=True) == []


def test_difficulty_is_minus_the_mean_sigmoid_of_the_best_interest(
    mine: Path, trained: Path
) -> None:
    model, _ = load_model(trained)
    history = np.array([3, 8, 1], dtype=np.int32)
    with torch.inference_mode():
        interests = model(torch.tensor([[4, 9, 2]])).interests[0].double()
        table = model.item_embeddings().double()
        expected = -np.mean(
            [float((interests @ table[number]).max().sigmoid()) for number in (4, 9, 2)]
        )
    assert difficulty(model, [history])[0] == pytest.approx(expected)


def test_blocks_change_nothing(mine: Path, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, _ = load_model(trained)
    with open_store(mine) as store:
        pool = training_cases(store.datasets.load())
    everything = np.ones(model.n_items, dtype=bool)
    whole = difficulty(model, pool.histories), best_items(model, pool.histories, 7, everything)
    monkeypatch.setattr("recommender.distilling.teacher.BLOCK", 3)
    parts = difficulty(model, pool.histories), best_items(model, pool.histories, 7, everything)
    assert np.allclose(whole[0], parts[0])
    assert whole[1] == parts[1]


def test_a_repeat_is_no_case(mine: Path) -> None:
    with open_store(mine) as store:
        data = store.datasets.load()
    pool = training_cases(data)
    assert all(
        target not in history for history, target in zip(pool.histories, pool.targets, strict=True)
    )
    assert min(len(history) for history in pool.histories) >= 2


def test_the_teacher_is_known_by_its_weights(trained: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(trained, tmp_path / "another name")
    assert weights_digest(copy) == weights_digest(trained)
    with (copy / "model.safetensors").open("ab") as weights:
        weights.write(b"\0")
    assert weights_digest(copy) != weights_digest(trained)


def test_a_teacher_of_another_split_is_refused(shop_maker, trained: Path, tmp_path: Path) -> None:
    # It may have been trained on the items that this split hides; its lists would tell them.
    other = shop_maker(tmp_path / "other", "users-811", words=False)
    with pytest.raises(LeakageError):
        nominate(trained, other, n=5)


def test_too_few_are_refused(mine: Path, trained: Path) -> None:
    with pytest.raises(UserError, match="n is 0"):
        nominate(trained, mine, n=0)
    with pytest.raises(UserError, match="candidates is 1"):
        nominate(trained, mine, candidates=1)


def test_what_is_stored_fails_as_a_whole(
    mine: Path, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **more: object) -> None:
        raise RuntimeError("disk full")

    with open_store(mine) as store:
        real = store.cases.save
        calls = []

        def second_fails(*args: object, **more: object) -> int:
            calls.append(args)
            return real(*args, **more) if len(calls) == 1 else broken()

        monkeypatch.setattr(store.cases, "save", second_fails)
        with pytest.raises(RuntimeError):
            nominating.nominate(trained, store, n=3)
        assert store.cases.nominations(examples=True) == []


def test_the_command(mine: Path, trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["nominate", str(trained), "--store", str(mine), "-n", "12", "--policy", "equaliser"]
    more = ["--mu", "1", "--answers", "2:5:3", "--candidates", "15"]
    assert cli.run(cli.recommender_app, "recommender", [*words, *more, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["cases"] == 12
    assert document["candidates"] == 15
    assert document["nomination"] == 2
    with open_store(mine) as store:
        data = store.datasets.load()
        first = store.cases.load(2)[0]
    named = document["chosen"][0]
    assert named["case"] == first.name
    assert named["user_id"] == data.user_ids[first.user_ix]
    assert named["candidates"] == [data.item_ids[item] for item in first.candidates]
    assert document["difficulty quartiles"]["drawn"] != document["difficulty quartiles"]["all"]

    assert cli.run(cli.recommender_app, "recommender", [*words, "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("not stored: 12 of ")
    assert "the target is among the teacher's first 50" in said


@pytest.mark.parametrize("text", ["1:5", "a:b:c", "1:2:3:4", ""])
def test_proportions_are_three_numbers(text: str) -> None:
    with pytest.raises(UserError, match="three numbers"):
        proportions(text)


def test_proportions_that_only_mislead_are_refused_by_the_command(
    mine: Path, trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["nominate", str(trained), "--store", str(mine), "--answers", "0:1:9"]
    assert cli.run(cli.recommender_app, "recommender", words) == 2
    assert "mislead more than they help" in capsys.readouterr().err
