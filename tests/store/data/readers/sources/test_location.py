"""Addresses: what is one, and what of it may be printed and stored."""

from __future__ import annotations

from pathlib import Path

import pytest

from store.data.readers.sources.location import location_of, shown_source
from store.errors import DataError


@pytest.mark.parametrize(
    ("address", "shown", "recorded"),
    [
        (
            "postgresql://ana:s3cret@db.shop:5433/log?sslmode=require&password=s3cret",
            "postgresql://ana@db.shop:5433/log?sslmode=require",
            "postgresql://db.shop:5433/log?sslmode=require",
        ),
        (
            "postgresql+psycopg:///log?host=/run/pg&user=ana",
            "postgresql+psycopg:///log?host=/run/pg&user=ana",
            "postgresql+psycopg:///log?host=/run/pg",
        ),
        (
            "https://ana:s3cret@shop/log.csv?X-Amz-Signature=s3cret#s3cret",
            "https://shop/log.csv",
            "https://shop/log.csv",
        ),
        (
            "s3://KEY:s3cret@bucket/a/b.parquet",
            "s3://bucket/a/b.parquet",
            "s3://bucket/a/b.parquet",
        ),
        ("duckdb:a/b c.duckdb", "duckdb:a/b c.duckdb", "duckdb:a/b c.duckdb"),
    ],
)
def test_what_is_shown(address, shown, recorded):
    """Fault: a password in a parameter, or a signature, was printed."""
    location = location_of(address)
    assert (location.shown, location.recorded) == (shown, recorded)
    assert shown_source(address) == shown
    assert "s3cret" not in repr(location)


def test_paths_are_no_addresses():
    for path in ("log.csv", "C:log.csv", "a:b.csv", Path("https://a/b"), "x/https://a"):
        assert location_of(path) is None
    with pytest.raises(DataError, match="gs:// is not read: use one of postgresql"):
        location_of("gs://bucket/log.csv")
