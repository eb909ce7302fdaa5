"""Whom to ask again: who drifted farthest, as far as the money goes, and nothing is lost meanwhile.

Faults behind these tests: an exemplar that took to other things kept the interests of years ago for
ever; one that waited to be asked again was dropped, with its paid interests, by the next choice.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

import profiler
from profiler.growth.drift import drift_of, drifted_exemplars
from profiler.growth.refresh import RefreshOptions, ask_again, choose_refresh
from profiler.llm.prices import Prices
from prompts import load_template
from store.errors import UserError
from store.store import Store, open_store
from store.upkeep.verify import verify
from tests.asking_store import chat, fast, prices
from tests.profiler.growth.conftest import Parts

OFFLINE: Any = SimpleNamespace(name="offline", base_url=None)


@pytest.fixture(scope="module")
def grown(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store after the later part, with nobody asked again."""
    path = Path(shutil.copy(parts.store, tmp_path_factory.mktemp("grown") / "grown.db"))
    profiler.append(parts.later, path, progress=False)
    return path


@pytest.fixture
def store(grown: Path, tmp_path: Path) -> Store:
    return open_store(shutil.copy(grown, tmp_path / "shop.db"))


def test_drift_is_of_the_person_and_not_of_the_order_or_the_crowd() -> None:
    vectors = np.eye(4, dtype=np.float32)
    before = (np.array([0, 2, 4, 4]), np.array([0, 1, 2, 3]))
    after = (np.array([0, 2, 4, 5]), np.array([1, 0, 0, 1, 3]))
    drift = drift_of(before, after, vectors)
    assert drift[0] == pytest.approx(0, abs=1e-6)  # the same items
    assert drift[1] == pytest.approx(2, abs=1e-6)  # the opposite half of the catalogue
    assert drift[2] == 0  # nothing was known before


def test_who_drifted_is_asked_again_and_is_up_to_date_then(store: Store, parts: Parts) -> None:
    dataset, vectors = store.datasets.load(), store.vectors.items()
    drifted = drifted_exemplars(store, dataset, vectors, 0.02)
    assert drifted
    assert [one.drift for one in drifted] == sorted((one.drift for one in drifted), reverse=True)
    before = dict(
        zip(store.interests.catalogue().ids, store.interests.catalogue().labels, strict=True)
    )
    options = RefreshOptions(drift=0.02, usd=0)  # the extractor costs nothing
    report = profiler.append(parts.later, store, refresh=options, progress=False)
    assert report.asking.pending == 0
    assert drifted_exemplars(store, dataset, vectors, 0.02) == []
    assert verify(store)[1] == []
    found = store.interests.catalogue()
    after = dict(zip(found.ids, found.labels, strict=True))
    stayed = before.keys() & after.keys()
    assert {ix: before[ix] for ix in stayed} == {ix: after[ix] for ix in stayed}
    assert len(before) > len(stayed) > 0  # some answers stay, and some do not


def test_as_many_are_asked_again_as_the_sum_pays_for(store: Store) -> None:
    dataset = store.datasets.load()
    drifted = drifted_exemplars(store, dataset, store.vectors.items(), 0.0)
    template = load_template("exemplar_interests")
    port = chat("http://127.0.0.1:9")
    options = fast(prices=prices())

    def chosen(usd: float) -> tuple[list[bool], float | None]:
        found = choose_refresh(store, dataset, drifted, port, template, options, usd)
        return [one.again for one in found.drifted], found.usd

    everyone, cost = chosen(1e9)
    assert all(everyone)
    assert cost is not None
    half, half_cost = chosen(cost / 2)
    assert half == sorted(half, reverse=True)  # the farthest first
    assert 0 < sum(half) < len(everyone)
    assert half_cost is not None
    assert half_cost <= cost / 2
    assert chosen(0.0) == ([False] * len(drifted), None)


def test_who_waits_to_be_asked_again_keeps_its_place_and_its_interests(
    store: Store, parts: Parts
) -> None:
    dataset = store.datasets.load()
    drifted = drifted_exemplars(store, dataset, store.vectors.items(), 0.0)
    again = choose_refresh(
        store,
        dataset,
        drifted,
        OFFLINE,
        load_template("exemplar_interests"),
        fast(prices=prices()),
        0.0,
    )
    ask_again(store, dataset, again.drifted)
    waiting = {one.name for one in store.subjects.load(states=("pending",))}
    assert len(waiting) == len(drifted)
    held = len(store.interests.catalogue().ids)
    more = pl.DataFrame({"user_id": ["U01"], "item_id": ["P001"], "timestamp": [1_900_000_000]})
    profiler.append(more, store, dry_run=True, progress=False)
    assert waiting <= {one.name for one in store.subjects.load(kinds=("exemplar",))}
    assert len(store.interests.catalogue().ids) == held


def test_a_model_without_a_price_and_senseless_options_are_refused(store: Store) -> None:
    dataset = store.datasets.load()
    drifted = drifted_exemplars(store, dataset, store.vectors.items(), 0.0)
    template = load_template("exemplar_interests")
    unpriced: Any = SimpleNamespace(name="openai:unheard-of", base_url=None)
    with pytest.raises(UserError, match="is unknown; name it in a price table"):
        choose_refresh(
            store,
            dataset,
            drifted,
            unpriced,
            template,
            fast(prices=Prices({}, {})),
            1.0,
        )
    for wrong in ({"drift": -1.0}, {"drift": 3.0}, {"usd": -5.0}, {"usd": float("nan")}):
        with pytest.raises(UserError):
            RefreshOptions(**wrong)
