"""Steam as Kang and McAuley publish it: reviews and games, lines that are Python literals.

``steam_reviews.json.gz`` and ``steam_games.json.gz``; or ``australian_users_items.json.gz``, whose
lines are users with the games that they own and the minutes that they played.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from store.data.readers.base.options import ReadOptions
from store.data.readers.base.problems import Kind, Problems
from store.data.readers.base.raw_data import ROW
from store.data.readers.base.reader import FileSet, Reader
from store.data.readers.columns.interactions import interactions_from
from store.data.readers.columns.items import items_from
from store.data.readers.columns.names import Columns
from store.data.readers.formats.json_records import first_record
from store.data.readers.layouts.published import (
    JSON_NAMES,
    distinct_items,
    each_object,
    json_table,
)
from store.data.readers.text.files import named, shown_name

REVIEWS = Columns("username", "product_id", "date")
REVIEW_FIELDS = ("username", "product_id", "date", "hours", "early_access")
OWNED = Columns("user_id", "item_id", "timestamp", "position", "item_name")
GAMES = Columns(item="id", title="app_name", categories="genres")
GAME_FIELDS = ("id", "app_name", "developer", "publisher", "release_date", "price")
_NAMES = ("steam_reviews", "steam_new"), ("australian_users_items",)


def read_interactions(path: Path, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Read reviews, each an interaction with the hours played; or the games that users own.

    Raises
    ------
    UnusableFileError
        The file cannot be read at all; ``problems`` says why.
    """
    file = shown_name(path)
    if "items" in (first_record(path) or {}):
        return interactions_from(_owned(path, options, problems), file, options, problems, OWNED)
    table = json_table(path, REVIEW_FIELDS, options, problems)
    return interactions_from(table, file, options, problems, REVIEWS)


def _owned(path: Path, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Games of each user; there are no times, so the most played one comes last."""
    file = shown_name(path)
    rows: list[tuple[Any, ...]] = []
    for number, record in each_object(path, options, problems):
        games = [game for game in record.get("items") or [] if isinstance(game, dict)]
        games.sort(key=lambda game: game.get("playtime_forever") or 0)
        for place, game in enumerate(games):
            played = game.get("playtime_forever"), game.get("playtime_2weeks")
            rows.append((record.get("user_id"), game.get("item_id"), game.get("item_name"),
                         place, *played, number))  # fmt: skip
    names = ["user_id", "item_id", "item_name", "position", "playtime_forever", "playtime_2weeks"]
    types = dict(zip(names, [pl.String] * 3 + [pl.Int64] * 3, strict=True)) | {ROW: pl.Int64}
    if not rows:
        raise problems.fatal(Kind.EMPTY, file, "no user has a game")
    problems.notes.append(
        f"{file} has no times: a user's games are in the order of the minutes played, the most"
        " played last; split='users-811' holds out users instead of what comes last, and"
        " minimum=playtime_forever=60 would leave out what was hardly played"
    )
    return pl.DataFrame(rows, schema=types, orient="row", strict=False)


def read_items(path: Path, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Read ``steam_games.json.gz``: names, genres (else tags), developer, publisher, price.

    Raises
    ------
    UnusableFileError
        The file cannot be read at all; ``problems`` says why.
    """
    file = shown_name(path)
    table = json_table(path, GAME_FIELDS, options, problems, {"genres": _genres})
    table = distinct_items(table, "id", file, problems)
    return items_from(table, file, options, problems, GAMES)


def _genres(record: dict[str, Any]) -> list[str]:
    found = record.get("genres") or record.get("tags") or []
    return [str(one) for one in found] if isinstance(found, list) else []


def sniff(path: Path) -> bool:
    """Tell by the fields of the first line."""
    record = first_record(path) or {}
    return (
        {"username", "product_id", "hours"} <= record.keys()
        or {"app_name", "specs"} <= record.keys()
        or {"steam_id", "items"} <= record.keys()
    )


def find(files: Sequence[Path]) -> FileSet | None:
    """Find the reviews, else the users' games, and the games beside them."""
    games = named(files, "steam_games", JSON_NAMES)
    for names in _NAMES:
        for name in names:
            log = named(files, name, JSON_NAMES)
            if log is not None:
                return log, games
    return None


READER = Reader(read_interactions, read_items, sniff, find, is_json=True)
