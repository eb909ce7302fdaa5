"""Choosers of hints: what they learn from a planted table, and how they are kept on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recommender.choices import ChooserMethod
from recommender.hints import learn
from recommender.hints.bandits import learn as learn_bandit
from recommender.hints.chooser import Chooser, Facts, KeptHint, load_chooser, save_chooser
from recommender.hints.features import Features
from recommender.hints.learn import Learning, learn_chooser, measured
from recommender.hints.table import TrialTable, load_table
from store.errors import UserError
from store.store import open_store
from store.tables.tasks.hints import Hint
from tests.hint_trials import write_trials

HINTS = tuple(Hint("ranking", f"Hint {n}", "active", "openai:m", hint_id=n) for n in (4, 7, 9))


def planted(n: int = 120, noise: float = 0.1, seed: int = 0) -> TrialTable:
    """Two kinds of cases: the first gain by hint 4, the others by hint 7; hint 9 always harms."""
    rng = np.random.default_rng(seed)
    kind = np.arange(n) % 2
    contexts = np.eye(8)[kind * 3] + 0.1 * rng.normal(size=(n, 8))
    gains = np.zeros((n, 4))
    gains[:, 1], gains[:, 2], gains[:, 3] = 0.5 - kind * 0.8, kind * 0.8 - 0.3, -0.4
    gains[:, 1:] += noise * rng.normal(size=(n, 3))
    names = tuple(f"case:{place}" for place in range(n))
    return TrialTable("openai:m", HINTS, names, contexts.astype(np.float32), np.full(n, 0.3), gains)


@pytest.mark.parametrize("method", ["linucb", "thompson", "ppo"])
def test_a_chooser_finds_which_hint_helps_whom(method: ChooserMethod) -> None:
    table = planted()
    how = Learning(method, steps=3_000)
    features = Features.fit(table.contexts)
    layers = learn._learned(features.of(table.contexts), table.gains, how, 0)
    chosen = Chooser(facts(method), features, layers).choices(planted(seed=1).contexts)
    right = np.where(np.arange(120) % 2 == 0, 1, 2)
    assert (chosen == right).mean() > 0.95


def test_where_nothing_helps_no_hint_is_given() -> None:
    # The largest of many noisy estimates is mostly the luckiest.
    table = planted(noise=0.4)
    table.gains[:, 1:] -= table.gains[:, 1:].mean(0)
    rng = np.random.default_rng(3)
    table.gains[:, 1:] = 0.4 * rng.normal(size=(120, 3)) - 0.05
    figures = measured(table, Learning())
    assert abs(figures["chosen"]["gain"]) < 0.06
    assert figures["share with a hint"] < 0.4
    assert figures["best choice of each case"] > 0.2


def test_figures_are_of_cases_that_were_not_learned_from() -> None:
    figures = measured(planted(), Learning())
    assert figures["chosen"]["gain"] == pytest.approx(0.5, abs=0.05)
    assert figures["one hint"]["gain"] < 0.2
    assert figures["chosen minus one hint"]["gain"] > 0.3
    assert figures["random hint"]["gain"] < 0
    noise = planted(n=60, noise=0.0)
    shuffled = np.random.default_rng(5).permutation(60)
    noise.contexts[:] = noise.contexts[shuffled]  # contexts of other cases: nothing to learn
    assert measured(noise, Learning())["chosen minus one hint"]["gain"] < 0.15


def test_a_list_without_an_answer_is_never_chosen_while_learning() -> None:
    table = planted()
    table.gains[:, 1] = np.nan
    features = Features.fit(table.contexts)
    weights, covariances = learn_bandit(features.of(table.contexts), table.gains)
    assert not weights[1].any()
    assert np.isfinite(covariances).all()


def facts(method: ChooserMethod = "linucb") -> Facts:
    kept = [KeptHint(hint_id=one.hint_id, text=one.text) for one in HINTS]
    return Facts(method=method, source="openai:m", encoder="test", hints=kept, cases=120)


@pytest.mark.parametrize("method", ["linucb", "ppo"])
def test_a_chooser_is_the_same_once_it_is_read_again(method: ChooserMethod, tmp_path: Path) -> None:
    table = planted()
    features = Features.fit(table.contexts)
    layers = learn._learned(
        features.of(table.contexts), table.gains, Learning(method, steps=320), 0
    )
    save_chooser(tmp_path, Chooser(facts(method), features, layers))
    again = load_chooser(tmp_path)
    assert again.facts == facts(method)
    before = Chooser(facts(method), features, layers).choices(table.contexts)
    assert (again.choices(table.contexts) == before).all()
    hint = again.hint_for(table.contexts[0])
    assert hint is None or hint.hint_id in {4, 7, 9}


def test_what_is_no_chooser_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="recommender hints train"):
        load_chooser(tmp_path)
    (tmp_path / "hints.safetensors").write_bytes(b"\x00" * 40)
    with pytest.raises(UserError, match="cannot be read"):
        load_chooser(tmp_path)
    features = Features(np.zeros(8, np.float32), np.zeros((8, 2), np.float32))
    for layers in (
        (np.zeros((4, 5)), np.zeros((4, 3, 3))),
        (np.zeros((3, 3)), np.zeros((3, 3, 3))),
        (np.full((4, 3), np.nan), np.zeros((4, 3, 3))),
        (np.zeros((4, 3)),),
    ):
        save_chooser(tmp_path, Chooser(facts(), features, layers))
        with pytest.raises(UserError, match="cannot be read"):
            load_chooser(tmp_path)


def test_it_learns_from_the_stored_trials_of_one_model(
    shop: Path, tmp_path: Path, trained: Path
) -> None:
    import shutil

    path = tmp_path / "s.db"
    shutil.copy(shop, path)
    model = tmp_path / "model"
    shutil.copytree(trained, model)
    with open_store(path) as store:
        with pytest.raises(UserError, match="profiler reflect"):
            load_table(store)
        write_trials(store, "offline", cases=4)
        hint = write_trials(store, "openai:m", cases=12)
        assert load_table(store).source == "openai:m"
        table = load_table(store)
        assert table.gains.shape == (12, 2)
        assert table.gains[0].tolist() == pytest.approx([0.0, 0.5])
        with pytest.raises(UserError, match="there are those of offline, openai:m"):
            load_table(store, "openai:x")
        chooser = learn_chooser(model, store)
        assert load_chooser(model).facts == chooser.facts
        assert chooser.facts.figures["chosen"]["gain"] == pytest.approx(0.5, abs=0.1)
        with store.write() as connection:  # an edited hint is another one until it is tried
            connection.exec_driver_sql("UPDATE hints SET text = 'Other' WHERE hint_id = ?", (hint,))
        assert np.isnan(load_table(store, "openai:m").gains[:, 1]).all()
        with pytest.raises(UserError, match="fewer than 10"):
            learn_chooser(model, store, Learning(source="offline"))
