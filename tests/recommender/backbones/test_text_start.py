"""Item tables that start from text vectors."""

from __future__ import annotations

import pytest
import torch

from recommender.backbones.create import create
from recommender.backbones.registry import BACKBONES
from recommender.backbones.text_start import reduce, start_from_text
from store.errors import UserError

LEARNED = [n for n in BACKBONES.built_in if BACKBONES.get_known(n).trains_on != "none"]


@pytest.mark.parametrize("name", LEARNED)
def test_scaled_to_the_fresh_spread_and_special_rows_kept(name):
    vectors = torch.randn(40, 20)
    vectors[7] = 0.0
    fresh = create(name, 40, seed=3, d=8)
    model = create(name, 40, seed=3, d=8)
    start_from_text(model, vectors)
    known = [row for row in range(1, 41) if row != 8]
    spread = float(model.items[known].detach().square().mean().sqrt())
    assert spread == pytest.approx(model.init_std, rel=1e-4)
    assert torch.equal(model.items[8], fresh.items[8])  # the item without text
    assert torch.equal(model.items[0], fresh.items[0])
    assert torch.equal(model.items[41:], fresh.items[41:])


def test_components_keep_inner_products_of_centred_vectors():
    vectors = torch.randn(30, 6, dtype=torch.float64)
    reduced = reduce(vectors, 6).double()
    centred = vectors - vectors.mean(0)
    assert torch.allclose(reduced @ reduced.T, centred @ centred.T, atol=1e-4)


def test_first_components_carry_most():
    axes = torch.randn(2, 12)
    vectors = torch.randn(200, 2) @ axes + 0.01 * torch.randn(200, 12)
    spread = reduce(vectors, 4).std(0)
    assert float(spread[:2].min()) > 10 * float(spread[2:].max())


def test_more_components_than_dimensions_are_zero():
    assert not reduce(torch.randn(9, 3), 5)[:, 3:].any()


def test_one_item_is_kept():
    model = create("remi", 1, d=4)
    start_from_text(model, torch.ones(1, 6))
    assert torch.isfinite(model.items).all()


@pytest.mark.parametrize(
    ("vectors", "words"),
    [
        (torch.ones(3, 5), "do not fit 4 items"),
        (torch.zeros(4, 5), "no item has a text vector"),
        (torch.full((4, 5), float("nan")), "item_ix 0 is not finite"),
    ],
)
def test_vectors_that_cannot_be_used_are_refused(vectors, words):
    with pytest.raises(UserError, match=words):
        start_from_text(create("remi", 4, d=4), vectors)
