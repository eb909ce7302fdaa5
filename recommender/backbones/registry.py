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
        "pop": "recommender.backbones.item_to_item.pop:Pop",
        "ease": "recommender.backbones.item_to_item.ease:EASE",
        "itemknn": "recommender.backbones.item_to_item.itemknn:ItemKNN",
        "transitions": "recommender.backbones.item_to_item.transitions:Transitions",
        "dnn": "recommender.backbones.sequential.dnn:DNN",
        "gru4rec": "recommender.backbones.sequential.gru4rec:GRU4Rec",
        "sasrec": "recommender.backbones.sequential.sasrec:SASRec",
        "bert4rec": "recommender.backbones.sequential.bert4rec:BERT4Rec",
        "mind": "recommender.backbones.multi_interest.mind:MIND",
        "comirec_sa": "recommender.backbones.multi_interest.comirec_sa:ComiRecSA",
        "comirec_dr": "recommender.backbones.multi_interest.comirec_dr:ComiRecDR",
        "remi": "recommender.backbones.multi_interest.remi:REMI",
        "sine": "recommender.backbones.multi_interest.sine:SINE",
        "facet": "recommender.backbones.multi_interest.facet:Facet",
        "pomrec": "recommender.backbones.multi_interest.pomrec:PoMRec",
        "pimi": "recommender.backbones.multi_interest.pimi:PIMI",
        "hymirec": "recommender.backbones.coded.hymirec:HyMiRec",
        "rimirec": "recommender.backbones.coded.rimirec:RimiRec",
        "gimirec": "recommender.backbones.multi_interest.gimirec:GIMIRec",
        "lightgcn": "recommender.backbones.graph.lightgcn:LightGCN",
        "mhim": "recommender.backbones.graph.mhim:MHIM",
        "text": "recommender.backbones.text.text:TextOnly",
        "pyramid_mixer": "recommender.backbones.sequential.pyramid_mixer:PyramidMixer",
    },
    base="recommender.backbones.base:Backbone",
)
COMPOSED: Registry[type[Backbone]] = Registry(
    "composed model",
    "interest_profiler.composed_models",
    type,
    {"blend": "recommender.backbones.text.blend:Blend"},
    base="recommender.backbones.base:Backbone",
)
"""What is put together of trained parts: no training is asked for one of these by its name."""
DEFAULT = "remi"
"""What is trained where nobody names a backbone."""
