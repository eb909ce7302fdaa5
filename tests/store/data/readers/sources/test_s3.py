"""S3 by the real client (pyarrow's) against an object store on loopback."""

from __future__ import annotations

import io

import polars as pl
import pytest

from store.data.readers import ReadOptions, read
from store.errors import DataError
from tests.file_server import serving

FRAME = pl.DataFrame({"user_id": [1, 2], "item_id": ["a", "b"], "timestamp": [1391184300] * 2})


@pytest.fixture
def server(monkeypatch):
    parquet = io.BytesIO()
    FRAME.write_parquet(parquet)
    items = b"item_id,title\na,Pen\nb,Ink\n"
    files = {
        "/shop/log.parquet": parquet.getvalue(),
        "/shop/day/interactions.parquet": parquet.getvalue(),
        "/shop/day/items.csv": items,
        "/shop/day/deeper/other.csv": b"no,thing\n1,2\n",
    }
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL_S3", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    with serving(files) as one:
        monkeypatch.setenv("AWS_ENDPOINT_URL", one.url)
        yield one


def test_one_object_without_credentials(server, monkeypatch):
    """Fault: requests for what is public were signed, or went to another server."""
    monkeypatch.setenv("AWS_NO_SIGN_REQUEST", "1")
    raw = read("s3://shop/log.parquet")
    assert raw.interactions["user_id"].to_list() == ["1", "2"]
    assert raw.source.startswith("s3://shop/log.parquet (sha256:")
    assert not any("authorization" in headers for _, headers in server.asked)


def test_a_prefix_with_credentials_of_the_environment(server, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
    raw = read("s3://shop/day/")
    assert raw.files == ["interactions.parquet", "items.csv"]
    assert raw.items["title"].to_list() == ["Pen", "Ink"]
    signed = [headers["authorization"] for _, headers in server.asked if "authorization" in headers]
    assert signed
    assert all("AKIDEXAMPLE" in one for one in signed)
    assert not any("other.csv" in path for path, _ in server.asked)


@pytest.mark.parametrize(
    ("address", "options", "said"),
    [
        ("s3://shop/none.parquet", {}, "there is no such object"),
        ("s3://shop/none/", {}, "no objects right below"),
        ("s3://shop/log.parquet", {"max_bytes": 10}, "more than 10 bytes"),
        ("s3://shop/log.parquet", {"table": "events"}, "is no database"),
    ],
)
def test_what_is_refused(server, monkeypatch, address, options, said):
    monkeypatch.setenv("AWS_NO_SIGN_REQUEST", "1")
    with pytest.raises(DataError, match=said):
        read(address, ReadOptions(**options))


def test_access_is_refused(server, monkeypatch):
    monkeypatch.setenv("AWS_NO_SIGN_REQUEST", "1")
    server.answers["/shop/log.parquet"] = [(403, {})] * 5
    with pytest.raises(DataError, match=r"cannot read s3://shop/log.parquet.*AWS_NO_SIGN_REQUEST"):
        read("s3://shop/log.parquet")
