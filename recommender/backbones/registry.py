"""The backbones by name, ours and those other distributions add; importing this loads none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.registry import Registry

if TYPE_CHECKING:
    from recommender.backbones.base import Backbone

BACKBONES: Registry[type[Backbone]] = Registry(
    "backbone",
    "interest_profiler.backbones",
    type,
    {
        "pop": "recommender.backbones.pop:Pop",
        "ease": "recommender.backbones.ease:EASE",
        "itemknn": "recommender.backbones.itemknn:ItemKNN",
        "transitions": "recommender.backbones.transitions:Transitions",
        "dnn": "recommender.backbones.dnn:DNN",
        "gru4rec": "recommender.backbones.gru4rec:GRU4Rec",
        "sasrec": "recommender.backbones.sasrec:SASRec",
        "bert4rec": "recommender.backbones.bert4rec:BERT4Rec",
        "mind": "recommender.backbones.mind:MIND",
        "comirec_sa": "recommender.backbones.comirec_sa:ComiRecSA",
        "comirec_dr": "recommender.backbones.comirec_dr:ComiRecDR",
        "remi": "recommender.backbones.remi:REMI",
        "sine": "recommender.backbones.sine:SINE",
        "facet": "recommender.backbones.facet:Facet",
        "pomrec": "recommender.backbones.pomrec:PoMRec",
        "pimi": "recommender.backbones.pimi:PIMI",
        "gimirec": "recommender.backbones.gimirec:GIMIRec",
        "lightgcn": "recommender.backbones.lightgcn:LightGCN",
        "mhim": "recommender.backbones.mhim:MHIM",
        "pyramid_mixer": "recommender.backbones.pyramid_mixer:PyramidMixer",
    },
    base="recommender.backbones.base:Backbone",
)
DEFAULT = "remi"
"""What is trained where nobody names a backbone."""
