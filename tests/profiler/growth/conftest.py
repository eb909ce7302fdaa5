"""A shop of two parts: what happened until a day, and what came after it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

import profiler
from store.data.sample import write_sample


@dataclass(frozen=True)
class Parts:
    """The whole shop, what it was until a day, what came later, and a store of the first part."""

    whole: Path
    first: Path
    later: Path
    store: Path


@pytest.fixture(scope="session")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    root = tmp_path_factory.mktemp("growing")
    whole, first = root / "whole", root / "first"
    write_sample(whole, users=60)
    log = pl.read_csv(whole / "interactions.tsv", separator="\t", infer_schema=False)
    day = log["timestamp"].sort()[int(len(log) * 0.7)]
    first.mkdir()
    shutil.copy(whole / "items.tsv", first)
    early = (pl.col("timestamp") < day) & (pl.col("user_id") != "U60")  # who comes later
    log.filter(early).write_csv(first / "interactions.tsv", separator="\t")
    later = root / "later.tsv"
    log.filter(~early).write_csv(later, separator="\t")
    config = profiler.BuildConfig(share=0.2)
    profiler.build(first, root / "first.db", config=config, progress=False)
    return Parts(whole, first, later, root / "first.db")


@pytest.fixture
def store_path(parts: Parts, tmp_path: Path) -> Path:
    """A store of the first part, to be changed."""
    return Path(shutil.copy(parts.store, tmp_path / "shop.db"))
