"""Which format a source has, told by its content and not by its name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from store.data.readers import amazon, movielens
from store.data.readers.columns import Columns
from store.data.readers.delimited import split_header
from store.data.readers.files import PARQUET, head, suffix
from store.errors import DataError

FORMATS = ("movielens", "amazon", "recbole", "csv", "tsv", "parquet")
TABLES = (".csv", ".tsv", ".txt", ".parquet")
NAMED = {".json": "amazon", ".jsonl": "amazon", ".inter": "recbole", ".item": "recbole"}


@dataclass(frozen=True)
class Found:
    """Files of one source: its interactions, its items, a split file beside them, the format."""

    format: str
    interactions: Path
    items: Path | None
    split: Path | None = None


def detect(source: Path, wanted: str | None = None) -> Found:
    """Find the files of a source.

    Parameters
    ----------
    source
        A file, or a folder with one data set.
    wanted
        The format the user named, None to detect it.

    Raises
    ------
    DataError
        The source does not exist, or a folder holds nothing that is known.
    """
    if wanted is not None and wanted not in FORMATS:
        raise DataError(f"unknown format {wanted!r}: use one of {', '.join(FORMATS)}")
    if source.is_file():
        return Found(wanted or file_format(source), source, None)
    if not source.is_dir():
        raise DataError(f"no such file or folder: {source}")
    files = sorted(path for path in source.iterdir() if path.is_file())
    for find in (_movielens, _recbole, _tables, _amazon):
        found = find(files)
        if found and (wanted is None or _agrees(found.format, wanted)):
            split = _named(files, "user_split", TABLES)
            return Found(wanted or found.format, found.interactions, found.items, split)
    names = ", ".join(path.name for path in files[:10]) or "nothing"
    raise DataError(
        f"{source} holds no {wanted or 'known'} data set (found: {names}); expected ratings.csv or"
        " ratings.dat, a .inter file, interactions.csv/.tsv/.parquet, or JSON lines of reviews"
    )


def file_format(path: Path) -> str:
    """Tell a file's format by its first line; text that is nothing else counts as CSV."""
    start = head(path)
    if start.startswith(PARQUET) or suffix(path) == ".parquet":
        return "parquet"
    line = (
        start.lstrip(b"\xef\xbb\xbf\r\n").partition(b"\n")[0].decode(errors="replace").rstrip("\r")
    )
    if line.startswith("{"):
        return "amazon"
    if "\t" in line or "," in line:
        return _separated(line)
    if line.count("::") >= 2:
        return "movielens"
    return NAMED.get(suffix(path), "tsv" if suffix(path) == ".tsv" else "csv")


def _separated(line: str) -> str:
    tabs, commas = split_header(line, "\t"), split_header(line, ",")
    if any(name.endswith((":token", ":token_seq", ":float")) for name in tabs):
        return "recbole"
    if {movielens.CSV.user, movielens.CSV.item} <= set(commas):
        return "movielens"
    if {movielens.CSV.item, movielens.CSV.categories} <= set(commas):
        return "movielens"
    if line.count("::") >= 2 and "\t" not in line:
        return "movielens"
    return "tsv" if "\t" in line else "csv"


def _agrees(found: str, wanted: str) -> bool:
    tables = ("csv", "tsv", "parquet")
    return found == wanted or (found in tables and wanted in tables)


def _stem(path: Path) -> str:
    name = path.name.lower().removesuffix(".gz")
    return name.removesuffix(suffix(path))


def _named(files: list[Path], stem: str, suffixes: tuple[str, ...]) -> Path | None:
    return next((path for path in files if _stem(path) == stem and suffix(path) in suffixes), None)


def _movielens(files: list[Path]) -> Found | None:
    for kind in (".csv", ".dat"):
        ratings = _named(files, "ratings", (kind,))
        if ratings is not None:
            # A table of one's own may be called ratings.csv as well.
            own = Columns.user.encode() in head(ratings).partition(b"\n")[0]
            form = file_format(ratings) if own else "movielens"
            return Found(form, ratings, _named(files, "movies", (kind,)))
    return None


def _recbole(files: list[Path]) -> Found | None:
    inter = [path for path in files if suffix(path) == ".inter"]
    if not inter:
        return None
    _single(inter, "interactions (.inter)")
    return Found("recbole", inter[0], _named(files, _stem(inter[0]), (".item",)))


def _tables(files: list[Path]) -> Found | None:
    interactions = _named(files, "interactions", TABLES)
    if interactions is None:
        return None
    return Found(file_format(interactions), interactions, _named(files, "items", TABLES))


def _amazon(files: list[Path]) -> Found | None:
    reviews: list[Path] = []
    metadata: list[Path] = []
    for path in files:
        if suffix(path) not in (".json", ".jsonl"):
            continue
        line = head(path, 1 << 20).lstrip().partition(b"\n")[0].decode(errors="replace")
        record = amazon.parse_line(line)
        if record is not None:
            (reviews if amazon.is_reviews(record) else metadata).append(path)
    if not reviews:
        return None
    _single(reviews, "reviews")
    if metadata:
        _single(metadata, "metadata")
    return Found("amazon", reviews[0], metadata[0] if metadata else None)


def _single(files: list[Path], what: str) -> None:
    if len(files) > 1:
        names = ", ".join(path.name for path in files[:10])
        raise DataError(f"{len(files)} files hold {what}: {names}; name the one to read")
