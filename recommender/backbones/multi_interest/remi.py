"""REMI: ComiRec-SA's extractor without biases (RecSys'23).

What makes REMI is its training: :class:`~recommender.losses.recommendation.InterestAware` negatives
and :class:`~recommender.objectives.routing.RoutingRegularisation`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from recommender.backbones.multi_interest.comirec_sa import ComiRecSA, ComiRecSAConfig


class REMIConfig(ComiRecSAConfig):
    """Settings of :class:`REMI`."""

    bias: bool = False


class REMI(ComiRecSA):
    """The extractor of REMI."""

    name = "remi"
    Config = REMIConfig
    default_loss = "interest-aware"
    default_objectives: ClassVar[Mapping[str, Mapping[str, Any]]] = {"routing": {"weight": 100.0}}
