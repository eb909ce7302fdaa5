"""Last.fm: listening logs of 1,000 users, play counts of 360,000, and HetRec's of 2,000.

Items are artists. The log of 1,000 users also names tracks: ``item_column="track"`` takes those.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from store.data.readers.base.options import ReadOptions
from store.data.readers.base.problems import Kind, Problems
from store.data.readers.base.raw_data import ROW
from store.data.readers.base.reader import FileSet, Reader
from store.data.readers.columns.interactions import interactions_from
from store.data.readers.columns.items import items_from
from store.data.readers.columns.names import Columns
from store.data.readers.layouts.published import distinct_items
from store.data.readers.text.delimited import parse
from store.data.readers.text.files import first_line, load, named, shown_name, visible_files

PLAYED = Columns("user", "artist", "time", "position", "artist_name")
PLAYED_FIELDS = ("user", "time", "artist_id", "artist_name", "track_id", "track_name")
COUNTED_FIELDS = ("user", "artist_id", "artist_name", "plays")
HETREC = Columns("userID", "artistID", "time", "position")
ARTISTS = Columns(item="id", title="name", categories="tags")
MOST_TAGS = 5
_NO_TIMES = (
    "{file} has no times: a user's artists are in the order of {column}, the most played last;"
    " split='users-811' holds out users instead of what comes last"
)


def read_interactions(path: Path, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Read each play with its time, or each artist of a user with the plays as ``plays``.

    Raises
    ------
    UnusableFileError
        The file cannot be read at all; ``problems`` says why.
    """
    file = shown_name(path)
    line = first_line(path)
    data = load(path, problems, options.max_bytes)
    if line.startswith("userID\t"):
        table = parse(data, file, "\t", options, problems)
        return _counted(table, file, options, problems, HETREC, "weight")
    if line.count("\t") == len(COUNTED_FIELDS) - 1:
        table = parse(data, file, "\t", options, problems, header=COUNTED_FIELDS)
        return _counted(_with_artist(table), file, options, problems, PLAYED, "plays")
    table = _with_artist(parse(data, file, "\t", options, problems, header=PLAYED_FIELDS))
    track = pl.coalesce("track_id", pl.concat_str("artist_name", pl.lit(" – "), "track_name"))
    return interactions_from(table.with_columns(track=track), file, options, problems, PLAYED)


def _with_artist(table: pl.DataFrame) -> pl.DataFrame:
    """Call artists without a MusicBrainz id by their names."""
    return table.with_columns(artist=pl.coalesce("artist_id", "artist_name"))


def _counted(
    table: pl.DataFrame,
    file: str,
    options: ReadOptions,
    problems: Problems,
    columns: Columns,
    plays: str,
) -> pl.DataFrame:
    """Order a user's artists by their plays, because there are no times."""
    counts = pl.col(plays).cast(pl.Int64, strict=False)
    if table.select(counts.is_null().all()).item():
        raise problems.fatal(Kind.COLUMN, file, "there are no numbers of plays", column=plays)
    order = [columns.user, "\0plays", columns.item]
    table = table.with_columns(counts.alias("\0plays")).sort(order, maintain_order=True)
    place = pl.int_range(pl.len()).over(columns.user)
    table = table.with_columns(position=place).sort(ROW).drop("\0plays")
    problems.notes.append(_NO_TIMES.format(file=file, column=plays))
    return interactions_from(table, file, options, problems, columns)


def read_items(path: Path, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Read HetRec's ``artists.dat``; the tags given most often to an artist are the categories.

    Raises
    ------
    UnusableFileError
        The file cannot be read at all; ``problems`` says why.
    """
    file = shown_name(path)
    artists = _table(path, options, problems)
    kept = [name for name in (ROW, ARTISTS.item, ARTISTS.title) if name in artists.columns]
    artists = distinct_items(artists.select(kept), ARTISTS.item, file, problems)
    files = visible_files(path.parent)
    given, tags = named(files, "user_taggedartists", (".dat",)), named(files, "tags", (".dat",))
    if given is not None and tags is not None:
        names = _table(tags, options, problems).select("tagID", "tagValue")
        counted = (
            _table(given, options, problems)
            .group_by("artistID", "tagID")
            .len()
            .join(names, on="tagID")
            .sort(["artistID", "len", "tagValue"], descending=[False, True, False])
            .group_by("artistID", maintain_order=True)
            .agg(pl.col("tagValue").head(MOST_TAGS).alias("tags"))
        )
        artists = artists.join(counted, left_on="id", right_on="artistID", how="left")
        artists = artists.with_columns(pl.col("tags").fill_null([]))
    return items_from(artists, file, options, problems, ARTISTS)


def _table(path: Path, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Read a file of HetRec: tabs, a header, tags in Latin-1."""
    data = load(path, problems, options.max_bytes)
    if options.encoding is None:
        try:
            data.decode()
        except UnicodeDecodeError:
            data = data.decode("latin-1").encode()
    return parse(data, shown_name(path), "\t", options, problems)


def sniff(path: Path) -> bool:
    """Tell by a header of HetRec, or by six fields with a time, or four with a number."""
    line = first_line(path)
    if line.startswith(("userID\tartistID\tweight", "id\tname\turl")):
        return True
    fields = line.split("\t")
    if len(fields) == len(PLAYED_FIELDS):
        return fields[0].startswith("user_") and fields[1].endswith("Z")
    is_sha = len(fields[0]) == 40 and set(fields[0]) <= set("0123456789abcdef")
    return len(fields) == len(COUNTED_FIELDS) and is_sha and fields[3].strip().isdigit()


def find(files: Sequence[Path]) -> FileSet | None:
    """Find one of the three publications."""
    for name in ("userid-timestamp-artid-artname-traid-traname", "usersha1-artmbid-artname-plays"):
        log = named(files, name, (".tsv",))
        if log is not None:
            return log, None
    log = named(files, "user_artists", (".dat",))
    return None if log is None else (log, named(files, "artists", (".dat",)))


READER = Reader(read_interactions, read_items, sniff, find)
