"""A small package of somebody else's, as an installer would leave it, for the tests of doors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def install(folder: Path, name: str, module: str, points: Mapping[str, Mapping[str, str]]) -> Path:
    """Write a package into ``folder``, which then only has to stand on the module path.

    Parameters
    ----------
    name
        Name of the distribution and, with ``_`` for ``-``, of its one module.
    module
        Source of the module.
    points
        Entry points: group, then name, then ``module:attribute``.
    """
    (folder / f"{name.replace('-', '_')}.py").write_text(module)
    meta = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    meta.mkdir()
    (meta / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [
        line
        for group, entries in points.items()
        for line in (f"[{group}]", *(f"{key} = {value}" for key, value in entries.items()))
    ]
    (meta / "entry_points.txt").write_text("\n".join(lines) + "\n")
    return folder
