"""The cosine residual codebook against its two equations written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from recommender.backbones.coded.codebook import balanced, encode


def vectors(n: int = 300, d: int = 16, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(12, d, generator=generator)
    own = torch.randint(12, (n,), generator=generator)
    return centres[own] + 0.4 * torch.randn(n, d, generator=generator)


def test_codes_follow_the_largest_cosine_and_what_is_left_loses_its_projection():
    given_vectors = vectors()
    book = encode(given_vectors, size=20, layers=3)
    centres = book.centres.double().numpy()
    for row, vector in enumerate(F.normalize(given_vectors, dim=1).double().numpy()[:40]):
        rest = vector
        for layer in range(3):
            cosines = centres[layer] @ rest
            best = int(np.argmax(cosines))
            assert cosines[best] == pytest.approx(cosines[int(book.codes[row, layer])], abs=1e-6)
            centre = centres[layer][int(book.codes[row, layer])]
            length = rest @ centre / (centre @ centre)
            assert length == pytest.approx(float(book.lengths[row, layer]), abs=1e-3)
            rest = rest - length * centre
            assert abs(rest @ centre) < 1e-6
        assert np.linalg.norm(rest) <= 1


def test_more_layers_come_nearer_and_stored_lengths_nearer_than_mean_ones():
    given_vectors = vectors()

    def cosine(layers: int, lengths: str) -> float:
        book = encode(given_vectors, size=20, layers=layers, lengths=lengths)
        return float(F.cosine_similarity(book.decode(), given_vectors, dim=1).mean())

    stored = [cosine(layers, "stored") for layers in (1, 2, 4)]
    assert stored == sorted(stored)
    assert stored[-1] > 0.95
    assert stored[-1] > cosine(4, "mean") > stored[0] - 0.05


def test_bytes_of_an_item():
    assert encode(vectors(), size=20, layers=4, lengths="mean").bytes_per_item == 4
    assert encode(vectors(), size=20, layers=4).bytes_per_item == 12
    assert encode(vectors(), size=270, layers=4, iterations=1).bytes_per_item == 16


def test_a_zero_vector_stays_zero_and_one_seed_gives_one_codebook():
    given_vectors = vectors()
    given_vectors[7] = 0.0
    one, two = encode(given_vectors, size=8, layers=2), encode(given_vectors, size=8, layers=2)
    assert not one.decode()[7].any()
    assert torch.equal(one.codes, two.codes)


def test_vectors_that_one_layer_describes_leave_nothing_for_the_next():
    exact = torch.eye(4).repeat(5, 1)
    book = encode(exact, size=4, layers=3)
    assert torch.allclose(book.decode(), exact, atol=1e-3)


@pytest.mark.parametrize("size", [0, 301, 40_000])
def test_a_number_of_centres_that_cannot_be(size):
    with pytest.raises(ValueError, match=str(size)):
        encode(vectors(), size=size)


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 40), st.integers(1, 8), st.integers(0, 10**6))
def test_no_column_takes_more_than_its_room_and_every_row_one(n, size, seed):
    similarity = torch.rand(n, size, generator=torch.Generator().manual_seed(seed))
    room = -(-n // size)
    member = balanced(similarity, room)
    assert ((member >= 0) & (member < size)).all()
    assert torch.bincount(member, minlength=size).max() <= room
