"""Whom to ask: exemplars by affinity propagation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from profiler.selection.exemplars.ageing import Ageing as Ageing
    from profiler.selection.exemplars.ageing import aged as aged
    from profiler.selection.exemplars.ageing import choose_incremental as choose_incremental
    from profiler.selection.exemplars.ageing import far_threshold as far_threshold
    from profiler.selection.exemplars.ageing import nearest_exemplar as nearest_exemplar
    from profiler.selection.exemplars.choose import Exemplars as Exemplars
    from profiler.selection.exemplars.choose import choose_exemplars as choose_exemplars

# Names are imported on first use: importing the package must stay free for `--help`.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "ageing": ["Ageing", "aged", "choose_incremental", "far_threshold", "nearest_exemplar"],
        "choose": ["Exemplars", "choose_exemplars"],
    },
)
