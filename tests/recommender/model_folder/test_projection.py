"""Interests in a model's space: read back by id and words, refused where the file was changed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from recommender.model_folder.projection import NAME, Projection, load_projection, save_projection
from store.errors import UserError

IDS, TEXTS = np.array([7, 3, 9]), ["tea", "coffee", "water"]


@pytest.fixture
def stored(tmp_path: Path) -> Projection:
    projection = Projection.of(IDS, TEXTS, torch.arange(6.0).view(3, 2))
    save_projection(tmp_path, projection)
    return projection


def load(folder: Path, digest: str | None = None) -> torch.Tensor | None:
    return load_projection(folder, IDS, TEXTS, width=2, digest=digest)


def test_rows_are_found_by_id_and_words(stored: Projection, tmp_path: Path) -> None:
    found = load_projection(
        tmp_path, np.array([9, 7, 3, 5]), ["water", "tea", "cocoa", "tea"], width=2
    )
    assert found is not None
    assert found[:2].tolist() == [[4.0, 5.0], [0.0, 1.0]]
    assert bool(found[2:].isnan().all())  # other words, and an interest it never saw


def test_a_model_without_alignment_has_none(tmp_path: Path) -> None:
    assert load(tmp_path) is None
    with pytest.raises(UserError, match="is missing, which the model was saved with"):
        load(tmp_path, digest="s256:0")


def test_files_of_0_1_0_have_no_digest_in_the_manifest(stored: Projection, tmp_path: Path) -> None:
    assert load(tmp_path) is not None
    assert load(tmp_path, stored.digest) is not None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t | {"vectors": t["vectors"] * torch.nan}, "not numbers"),
        (lambda t: t | {"vectors": t["vectors"][:-1]}, "3 interests and 2 vectors"),
        (lambda t: t | {"vectors": t["vectors"].to(torch.int8)}, "kinds int64, int64, int8"),
        (lambda t: t | {"vectors": t["vectors"][:, :1].contiguous()}, "1 numbers, the model's 2"),
        (lambda t: {name: part[:-1] for name, part in t.items()}, "not the file that was saved"),
        (lambda t: t | {"vectors": t["vectors"] + 1}, "not the file that was saved"),
        (lambda t: {"ids": t["ids"]}, "cannot be read"),
    ],
)
def test_a_changed_file_is_refused(stored: Projection, tmp_path: Path, change, words) -> None:
    # A value that is no number, or a row less, was used without a word.
    save_file(change(load_file(tmp_path / NAME)), tmp_path / NAME)
    with pytest.raises(UserError, match=words):
        load(tmp_path, stored.digest)


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"not a tensor file")
    with pytest.raises(UserError, match="cannot be read"):
        load(tmp_path)
