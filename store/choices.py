"""Closed choices of the store that options of commands share; importing them costs nothing."""

from __future__ import annotations

from typing import Literal, TypeAlias

SubjectKind: TypeAlias = Literal["exemplar", "synthetic", "user"]
ExportFormat: TypeAlias = Literal["jsonl", "parquet", "csv", "gistbench"]
InteractionsIn: TypeAlias = Literal["store", "parquet"]
"""Where interactions lie: in the store's file, or in Parquet files beside it."""
