"""The semantic interests in a model's own space, kept beside a model to explain with, not to serve.

``interests.safetensors`` holds ``ids`` int64 ``[n]``, ``texts`` int64 ``[n]`` (digests of the
words) and ``vectors`` float32 ``[n, d]``: the words through the projection that EIMF's alignment
learned, as they were when the kept weights were. The digests are there because a store gives the
number of an interest that was replaced to another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from recommender.base.tensors import write_tensors
from store.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

NAME = "interests.safetensors"


def save_projection(
    folder: Path, interest_ids: NDArray[np.int64], texts: Sequence[str], vectors: Tensor
) -> None:
    """Write projected interests ``[n, d]`` beside the model they were learned with."""
    tensors = {
        "ids": torch.from_numpy(interest_ids.copy()),
        "texts": torch.tensor([_digest(text) for text in texts], dtype=torch.long),
        "vectors": vectors.cpu().contiguous(),
    }
    write_tensors(folder / NAME, tensors)


def load_projection(
    folder: Path, interest_ids: NDArray[np.int64], texts: Sequence[str]
) -> Tensor | None:
    """Vectors of the given interests ``[n, d]``, NaN rows for those the model never saw.

    None where the model was trained without EIMF.

    Raises
    ------
    UserError
        Where the file is damaged.
    """
    path = folder / NAME
    if not path.is_file():
        return None
    try:
        tensors = load_file(path)
        ids, learned = tensors["ids"].tolist(), tensors["texts"].tolist()
        vectors = tensors["vectors"]
    except (SafetensorError, KeyError, OSError) as problem:
        raise UserError(f"{path} cannot be read ({problem}); delete it or train again") from None
    place = {known: row for row, known in enumerate(zip(ids, learned, strict=True))}
    asked = zip(interest_ids.tolist(), map(_digest, texts), strict=True)
    rows = [place.get(interest, -1) for interest in asked]
    padded = torch.cat([vectors, vectors.new_full((1, vectors.shape[1]), float("nan"))])
    return padded[torch.tensor(rows, dtype=torch.long)]


def _digest(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)
