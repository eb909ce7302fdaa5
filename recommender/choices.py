"""Closed choices that settings and options of commands share; importing them costs nothing."""

from __future__ import annotations

from typing import Literal, TypeAlias

Part: TypeAlias = Literal["test", "valid"]
SeenItems: TypeAlias = Literal["protocol", "keep", "remove"]
InterestSource: TypeAlias = Literal["exemplar", "catalogue"]
