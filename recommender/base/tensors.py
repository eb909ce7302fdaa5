"""Tensors in files: safetensors, whole or not there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from store.files import whole_file


def write_tensors(
    path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None
) -> None:
    """Write a safetensors file in one step, readable for whom other new files are.

    Raises
    ------
    OSError
        Where it cannot be written, such as on a full disk.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as partial:
        partial.touch()
        usual = partial.stat().st_mode
        try:
            save_file(dict(tensors), partial, metadata=metadata)
        except SafetensorError as problem:
            raise OSError(f"{path} cannot be written: {problem}") from problem
        partial.chmod(usual)  # the library makes files that only their owner reads
