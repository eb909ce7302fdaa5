"""The semantic interests in a model's own space, kept beside a model to explain with, not to serve.

``interests.safetensors`` holds ``ids`` int64 ``[n]``, ``texts`` int64 ``[n]`` (digests of the
words) and ``vectors`` float32 ``[n, d]``: the words through the projection that EIMF's alignment
learned, as they were when the kept weights were. The digests are there because a store gives the
number of an interest that was replaced to another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b, sha256
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from recommender.base.library_paths import plain_path
from recommender.base.tensors import write_tensors
from store.digests import PREFIX
from store.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NAME = "interests.safetensors"


@dataclass(frozen=True)
class Projection:
    """Interests in a model's space, as they are written.

    Attributes
    ----------
    ids : Tensor int64 ``[n]``
    texts : Tensor int64 ``[n]``
        Digests of the words.
    vectors : Tensor float32 ``[n, d]``
    """

    ids: Tensor
    texts: Tensor
    vectors: Tensor

    @classmethod
    def of(
        cls, interest_ids: NDArray[np.int64], texts: Sequence[str], vectors: Tensor
    ) -> Projection:
        """Of the interests of a store."""
        return cls(
            torch.from_numpy(interest_ids.copy()),
            torch.tensor([_digest(text) for text in texts], dtype=torch.long),
            vectors.detach().cpu().contiguous(),
        )

    @property
    def digest(self) -> str:
        """Address of its content, kept in the manifest: a row less gives another."""
        content = sha256()
        for part in (self.ids, self.texts, self.vectors):
            content.update(part.numpy().tobytes())
        return PREFIX + content.hexdigest()

    def check(self) -> str:
        """What is wrong with it; empty where nothing is."""
        kinds = (self.ids.dtype, self.texts.dtype, self.vectors.dtype)
        if kinds != (torch.int64, torch.int64, torch.float32):
            return f"its tensors are of the kinds {', '.join(str(kind)[6:] for kind in kinds)}"
        if self.vectors.ndim != 2 or self.ids.ndim != 1 or self.texts.ndim != 1:
            return "its tensors have other shapes than ids, texts and vectors have"
        rows = {len(self.ids), len(self.texts), len(self.vectors)}
        if len(rows) > 1:
            return f"it has {len(self.ids)} interests and {len(self.vectors)} vectors"
        if not bool(torch.isfinite(self.vectors).all()):
            return "a vector holds values that are not numbers"
        return ""


def save_projection(folder: Path, projection: Projection) -> None:
    """Write projected interests beside the model they were learned with."""
    tensors = {"ids": projection.ids, "texts": projection.texts, "vectors": projection.vectors}
    write_tensors(folder / NAME, tensors)


def load_projection(
    folder: Path,
    interest_ids: NDArray[np.int64],
    texts: Sequence[str],
    *,
    width: int,
    digest: str | None = None,
) -> Tensor | None:
    """Vectors of the given interests ``[n, d]``, NaN rows for those the model never saw.

    None where the model was trained without an alignment that learns them.

    Parameters
    ----------
    width : int
        The model's d.
    digest : str, optional
        Address of the content, from the manifest; models of 0.1.0 have none.

    Raises
    ------
    UserError
        Where the file is damaged, or not the one that was saved with the model.
    """
    path = folder / NAME
    if not path.is_file():
        if digest is None:
            return None
        raise UserError(f"{path} is missing, which the model was saved with; train again")
    try:
        with plain_path(path) as plain:
            tensors = load_file(plain)
        stored = Projection(tensors["ids"], tensors["texts"], tensors["vectors"])
    except (SafetensorError, KeyError, OSError) as problem:
        raise UserError(f"{path} cannot be read ({problem}); train again") from None
    wrong = stored.check()
    if not wrong and stored.vectors.shape[1] != width:
        wrong = f"its vectors have {stored.vectors.shape[1]} numbers, the model's {width}"
    if not wrong and digest is not None and stored.digest != digest:
        wrong = "it is not the file that was saved with the model"
    if wrong:
        raise UserError(f"{path} is damaged: {wrong}; train again")
    known = zip(stored.ids.tolist(), stored.texts.tolist(), strict=True)
    place = {interest: row for row, interest in enumerate(known)}
    asked = zip(interest_ids.tolist(), map(_digest, texts), strict=True)
    rows = [place.get(interest, -1) for interest in asked]
    vectors = stored.vectors
    padded = torch.cat([vectors, vectors.new_full((1, vectors.shape[1]), float("nan"))])
    return padded[torch.tensor(rows, dtype=torch.long)]


def _digest(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)
