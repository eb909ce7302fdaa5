"""The formats that can be read, each with its reader."""

from __future__ import annotations

from store.data.readers.base.reader import Reader
from store.registry import Registry

GROUP = "interest_profiler.readers"
"""Entry-point group in which another package names its readers."""

_FORMATS = "store.data.readers.formats"

FORMATS: Registry[Reader] = Registry(
    "format",
    GROUP,
    Reader,
    {
        "movielens": f"{_FORMATS}.movielens:READER",
        "recbole": f"{_FORMATS}.recbole:READER",
        "csv": f"{_FORMATS}.tables:CSV",
        "tsv": f"{_FORMATS}.tables:TSV",
        "parquet": f"{_FORMATS}.tables:PARQUET",
        "arrow": f"{_FORMATS}.tables:ARROW",
        "amazon": f"{_FORMATS}.amazon:READER",
    },
)
