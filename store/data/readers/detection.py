"""Which format a source has, told by its content and not by its name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from store.data.readers.registry import FORMATS
from store.data.readers.text.files import (
    first_line,
    named,
    shown_name,
    shown_path,
    suffix,
    visible_files,
)
from store.errors import DataError

TABLES = ("csv", "tsv", "parquet", "arrow")
SPLIT_SUFFIXES = (".csv", ".tsv", ".txt")
NAMED = {
    ".json": "amazon",
    ".jsonl": "amazon",
    ".ndjson": "amazon",
    ".inter": "recbole",
    ".item": "recbole",
}
"""Format of a file that no reader recognises, by its name."""


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
    UserError
        No such format is known.
    """
    if wanted is not None:
        FORMATS.get_known(wanted)  # loaded now: what is wrong with it is said first
    if source.is_file():
        return Found(wanted or file_format(source), source, None)
    if not source.is_dir():
        raise DataError(f"no such file or folder: {shown_path(source)}")
    files = visible_files(source)
    for name, reader in FORMATS.usable() if wanted is None else [(wanted, FORMATS[wanted])]:
        found = reader.find_in_folder(source) or reader.find(files)
        if found is not None:
            interactions, items = found
            form = name if wanted or name not in TABLES else file_format(interactions)
            return Found(form, interactions, items, named(files, "user_split", SPLIT_SUFFIXES))
    names = ", ".join(shown_name(path) for path in files[:10]) or "nothing"
    raise DataError(
        f"{shown_path(source)} holds no {wanted or 'known'} data set (found: {names});"
        " expected ratings.csv or ratings.dat, a .inter file, interactions.csv/.tsv/.parquet, or"
        " JSON lines of reviews;"
        " or name one file instead of the folder"
    )


def file_format(path: Path) -> str:
    """Tell a file's format by its beginning; text that is nothing else counts as CSV or TSV."""
    for name, reader in FORMATS.usable():
        if reader.sniff(path):
            return name
    line = first_line(path)
    if "\t" in line:
        return "tsv"
    return "csv" if "," in line else NAMED.get(suffix(path), "csv")
