"""A sum of money in place of a share of exemplars."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import profiler
from profiler.asking.options import AskingOptions
from profiler.config import BuildConfig
from profiler.llm.prices import load_prices
from profiler.selection.affordable import DollarLimit
from store.data.sample import write_sample
from store.errors import UserError
from store.store import open_store

MODEL = "openai:some-model"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "shop"
    write_sample(folder, users=150)
    return folder


@pytest.fixture
def llm(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    return profiler.open_chat(MODEL, base_url="http://models.example.org/v1")


@pytest.fixture
def at(tmp_path: Path) -> Any:
    """Asking at a price, in dollars per million tokens; without one it is unknown."""

    def options(**price: float) -> AskingOptions:
        table = tmp_path / "prices.yaml"
        models = {MODEL: price} if price else {}
        table.write_text(json.dumps({"as_of": "2026-11-01", "models": models}))
        return AskingOptions(prices=load_prices(table))

    return options


def planned(shop: Path, store: Path, llm: Any, usd: float, asking: AskingOptions) -> Any:
    config = BuildConfig(exemplars_usd=usd, synthetic_users=0)
    return profiler.build(shop, store, config=config, llm=llm, asking=asking, dry_run=True)


@pytest.mark.parametrize("usd", [0.01, 0.03])
def test_the_forecast_stays_within_the_sum_and_uses_most_of_it(shop, tmp_path, llm, at, usd):
    report = planned(shop, tmp_path / "a.db", llm, usd, at(input=1.0, output=2.0))
    expected = report.forecast["exemplar"].usd.expected
    assert 0.7 * usd <= expected <= usd
    assert f"is expected to cost ${expected:.4f} of ${usd:g}" in " ".join(report.chosen.notes)


def test_more_money_asks_more_and_the_choice_is_kept(shop, tmp_path, llm, at):
    asking = at(input=1.0, output=2.0)
    little = planned(shop, tmp_path / "a.db", llm, 0.01, asking)
    again = planned(shop, tmp_path / "a.db", llm, 0.01, asking)
    much = planned(shop, tmp_path / "a.db", llm, 0.04, asking)
    assert (little.chosen.anew, again.chosen.anew, much.chosen.anew) == (True, False, True)
    assert little.chosen.exemplars == again.chosen.exemplars < much.chosen.exemplars


def test_money_for_all_asks_all(shop, tmp_path, llm, at):
    report = planned(shop, tmp_path / "a.db", llm, 100.0, at(input=1.0, output=2.0))
    assert report.chosen.exemplars == 150


def test_an_unknown_price_is_refused(shop, tmp_path, llm, at):
    with pytest.raises(UserError, match=r"price of openai:some-model is unknown.*--prices"):
        planned(shop, tmp_path / "a.db", llm, 1.0, at())
    with open_store(tmp_path / "a.db") as store:
        assert not store.subjects.load()


def test_a_model_that_costs_nothing_is_refused(shop, tmp_path, llm, at):
    with pytest.raises(UserError, match="costs nothing by the price table"):
        planned(shop, tmp_path / "a.db", llm, 1.0, at(input=0, output=0))


def test_without_a_model_it_is_refused(shop, tmp_path, at):
    with pytest.raises(UserError, match="--exemplars-usd needs --llm"):
        planned(shop, tmp_path / "a.db", None, 1.0, at())


def test_a_sum_below_one_call_is_refused(shop, tmp_path, llm, at):
    with pytest.raises(UserError, match=r"\$1e-05 does not pay for one exemplar"):
        planned(shop, tmp_path / "a.db", llm, 0.00001, at(input=1.0, output=2.0))


@pytest.mark.parametrize("other", [{"exemplars": 5}, {"preference": -2.0}])
def test_only_one_way_to_choose_is_taken(other):
    with pytest.raises(UserError, match="--exemplars-usd"):
        BuildConfig.checked(exemplars_usd=1.0, **other)


def test_a_sum_left_out_keeps_the_digest_of_earlier_choices():
    assert "exemplars_usd" not in BuildConfig().choice()
    assert BuildConfig(exemplars_usd=2.0).choice()["exemplars_usd"] == 2.0


def test_fewer_are_chosen_until_the_sum_is_kept():
    limit = DollarLimit(1.0, lambda items: 0.1 * len(items))
    assert limit.first_count([np.arange(3)] * 50) == 10
    assert limit.fewer(10, 2.0) == 5
    assert limit.fewer(10, 1.01) == 9
    assert limit.fewer(10, 1.0) is None
