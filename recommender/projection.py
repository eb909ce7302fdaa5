"""The semantic interests in a model's own space, kept beside a model to explain with, not to serve.

``interests.safetensors`` holds ``ids`` int64 ``[n]`` and ``vectors`` float32 ``[n, d]``: the texts
through the projection that EIMF's alignment learned, as they were when the kept weights were.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from store.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

NAME = "interests.safetensors"


def save_projection(folder: Path, interest_ids: NDArray[np.int64], vectors: Tensor) -> None:
    """Write projected interests ``[n, d]`` beside the model they were learned with."""
    tensors = {"ids": torch.from_numpy(interest_ids.copy()), "vectors": vectors.cpu().contiguous()}
    save_file(tensors, folder / NAME)


def load_projection(folder: Path, interest_ids: NDArray[np.int64]) -> Tensor | None:
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
        ids, vectors = tensors["ids"].numpy(), tensors["vectors"]
    except (SafetensorError, KeyError, OSError) as problem:
        raise UserError(f"{path} cannot be read ({problem}); delete it or train again") from None
    place = {int(interest): row for row, interest in enumerate(ids)}
    rows = [place.get(int(interest), -1) for interest in interest_ids]
    padded = torch.cat([vectors, vectors.new_full((1, vectors.shape[1]), float("nan"))])
    return padded[torch.tensor(rows, dtype=torch.long)]
