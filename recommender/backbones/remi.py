"""REMI: ComiRec-SA's extractor without biases (RecSys'23).

What makes REMI is its training: :class:`~recommender.losses.InterestAware` negatives and
:class:`~recommender.objectives.RoutingRegularisation`.
"""

from __future__ import annotations

from recommender.backbones.comirec_sa import ComiRecSA, ComiRecSAConfig


class REMIConfig(ComiRecSAConfig):
    """Settings of :class:`REMI`."""

    bias: bool = False


class REMI(ComiRecSA):
    """The extractor of REMI."""

    name = "remi"
    Config = REMIConfig
