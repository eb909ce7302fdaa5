"""Tensors in files: safetensors, whole or not there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor


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
    partial = path.with_name(f"{path.name}.partial")
    try:
        save_file(dict(tensors), partial, metadata=metadata)
        partial.chmod(0o666 & ~_umask())  # the library makes files that only their owner reads
        partial.replace(path)
    except SafetensorError as problem:
        raise OSError(f"{path} cannot be written: {problem}") from problem
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
