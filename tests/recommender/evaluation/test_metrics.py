"""Metrics against plain definitions and against ranx."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.evaluation import metrics
from store.errors import UserError


def plain(ranked: list[int], wanted: set[int], k: int) -> dict[str, float]:
    """Every metric of one user, written as in a textbook."""
    top = ranked[:k]
    hits = [item in wanted and item != 0 for item in top]
    dcg = sum(1 / math.log2(rank + 2) for rank, hit in enumerate(hits) if hit)
    ideal = sum(1 / math.log2(rank + 2) for rank in range(min(len(wanted), k)))
    hit_ideal = sum(1 / math.log2(rank + 2) for rank in range(sum(hits)))
    first = next((rank for rank, hit in enumerate(hits) if hit), None)
    return {
        "recall": sum(hits) / len(wanted) if wanted else 0.0,
        "ndcg": dcg / ideal if ideal else 0.0,
        "hr": float(any(hits)),
        "mrr": 1 / (first + 1) if first is not None else 0.0,
        "ndcg_hit_normalised": dcg / hit_ideal if hit_ideal else 0.0,
    }


def random_case(rng: np.random.Generator) -> tuple[list[int], list[int]]:
    catalogue = int(rng.integers(1, 40))
    length = int(rng.integers(1, catalogue + 1))
    ranked = (rng.permutation(catalogue)[:length] + 1).tolist()
    wanted = rng.permutation(catalogue)[: int(rng.integers(0, catalogue + 1))] + 1
    return ranked, wanted.tolist()


def as_tensors(cases: list[tuple[list[int], list[int]]]) -> tuple[torch.Tensor, torch.Tensor]:
    width = max(len(ranked) for ranked, _ in cases)
    table = torch.tensor([ranked + [0] * (width - len(ranked)) for ranked, _ in cases])
    counts = torch.tensor([len(wanted) for _, wanted in cases])
    indptr = torch.cat([torch.zeros(1, dtype=torch.long), counts.cumsum(0)])
    items = torch.tensor([item for _, wanted in cases for item in wanted], dtype=torch.long)
    return metrics.hit_matrix(table, indptr, items), counts


def test_agrees_with_the_plain_definitions_on_1000_random_cases() -> None:
    rng = np.random.default_rng(7)
    cases = [random_case(rng) for _ in range(1000)]
    hits, counts = as_tensors(cases)
    for k in (1, 3, 20, 50):
        values = metrics.per_user(hits, counts, [k], metrics.METRICS)
        for row, (ranked, wanted) in enumerate(cases):
            for name, expected in plain(ranked, set(wanted), k).items():
                assert float(values[f"{name}@{k}"][row]) == pytest.approx(expected, abs=1e-12)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_metrics_lie_between_0_and_1_and_grow_where_they_must(seed: int) -> None:
    cases = [random_case(np.random.default_rng(seed + shift)) for shift in range(5)]
    hits, counts = as_tensors(cases)
    values = metrics.per_user(hits, counts, [1, 5, 10], metrics.METRICS)
    assert all(((value >= 0) & (value <= 1 + 1e-12)).all() for value in values.values())
    for name in ("recall", "hr", "mrr"):
        assert (values[f"{name}@1"] <= values[f"{name}@5"]).all()
        assert (values[f"{name}@5"] <= values[f"{name}@10"]).all()


def test_the_three_ndcgs_of_the_fact_sheet() -> None:
    """Hits at ranks 1 and 4 of 5 targets: hit-normalised .877, standard .485."""
    hits = torch.zeros(1, 20, dtype=torch.bool)
    hits[0, [0, 3]] = True
    counts = torch.tensor([5])
    assert float(metrics.ndcg(hits, counts, 20)) == pytest.approx(0.485, abs=5e-4)
    assert float(metrics.ndcg_hit_normalised(hits, counts, 20)) == pytest.approx(0.877, abs=5e-4)


def test_padding_is_never_a_hit() -> None:
    hits = metrics.hit_matrix(torch.tensor([[3, 0, 0]]), torch.tensor([0, 2]), torch.tensor([0, 3]))
    assert hits.tolist() == [[True, False, False]]


def test_a_target_of_padding_is_no_item_of_another_user() -> None:
    """Mutant: keys that meet where one user ranks the last item and the next one has item 0."""
    ranked, indptr = torch.tensor([[3, 1], [2, 1]]), torch.tensor([0, 1, 2])
    hits = metrics.hit_matrix(ranked, indptr, torch.tensor([1, 0]))
    assert hits.tolist() == [[False, True], [False, False]]


def test_no_target_and_one_target_are_no_special_cases() -> None:
    """Mutants: one target of all users taken for none, and none sorted as if there were some."""
    ranked, none = torch.tensor([[3, 1]]), torch.zeros(0, dtype=torch.long)
    one = metrics.hit_matrix(ranked, torch.tensor([0, 1]), torch.tensor([1]))
    assert one.tolist() == [[False, True]]
    hits = metrics.hit_matrix(ranked, torch.tensor([0, 0]), none)
    assert hits.tolist() == [[False, False]]
    values = metrics.per_user(hits, torch.tensor([0]), [2], metrics.METRICS)
    assert all(value.tolist() == [0.0] for value in values.values())


def test_the_name_of_a_metric_is_read_or_refused() -> None:
    """Mutants: each condition on the cut-off left out."""
    assert metrics.parse_metric("recall@1") == ("recall", 1)
    assert metrics.parse_metric("ndcg@50") == ("ndcg", 50)
    for text in ("precision@5", "recall", "recall@", "recall@x", "recall@0", "recall@05", "hr@٣"):
        with pytest.raises(UserError, match=f"metric '{text}': write for example recall@50"):
            metrics.parse_metric(text)


def test_refuses_what_it_cannot_compute() -> None:
    hits = torch.zeros(1, 3, dtype=torch.bool)
    with pytest.raises(ValueError, match="unknown metric 'precision'"):
        metrics.per_user(hits, torch.ones(1).long(), [1], ["hr", "precision", "f1"])
    with pytest.raises(ValueError, match="at least 1, not 0"):
        metrics.per_user(hits, torch.ones(1).long(), [0])
    with pytest.raises(ValueError, match="2 ranked lists but targets of 1"):
        metrics.hit_matrix(torch.ones(2, 3).long(), torch.tensor([0, 1]), torch.tensor([1]))


@pytest.mark.slow  # compiling ranx takes half a minute
def test_agrees_with_ranx_to_1e_9_on_1000_random_cases() -> None:
    ranx = pytest.importorskip("ranx")
    rng = np.random.default_rng(11)
    cases = [case for case in (random_case(rng) for _ in range(1100)) if case[1]][:1000]
    hits, counts = as_tensors(cases)
    qrels = ranx.Qrels(
        {f"u{u}": {str(i): 1 for i in wanted} for u, (_, wanted) in enumerate(cases)}
    )
    run = ranx.Run(
        {
            f"u{u}": {str(item): float(-rank) for rank, item in enumerate(ranked)}
            for u, (ranked, _) in enumerate(cases)
        }
    )
    theirs = {"recall": "recall", "ndcg": "ndcg", "hr": "hit_rate", "mrr": "mrr"}
    for k in (1, 5, 20):
        ours = metrics.per_user(hits, counts, [k])
        for name, ranx_name in theirs.items():
            ranx.evaluate(qrels, run, f"{ranx_name}@{k}")
            scores = run.scores[f"{ranx_name}@{k}"]
            expected = [scores[f"u{u}"] for u in range(len(cases))]
            assert np.abs(ours[f"{name}@{k}"].numpy() - expected).max() < 1e-9
