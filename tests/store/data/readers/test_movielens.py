"""MovieLens, with the genuine ``.dat`` layout made here and the genuine ``.csv`` files read."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from store.data.readers import read
from store.data.readers.base.problems import Kind

RATINGS = b"1::1193::5::978300760\n1::661::3::978302109\n2::1193::4::978298413\n"
MOVIES = "661::Misérables, Les (1995)::Drama|Musical\n1193::Safe: A Story::(no genres listed)\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ratings.dat").write_bytes(RATINGS)
    (tmp_path / "movies.dat").write_bytes(MOVIES.encode("latin-1"))
    (tmp_path / "users.dat").write_bytes(b"1::F::1::10::48067\n")
    return tmp_path


def test_dat_folder_in_latin_1(folder):
    raw = read(folder)
    assert raw.problems == []
    assert (raw.format, raw.files) == ("movielens", ["ratings.dat", "movies.dat"])
    assert raw.interactions.rows() == [
        ("1", "1193", 978300760, None, 1),
        ("1", "661", 978302109, None, 2),
        ("2", "1193", 978298413, None, 3),
    ]
    assert raw.items.select("item_id", "title", "categories").rows() == [
        ("661", "Misérables, Les (1995)", ["Drama", "Musical"]),
        ("1193", "Safe: A Story", []),
    ]


def test_dat_in_utf_8_as_ml_10m_has_it(folder):
    (folder / "movies.dat").write_bytes(MOVIES.encode())
    assert read(folder).items["title"][0] == "Misérables, Les (1995)"


def test_a_single_gzipped_dat_file_is_known_by_its_content(tmp_path):
    path = tmp_path / "export.gz"
    path.write_bytes(gzip.compress(RATINGS))
    raw = read(path)
    assert (raw.format, raw.interactions.height, raw.problems) == ("movielens", 3, [])


def test_bad_dat_rows_are_named(folder):
    (folder / "ratings.dat").write_bytes(
        RATINGS + b"3::1193::5\n3::1193::5::soon\n3,1193,5,978298413\n"
    )
    raw = read(folder)
    found = [(p.kind, p.file, p.row, p.column, p.value) for p in raw.problems]
    assert found == [
        (Kind.ROW, "ratings.dat", 4, None, "3::1193::5"),
        (Kind.SEPARATOR, "ratings.dat", 6, None, "3,1193,5,978298413"),
        (Kind.TIME, "ratings.dat", 5, "Timestamp", "soon"),
    ]
    assert raw.interactions.height == 3


def test_csv_folder(tmp_path):
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,7,4.0,964982703\n")
    (tmp_path / "movies.csv").write_text(
        'movieId,title,genres\n7,"American President, The (1995)",Comedy|Drama\n'
    )
    (tmp_path / "tags.csv").write_text("userId,movieId,tag,timestamp\n1,7,funny,964982703\n")
    raw = read(tmp_path)
    assert raw.interactions.rows() == [("1", "7", 964982703, None, 2)]
    assert raw.items.row(0)[:3] == ("7", "American President, The (1995)", ["Comedy", "Drama"])


def test_genuine_ml_latest_small(shared_data):
    raw = read(shared_data / "ml-latest-small")
    assert raw.problems == []
    assert (raw.interactions.height, raw.items.height) == (100836, 9742)
    titles = dict(raw.items.select("item_id", "title").rows())
    assert titles["29"] == "City of Lost Children, The (Cité des enfants perdus, La) (1995)"


def test_tables_and_their_dat_form_read_the_same(shared_data, tmp_path):
    """The ML-1M interactions, written in the layout in which GroupLens publishes them."""
    table = read(shared_data / "ml-1m").interactions.head(20_000)
    lines = [
        f"{u}::{i}::5::{t}" for u, i, t in table.select("user_id", "item_id", "timestamp").rows()
    ]
    (tmp_path / "ratings.dat").write_text("\n".join(lines) + "\n", encoding="latin-1")
    again = read(tmp_path).interactions
    assert again.drop("row").equals(table.drop("row"))
