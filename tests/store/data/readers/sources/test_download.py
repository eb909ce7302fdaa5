"""Downloads from a web server on loopback that breaks off, moves, refuses and changes."""

from __future__ import annotations

import gzip
import hashlib

import pytest

from store.data.readers import ReadOptions, read
from store.data.readers.sources.download import ATTEMPTS, fetch
from store.data.readers.sources.location import location_of
from store.errors import DataError
from tests.file_server import serving

pytest.importorskip("httpx", reason="pip install 'interest-profiler[http]'")
LOG = b"user_id,item_id,timestamp\n" + b"".join(b"u%d,i,1391184300\n" % n for n in range(500))


@pytest.fixture
def server():
    with serving({"/log.csv": LOG, "/log.csv.gz": gzip.compress(LOG)}) as one:
        yield one


def fetched(address, tmp_path, most=1 << 20):
    waits = []
    path = tmp_path / "file"
    digest = fetch(location_of(address), path, most, lambda *_: None, wait=waits.append)
    return path.read_bytes(), digest, waits


def test_packed_or_not_with_its_digest(server):
    raw = read(f"{server.url}/log.csv.gz?token=s3cret", ReadOptions(items=f"{server.url}/log.csv"))
    assert (raw.interactions.height, raw.format) == (500, "csv")
    digest = hashlib.sha256(server.files["/log.csv.gz"]).hexdigest()
    assert raw.source == f"{server.url}/log.csv.gz (sha256:{digest})"
    assert any(digest in note for note in raw.notes)
    assert raw.files[1] == f"{server.url}/log.csv"
    assert "s3cret" not in str(raw)


def test_goes_on_where_it_broke_off(server, tmp_path):
    """Fault: a download that broke off was begun anew, or its two parts did not fit."""
    server.breaks = [1000, 500]
    data, digest, waits = fetched(f"{server.url}/log.csv", tmp_path)
    assert data == LOG
    assert digest == hashlib.sha256(LOG).hexdigest()
    assert [one.get("range") for _, one in server.asked] == [None, "bytes=1000-", "bytes=1500-"]
    assert waits == [1.0, 2.0]


def test_a_file_that_changed_meanwhile_is_fetched_whole(server, tmp_path):
    """Fault: the end of a new file was put behind the beginning of an old one."""
    server.breaks = [1000]
    changed = LOG.replace(b"u1", b"v1")

    def change(one):
        if len(one.asked) == 2:
            one.files["/log.csv"] = changed

    server.on_ask = change
    data, _, _ = fetched(f"{server.url}/log.csv", tmp_path)
    assert data == changed


def test_busy_servers_are_asked_again_and_given_up(server, tmp_path):
    server.answers["/log.csv"] = [(503, {}), (429, {})]
    assert fetched(f"{server.url}/log.csv", tmp_path)[0] == LOG
    server.answers["/log.csv"] = [(503, {})] * ATTEMPTS
    (tmp_path / "file").unlink()
    with pytest.raises(DataError, match="the server answers 503"):
        fetched(f"{server.url}/log.csv", tmp_path)


@pytest.mark.parametrize(
    ("headers", "code", "said"),
    [
        ({"Location": "ftp://elsewhere/x"}, 302, "leads on to ftp:// of elsewhere"),
        ({"Location": "https://elsewhere/x"}, 301, "leads on to https:// of elsewhere"),
        ({"Location": "file:///etc/passwd"}, 307, "leads on to file:// of"),
        ({}, 404, "404; there is nothing at this address"),
        ({}, 403, "403; it refuses access"),
        ({}, 401, "401; it wants a name and a password"),
    ],
)
def test_what_is_refused(server, tmp_path, headers, code, said):
    """Fault: a redirect to another scheme was followed."""
    server.answers["/log.csv"] = [(code, headers)]
    with pytest.raises(DataError, match=said):
        read(f"{server.url}/log.csv")


def test_a_redirect_within_the_scheme(server):
    server.answers["/old"] = [(302, {"Location": "/log.csv"})]
    assert read(f"{server.url}/old", ReadOptions(format="csv")).interactions.height == 500
    server.answers["/ring"] = [(302, {"Location": "/ring"})] * 20
    with pytest.raises(DataError, match="without end"):
        read(f"{server.url}/ring")


def test_a_password_goes_to_its_server_alone(server):
    """Fault: a redirect took the password to another server."""
    with serving({"/log.csv": LOG}) as other:
        server.answers["/log.csv"] = [(302, {"Location": f"{other.url}/log.csv"})]
        address = f"{server.url}/log.csv".replace("//", "//ana:s3cret@")
        assert read(address).interactions.height == 500
        assert "authorization" in server.asked[0][1]
        assert "authorization" not in other.asked[0][1]


def test_too_large(server, tmp_path):
    with pytest.raises(DataError, match="more than 100 bytes; raise max_bytes"):
        read(f"{server.url}/log.csv", ReadOptions(max_bytes=100))


def test_no_server(server):
    with pytest.raises(DataError, match=r"cannot fetch http://127.0.0.1:9/log.csv: .*network"):
        read("http://ana:s3cret@127.0.0.1:9/log.csv")
