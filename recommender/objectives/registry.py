"""The objectives by name, ours and those other distributions add; importing this loads none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.registry import Registry

if TYPE_CHECKING:
    from recommender.objectives.base import Objective

OBJECTIVES: Registry[type[Objective]] = Registry(
    "objective",
    "interest_profiler.objectives",
    type,
    {
        "routing": "recommender.objectives.routing:RoutingRegularisation",
        "eimf": "recommender.objectives.eimf:EIMF",
        "ldmi": "recommender.objectives.ldmi:LDMI",
        "crowd": "recommender.objectives.crowd:Crowd",
        "dmil": "recommender.objectives.dmil:DMIL",
        "nodes": "recommender.objectives.nodes:Nodes",
        "layers": "recommender.objectives.layers:Layers",
        "global_context": "recommender.objectives.refining:GlobalContext",
        "distil": "recommender.objectives.distil:Distil",
        "hypergraph": "recommender.objectives.refining:Hypergraph",
    },
    base="recommender.objectives.base:Objective",
)
"""In the order in which a training run makes and adds them."""
