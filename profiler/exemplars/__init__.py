"""Whom to ask: exemplars by affinity propagation, dense and sparse.

Names are looked up on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from profiler.exemplars.ageing import Ageing as Ageing
    from profiler.exemplars.ageing import aged as aged
    from profiler.exemplars.ageing import choose_incremental as choose_incremental
    from profiler.exemplars.ageing import far_threshold as far_threshold
    from profiler.exemplars.ageing import nearest_exemplar as nearest_exemplar
    from profiler.exemplars.choose import Exemplars as Exemplars
    from profiler.exemplars.choose import choose_exemplars as choose_exemplars
    from profiler.exemplars.dense import affinity_propagation as affinity_propagation
    from profiler.exemplars.geometry import center_vectors as center_vectors
    from profiler.exemplars.result import AffinityResult as AffinityResult
    from profiler.exemplars.sparse import sparse_affinity_propagation as sparse_affinity_propagation

_HOMES = {
    "AffinityResult": "result",
    "Ageing": "ageing",
    "Exemplars": "choose",
    "affinity_propagation": "dense",
    "aged": "ageing",
    "center_vectors": "geometry",
    "choose_exemplars": "choose",
    "choose_incremental": "ageing",
    "far_threshold": "ageing",
    "nearest_exemplar": "ageing",
    "sparse_affinity_propagation": "sparse",
}

__all__ = [
    "AffinityResult",
    "Ageing",
    "Exemplars",
    "affinity_propagation",
    "aged",
    "center_vectors",
    "choose_exemplars",
    "choose_incremental",
    "far_threshold",
    "nearest_exemplar",
    "sparse_affinity_propagation",
]


def __getattr__(name: str) -> Any:
    """Import a public name from the module it lives in."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
