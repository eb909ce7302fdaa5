"""Specificity, attribute prediction and steerability, each against its shuffled control."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from profiler.quality.attributes import attribute_prediction
from profiler.quality.predictive import others
from profiler.quality.specificity import SHOWN, specificity
from profiler.quality.steering import steerability
from store.store import open_store
from tests.profiler.quality.planted import planted_store


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return planted_store(tmp_path_factory.mktemp("planted") / "s.db")


def mean(values: list[float | None]) -> float:
    return float(np.mean([value for value in values if value is not None]))


def test_evidence_stands_out_by_its_own_words_and_not_by_others(planted: Path) -> None:
    with open_store(planted) as store:
        found = specificity(store)
        assert specificity(store) == found
    assert mean(found["found"]) > 0.5
    assert mean(found["shuffled"]) < 0.2
    assert 1 / SHOWN <= mean(found["chance"]) <= 3 / SHOWN


def test_interests_tell_the_next_category_and_brand(planted: Path) -> None:
    with open_store(planted) as store:
        found = attribute_prediction(store)
    assert found is not None
    for name in ("category", "brand"):
        assert mean(found[name]) > 0.9
        assert mean(found[name]) > mean(found[f"{name} shuffled"]) + 0.2
        assert mean(found[f"{name} minus shuffled"]) == pytest.approx(
            mean(found[name]) - mean(found[f"{name} shuffled"])
        )


def test_a_category_of_most_items_is_not_predicted(planted: Path, tmp_path: Path) -> None:
    with sqlite3.connect(planted) as connection:
        connection.execute("VACUUM INTO ?", (str(tmp_path / "copy.db"),))
    with open_store(tmp_path / "copy.db") as store:
        with store.write() as connection:
            connection.exec_driver_sql("UPDATE items SET categories = '[\"All\"]', extra = '{}'")
        assert attribute_prediction(store) is None


def test_dropping_an_interest_moves_the_list_away_from_it(planted: Path) -> None:
    with open_store(planted) as store:
        found = steerability(store)
    assert len(found["dropped"]) > 0
    assert mean(found["dropped"]) > mean(found["shuffled"]) + 0.1


def test_the_shuffled_control_never_gives_a_user_back_to_itself() -> None:
    csr = (np.array([0, 2, 2, 3, 5]), np.arange(5))
    owner = others(csr, 0)
    assert owner[1] == 1
    assert all(owner[user] != user for user in (0, 2, 3))
