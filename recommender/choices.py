"""Closed choices that settings and options of commands share; importing them costs nothing."""

from __future__ import annotations

from typing import Literal, TypeAlias

Part: TypeAlias = Literal["test", "valid"]
SeenItems: TypeAlias = Literal["protocol", "keep", "remove"]
InterestSource: TypeAlias = Literal["exemplar", "catalogue"]
Policy: TypeAlias = Literal["paper", "equaliser", "lp", "random", "hardest", "easiest", "rad-bc"]
"""How ``recommender nominate`` draws the cases that a language model is asked about."""
ChooserMethod: TypeAlias = Literal["linucb", "thompson", "ppo"]
"""How ``recommender hints`` learns which hint to give."""
