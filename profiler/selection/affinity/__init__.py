"""Affinity propagation, dense and sparse, over vectors of users."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from profiler.selection.affinity.dense import affinity_propagation as affinity_propagation
    from profiler.selection.affinity.geometry import center_vectors as center_vectors
    from profiler.selection.affinity.result import AffinityResult as AffinityResult
    from profiler.selection.affinity.sparse import (
        sparse_affinity_propagation as sparse_affinity_propagation,
    )

# Names are imported on first use: importing the package must stay free for `--help`.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "dense": ["affinity_propagation"],
        "geometry": ["center_vectors"],
        "result": ["AffinityResult"],
        "sparse": ["sparse_affinity_propagation"],
    },
)
