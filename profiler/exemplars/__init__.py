"""Whom to ask: exemplars by affinity propagation, dense and sparse.

Names are looked up on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from profiler.exemplars.dense import affinity_propagation
    from profiler.exemplars.result import AffinityResult

__all__ = [
    "AffinityResult",
    "affinity_propagation",
]

_HOMES = {
    "AffinityResult": "result",
    "affinity_propagation": "dense",
}


def __getattr__(name: str) -> Any:
    """Import a public name from the module it lives in."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
