"""Losses against their formulas written out in loops of Python numbers."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from recommender.backbones.base import Encoded
from recommender.backbones.create import create
from recommender.data.sequences import Batch
from recommender.losses.recommendation import Rows, create_loss, encode_rows, read_out
from recommender.objectives.routing import RoutingRegularisation
from store.errors import UserError

V, D, N, M = 12, 5, 7, 9


def rows(k: int = 3, seed: int = 0) -> Rows:
    generator = torch.Generator().manual_seed(seed)
    table = torch.randn(V, D, generator=generator, dtype=torch.float64)
    targets = torch.randint(1, V + 1, (N,), generator=generator)
    negatives = torch.randint(1, V + 1, (M,), generator=generator)
    queries = torch.randn(N, k, D, generator=generator, dtype=torch.float64)
    return Rows(queries, targets, table[targets - 1], table, negatives, table[negatives - 1])


def chosen(row: Rows, n: int, how: str) -> list[float]:
    """Scores of all items for one row, by plain loops."""
    by_interest = [
        [float(sum(q * e for q, e in zip(query, item, strict=True))) for item in row.table.tolist()]
        for query in row.queries[n].tolist()
    ]
    target = int(row.targets[n]) - 1
    on_target = [scores[target] for scores in by_interest]
    if how == "hard":
        return by_interest[on_target.index(max(on_target))]
    if how == "soft":
        return [math.log(sum(math.exp(s[j]) for s in by_interest)) for j in range(V)]
    weights = [math.exp(s / math.sqrt(D)) for s in on_target]
    total = sum(weights)
    return [
        sum(w * s[j] for w, s in zip(weights, by_interest, strict=True)) / total for j in range(V)
    ]


@pytest.mark.parametrize("how", ["hard", "attention", "soft"])
@pytest.mark.parametrize("k", [1, 3])
def test_full_softmax(how, k):
    row = rows(k)
    expected = 0.0
    for n in range(N):
        scores = chosen(row, n, how)
        mass = math.log(sum(math.exp(s) for s in scores))
        expected += (mass - scores[int(row.targets[n]) - 1]) / N
    loss = create_loss("full", readout=how)(row)
    assert float(loss) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("how", ["hard", "attention", "soft"])
@pytest.mark.parametrize("distribution", ["uniform", "log-uniform"])
def test_sampled_softmax(how, distribution):
    row = rows()

    def correct(score: float, number: int) -> float:
        if distribution == "uniform":
            return score
        q = (math.log(number + 1) - math.log(number)) / math.log(V + 1)
        return score - math.log(M * q)

    expected = 0.0
    for n in range(N):
        scores, target = chosen(row, n, how), int(row.targets[n])
        positive = correct(scores[target - 1], target)
        others = [correct(scores[j - 1], j) for j in row.negatives.tolist() if j != target]
        expected += (math.log(sum(math.exp(s) for s in [positive, *others])) - positive) / N
    loss = create_loss("sampled", negatives=M, distribution=distribution, readout=how)(row)
    assert float(loss) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("beta", [0.0, 0.1, 5.0])
def test_interest_aware_negatives(beta):
    row = rows()
    expected = 0.0
    for n in range(N):
        scores = chosen(row, n, "hard")
        positive = math.exp(scores[int(row.targets[n]) - 1])
        negative = [scores[j - 1] for j in row.negatives.tolist()]
        weights = [math.exp(beta * x) for x in negative]
        hard = sum(w * math.exp(x) for w, x in zip(weights, negative, strict=True)) / sum(weights)
        expected += -math.log(positive / (positive + M * hard)) / N
    loss = create_loss("interest-aware", negatives=M, beta=beta)(row)
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_gbce():
    row, t = rows(1), 0.75
    alpha = M / (V - 1)
    beta = alpha * (t * (1 - 1 / alpha) + 1 / alpha)
    expected = 0.0
    for n in range(N):
        scores, target = chosen(row, n, "hard"), int(row.targets[n])
        total = beta * math.log(1 / (1 + math.exp(-scores[target - 1])))
        for j in row.negatives.tolist():
            if j != target:
                total += math.log(1 - 1 / (1 + math.exp(-scores[j - 1])))
        expected -= total / (M + 1) / N
    assert float(create_loss("gbce", negatives=M, t=t)(row)) == pytest.approx(expected, rel=1e-5)


class TestSampler:
    def test_log_uniform_follows_its_probabilities(self):
        loss = create_loss("sampled", negatives=200_000, distribution="log-uniform")
        generator = torch.Generator().manual_seed(0)
        drawn = loss.draw(V, torch.device("cpu"), generator)
        for number in range(1, V + 1):
            q = math.log((number + 1) / number) / math.log(V + 1)
            assert float((drawn == number).float().mean()) == pytest.approx(q, abs=0.004)

    @pytest.mark.parametrize("name", ["sampled", "interest-aware", "gbce"])
    def test_uniform_draws_every_item_and_never_padding(self, name):
        drawn = create_loss(name, negatives=5000).draw(V, torch.device("cpu"))
        assert drawn.unique().tolist() == list(range(1, V + 1))

    def test_with_many_negatives_the_corrected_loss_is_the_full_softmax(self):
        """Up to the target's own correction; the wrong sign would be far off."""
        row, many = rows(1), 100_000
        loss = create_loss("sampled", negatives=many, distribution="log-uniform", drop_hits=False)
        drawn = loss.draw(V, torch.device("cpu"), torch.Generator().manual_seed(0))
        large = dataclasses.replace(row, negatives=drawn, negative_vectors=row.table[drawn - 1])
        own = torch.log(many * torch.log1p(1 / row.targets.double()) / math.log(V + 1))
        full = float(create_loss("full")(row))
        assert float(loss(large)) - float(own.mean()) == pytest.approx(full, abs=0.02)


def test_hard_readout_sends_the_gradient_to_the_chosen_interest_only():
    row = rows()
    queries = row.queries.requires_grad_()
    read_out(queries, row.target_vectors, "hard").sum().backward()
    scores = torch.einsum("nkd,nd->nk", queries.detach(), row.target_vectors)
    touched = queries.grad.abs().sum(2) > 0
    assert touched.sum(1).tolist() == [1] * N
    assert torch.equal(touched.int().argmax(1), scores.argmax(1))


def test_soft_readout_gives_every_interest_a_gradient():
    row = rows()
    queries = row.queries.clone().requires_grad_()
    loss = create_loss("full", readout="soft")
    loss(
        Rows(queries, row.targets, row.target_vectors, row.table, row.negatives, row.table)
    ).backward()
    assert (queries.grad.abs().sum(2) > 0).all()


class TestRoutingRegularisation:
    def test_equals_the_covariance_formula(self):
        model = create("remi", 10, d=8, length=6)
        attention = torch.rand(3, 4, 6).softmax(2)
        encoded = Encoded(torch.zeros(3, 4, 8), torch.zeros(3, 6, 8), attention)
        batch = Batch(*[torch.zeros(3, dtype=torch.long)] * 4)
        expected = 0.0
        for one in attention.double():
            centred = one - one.mean(1, keepdim=True)
            expected += float(((centred @ centred.T) / 8).diag().square().sum())
        term = RoutingRegularisation(100.0)(model, batch, encoded)["routing"]
        assert float(term) == pytest.approx(100 * expected, rel=1e-4)

    def test_a_collapsed_batch_costs_what_the_fact_sheet_says(self):
        model = create("remi", 10, d=64, length=20)
        attention = torch.zeros(128, 4, 20)
        attention[:, :, 0] = 1.0
        encoded = Encoded(torch.zeros(128, 4, 64), torch.zeros(128, 20, 64), attention)
        batch = Batch(*[torch.zeros(128, dtype=torch.long)] * 4)
        term = RoutingRegularisation(1.0)(model, batch, encoded)["routing"]
        assert float(term) == pytest.approx(0.113, abs=0.001)

    def test_refuses_a_model_without_attention(self):
        model = create("sasrec", 10, d=8, length=6)
        encoded = model.eval()(torch.tensor([[1, 2, 0, 0, 0, 0]]))
        batch = Batch(*[torch.zeros(1, dtype=torch.long)] * 4)
        with pytest.raises(UserError, match="sasrec"):
            RoutingRegularisation()(model, batch, encoded)


def test_rows_of_all_positions_leave_padding_out():
    model = create("sasrec", 10, d=8, length=4, dropout=0.0)
    history = torch.tensor([[1, 2, 3, 0], [4, 0, 0, 0]])
    targets = torch.tensor([[2, 3, 5, 0], [6, 0, 0, 0]])
    lengths = torch.tensor([3, 1])
    batch = Batch(torch.arange(2), history, lengths, torch.tensor([5, 6]), targets)
    found, encoded = encode_rows(model, batch, torch.empty(0, dtype=torch.long))
    assert found.targets.tolist() == [2, 3, 5, 6]
    assert found.queries.shape == (4, 1, 8)
    assert torch.allclose(encoded.interests, model(history).interests, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "setting"), [("none", {}), ("full", {"beta": 1}), ("sampled", {"negatives": 0})]
)
def test_unknown_losses_and_settings_are_named(name, setting):
    with pytest.raises(UserError, match=name):
        create_loss(name, **setting)
