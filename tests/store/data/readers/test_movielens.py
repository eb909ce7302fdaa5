"""MovieLens, with the genuine ``.dat`` layout made here and the genuine ``.csv`` files read."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from store.data.readers import ReadOptions, read
from store.data.readers.base.problems import Kind
from store.data.readers.registry import layout_format

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


def test_ml_100k(tmp_path):
    """Fault: titles in Latin-1 and flags of genres were read as one column of text."""
    (tmp_path / "u.data").write_text("196\t242\t3\t881250949\n186\t302\t1\t891717742\n")
    flags = "|".join("1" if place in (1, 18) else "0" for place in range(19))
    none = "|".join(["1"] + ["0"] * 18)
    (tmp_path / "u.item").write_bytes(
        f"242|Kolya, Le (1996)|24-Jan-1997||http://us.imdb.com/M/title-exact?Kolya|{flags}\n"
        f'302|L.A. "Café" (1997)|01-Jan-1997||http://us.imdb.com/x|{none}\n'.encode("latin-1")
    )
    (tmp_path / "u.user").write_text("1|24|M|technician|85711\n")
    raw = read(tmp_path, ReadOptions(format=layout_format("ml-100k"), minimum=("Rating=2",)))
    assert raw.problems == []
    assert raw.interactions.rows() == [("196", "242", 881250949, None, 1)]
    assert raw.items.select("title", "categories").rows() == [
        ("Kolya, Le (1996)", ["Action", "Western"]),
        ('L.A. "Café" (1997)', []),
    ]


def test_ml_10m_and_ml_32m_have_half_stars(tmp_path):
    """Fault: half a star was no number, so that such rows could not be chosen."""
    old, new = tmp_path / "ml-10M100K", tmp_path / "ml-32m"
    for folder in (old, new):
        folder.mkdir()
    (old / "ratings.dat").write_text("1::122::3.5::838985046\n1::185::0.5::838983525\n")
    (old / "movies.dat").write_text("122::Étoile (1992)::Comedy|Romance\n", encoding="utf-8")
    (old / "tags.dat").write_text("15::4973::excellent!::1215184630\n")
    (new / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,17,4.5,944249077\n")
    (new / "movies.csv").write_text("movieId,title,genres\n17,Sense (1995),(no genres listed)\n")
    (new / "links.csv").write_text("movieId,imdbId,tmdbId\n17,0114388,4584\n")
    raw = read(old, ReadOptions(minimum=("Rating=3.5",)))
    assert (raw.interactions.height, raw.items["title"][0]) == (1, "Étoile (1992)")
    raw = read(new, ReadOptions(minimum=("rating=4.5",)))
    assert (raw.format, raw.interactions.height) == ("movielens", 1)
    assert raw.items["categories"].to_list() == [[]]


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
