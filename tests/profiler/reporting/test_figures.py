"""Figures the page speaks of, each recomputed by SQL or by hand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from profiler.reporting.checks.facts import (
    Closeness,
    Coverage,
    HiddenFit,
    Pair,
    closeness,
    coverage,
    hidden_fit,
    surprising_pairs,
)
from profiler.reporting.checks.measuring import Measured, measure
from profiler.reporting.checks.model_scores import ModelScore, read_score
from profiler.reporting.checks.run_checks import run_checks
from profiler.reporting.checks.verdict import how_sure, limits, verdict
from profiler.reporting.findings import lower
from profiler.reporting.gather import Options, gather
from profiler.reporting.map.atlas import Atlas, draw_atlas
from profiler.reporting.map.own_items import times_of_groups
from profiler.reporting.shared.contract import Check, Report
from profiler.reporting.shared.vocabulary import VOCABULARIES, vocabulary
from store.errors import UserError
from store.store import Store, open_store
from tests.report_store import DAY, START, fill

WORDS = VOCABULARIES["product"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return open_store(fill(tmp_path_factory.mktemp("figures") / "s.db"))


@pytest.fixture(scope="module")
def atlas(store: Store) -> Atlas:
    return draw_atlas(store, most=None)


@pytest.fixture(scope="module")
def report(store: Store) -> Report:
    return gather(store, Options(title="Things"))


def one(store: Store, query: str) -> Any:
    with store.read() as connection:
        return connection.exec_driver_sql(query).scalar_one()


# The figures by SQL alone. A test may build no query, so each stands here whole.
LARGEST = """
SELECT max(n) FROM (SELECT count(DISTINCT a.user_ix) AS n FROM assignments a
JOIN interests i USING (interest_id) GROUP BY coalesce(i.canonical_id, i.interest_id))"""
HALF = """
SELECT count(*) FROM (SELECT x.user_ix, avg(EXISTS (SELECT 1 FROM assignment_items t
WHERE t.user_ix = x.user_ix AND t.item_ix = x.item_ix)) AS share
FROM (SELECT DISTINCT user_ix, item_ix FROM interactions WHERE part = 0) x GROUP BY x.user_ix)
WHERE share < 0.5"""
NEAR = "SELECT count(*) FROM memberships WHERE similarity >= 0.7"
HIDDEN = "SELECT count(*) FROM interactions WHERE part >= 2"
PAIRS = "SELECT count(*) FROM interests"


def test_coverage_and_closeness_by_sql(store: Store, atlas: Atlas) -> None:
    found = coverage(store.datasets.load(), atlas.own)
    assert found.users == one(store, "SELECT count(DISTINCT user_ix) FROM interactions")
    assert found.below_half == one(store, HALF)
    assert sum(found.histogram) == found.users
    assert closeness(store).close == one(store, NEAR)


def test_every_figure_in_the_findings_by_sql(store: Store, report: Report) -> None:
    said = ["".join(phrase.text for phrase in sentence) for sentence in report.findings]
    largest, people = one(store, LARGEST), one(store, "SELECT count(*) FROM users")
    assert f": {largest:,} of {people:,} ({100 * largest / people:.0f}%)" in said[0]
    assert next(p.interest for p in report.findings[0] if p.interest is not None) == 0
    covered = next(text for text in said if text.startswith("Of "))
    assert covered.startswith(f"Of {one(store, HIDDEN):,} purchases that nobody was shown, ")
    assert "a trained model, so nothing is recommended" in said[-1]
    assert report.largest == [0, 1, 2, 3, 4]
    own = report.interests.own
    assert own[:5] == sorted(own, reverse=True)[:5]


def test_hidden_events_fit_their_owner_more_than_somebody_else(store: Store, atlas: Atlas) -> None:
    # Made by coverage that was measured on what the interests were made from.
    items = store.vectors.items()
    found = hidden_fit(store.datasets.load(), atlas.groups, items)
    assert found is not None
    assert found.events == one(store, HIDDEN)
    assert found.fit > found.others
    assert found.low <= found.fit - found.others <= found.high
    assert found == hidden_fit(store.datasets.load(), atlas.groups, items)


def test_without_hidden_events_nothing_is_claimed_of_them(tmp_path: Path) -> None:
    with open_store(fill(tmp_path / "n.db", split="none")) as opened:
        report = gather(opened, Options())
    said = " ".join(phrase.text for sentence in report.findings for phrase in sentence)
    assert "nothing was hidden to test them on" in said
    assert "hidden purchases to test the interests on" in said
    by_id = {check.id: check for check in report.checks}
    assert by_id["predict"].state == "unknown"
    assert "hidden" not in by_id


def test_pairs_that_chance_would_not_bring_together(store: Store, atlas: Atlas) -> None:
    dataset = store.datasets.load()
    assert surprising_pairs(dataset, atlas.themes, atlas.spots) == []  # 60 people are too few
    users = [np.arange(0, 2000, 2), np.arange(0, 2000, 2), np.arange(0, 2000, 3)]
    many = _many(users)
    found = surprising_pairs(many[0], many[1], np.array([[0.0, 0], [500, 0], [900, 0]]))
    assert [(pair.a, pair.b) for pair in found] == [(1, 0)]
    assert found[0].together == 1000
    assert found[0].lift == pytest.approx(2.0, rel=0.05)


def _many(users: list[np.ndarray]) -> tuple[Any, Any]:
    from types import SimpleNamespace

    parts = SimpleNamespace(names=["a", "b", "c"], users=users)
    themes = SimpleNamespace(parts=parts, theme_of_part=np.array([0, 1, 2]))
    lengths = np.arange(2001) * 4
    return SimpleNamespace(n_users=2000, visible=lambda: (lengths, None)), themes


def test_interests_carry_when_they_were_shown_first_and_last(store: Store, atlas: Atlas) -> None:
    dataset = store.datasets.load()
    first, last = times_of_groups(dataset, atlas.own, atlas.groups.ids)
    own = atlas.own
    group = int(atlas.groups.ids[0])
    stamps = [
        int(stamp)
        for user, item in zip(
            own.users[own.groups == group], own.items[own.groups == group], strict=True
        )
        for stamp, x, part in zip(
            dataset.timestamps[dataset.indptr[user] : dataset.indptr[user + 1]],
            dataset.items[dataset.indptr[user] : dataset.indptr[user + 1]],
            dataset.parts[dataset.indptr[user] : dataset.indptr[user + 1]],
            strict=True,
        )
        if x == item and part == 0
    ]
    assert (first[0], last[0]) == (min(stamps), max(stamps))
    assert START <= first[0] < last[0] < START + 2_000 * DAY


# --- checks and verdict --------------------------------------------------------------------------
def check(state: str, id_: str = "x") -> Check:
    return Check(id=id_, name=id_, state=state, sentence="", rule="", kind="none")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("states", "wanted"),
    [
        (["good", "good"], "good"),
        (["good", "watch", "watch"], "good"),
        (["good", "watch", "watch", "watch"], "watch"),
        (["good", "weak"], "watch"),
        (["good", "weak", "weak", "weak"], "weak"),
        (["weak"], "weak"),  # the first is whether interests are grounded
        (["unknown"], "unknown"),
    ],
)
def test_the_verdict_follows_its_rule(states: list[str], wanted: str) -> None:
    checks = [check(state, "grounded" if n == 0 else f"c{n}") for n, state in enumerate(states)]
    assert verdict(checks).state == wanted


def test_not_measured_never_counts_as_passed() -> None:
    found = verdict([check("good", "grounded"), check("unknown"), check("unknown")])
    assert found.rest == "1 of 1 checks pass"


def measured(**changes: Any) -> Measured:
    base: dict[str, Any] = {
        "people": 100,
        "items": 500,
        "interests": 40,
        "written": 50,
        "grounded": 1.0,
        "distinct": 0.3,
        "coverage": Coverage(100, 0.9, 5, 0, [0] * 9 + [100]),
        "hidden": HiddenFit(200, 100, 0.5, 0.2, 0.25, 0.35),
        "closeness": Closeness(100, 95),
        "ranked": None,
        "k": 50,
        "score": None,
        "model": False,
    }
    return Measured(**(base | changes))


@pytest.mark.parametrize(
    ("changes", "id_", "state"),
    [
        ({"grounded": 0.95}, "grounded", "watch"),
        ({"grounded": 0.5}, "grounded", "weak"),
        ({"distinct": 0.7}, "distinct", "weak"),
        ({"closeness": Closeness(100, 60)}, "near", "weak"),
        ({"hidden": HiddenFit(9, 5, 0.3, 0.2, 0.02, 0.2)}, "hidden", "watch"),
        ({"hidden": HiddenFit(9, 5, 0.3, 0.2, -0.02, 0.2)}, "hidden", "weak"),
        ({"written": 400}, "repetition", "weak"),
        ({"coverage": Coverage(9, 0.5, 5, 0, [0] * 10)}, "coverage", "weak"),
        ({"model": True}, "recommendations", "unknown"),
    ],
)
def test_states_follow_their_rules(changes: dict[str, Any], id_: str, state: str) -> None:
    found = {check.id: check.state for check in run_checks(measured(**changes), WORDS)}
    assert found[id_] == state


def ranked(ours: list[float], popular: list[float], mean: list[float]) -> dict[str, list[float]]:
    return {
        "catalogue": ours,
        "exemplar": ours,
        "catalogue_shuffled": popular,
        "popularity": popular,
        "history_mean": mean,
        "catalogue minus popularity": [a - b for a, b in zip(ours, popular, strict=True)],
        "catalogue minus history_mean": [a - b for a, b in zip(ours, mean, strict=True)],
    }


def test_hidden_events_come_first_and_are_judged_against_what_everybody_takes() -> None:
    hits, misses = [1.0] * 90 + [0.0] * 10, [0.0] * 100
    for rows, state, words in (
        (ranked(hits, misses, misses), "good", "and better than the average"),
        (ranked(hits, misses, hits), "good", "but no better than the average"),
        (ranked(hits, misses, [1.0] * 100), "watch", "but worse than the average"),
        (ranked(misses, misses, misses), "weak", "do not clearly point"),
    ):
        found = run_checks(measured(ranked=rows), WORDS)
        assert (found[0].id, found[0].state) == ("predict", state)
        assert words in found[0].sentence


def test_no_interests_no_checks() -> None:
    assert run_checks(measured(interests=0), WORDS) == []


def test_how_good_a_model_is_and_how_sure_that_is() -> None:
    score = ModelScore("sasrec", "recall", 20, 0.2, 0.02, 0.1, 0.01, 100, 500, False, True)
    found = run_checks(measured(model=True, score=score), WORDS)
    recommended = next(check for check in found if check.id == "recommendations")
    assert recommended.state == "good"
    assert (recommended.bars[0].low, recommended.bars[0].high) == pytest.approx((0.18, 0.22))
    assert how_sure(score, WORDS) == (
        "A hidden purchase is among the first 20 for 20.0 ± 2.0% of shoppers; best-sellers for "
        "everybody: 10%."
    )
    close = ModelScore("sasrec", "recall", 20, 0.11, 0.02, 0.1, 0.0, 100, 500, True, True)
    found = run_checks(measured(model=True, score=close), WORDS)
    recommended = next(check for check in found if check.id == "recommendations")
    assert recommended.state == "watch"
    assert "trained on other data" in recommended.sentence


def test_figures_of_a_model_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"manifest\.json is missing"):
        read_score(tmp_path, None)
    (tmp_path / "manifest.json").write_text(
        '{"backbone": "remi", "dataset_digest": "d", "metrics": {"valid": {"recall@20": 0.25}}}'
    )
    card = read_score(tmp_path, "other")
    assert card is not None
    assert (card.value, card.margin, card.other_data, card.measured) == (0.25, None, True, False)
    (tmp_path / "evaluation.json").write_text(
        '{"protocol": {"users": 9, "items": 7}, "popularity": {"recall@20": 0.0625}, '
        '"metrics": {"recall@20": {"mean": 0.5, "margin95": 0.125}}}'
    )
    score = read_score(tmp_path, "d")
    assert score is not None
    assert (score.value, score.margin, score.popularity) == (0.5, 0.125, 0.0625)
    assert (score.users, score.candidates, score.other_data) == (9, 7, False)
    (tmp_path / "evaluation.json").write_text("[]")
    with pytest.raises(UserError, match="not a JSON object"):
        read_score(tmp_path, "d")


def test_measures_are_the_stores_own(store: Store, atlas: Atlas) -> None:
    found = measure(store, store.datasets.load(), atlas)
    assert (found.grounded, found.written) == (1.0, one(store, PAIRS))
    assert found.ranked is not None
    assert len(found.ranked["popularity"]) == found.people


# --- words ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("source", "categories", "wanted"),
    [
        ("/data/ml-latest-small", None, "film"),
        ("frames", ["Comedy", "Drama", "Comedy"], "film"),
        ("C:\\data\\amazon-office\\", None, "product"),
        ("lastfm.tsv", None, "song"),
        ("goodreads", None, "book"),
        ("log.csv", ["Pens"], "item"),
    ],
)
def test_words_are_those_of_the_store(
    source: str, categories: list[str] | None, wanted: str
) -> None:
    # Made by a page on films that spoke of shoppers and purchases.
    assert vocabulary(None, source, categories) == wanted
    assert vocabulary("song", source, categories) == "song"
    with pytest.raises(UserError, match="things 'toy'"):
        vocabulary("toy")


@pytest.mark.parametrize("things", sorted(VOCABULARIES))
def test_every_sentence_speaks_the_stores_language(store: Store, things: str) -> None:
    report = gather(store, Options(things=things, people=0))
    own = set(re.findall(r"\w+", " ".join(VOCABULARIES[things].to_json().values())))
    others = set().union(
        *(re.findall(r"\w+", " ".join(v.to_json().values())) for v in VOCABULARIES.values())
    )
    said = " ".join(
        [p.text for sentence in report.findings for p in sentence]
        + [c.sentence + c.rule + c.name for c in report.checks]
        + report.limits
    )
    foreign = {"shopper", "shoppers", "purchase", "purchases", "viewer", "viewers", "film"}
    foreign |= {"listener", "listeners", "reader", "readers", "song", "book", "article"}
    assert not (foreign & others - own) & set(re.findall(r"\w+", said))
    assert limits(VOCABULARIES[things], offline=True) != limits(VOCABULARIES[things], offline=False)


def test_a_label_inside_a_sentence() -> None:
    assert lower("Gel pens") == "gel pens"
    assert lower("HP printers") == "HP printers"
    assert lower("épicerie") == "épicerie"
    assert lower("Ünder") == "ünder"


def test_a_pairs_lift_is_a_ratio() -> None:
    assert Pair(0, 1, 30, 10.0).lift == 3.0
