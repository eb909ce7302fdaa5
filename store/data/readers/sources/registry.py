"""The kinds of addresses that can be read, each with what reads it."""

from __future__ import annotations

from store.data.readers.sources.source import Source
from store.registry import Registry

GROUP = "interest_profiler.sources"
"""Entry-point group in which another package names its kinds of addresses."""

_SOURCES = "store.data.readers.sources"

SOURCES: Registry[Source] = Registry(
    "source",
    GROUP,
    Source,
    {
        "postgresql": f"{_SOURCES}.postgres:SOURCE",
        "postgres": f"{_SOURCES}.postgres:SOURCE",
        "duckdb": f"{_SOURCES}.duckdb_file:SOURCE",
        "https": f"{_SOURCES}.download:SOURCE",
        "http": f"{_SOURCES}.download:SOURCE",
        "s3": f"{_SOURCES}.s3:SOURCE",
    },
)
